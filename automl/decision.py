"""From probabilities to labels: how much each class weighs, chosen for a metric of labels.

A label is the class with the greatest weight times probability. Of two classes with the weights t and 1 - t it is the
second where its probability is above the threshold t. Metrics such as F1 have their best threshold far from a half
where a class is rare (Lipton, Elkan and Naryanaswamy, ECML 2014); it is found by coordinate ascent on predictions
for rows that the model did not learn from.
"""

from collections.abc import Callable

import numpy as np

# From the weights of the hits, of the rows and of the labels of each class, (..., k) each, to (...) scores.
Counted = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
# Of more classes none weighs more than another: it would take long, and each has few rows to choose by.
_MOST_CLASSES = 100
# So many thresholds of a class are compared, half of them evenly spread over all rows, half over those of the class.
_CUTS = 100
# So many rows are enough to choose by.
_MAX_ROWS = 5_000
# How often the classes are gone through, where there are more than two.
_SWEEPS = 2
# Parts of the rows, for two classes and for more: the labels of each one are decided by what is best on the others.
_PARTS = (5, 3)


def labels(prediction: np.ndarray, decision: np.ndarray | None) -> np.ndarray:
    """Return the class codes (n,) of probabilities (n, k). ``decision``: (k,) weights of the classes, or None."""
    return (prediction if decision is None else prediction * decision).argmax(axis=1)


