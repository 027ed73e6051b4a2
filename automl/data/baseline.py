"""The constant prediction that a model has to beat, and whether a metric can judge a task at all."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from automl.errors import ConfigError, DataError
from automl.metrics import Metric, mean
from automl.quiet import quiet
from automl.task import Baseline, Batch, Task

# A constant is chosen on at most so many rows.
_MAX_ROWS = 20_000
# Of classes, so many of the most frequent ones are tried as the constant; of values, these quantiles and the mean.
_MAX_CLASSES = 20
_QUANTILES = np.linspace(0.1, 0.9, 9)


def of(task: Task) -> Baseline | None:
    """Return the baseline of a task; None where the metric has no value for constants.

    Raises ``DataError`` or ``ConfigError`` for a metric that no model could have a score in.
    """
    _check_target(task)
    found = [_fold(task, i) for i in range(len(task.splits))]
    perfect = [score for _, score in found]
    scores = tuple(score for score, _ in found)
    if not np.isfinite([*perfect, *scores]).any():
        one_class = task.target.is_classification and all(
            len(np.unique(task.data.y[rows])) == 1 for rows in task.valid_rows
        )
        why = "each validation part has rows of one class only" if one_class else "whatever the model predicts"
        raise DataError(
            f"The metric {task.metric.name} has no value on this data: {why}. Choose another metric, or other folds."
        )
    if not np.isfinite(scores).any():
        return None
    return Baseline(mean(scores), scores, mean(perfect), None if task.test is None else _on_test(task, task.test))


def _check_target(task: Task) -> None:
    name, y = task.metric.name, task.data.y
    if name == "mape" and (n_zeros := int(np.count_nonzero(y == 0))):
        raise DataError(
            f"The metric mape divides by the target, which is 0 in {n_zeros:,} of {len(y):,} rows. Use mae or rmse."
        )
    if name == "rmsle" and y.min() <= -1:
        raise DataError(
            f"The metric rmsle takes the logarithm of the target plus 1, and its least value is {y.min():g}. "
            "Use rmse or mae."
        )


def _fold(task: Task, i: int) -> tuple[float, float]:
    """Return the scores of the constant and of the truth on a fold's validation part."""
    rows, valid = task.splits[i]
    y = task.data.y[valid]
    weights = None if task.data.weights is None else task.data.weights[valid]
    truth = _score(task.metric, y, task.target.columns(y), weights, strict=True)
    constant = constant_of(task, rows)
    return _score(task.metric, y, np.repeat(constant, len(y), axis=0), weights), truth


def _on_test(task: Task, test: Batch) -> float | None:
    constant = constant_of(task, np.arange(task.n_rows))
    score = _score(task.metric, test.y, np.repeat(constant, len(test), axis=0), test.weights)
    return score if math.isfinite(score) else None


def constant_of(task: Task, rows: np.ndarray) -> np.ndarray:
    """Return the constant, (1, width), with the best score on ``rows``."""
    if len(rows) > _MAX_ROWS:
        rows = np.random.default_rng(task.seed).choice(rows, _MAX_ROWS, replace=False)
    y = task.data.y[rows]
    weights = None if task.data.weights is None else task.data.weights[rows]
    constants = list(_constants(task, y, weights))
    if len(constants) == 1:
        return constants[0]
    scores = [_score(task.metric, y, np.repeat(constant, len(y), axis=0), weights) for constant in constants]
    return constants[int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))]


def _constants(task: Task, y: np.ndarray, weights: np.ndarray | None) -> Iterator[np.ndarray]:
    yield task.target.constant(y, weights)[None]
    if task.target.quantiles:
        return
    if not task.target.is_classification:
        yield from np.unique(np.quantile(y, _QUANTILES))[:, None, None]
    elif task.metric.needs == "labels" and task.metric.counted is None:
        frequent = np.argsort(-np.bincount(y, minlength=task.target.n_classes), kind="stable")[:_MAX_CLASSES]
        yield from np.eye(task.target.n_classes)[frequent][:, None]


def _score(metric: Metric, y: np.ndarray, prediction: np.ndarray, weights: Any, strict: bool = False) -> float:
    """Return a score, NaN where there is none. ``strict``: what the metric raises is the person's to know."""
    with quiet():
        try:
            return metric.score(y, prediction, weights)
        except Exception as error:
            if not strict:
                return math.nan
            raise ConfigError(
                f"The metric {metric.name} cannot judge this target, not even the truth itself: "
                f"{type(error).__name__}: {error} Choose another metric."
            ) from error
