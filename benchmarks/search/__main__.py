"""How good is what a searcher has found after 50, 100 and 200 evaluations?

    python -m benchmarks.search [--tables FOLDER] [--problems a,b] [--searchers gp,tpe] [--seeds 50] [--workers 1]
        [--out FOLDER]

Replays every searcher on recorded tables of trained networks (all JSON tables of FOLDER, ``{"0213": {"val_accuracy":
91.2}}``, one character per choice; what is missing or null is a failed trial) and on small conditional problems with
a formula, best at 0. Prints the mean best score with its standard error, and the CPU seconds of an ask near the end.
With ``--out`` the curves are written as JSON, and plotted where there is matplotlib.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl import registry
from automl.errors import unknown_name
from benchmarks.search.problems import Problem, synthetic, tables
from benchmarks.search.replay import Replay, replay

EVALUATIONS = (50, 100, 200)


def main() -> None:
    """Replay, and print one table per problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, help="a folder of recorded tables")
    parser.add_argument("--problems", help="their names, all by default")
    parser.add_argument("--searchers", default=",".join(registry.names("searchers")))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1, help="how many trials run at a time")
    parser.add_argument("--out", type=Path, help="a folder for curves and plots")
    given = parser.parse_args()
    for problem in chosen(given):
        print(f"\n{problem.name} (best {problem.best:g}), {given.seeds} seeds\n", flush=True)
        print(
            f"| searcher | {' | '.join(map(str, EVALUATIONS))} | s per ask |\n|{'---|' * (len(EVALUATIONS) + 2)}",
            flush=True,
        )
        curves = {}
        for name in given.searchers.split(","):
            replays = [
                replay(problem, {"name": name}, seed, EVALUATIONS[-1], given.workers) for seed in range(given.seeds)
            ]
            print(row(name, replays), flush=True)
            curves[name] = [r.curve for r in replays]
        if given.out:
            write(given.out, problem, curves)


def chosen(given: Any) -> list[Problem]:
    """Return the problems that are asked for."""
    known = {p.name: p for p in [*(tables(given.tables) if given.tables else []), *synthetic()]}
    names = given.problems.split(",") if given.problems else list(known)
    for name in names:
        if name not in known:
            raise unknown_name("problem", name, known)
    return [known[name] for name in names]


def row(name: str, replays: Sequence[Replay]) -> str:
    """Return a searcher's row of the table."""
    best = np.array([r.curve for r in replays])[:, np.array(EVALUATIONS) - 1]
    errors = best.std(axis=0, ddof=1) / len(best) ** 0.5 if len(best) > 1 else np.full(len(EVALUATIONS), np.nan)
    cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(best.mean(axis=0), errors, strict=True)]
    return f"| {name} | {' | '.join(cells)} | {np.mean([r.ask_seconds for r in replays]):.4f} |"


def write(folder: Path, problem: Problem, curves: dict[str, list[list[float]]]) -> None:
    """Write the curves, and their mean regret as a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{problem.name}.json").write_text(json.dumps(curves))
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    axes = (figure := Figure(figsize=(7, 5))).subplots()
    for name, of in curves.items():
        regret = problem.best - np.array(of)
        axes.plot(np.arange(1, regret.shape[1] + 1), regret.mean(axis=0), label=name)
    axes.set(xlabel="evaluations", ylabel="mean regret", yscale="log", title=problem.name)
    axes.legend()
    figure.savefig(folder / f"{problem.name}.png", dpi=120)


if __name__ == "__main__":
    main()
