"""Orders the first candidates of a search: which configurations, one after the other, help an ensemble most per second.

    python benchmarks/build_portfolio.py --data FOLDER [--sets adult,letter] [--rows 4000] [--out runs/portfolio]

Each candidate of ``portfolio_candidates.yaml``, and each family's defaults, is fitted to one fold of each set (of
``--rows`` random rows; the rows of a test part are never used). What it predicts and the seconds it took are kept in
``--out``, so that a second call goes on. Then candidates are added one by one: always the one by which the loss of the
ensemble falls most per second, on the mean over the sets (greedy; ensemble weights come from one half of the fold, the
loss from the other). The order is printed as the file ``search_spaces/tables/portfolio.yaml`` has it, with figures for
each set by an order that was built without it.
"""

import argparse
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from common import DataSet, data_set, table

from automl import ensemble, temperature
from automl.assemble import build, task_space
from automl.data.make import from_arrays
from automl.portfolio import Entry, checked, params_of
from automl.task import Task

SETS = (
    "abalone,adult,bike_sharing,california_housing,caravan,cnae9,credit_g,diamonds,letter,mammography,segment,soybean,"
    "telco_churn"
)
CANDIDATES = Path(__file__).with_name("portfolio_candidates.yaml")
# A fit that takes longer than this is cut off: what it has by then counts.
MOST_SECONDS = 60.0
# What the first fit of a family costs beside its own seconds: starting, scoring, keeping.
OVERHEAD_SECONDS = 0.3
TEST_SHARE = 0.25


@dataclass(frozen=True)
class Fitted:
    """What one candidate came to on one set: predictions of the fold's validation rows, and the seconds of its fit."""

    prediction: np.ndarray
    seconds: float


def main() -> None:
    """Fit what is missing, then order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--length", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=1e9, help="fit no more after so many; a later call goes on")
    parser.add_argument("--out", type=Path, default=Path("runs/portfolio"))
    given = parser.parse_args()
    started, tasks, fitted = time.time(), {}, {}
    entries = checked(yaml.safe_load(CANDIDATES.read_text()), str(CANDIDATES))
    for name in given.sets.split(","):
        tasks[name] = task_of(data_set(given.data, name), given.rows)
        fitted[name] = fit_all(tasks[name], entries, given.out / name, started + given.seconds)
        if not fitted[name]:
            print(f"{name}: no time for it yet; call again")
            del tasks[name], fitted[name]
    losses = Losses(tasks, fitted)
    order = ordered(losses, fitted.keys(), given.length)
    print("\n".join(f"- {json.dumps(entries[i])}" for i in order))
    print(table(left_out(losses, given.length)))


def task_of(data: DataSet, n_rows: int, metric: str = "", seed: int = 0) -> Task:
    """Return a task of some rows of a set, none of them from its test part; by the set's metric or another one."""
    frame = pd.read_csv(data.file, low_memory=False)
    order = np.random.default_rng(0).permutation(len(frame))[int(TEST_SHARE * len(frame)) :]
    order = np.random.default_rng(seed).permutation(order)[:n_rows] if seed else order[:n_rows]
    frame = frame.iloc[order].reset_index(drop=True)
    y = frame.pop("target").to_numpy()
    target = "regression" if data.meta["task"] == "regression" else "classification"
    roles = {name: "categorical" for name in data.meta.get("categorical") or () if name in frame}
    how: dict[str, Any] = {
        "metric": metric or data.meta["metric"],
        "target_kind": target,
        "roles": roles,
        "folds": 5,
        "seed": seed,
    }
    return from_arrays(frame, y, **how)


def fit_all(task: Task, entries: Sequence[Entry], folder: Path, until: float) -> dict[int, Fitted]:
    """Fit each entry that the task allows to fold 0, or read what an earlier call has left."""
    folder.mkdir(parents=True, exist_ok=True)
    space, done = task_space(task), {}
    for i, entry in enumerate(entries):
        file = folder / f"{json.dumps(entry, sort_keys=True).replace('/', ' ')[:200]}.npz"
        if not file.exists() and time.time() < until:
            params = params_of(space, entry)
            if params is None:
                continue
            prediction, seconds = fit(task, params)
            np.savez(file, prediction=prediction, seconds=seconds)
            print(f"{folder.name}: {json.dumps(entry)}: {seconds:.1f} s", flush=True)
        if file.exists():
            with np.load(file) as kept:
                done[i] = Fitted(calibrated(task, kept["prediction"]), float(kept["seconds"]))
    return done


