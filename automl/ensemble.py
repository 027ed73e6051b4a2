"""Greedy ensemble selection over out-of-fold predictions (Caruana et al., ICML 2004)."""

from collections.abc import Mapping, Sequence

import numpy as np

from automl import pooling
from automl.metrics import Metric, mean
from automl.target import Target

# Scores are compared on at most this many rows, and numbers: the choice between models does not need more.
MAX_ROWS, MAX_NUMBERS = 20_000, 200_000
# So many additions in a row that do not help end the selection: one alone may need a second to balance it.
MOST_WORSE = 5


def fold_scores(
    metric: Metric,
    y: np.ndarray,
    prediction: np.ndarray,
    weights: np.ndarray | None,
    folds: Sequence[np.ndarray],
    decision: np.ndarray | None = None,
) -> list[float]:
    """Return the scores of the folds; rows without a prediction (NaN) are left out, and folds without rows.

    Models of different folds need not be on one scale, so rows of different folds are not ranked together.
    ``decision``: what labels are decided by, (k,); by default as ``metric.score`` does.
    """
    has = np.isfinite(prediction).all(axis=1)
    scores = []
    for rows in (index[has[index]] for index in folds):
        own = None if weights is None else weights[rows]
        if len(rows) and decision is None:
            scores.append(metric.score(y[rows], prediction[rows], own))
        elif len(rows):
            scores.append(metric.score_decided(y[rows], prediction[rows], decision, own))
    return scores


def select(
    target: Target,
    predictions: Mapping[str, np.ndarray],
    y: np.ndarray,
    metric: Metric,
    folds: Sequence[np.ndarray],
    weights: np.ndarray | None = None,
    rounds: int = 30,
    max_members: int = 6,
    seed: int = 0,
) -> dict[str, float]:
    """Return the weight of each chosen model, summing to 1, heaviest first.

    Starts from the best model and adds, with replacement, the one that helps most, ``rounds`` times at most; the
    first few additions that gave the greatest mean score over ``folds`` (row indices of each validation part) are
    kept. At most ``max_members`` different models, so that what is shipped stays small.

    ``predictions``: (n, width) per model, NaN where a model predicted nothing. Only rows
    that every model predicted are compared. Models answer together as ``pooling`` has it.
    """
    names = list(predictions)
    known = [np.isfinite(p).all(axis=1) for p in predictions.values()]
    rows = np.flatnonzero(np.all(known, axis=0))
    most = min(MAX_ROWS, MAX_NUMBERS // target.width)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    stack = pooling.opinion(target, np.stack([predictions[name][rows] for name in names]))
    y, weights = y[rows], None if weights is None else weights[rows]
    parts = [np.flatnonzero(np.isin(rows, index)) for index in folds]

    def decide(average: np.ndarray) -> np.ndarray | None:
        return metric.decide(y, pooling.answer(target, average), weights)

    def score(average: np.ndarray, decision: np.ndarray | None) -> float:
        return mean(fold_scores(metric, y, pooling.answer(target, average), weights, parts, decision))

    best = -np.inf
    chosen: list[int] = []
    n_best, total = 0, np.zeros_like(stack[0])
    while len(chosen) < rounds and len(chosen) < n_best + MOST_WORSE:
        full = len(set(chosen)) >= max_members
        choices = [i for i in range(len(names)) if i in chosen or not full]
        # Another model changes little of what is best to decide by: so it is found once a round.
        decision = decide(total / len(chosen)) if chosen else None
        size = len(chosen) + 1
        tried = [score((total + stack[i]) / size, decision if chosen else decide(stack[i])) for i in choices]
        # Of equal ones, a member that is there already keeps the ensemble small.
        next_one = max(zip(tried, (i in chosen for i in choices), (-i for i in choices), strict=True))
        chosen.append(-next_one[2])
        total += stack[chosen[-1]]
        if next_one[0] > best:
            best, n_best = next_one[0], len(chosen)
    counts = np.bincount(chosen[: max(1, n_best)], minlength=len(names))
    share = counts / counts.sum()
    order = np.argsort(-share, kind="stable")
    return {names[i]: float(share[i]) for i in order if share[i] > 0}


def blend(target: Target, predictions: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return what the chosen models predict together, (n, width), NaN where one of them predicted nothing."""
    return pooling.pooled(target, [predictions[name] for name in weights], list(weights.values()))
