"""Where do the core-seconds of a whole command go? Fitting and predicting, and everything else.

    python benchmarks/utilisation.py --data FOLDER [--set adult] [--seconds 120] [--runner auto]

A run on two cores for 120 s has 240 core-seconds. Trials report how long they fitted and predicted (on one core
each); the command itself reports its phases in ``run.dir/timings.json``. The aim: at least 92 % inside fitting and
predicting.
"""

import argparse
import json
import os
import time
from pathlib import Path

from common import AUTOML, data_set, run, table

from automl.leaderboard.store import Store
from automl.run_folder import find


def main() -> None:
    """Run the command once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", default="adult")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--runner", default="auto")
    parser.add_argument("--out", type=Path, default=Path("runs/utilisation"))
    given = parser.parse_args()
    cores = os.cpu_count() or 1
    folder = given.out / f"{given.set}-{time.strftime('%H%M%S')}"
    arguments = data_set(given.data, given.set).arguments(folder)
    command = [
        *AUTOML,
        "search",
        *arguments,
        f"budget.seconds={given.seconds:g}",
        f"run.dir={folder / 'run'}",
        f"runner={given.runner}",
    ]
    done = run(command, folder / "log.txt")
    if done.returncode:
        raise SystemExit(f"the search failed; see {folder / 'log.txt'}")
    total = cores * done.seconds
    opened = find(folder / "run")
    with Store(opened.leaderboard_url) as store:
        trials = store.trials(opened.run_id or 0)
    fitting = sum(t.seconds for t in trials)
    phases = json.loads((folder / "run" / "timings.json").read_text())
    searching = phases.pop("searching", 0.0)
    rows = [{"part": "fitting and predicting in trials", "core-seconds": fitting, "share": f"{fitting / total:.1%}"}]
    waiting = cores * searching - fitting
    rows.append(
        {
            "part": "searching: start of workers, scheduling, waiting",
            "core-seconds": waiting,
            "share": f"{waiting / total:.1%}",
        }
    )
    for name, seconds in phases.items():
        rows.append({"part": name, "core-seconds": cores * seconds, "share": f"{cores * seconds / total:.1%}"})
    rest = total - cores * (searching + sum(phases.values()))
    rows.append(
        {"part": "start of Python before the clock, and exit", "core-seconds": rest, "share": f"{rest / total:.1%}"}
    )
    rows.append({"part": "all", "core-seconds": total, "share": "100 %"})
    print(f"{given.set}: {len(trials)} trials in {done.seconds:.1f} s on {cores} cores")
    print(table(rows))


if __name__ == "__main__":
    main()
