"""How long the leaderboard takes to read, with many trials: ``python benchmarks/leaderboard.py [trials] [url]``.

By default 100,000 trials in one run among 200, in an SQLite file in a temporary folder.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.leaderboard.tables import TrialRow


def fill(store: Store, n_trials: int) -> int:
    """Add runs with a configuration of usual size, and to the last one ``n_trials`` trials of three families."""
    config = {"space": {str(i): list(range(20)) for i in range(300)}}
    for i in range(200):
        run = store.start_run(name=f"run {i}", folder=f"{i}", metric=StoredMetric("r2"), config=config, task={})
        if i < 199:
            store.finish_run(run)
    draw, began = random.Random(0), time.time()
    report = {"progress": 0.2, "score": 0.5, "seconds": 1.0, "extra": {}}
    for begin in range(0, n_trials, 1000):
        with store._database.write() as session:
            for i in range(begin, min(begin + 1000, n_trials)):
                status = draw.choices(("finished", "stopped", "failed"), (6, 3, 1))[0]
                scores = [draw.random() for _ in range(5)]
                family = draw.choice(("mlp", "svm", "lightgbm"))
                failed = status == "failed"
                values = {
                    "run_id": run,
                    "candidate_id": str(i),
                    "family": family,
                    "status": status,
                    "params": {"family": family, **{f"family.{family}.{j}": draw.random() for j in range(15)}},
                    "score": None if failed else sum(scores) / 5,
                    "fold_scores": [] if failed else scores,
                    "folds": [] if failed else [{"fold": j, "score": score} for j, score in enumerate(scores)],
                    "values": {} if failed else {"score": sum(scores) / 5},
                    "worker": f"host:{i % 2}",
                    "started_at": began + 0.5 * (i // 2),
                    "reports": [report] * 5,
                    "seconds": 1.0,
                    "failure": f"ValueError: case {i % 20}\n" + "  File x, line 1\n" * 40 if failed else None,
                    "ended_at": began + 0.5 * (i // 2) + 0.45,
                }
                session.add(TrialRow(**values))
    store.finish_run(run)
    return run


def timed(name: str, call: Callable[[], Any], times: int = 3) -> None:
    """Print the best of some times, by the clock and of the processor."""
    taken = []
    for _ in range(times):
        began = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, cpu = min(taken)
    print(f"{name:32} {1000 * wall:9.1f} ms {1000 * cpu:9.1f} ms of CPU", flush=True)


def main(n_trials: int, url: str) -> None:
    """Fill a leaderboard and time what is read of it."""
    with Store(url) as store:
        run = fill(store, n_trials)
    with Store(url, read_only=True) as store:
        timed("open", lambda: Store(url, read_only=True).close())
        timed("runs()", store.runs)
        timed("run(name)", lambda: store.run("run 100"))
        timed("page(top=20)", lambda: store.page(run, 20))
        timed("page() of all", lambda: store.page(run), 1)
        timed("board()", lambda: store.board(run), 1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        default = f"sqlite:///{Path(folder) / 'leaderboard.db'}"
        main(int(given[0]) if given else 100_000, given[1] if len(given) > 1 else default)
