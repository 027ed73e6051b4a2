"""What can be had without a model: the score of predicting the same for every row."""

import numpy as np

from automl.metrics import mean
from automl.task import Batch, Task


def constant_score(task: Task) -> float | None:
    """Return the score of a constant prediction, the mean over the folds, greater is better; None where it has none.

    Predicted are the shares of the classes in the training part; or its mean or its median, whichever is better.
    """
    folds = [task.fold(i) for i in range(len(task.splits))]
    try:
        scores = [[_score(task, valid, constant) for constant in _constants(task, train)] for train, valid in folds]
    except Exception:  # a metric of one's own may refuse a constant; it is no reason to end a search
        return None
    best = max(mean(of_one) for of_one in zip(*scores, strict=True))
    return best if np.isfinite(best) else None


def _constants(task: Task, train: Batch) -> list[np.ndarray]:
    average = np.average(task.target.columns(train.y), axis=0, weights=train.weights)
    return [average] if task.target.is_classification else [average, np.median(train.y, keepdims=True)]


def _score(task: Task, valid: Batch, constant: np.ndarray) -> float:
    return task.metric.score(valid.y, np.tile(constant, (len(valid), 1)), valid.weights)