def best(of: Counted, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the weights of the classes (k,), summing to 1, whose labels score best for y (n,) codes.

    ``of``: the metric. Of settings that are equally good the one nearest to equal weights is taken.
    """
    if len(y) > _MAX_ROWS:
        rows = np.sort(np.random.default_rng(len(y)).choice(len(y), _MAX_ROWS, replace=False))
        y, prediction, weights = y[rows], prediction[rows], None if weights is None else weights[rows]
    k = prediction.shape[1]
    if k > _MOST_CLASSES:
        return np.full(k, 1 / k)
    with np.errstate(divide="ignore"):
        found, given = np.zeros(k), np.log(prediction)
    mass = np.ones(len(y)) if weights is None else weights
    for _ in range(1 if k == 2 else _SWEEPS):
        before = found.copy()
        for c in range(1 if k == 2 else 0, k):
            found[c] = _best_log(of, y, given + found, mass, c) + found[c]
        if np.array_equal(found, before):
            break
    found = np.exp(found - found.max())
    return found / found.sum()


def cross_fitted(of: Counted, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return labels (n,) of which each is decided by what is best on other rows: no row votes on its own label."""
    rank = np.empty(len(y), np.int64)
    for c in np.unique(y):
        rows = np.flatnonzero(y == c)
        rank[rows] = np.arange(len(rows))
    n_parts = _PARTS[prediction.shape[1] > 2]
    found = labels(prediction, None)
    for part in range(n_parts):
        own = rank % n_parts == part
        rest = np.flatnonzero(~own)
        if own.any() and len(rest):
            decision = best(of, y[rest], prediction[rest], None if weights is None else weights[rest])
            found[own] = labels(prediction[own], decision)
    return found


def _best_log(of: Counted, y: np.ndarray, given: np.ndarray, mass: np.ndarray, c: int) -> float:
    """Return what to add to the logarithmic weight of class ``c``; ``given``: (n, k) logarithms of what is compared."""
    k = given.shape[1]
    own = given[:, c].copy()
    given[:, c] = -np.inf
    rival = given.argmax(axis=1)
    with np.errstate(invalid="ignore"):
        needed = given[np.arange(len(y)), rival] - own  # from this on, the row is of class c
    needed[np.isnan(needed)] = np.inf
    order = np.argsort(needed, kind="stable")
    ends = np.unique(np.concatenate([_even(len(y)), 1 + _some(np.flatnonzero(y[order] == c))]))
    y, rival, mass = y[order], rival[order], mass[order]
    # Where none, the first ones, ..., all rows are of class c, and the others of their rivals.
    hits = _after(rival, mass * (rival == y), ends, k)
    hits[:, c] += _before(mass * (y == c), ends)
    labelled = _after(rival, mass, ends, k)
    labelled[:, c] += _before(mass, ends)
    rows = np.bincount(y, weights=mass, minlength=k)
    scores = of(hits, np.broadcast_to(rows, hits.shape), labelled)
    steps = np.concatenate([[-np.inf], needed[order], [np.inf]])
    low, high = steps[ends], steps[ends + 1]
    scores[low == high] = -np.inf  # nothing parts rows that need the same
    return _middle(low, high, scores)


def _even(n: int) -> np.ndarray:
    return np.linspace(0, n, min(n, _CUTS // 2) + 1).round().astype(np.int64)


def _some(rows: np.ndarray) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), _CUTS // 2)).round().astype(np.int64)]


def _before(mass: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return (m,): the weight of the rows before each of ``ends`` (m,)."""
    return np.concatenate([[0.0], np.cumsum(mass)])[ends]


def _after(label: np.ndarray, mass: np.ndarray, ends: np.ndarray, k: int) -> np.ndarray:
    """Return (m, k): the weight of the rows from each of ``ends`` (m,) on, by label."""
    part = np.searchsorted(ends, np.arange(len(label)), side="right")
    size = (len(ends) + 1) * k
    summed = np.bincount(part * k + label, weights=mass, minlength=size).reshape(-1, k)
    return summed[:0:-1].cumsum(axis=0)[::-1]


def _middle(low: np.ndarray, high: np.ndarray, scores: np.ndarray) -> float:
    """Return the middle of the interval with the best score, of several the one nearest to 0; 0 where that is best."""
    edges = np.concatenate([low, high])
    edges = edges[np.isfinite(edges)]
    if not len(edges):
        return 0.0
    low, high = (np.clip(edge, edges.min() - 1, edges.max() + 1) for edge in (low, high))
    top = np.flatnonzero(scores >= scores.max() - 1e-12)
    chosen = top[np.maximum(0, np.maximum(low[top], -high[top])).argmin()]
    return 0.0 if low[chosen] <= 0 <= high[chosen] else float((low[chosen] + high[chosen]) / 2)


# ---------------------------------------------------------------- metrics of the hits, rows and labels of each class


def counts(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the hits, the rows and the labels of each class, (..., k), of (..., k, k) by true class and by label."""
    return np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(axis=-1), confusion.sum(axis=-2)


def _f1_of_each(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return 2 * hits / np.maximum(rows + labels, 1e-300)


def f1(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """F1 of the second of two classes."""
    return _f1_of_each(hits, rows, labels)[..., 1]


def f1_macro(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of the classes' F1, over those that occur or are predicted."""
    there = rows + labels > 0
    return _f1_of_each(hits, rows, labels).sum(axis=-1, where=there) / np.maximum(there.sum(axis=-1), 1)


def f1_weighted(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of the classes' F1, by how often they occur."""
    return (_f1_of_each(hits, rows, labels) * rows).sum(axis=-1) / rows.sum(axis=-1)


def balanced_accuracy(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The mean of the classes' recall, over those that occur."""
    return (hits / np.maximum(rows, 1e-300)).sum(axis=-1) / np.maximum((rows > 0).sum(axis=-1), 1)


def matthews_corrcoef(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Matthews' correlation coefficient; 0 where rows or labels are of one class."""
    n = rows.sum(axis=-1)
    shared = hits.sum(axis=-1) * n - (rows * labels).sum(axis=-1)
    spread = (n**2 - (rows**2).sum(axis=-1)) * (n**2 - (labels**2).sum(axis=-1))
    return np.where(spread > 0, shared / np.sqrt(np.maximum(spread, 1e-300)), 0.0)


def cohen_kappa(hits: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cohen's kappa; 0 where rows and labels are of one class."""
    n = rows.sum(axis=-1)
    by_chance = (rows * labels).sum(axis=-1) / n**2
    return np.where(by_chance < 1, (hits.sum(axis=-1) / n - by_chance) / np.maximum(1 - by_chance, 1e-300), 0.0)


# By the metric's name. Labels by the greatest probability are the best ones for accuracy; and without the other,
# precision or recall alone would be best where one row, or every row, is of the class.
COUNTED: dict[str, Counted] = {
    function.__name__: function
    for function in (f1, f1_macro, f1_weighted, balanced_accuracy, matthews_corrcoef, cohen_kappa)
}