def calibrated(task: Task, prediction: np.ndarray) -> np.ndarray:
    """Return the prediction of fold 0 at its temperature, where the metric gains by one, as a search has it."""
    _, valid = task.fold(0)
    if task.metric.needs != "probabilities":
        return prediction
    return temperature.calibrated(task.metric, valid.y, prediction)[0]


def fit(task: Task, params: Mapping[str, Any], fold: int = 0) -> tuple[np.ndarray, float]:
    """Fit to a fold; return the predictions of its validation part, and the seconds of CPU."""
    train, valid = task.fold(fold)
    model, started, clock = build(dict(params), task.problem), time.time(), time.process_time()
    for _ in model.fit(train, valid):
        if time.time() > started + MOST_SECONDS:
            break
    return model.predict(valid.x), time.process_time() - clock


class Losses:
    """The loss of the ensemble of some entries on a set: 0 is the best single one, 1 the median one, at most 1."""

    def __init__(self, tasks: Mapping[str, Task], fitted: Mapping[str, Mapping[int, Fitted]]) -> None:
        self.tasks, self.fitted = tasks, fitted
        self.known: dict[tuple[str, frozenset[int]], float] = {}

    def of(self, name: str, chosen: Iterable[int]) -> float:
        """Return the loss; what a set has no fit of changes nothing."""
        there = frozenset(chosen).intersection(self.fitted[name])
        if not there:
            return 1.0
        best, median = self._scale(name)
        return min(1.0, (best - self._score(name, there)) / max(best - median, 1e-12))

    def _scale(self, name: str) -> tuple[float, float]:
        scores = [self._score(name, frozenset([i])) for i in self.fitted[name]]
        return max(scores), float(np.median(scores))

    def _score(self, name: str, there: frozenset[int]) -> float:
        if (name, there) not in self.known:
            self.known[name, there] = ensemble_score(self.tasks[name], [self.fitted[name][i] for i in sorted(there)])
        return self.known[name, there]


def ordered(losses: Losses, sets: Collection[str], length: int) -> list[int]:
    """Return the greedy order of the entries: each time the one that lowers the mean loss most per second."""
    fitted = [losses.fitted[name] for name in sets]
    entries = sorted(set().union(*fitted))
    order: list[int] = []
    now = 1.0  # of a guess
    while len(order) < min(length, len(entries)):
        gains: dict[int, tuple[float, float]] = {}
        for i in set(entries) - set(order):
            after = float(np.mean([losses.of(name, [*order, i]) for name in sets]))
            seconds = np.mean([np.log1p(f[i].seconds + OVERHEAD_SECONDS) for f in fitted if i in f])
            gains[i] = float((now - after) / seconds), after
        best = max(gains, key=lambda i: gains[i][0])
        order, now = [*order, best], gains[best][1]
    return order


def ensemble_score(task: Task, there: Sequence[Fitted]) -> float:
    """Return the mean score on either half of the fold of the ensemble that was chosen on the other."""
    _, valid = task.fold(0)
    halves = np.array_split(np.random.default_rng(0).permutation(len(valid)), 2)
    predictions = {str(i): f.prediction for i, f in enumerate(there)}
    scores = []
    for chosen_on, judged_on in (halves, halves[::-1]):
        weights = ensemble.select(
            task.target,
            {n: p[chosen_on] for n, p in predictions.items()},
            valid.y[chosen_on],
            task.metric,
            [np.arange(len(chosen_on))],
        )
        blended = ensemble.blend(task.target, predictions, weights)
        scores.append(task.metric.score(valid.y[judged_on], blended[judged_on]))
    return float(np.mean(scores))


def left_out(losses: Losses, length: int) -> list[dict[str, Any]]:
    """Return for each set how good an order that was built without it is, after some entries, and what those took."""
    rows = []
    for name, fitted in losses.fitted.items():
        without = ordered(losses, losses.fitted.keys() - {name}, length)
        row: dict[str, Any] = {"set": name}
        for k in (3, 6, length):
            row[f"portfolio {k}"] = losses.of(name, without[:k])
            row[f"seconds {k}"] = sum(fitted[i].seconds for i in without[:k] if i in fitted)
        rows.append(row)
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "set"}
    return [*rows, {"set": "mean", **mean}]


if __name__ == "__main__":
    main()
