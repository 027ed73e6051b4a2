"""What can be had without a model: the score of predicting the same for every row."""

import numpy as np

from automl.metrics import mean
from automl.task import Task


def constant_score(task: Task) -> float | None:
    """Return the score of a constant prediction, the mean over the folds, greater is better; None where it has none.

    Predicted are the shares of the classes in the training part; or its mean or its median, whichever is better.
    """
    try:
        scores = [_scores(task, *rows) for rows in task.splits]
    except Exception:  # a metric of one's own may refuse a constant; it is no reason to end a search
        return None
    best = max(mean(of_one) for of_one in zip(*scores, strict=True))
    return best if np.isfinite(best) else None


def _scores(task: Task, train: np.ndarray, valid: np.ndarray) -> list[float]:
    """Return the scores of the constants of the training rows on the validation rows."""
    y, weights = task.data.y, task.data.weights
    of_train, of_valid = (None, None) if weights is None else (weights[train], weights[valid])
    average = np.average(task.target.columns(y[train]), axis=0, weights=of_train)
    constants = [average] if task.target.is_classification else [average, np.median(y[train], keepdims=True)]
    return [task.metric.score(y[valid], np.tile(constant, (len(valid), 1)), of_valid) for constant in constants]
