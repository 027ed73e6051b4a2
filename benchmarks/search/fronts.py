"""How much of the front of score and cost has a searcher found after 50, 100 and 200 evaluations?

    python -m benchmarks.search.fronts TABLE.json [--cost params] [--searchers random,tpe,gp] [--seeds 20]

Replays searchers on a recorded table whose entries have a cost beside their score (``{"0213": {"mean_acc": 91.2,
"params": 1.3}}``), each knowing the score alone, and with both as goals. Prints the mean share of the hypervolume of
all entries, over the logarithm of the cost, with its standard error.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from automl import options
from automl.goals import SCORE, Goals
from automl.proposals import Proposals
from automl.searchers._scalarised import Scalarised
from automl.space import Space
from automl.types import Searcher, Trial
from benchmarks.search.__main__ import EVALUATIONS, at, head
from benchmarks.search.problems import SCORES, recorded
from benchmarks.search.replay import ended


def main() -> None:
    """Replay, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--cost", default="params", help="the name under which an entry has its cost")
    parser.add_argument("--searchers", default="random,evolution,tpe,gp")
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    entries = json.loads(given.table.read_text())
    costs = {key: float(entry[given.cost]) for key, entry in entries.items()}
    scores = {key: float(next(entry[name] for name in SCORES if name in entry)) for key, entry in entries.items()}
    points = np.array([[np.log(costs[key]), -scores[key]] for key in entries])
    worst = points.max(axis=0)
    whole = hypervolume(points, worst)
    problem = recorded(given.table)

    def measured(trial: Trial) -> Trial:
        key = "".join(trial.candidate.params[place] for place in problem.space)
        return Trial(trial.candidate, trial.status, {**trial.values, given.cost: costs[key]}, seconds=trial.seconds)

    goals = Goals((SCORE, given.cost))
    print(head("searcher", [*map(str, EVALUATIONS)]), flush=True)
    for name in given.searchers.split(","):
        for both in (False, True):
            courses = []
            for seed in range(given.seeds):
                make = maker(name, seed, goals if both else None)
                proposals = Proposals(make, problem.space, seed=seed)
                found, course = [], []
                for _ in range(EVALUATIONS[-1]):
                    candidate = proposals.ask()
                    assert candidate is not None
                    trial = measured(ended(candidate, problem))
                    proposals.tell(trial)
                    found.append([np.log(trial.values[given.cost]), -trial.values[SCORE]])
                    course.append(hypervolume(np.array(found), worst) / whole if len(found) in EVALUATIONS else 0.0)
                courses.append(course)
            what = f"{name}, {'score and ' + given.cost if both else 'score alone'}"
            print(f"| {what} | {' | '.join(at(courses, EVALUATIONS))} |", flush=True)


def maker(name: str, seed: int, goals: Goals | None) -> Callable[[Space, int], Searcher]:
    """Return what makes the searcher ``name``, for ``goals`` where there are several."""

    def make(space: Space, n: int) -> Searcher:
        def plain(i: int = 0) -> Searcher:
            return options.make("searchers", {"name": name}, space, seed + n + 1000 * i)

        return plain() if goals is None else Scalarised(plain, goals)

    return make


def hypervolume(points: np.ndarray, worst: Sequence[float] | np.ndarray) -> float:
    """Return the area between points (n, 2), less is better, and the ``worst`` point (Zitzler and Thiele 1998)."""
    area, lowest = 0.0, float(worst[1])
    for x, y in points[np.lexsort((points[:, 1], points[:, 0]))]:
        if y < lowest:
            area += (worst[0] - x) * (lowest - y)
            lowest = float(y)
    return area


if __name__ == "__main__":
    main()
