"""What the parts of a search bring: the same command with one of them left out, over seeds.

    python benchmarks/ablation.py --data FOLDER [--sets abalone,segment] [--seconds 60] [--seeds 0,1,2]
        [--out runs/ablation]

The figure is by how much the test score of the shipped model is worse without the part, in percent of it, as the mean
over seeds, with the spread of the differences over seeds. What is smaller than its spread says nothing. A call goes on
where an earlier one has stopped.

And what settings of a family bring, feature steps above all: the same fits with them and without, on the same folds.

    python benchmarks/ablation.py --data FOLDER --families lightgbm,linear --settings "arithmetic.method=gain"
        [--rows 15000] [--folds 2] [--seconds 170]

The figure is by how much the loss (log loss, RMSE) falls with the settings, in percent of it, likewise over seeds; and
how many times the seconds of CPU it takes. Several settings are parted by commas, those that belong together by spaces.
``--seconds``: begin no fit after so many.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from build_portfolio import fit, task_of
from common import AUTOML, DataSet, data_set, run, table

from automl.assemble import task_space
from automl.metrics import get
from automl.portfolio import params_of
from automl.task import Task

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
    parser.add_argument("--families", default="lightgbm,catboost,linear")
    parser.add_argument("--settings", default="")
    parser.add_argument("--rows", type=int, default=15_000)
    parser.add_argument("--folds", type=int, default=2)
    given = parser.parse_args()
    if given.settings:
        of_settings(given)
        return
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


def of_settings(given: argparse.Namespace) -> None:
    """Fit what is missing while there is time; print a row for each set and family, and their means."""
    until, settings, families = time.time() + given.seconds, given.settings.split(","), given.families.split(",")
    rows = []
    for name in given.sets.split(","):
        kept = Kept(given.out / f"{name}.json", until)
        # [seed, family, without or with one of the settings, loss or seconds]
        seen = np.array([losses(given, name, int(seed), families, settings, kept) for seed in given.seeds.split(",")])
        rows += [row_of(name, family, settings, seen[:, i]) for i, family in enumerate(families)]
    print(table([{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]))
    for family in families:
        for setting in settings:
            gains = np.array([row[f"_{setting}"] for row in rows if row["family"] == family])
            mean, spread = gains.T[:, ~np.isnan(gains).any(axis=1)]
            won, lost = (mean > spread).sum(), (mean < -spread).sum()
            print(f"{family} {setting}: {mean.mean():+.2f} % on the mean of {len(mean)} sets, {won} won, {lost} lost")


def row_of(name: str, family: str, settings: list[str], seen: np.ndarray) -> dict[str, Any]:
    """Return a row of the table. seen: (seeds, 1 + settings, 2), losses and seconds."""
    loss, seconds = seen[..., 0], seen[..., 1].mean(axis=0)
    row: dict[str, Any] = {"set": name, "family": family, "loss": loss[:, 0].mean(), "CPU s": seconds[0]}
    for i, setting in enumerate(settings, 1):
        gain = 100 * (loss[:, 0] - loss[:, i]) / np.abs(loss[:, 0])
        row[f"_{setting}"] = gain.mean(), gain.std(ddof=1) if len(gain) > 1 else np.nan
        row[setting] = "{:+.2f} ± {:.2f} %".format(*row[f"_{setting}"]) + f", x {seconds[i] / seconds[0]:.2f}"
    return row


def losses(
    given: argparse.Namespace, name: str, seed: int, families: list[str], settings: list[str], kept: "Kept"
) -> list[list[tuple[float, float]]]:
    """Return the mean loss and seconds over the folds of each family, without and with each of the settings."""
    data = data_set(given.data, name)
    metric = "rmse" if data.meta["task"] == "regression" else "log_loss"
    made: list[Task] = []

    def one(family: str, setting: str, fold: int) -> tuple[float, float]:
        if not made:
            made.append(task_of(data, given.rows, metric, seed))
        task = made[0]
        wanted = {path: yaml.safe_load(value) for path, value in (pair.split("=") for pair in setting.split())}
        params = params_of(task_space(task), {family: wanted})
        if params is None or any(f"family.{family}.{path}" not in params for path in wanted):
            return float("nan"), float("nan")
        prediction, seconds = fit(task, params, fold)
        return -task.metric.score(task.fold(fold)[1].y, prediction), seconds

    def mean(family: str, setting: str) -> tuple[float, float]:
        each = [
            kept.get(f"{name} {given.rows} {seed} {fold} {family} {setting}", partial(one, family, setting, fold))
            for fold in range(given.folds)
        ]
        loss, seconds = np.mean(each, axis=0)
        return float(loss), float(seconds)

    return [[mean(family, setting) for setting in ["", *settings]] for family in families]


class Kept:
    """What earlier calls have computed, in a file; nothing new is begun after ``until``: it is NaN."""

    def __init__(self, file: Path, until: float) -> None:
        self.file, self.until = file, until
        self.known: dict[str, tuple[float, float]] = json.loads(file.read_text()) if file.exists() else {}

    def get(self, key: str, compute: Callable[[], tuple[float, float]]) -> tuple[float, float]:
        """Return what is known by a key, or compute it."""
        if key not in self.known:
            if time.time() > self.until:
                return float("nan"), float("nan")
            self.known[key] = compute()
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.known, indent=0))
        return self.known[key]


if __name__ == "__main__":
    main()
