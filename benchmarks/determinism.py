"""Is a deterministic run the same in every way of running it? Each runner, one worker and two, a kill and a resume.

    python benchmarks/determinism.py DATA [--trials 14] [--ways inline,processes-2] [--against FOLDER] [KEY=VALUE ...]

DATA is a folder with data.csv and meta.json, as for the other benchmarks. The aim: every trial of every way has the
parameters, the status and the scores of the first way, digit by digit; or of that of an earlier call, whose folder,
OUT/TIME/WAY, is given. What differs is printed, trial by trial.
"""

import argparse
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from common import AUTOML, DataSet, data_set, table

from automl.errors import AutoMLError
from automl.leaderboard.store import Store

WAYS = {
    "inline": ["runner=inline", "runner.threads=1"],
    "processes-1": ["runner=processes", "runner.workers=1"],
    "processes-2": ["runner=processes", "runner.workers=2"],
    "ray-1": ["runner=ray_tune", "runner.workers=1"],
    "ray-2": ["runner=ray_tune", "runner.workers=2"],
    "killed": ["runner=processes", "runner.workers=2"],
}
# What a leaderboard says of each trial, by its id.
Rows = dict[str, dict[str, Any]]


def main() -> None:
    """Run every way, and print what it came to and what differs from the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--trials", type=int, default=14)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--out", type=Path, default=Path("runs/determinism"))
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    out = given.out / time.strftime("%H%M%S")
    data = data_set(given.data.parent, given.data.name)
    common = ["deterministic=true", "budget.seconds=null", f"budget.trials={given.trials}", *given.overrides]
    first: Rows = rows(given.against) if given.against else {}
    lines = []
    for way in given.ways.split(","):
        began = time.time()
        found = run(way, data, out / way, common, given.trials)
        first = first or found
        different = differences(first, found)
        print(f"{way}: {len(found)} trials, {len(different)} differences", *different, sep="\n  ", flush=True)
        folds = sum(len(row["fold scores"]) for row in found.values())
        lines.append(
            {"way": way, "trials": len(found), "folds": folds, "differ": len(different), "s": time.time() - began}
        )
    print(table(lines))


def run(way: str, data: DataSet, folder: Path, common: list[str], n_trials: int) -> Rows:
    """Search in one way, and return its leaderboard."""
    arguments = [*data.arguments(folder), *common, *WAYS[way], f"run.dir={folder / 'run'}"]
    log = folder / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen([*AUTOML, "search", *arguments], stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        if way == "killed":
            while process.poll() is None and len(rows(folder)) < n_trials // 2:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
            print(f"killed with {len(rows(folder))} trials on the leaderboard", flush=True)
            process = subprocess.Popen([*AUTOML, "resume", str(folder / "run")], stdout=file, stderr=file)
        if process.wait():
            raise SystemExit(f"The search failed; see {log}:\n{log.read_text()[-2000:]}")
    return rows(folder)


def rows(folder: Path) -> Rows:
    """Return what the leaderboard says by now."""
    database = folder / "leaderboard.db"
    if not database.exists():
        return {}
    try:
        with Store(str(database), read_only=True) as store:
            trials = [trial for run in store.runs() for trial in store.trials(run.id)]
    except AutoMLError:  # its tables are about to be made
        return {}
    return {
        t.candidate.id: {
            "params": t.candidate.params,
            "status": t.status,
            "score": t.score,
            "fold scores": t.fold_scores,
            "failure": t.failure,
        }
        for t in trials
    }


def differences(first: Rows, other: Rows) -> list[str]:
    """Return a line for each trial that only one has, or that is not the same in both."""
    lines = [f"#{id}: only in one" for id in sorted(first.keys() ^ other.keys(), key=int)]
    for id in sorted(first.keys() & other.keys(), key=int):
        what = [
            f"{name} {first[id][name]} / {other[id][name]}" for name in first[id] if first[id][name] != other[id][name]
        ]
        if what:
            lines.append(f"#{id} {first[id]['params']['family']}: {'; '.join(what)}")
    return lines


if __name__ == "__main__":
    main()
