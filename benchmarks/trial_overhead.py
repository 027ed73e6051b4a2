"""What does a trial cost beyond its fit? 100 trials of a 10 ms fit on Ray Tune, against the same fits in a plain loop.

    python benchmarks/trial_overhead.py [--trials 100] [--workers 2] [--milliseconds 10]

The aim: at most 0.1 s more for each trial.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

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
        yield Trial(candidate, "finished", score, (score,), (Report(1.0, score, self.seconds),), self.seconds)


def main() -> None:
    """Time both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--milliseconds", type=float, default=10)
    given = parser.parse_args()
    busy = Busy(given.milliseconds / 1e3)

    began = time.perf_counter()
    for i in range(given.trials):
        list(busy(Candidate(str(i), {"family.busy.x": 0.5}), 1, None))
    loop_seconds = time.perf_counter() - began

    runner = registry.load("runners", "ray_tune").make(workers=given.workers)
    began = time.perf_counter()
    first = None
    for _ in runner.run(busy, Proposals(make_random, SPACE), {"name": "none"}, Budget(trials=given.trials)):
        first = first or time.perf_counter()
        last = time.perf_counter()
    whole_seconds = time.perf_counter() - began

    rows = {
        "plain loop, one process": (loop_seconds, loop_seconds),
        f"ray_tune, {given.workers} workers, first to last trial": (last - (first or last), loop_seconds),
        f"ray_tune, {given.workers} workers, with start and end of Ray": (whole_seconds, loop_seconds),
    }
    print(f"{given.trials} trials of {given.milliseconds:g} ms\n")
    print(f"{'':<50}{'total s':>10}{'s per trial':>14}{'overhead s per trial':>23}")
    for name, (seconds, base) in rows.items():
        print(f"{name:<50}{seconds:>10.2f}{seconds / given.trials:>14.4f}{(seconds - base) / given.trials:>23.4f}")
    print(f"\nfrom run() to the first trial: {runner.startup_seconds:.2f} s")


if __name__ == "__main__":
    main()
