"""Several runs as one: their out-of-fold predictions say how much each of them counts."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from automl import ensemble
from automl.errors import ConfigError
from automl.metrics import mean
from automl.task import Task


@dataclass(frozen=True)
class Blend:
    """The weight of each run, summing to 1, and scores in the metric's usual sign: of the blend, and of each run."""

    weights: Mapping[str, float]
    score: float
    alone: Mapping[str, float]


def blend(tasks: Mapping[str, Task], predictions: Mapping[str, np.ndarray], rounds: int = 100) -> Blend:
    """Return the best blend of runs on rows that all of them predicted out of fold (Caruana et al., ICML 2004).

    ``tasks``: by run; folds may differ, rows, classes and metric may not. ``predictions``: (n_rows, width) by run.
    Scores are means over the folds of the first run. Raises ``ConfigError`` where runs are not about the same rows.
    """
    first = next(iter(tasks.values()))
    for name, task in tasks.items():
        _refuse_others(first, name, task)
    y, weights, folds = first.data.y, first.data.weights, first.valid_rows
    limits = rounds, len(predictions), first.seed
    chosen = ensemble.select(first.target, predictions, y, first.metric, folds, weights, *limits)
    known = np.all([np.isfinite(p).all(axis=1) for p in predictions.values()], axis=0)
    where = np.where(known[:, None], 0.0, np.nan)

    def score(prediction: np.ndarray) -> float:
        scores = ensemble.fold_scores(first.metric, y, prediction + where, weights, folds)
        return first.metric.shown(mean(scores))

    alone = {name: score(p) for name, p in predictions.items()}
    return Blend(chosen, score(ensemble.blend(first.target, predictions, chosen)), alone)


def _refuse_others(first: Task, name: str, task: Task) -> None:
    same = (
        (task.schema.classes, task.schema.quantiles) == (first.schema.classes, first.schema.quantiles)
        and task.n_rows == first.n_rows
        and np.array_equal(task.data.y, first.data.y)
    )
    if not same:
        raise ConfigError(f"Runs are blended row by row: '{name}' must have the rows and the target of the first run.")
    if task.metric.name != first.metric.name:
        raise ConfigError(
            f"Runs are blended by one metric: '{name}' has {task.metric.name}, the first run {first.metric.name}."
        )
