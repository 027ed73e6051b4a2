"""What does a trial cost beyond its fit? 100 trials of a 10 ms fit on each runner, against the same in a plain loop.

    python benchmarks/trial_overhead.py [--trials 100] [--workers 2] [--milliseconds 10] [--runner processes,ray_tune]

The aim: at most 0.1 s more for each trial.
"""

import argparse
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
from common import table

from automl import registry
from automl.proposals import Proposals
from automl.searchers.random import make as make_random
from automl.space import Choice, Float
from automl.types import Budget, Candidate, Report, Trial

SPACE = {"family": Choice({"busy": {"x": Float(0, 1)}})}


@dataclass(frozen=True)
class Busy:
    """Keeps a core busy for ``seconds``, then scores x."""

    seconds: float

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        """Yield the one, finished snapshot."""
        end_at = time.perf_counter() + self.seconds
        while time.perf_counter() < end_at:
            pass
        score = float(candidate.params["family.busy.x"])
        reports = (Report(1.0, score, self.seconds),)
        yield Trial(candidate, "finished", {"score": score}, (), reports, self.seconds)


def main() -> None:
    """Time them and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--milliseconds", type=float, default=10)
    parser.add_argument("--runner", default="inline,processes,ray_tune")
    given = parser.parse_args()
    busy = Busy(given.milliseconds / 1e3)
    began = time.perf_counter()
    for i in range(given.trials):
        list(busy(Candidate(str(i), {"family.busy.x": 0.5}), 1, None))
    loop_seconds = (time.perf_counter() - began) / given.trials
    rows = []
    for name in given.runner.split(","):
        rows.append(measured(name, busy, given.trials, {} if name == "inline" else {"workers": given.workers}))
        print(rows[-1], flush=True)
    print(f"{given.trials} trials of {given.milliseconds:g} ms, {loop_seconds:.4f} s each in a plain loop")
    print(table(rows))


def measured(name: str, busy: Busy, n_trials: int, options: dict[str, Any]) -> dict[str, Any]:
    """Run the trials once and return the row."""
    runner, cpu = registry.load("runners", name).make(**options), Cpu()
    times: list[float] = []
    began = time.perf_counter()
    for _ in runner.run(busy, Proposals(make_random, SPACE), {"name": "none"}, Budget(trials=n_trials)):
        if not times:
            at_first_trial = cpu.seconds()
        times.append(time.perf_counter())
    return {
        "runner": name,
        "first trial after s": times[0] - began,
        "CPU s until then": at_first_trial,
        "s per trial": (times[-1] - times[0]) / n_trials,
        "end s": time.perf_counter() - times[-1],
        "whole s": time.perf_counter() - began,
        "CPU s": cpu.seconds(),
    }


class Cpu(threading.Thread):
    """Adds up the CPU seconds of this process and of all it starts, from now on; sampled, as nobody waits for some."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.known: dict[int, float] = {}
        self.me = psutil.Process()
        self.before = self._of(self.me)
        self.start()

    def seconds(self) -> float:
        """Return the sum so far."""
        return sum(self.known.values()) + self._of(self.me) - self.before

    def run(self) -> None:
        """Sample for good."""
        while True:
            for process in self.me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    self.known[process.pid] = self._of(process)
            time.sleep(0.1)

    @staticmethod
    def _of(process: psutil.Process) -> float:
        times = process.cpu_times()
        return times.user + times.system


if __name__ == "__main__":
    main()
