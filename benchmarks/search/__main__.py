"""How good is what a searcher has found after 50, 100 and 200 evaluations, and what a scheduler for the same epochs?

    python -m benchmarks.search [--tables FOLDER] [--problems a,b] [--searchers gp,tpe] [--seeds 50] [--workers 1]
        [--schedulers none,asha:grace_percent=12.5] [--out FOLDER]

Replays every searcher on recorded tables of trained networks (all JSON tables of FOLDER, ``{"0213": {"val_accuracy":
91.2}}``, one character per choice; what is missing or null is a failed trial) and on small conditional problems with
a formula, best at 0; and every searcher with every scheduler on recorded learning curves (``[{"hp": {...}, "valid":
{"loss": [...]}}]``), for the epochs of so many full runs. Prints the mean best score, or least final loss, with its
standard error, and the CPU seconds of an ask near the end. Options of a searcher or a scheduler follow its name, after
colons. With ``--out`` the courses are written as JSON, and their regret is plotted where there is matplotlib.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from automl import registry
from automl.errors import unknown_name
from benchmarks.search.curves import Curves, all_curves, replay_curves
from benchmarks.search.problems import Problem, synthetic, tables
from benchmarks.search.replay import replay

EVALUATIONS = (50, 100, 200)
FULL_RUNS = (10, 20, 50)
# The schedulers that need neither several folds nor trials that are paused.
SCHEDULERS = ("none", "median_stopping", "asha", "halving")


def main() -> None:
    """Replay, and print one table per problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, help="a folder of recorded tables and curves")
    parser.add_argument("--problems", help="their names, all by default")
    parser.add_argument("--searchers", default=",".join(registry.names("searchers")))
    parser.add_argument("--schedulers", default=",".join(SCHEDULERS), help="for learning curves")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1, help="how many trials run at a time")
    parser.add_argument("--out", type=Path, help="a folder for courses and plots")
    given = parser.parse_args()
    for problem in chosen(given):
        of_problem = of_curves if isinstance(problem, Curves) else of_table
        print(f"\n{problem.name} (best {problem.best:g}), {given.seeds} seeds\n", flush=True)
        courses = of_problem(problem, given)  # type: ignore[arg-type, operator]
        if given.out:
            write(given.out, problem, courses)


def chosen(given: Any) -> list[Problem | Curves]:
    """Return the problems that are asked for."""
    problems: list[Problem | Curves] = [*tables(given.tables), *all_curves(given.tables)] if given.tables else []
    problems += synthetic()
    known = {problem.name: problem for problem in problems}
    names = given.problems.split(",") if given.problems else list(known)
    for name in names:
        if name not in known:
            raise unknown_name("problem", name, known)
    return [known[name] for name in names]


def of_table(problem: Problem, given: Any) -> dict[str, list[list[float]]]:
    """Replay the searchers, and print a row for each."""
    print(head("searcher", [*map(str, EVALUATIONS), "s per ask"]), flush=True)
    courses = {}
    for name in given.searchers.split(","):
        replays = [replay(problem, option(name), seed, EVALUATIONS[-1], given.workers) for seed in range(given.seeds)]
        courses[name] = [r.curve for r in replays]
        cells = [*at(courses[name], EVALUATIONS), f"{np.mean([r.ask_seconds for r in replays]):.4f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    return courses


def of_curves(curves: Curves, given: Any) -> dict[str, list[list[float]]]:
    """Replay the searchers with the schedulers, and print a row for each pair."""
    print(head("searcher and scheduler", [f"epochs of {n} runs" for n in FULL_RUNS]), flush=True)
    courses = {}
    for searcher in given.searchers.split(","):
        for scheduler in given.schedulers.split(","):
            courses[f"{searcher}, {scheduler}"] = own = [
                replay_curves(curves, option(searcher), option(scheduler), seed, FULL_RUNS[-1], given.workers)
                for seed in range(given.seeds)
            ]
            cells = at(own, [n * curves.n_epochs for n in FULL_RUNS])
            print(f"| {searcher}, {scheduler} | {' | '.join(cells)} |", flush=True)
    return courses


def option(text: str) -> dict[str, Any]:
    """Return ``{"name": "asha", "eta": 2}`` for ``asha:eta=2``."""
    name, *options = text.split(":")
    values: Mapping[str, Any] = {key: yaml.safe_load(value) for key, _, value in (o.partition("=") for o in options)}
    return {"name": name, **values}


def head(first: str, columns: Sequence[str]) -> str:
    """Return the head of a Markdown table."""
    return f"| {first} | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}"


def at(courses: Sequence[Sequence[float]], steps: Sequence[int]) -> list[str]:
    """Return the mean of the courses after so many steps, with its standard error."""
    best = np.array(courses)[:, np.array(steps) - 1]
    errors = best.std(axis=0, ddof=1) / len(best) ** 0.5 if len(best) > 1 else np.full(len(steps), np.nan)
    return [f"{mean:.4f} ± {error:.4f}" for mean, error in zip(best.mean(axis=0), errors, strict=True)]


def write(folder: Path, problem: Problem | Curves, courses: dict[str, list[list[float]]]) -> None:
    """Write the courses, and their mean regret as a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{problem.name}.json").write_text(json.dumps(courses))
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    axes = (figure := Figure(figsize=(7, 5))).subplots()
    for name, of in courses.items():
        regret = np.abs(problem.best - np.array(of))
        axes.plot(np.arange(1, regret.shape[1] + 1), regret.mean(axis=0), label=name)
    unit = "epochs" if isinstance(problem, Curves) else "evaluations"
    axes.set(xlabel=unit, ylabel="mean regret", yscale="log", title=problem.name)
    axes.legend()
    figure.savefig(folder / f"{problem.name}.png", dpi=120)


if __name__ == "__main__":
    main()
