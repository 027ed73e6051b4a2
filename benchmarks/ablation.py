"""What the parts of a search bring: the same command with one of them left out, over seeds.

    python benchmarks/ablation.py --data FOLDER [--sets abalone,segment] [--seconds 60] [--seeds 0,1,2]
        [--out runs/ablation]

The figure is by how much the test score of the shipped model is worse without the part, in percent of it, as the mean
over seeds, with the spread of the differences over seeds. What is smaller than its spread says nothing. A call goes on
where an earlier one has stopped.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from common import AUTOML, DataSet, data_set, run, table

from automl.metrics import get

SETS = "abalone,bike_sharing,california_housing,credit_g,letter,mammography,segment,soybean"
# A part, and what turns it off.
PARTS = {
    "RealMLP": ["space.tables.realmlp=off"],
    "its members": ["space.tables.realmlp.members=1"],
    "its periodic and piecewise numbers": ["space.tables.realmlp.numbers=none"],
    "networks": ["space.tables.realmlp=off", "space.tables.mlp=off"],
    "CatBoost": ["space.tables.catboost=off"],
    "LightGBM": ["space.tables.lightgbm=off"],
    "the ensemble": ["ensemble.max_members=1"],
    "halving": ["scheduler=none"],
    "the searcher": ["searcher=random"],
}


def main() -> None:
    """Run what is missing and print the table after each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    given = parser.parse_args()
    rows = []
    for name in given.sets.split(","):
        rows.append(one(data_set(given.data, name), given))
        print(table(rows), flush=True)


def one(data: DataSet, given: argparse.Namespace) -> dict[str, Any]:
    """Return the row of a set: for each part what is lost without it."""
    seeds = [int(seed) for seed in given.seeds.split(",")]
    whole = np.array([score(data, [], seed, given) for seed in seeds])
    row: dict[str, Any] = {"set": data.name, "metric": data.meta["metric"], "score": float(whole.mean())}
    greater = get(data.meta["metric"], data.meta["task"]).greater_is_better
    for part in given.parts.split(","):
        without = np.array([score(data, PARTS[part], seed, given) for seed in seeds])
        lost = 100 * (whole - without if greater else without - whole) / np.abs(whole)
        row[f"without {part}, %"] = f"{lost.mean():.2f} ± {lost.std(ddof=1) if len(lost) > 1 else np.nan:.2f}"
    return row


def score(data: DataSet, overrides: list[str], seed: int, given: argparse.Namespace) -> float:
    """Return the test score of what a search ships; NaN where it fails."""
    folder = given.out / f"{data.name} {' '.join(overrides) or 'whole'} {given.seconds:g} {seed}"
    manifest = folder / "run" / "model" / "manifest.json"
    if not manifest.exists():
        command = [*AUTOML, "search", *data.arguments(folder, seed), f"budget.seconds={given.seconds:g}"]
        run([*command, f"seed={seed}", f"run.dir={folder / 'run'}", *overrides], folder / "log.txt")
    if not manifest.exists():
        return float("nan")
    return float(json.loads(manifest.read_text())["scores"][f"test {data.meta['metric']}"])


if __name__ == "__main__":
    main()
