"""Does the search over architectures pay? The same time for the search, for the default network alone and for chance.

    python benchmarks/architecture.py FILE.npz [KEY=VALUE ...] [--seconds 1800] [--seeds 0,1,2]
        [--systems search,default,random] [--out runs/architecture]

``search``: the product as it is. ``default``: the first entry of the portfolio, trained once for all the time there
is, on all cores. ``random``: networks drawn from the whole space, each trained to its end, one after the other on each
core. All see the same rows, splits and limits, and are exported and scored on the test part of the archive alike.
KEY=VALUE are overrides of ``automl search``, such as ``metric=accuracy limits.parameters=100000``. One line for each
run in ``architecture.csv``; what is there is not run again.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from common import read_rows, table, write_rows

from automl import portfolio, run_folder, settings
from automl.assemble import task_space
from automl.errors import AutoMLError
from automl.hydra_app import composed
from automl.machine import n_cores
from automl.progress import Progress
from automl.rungs import LAST_FITS
from automl.search import Search
from automl.search_config import SearchConfig, make_runner
from automl.space import Params, Random, draw
from automl.task import Task
from automl.types import LAST, RUNG, RUNG_SECONDS

DRAWN = 1_000  # more than there is time for

COLUMNS = ("file", "overrides", "seconds", "system", "seed", "candidates", "validation", "test", "took")


def default(space: Any, task: Task, config: SearchConfig) -> list[Params]:
    """Return the first candidate of the portfolio on its last rung, for all the time there is."""
    until = config.plan.search_until
    assert until is not None
    seconds = LAST_FITS * (until - time.time()) / len(task.splits)
    return [{**portfolio.starts(space, task.kind)[0], RUNG: LAST, RUNG_SECONDS: round(seconds, 1)}]


def random(space: Any, task: Task, config: SearchConfig) -> list[Params]:
    """Return more candidates drawn from the space than there is time for."""
    rng = np.random.default_rng(task.seed)
    return [draw(space, Random(rng)) for _ in range(DRAWN)]


# What tries given candidates, and what its runner is told: one network alone is trained on all cores.
BASELINES = {"default": (default, [f"runner.cpus_per_trial={n_cores()}"]), "random": (random, [])}


def once(file: Path, overrides: Sequence[str], seconds: float, system: str, seed: int, out: Path) -> dict[str, Any]:
    """Run a system once, and return its row."""
    started = time.time()
    only, own = BASELINES.get(system, (None, []))
    given = [f"data.train={file}", f"budget.seconds={seconds}", f"seed={seed}", "runner=processes", "report=false"]
    config = composed([*given, *own, *overrides])
    checked = settings.search_of(config, started)
    row = {"file": str(file), "overrides": " ".join(overrides), "seconds": seconds, "system": system, "seed": seed}
    with closing(make_runner(checked)) as runner:
        runner.start()
        task = settings.load_task(config, checked.plan.read_until())
        # What a network may be is held to the limits by the search; a baseline's candidates beyond them are refused.
        candidates = only and only(task_space(task, checked.space), task, checked)
        folder = run_folder.create(str(out / f"{file.stem}-{system}-{seed}-{time.time():.0f}"))
        with Progress(seconds=seconds, metric=task.metric, started=started, goals=checked.goals) as view:
            try:
                result = Search(task, checked, runner, candidates).run(folder, view, config)
            except AutoMLError as error:
                print(f"{system} {seed}: {error}", flush=True)
                return row | {"took": round(time.time() - started, 1)}
    scores, shown = result.shipped[0].scores, task.metric.shown
    n_tried = len({trial.candidate.id for trial in result.trials if trial.folds})
    took = round(time.time() - started, 1)
    test = None if scores.test is None else shown(scores.test)
    return row | {"candidates": n_tried, "validation": shown(scores.validation), "test": test, "took": took}


def main() -> None:
    """Run what was not run yet, and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--systems", default="search,default,random")
    parser.add_argument("--out", type=Path, default=Path("runs/architecture"))
    given = parser.parse_intermixed_args()
    given.out.mkdir(parents=True, exist_ok=True)
    lines = given.out / "architecture.csv"
    known = read_rows(lines)
    for seed in map(int, given.seeds.split(",")):
        for system in given.systems.split(","):
            asked = [str(given.file), " ".join(given.overrides), str(given.seconds), system, str(seed)]
            if any([row[name] for name in COLUMNS[:5]] == asked for row in known):
                continue
            row = once(given.file, given.overrides, given.seconds, system, seed, given.out)
            known.append({name: str(row.get(name, "")) for name in COLUMNS})
            write_rows(lines, known)
    print(table(known))


if __name__ == "__main__":
    main()
