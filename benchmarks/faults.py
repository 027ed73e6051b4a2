"""Does a run survive what befalls it? Signals to it, and kill -9 of it or of what it started, at random moments.

    python benchmarks/faults.py [--times 2] [--seconds 30] [--faults SIGINT,gcs_server] [--seed 0]

The aim: after a signal it ends within 25 s, with a model or with a message that says why there is none; after a kill
the budget is kept, and a model shipped each time that a trial had a fold done. Nothing is left over. A run whose own
process (``driver``) was killed is resumed: what had finished is there as it was, and is not tried again.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from common import AUTOML, table
from sklearn.datasets import load_breast_cancer

from automl.leaderboard.store import Store

SIGNALS = ("SIGINT", "SIGTERM")
# What is killed, and how to know it among the processes that a run has started.
VICTIMS: dict[str, Callable[[psutil.Process], bool]] = {
    "ray process": lambda p: "_ray_main" in " ".join(p.cmdline()),
    "gcs_server": lambda p: p.name() == "gcs_server",
    "raylet": lambda p: p.name() == "raylet",
    "worker": lambda p: p.name().startswith("ray::_Inner") or "runners._worker" in " ".join(p.cmdline()),
}


DRIVER = "driver"


@dataclass
class Run:
    """``automl search`` on breast cancer in a folder, with a temporary folder of its own."""

    folder: Path
    seconds: float

    def __post_init__(self) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="f", dir="/tmp"))
        frame = load_breast_cancer(as_frame=True).frame
        frame.to_csv(self.folder / "train.csv", index=False)
        given = ["data.train=train.csv", "data.target=target", "run.dir=run", f"budget.seconds={self.seconds:g}"]
        self.started = time.time()
        with (self.folder / "log.txt").open("w") as log:
            self.process = subprocess.Popen(
                [*AUTOML, "search", *given, "runner=ray_tune"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "TMPDIR": str(self.temporary)},
            )

    @property
    def ended(self) -> bool:
        """Whether the command is over."""
        return self.process.poll() is not None

    def family(self) -> list[psutil.Process]:
        """What the command has started so far."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def left_over(self, family: list[psutil.Process]) -> int:
        """Wait a moment, then count the processes and folders that outlived the command."""
        _, alive = psutil.wait_procs(family, timeout=5)
        folders = len(list(self.temporary.glob("automl-*")))
        shutil.rmtree(self.temporary)
        return folders + len([p for p in alive if p.status() != psutil.STATUS_ZOMBIE])


def befall(run: Run, fault: str, at: float) -> float | None:
    """Send the signal, or kill the victim as soon as it is there, ``at`` seconds; return when, None if too late."""
    while not run.ended:
        time.sleep(0.05)
        if time.time() < run.started + at:
            continue
        if fault in SIGNALS or fault == DRIVER:
            run.process.send_signal(signal.SIGKILL if fault == DRIVER else getattr(signal, fault))
            return time.time() - run.started
        for process in run.family():
            try:
                if VICTIMS[fault](process):
                    process.kill()
                    return time.time() - run.started
            except psutil.Error:
                continue
    return None


def once(fault: str, at: float, seconds: float, folder: Path) -> dict[str, Any]:
    """Run once in ``folder`` and return the row."""
    run = Run(folder, seconds)
    struck = befall(run, fault, at)
    family = run.family()
    try:
        run.process.wait(max(60.0, 3 * seconds))
    except subprocess.TimeoutExpired:
        run.process.kill()
        run.process.wait()
    ended = time.time() - run.started
    if fault == DRIVER:
        return resumed(run, struck, family, folder)
    after = ended - struck if struck is not None else None
    shipped = (folder / "run/model/manifest.json").exists()
    lines = (folder / "log.txt").read_text().strip().splitlines() or [""]
    bound, taken = (25.0, after) if fault in SIGNALS else (seconds + 3.0, ended)
    return {
        "fault": fault,
        "at s": struck if struck is None else round(struck, 1),
        "ended after s": after if after is None else round(after, 1),
        "in all s": round(ended, 1),
        "exit": run.process.returncode,
        "in time": "" if taken is None else "yes" if taken <= bound else "NO",
        "left over": run.left_over(family),
        "outcome": "model" if shipped else lines[-1][:70],
    }


def resumed(run: Run, struck: float | None, family: list[psutil.Process], folder: Path) -> dict[str, Any]:
    """Resume a run whose driver was killed; return its row, with what was lost and what was tried twice."""
    row: dict[str, Any] = {"fault": DRIVER, "at s": struck if struck is None else round(struck, 1)}
    left_over = run.left_over(family)
    before = finished(folder)
    began = time.time()
    done = subprocess.run(
        [*AUTOML, "resume", "run", "budget.seconds=15"], cwd=folder, capture_output=True, text=True, check=False
    )
    after = finished(folder)
    changed = [id for id, trial in before.items() if after.get(id) != trial]
    twice = len(after) - len({params for params, _ in after.values()})
    shipped = (folder / "run/model/manifest.json").exists()
    lines = (done.stdout + done.stderr).strip().splitlines() or [""]
    return row | {
        "in all s": round(time.time() - began, 1),
        "exit": done.returncode,
        "left over": left_over,
        "finished before": len(before),
        "after": len(after),
        "lost or changed": len(changed),
        "twice": twice,
        "outcome": "model" if shipped else lines[-1][:70],
    }


def finished(folder: Path) -> dict[str, tuple[str, tuple[float, ...]]]:
    """Return the parameters and the fold scores of the trials that are recorded as finished, by their ids."""
    database = folder / "leaderboard.db"
    if not database.exists():
        return {}
    with Store(f"sqlite:///{database}", read_only=True) as store:
        trials = [trial for run in store.runs() for trial in store.trials(run.id)]
    return {t.candidate.id: (repr(t.candidate.params), t.fold_scores) for t in trials if t.status == "finished"}


def main() -> None:
    """Run every fault so many times and print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--faults", default=",".join([*SIGNALS, *VICTIMS, DRIVER]))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/faults"))
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what runs in its background ignore it
    rng, rows = random.Random(given.seed), []
    for fault in given.faults.split(","):
        for i in range(given.times):
            folder = given.out / f"{time.strftime('%H%M%S')}-{fault.replace(' ', '_')}-{i}"
            folder.mkdir(parents=True)
            rows.append(once(fault, rng.uniform(0, given.seconds), given.seconds, folder))
            print(rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
