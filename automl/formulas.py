"""Formulas of metrics that scikit-learn has not, or not in the form in which contests use them; pure functions.

Each takes y, (n,) class codes or values; p, (n, n_classes) probabilities, (n,) codes or (n,) values; weights, (n,) or
None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Weights = np.ndarray | None


@dataclass(frozen=True)
class At:
    """A formula with its number, as in "map@3"; a class, because metrics travel between processes."""

    function: Callable[..., float]
    number: float

    def __call__(self, y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
        return self.function(y, p, weights, self.number)


def map_at(y: np.ndarray, p: np.ndarray, weights: Weights, k: float) -> float:
    """Return the mean average precision at k of one right class per row: 1 / its place, 0 beyond place k."""
    place = _places(y, p)
    return float(np.average(np.where(place <= k, 1 / place, 0.0), weights=weights))


def top_accuracy(y: np.ndarray, p: np.ndarray, weights: Weights, k: float) -> float:
    """Return the share of rows whose class is among the k likeliest."""
    return float(np.average(_places(y, p) <= k, weights=weights))


def _places(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return the place, from 1, of each row's class; of equals the lower code comes first."""
    own = p[np.arange(len(y)), y][:, None]
    before = (p > own) | ((p == own) & (np.arange(p.shape[1]) < y[:, None]))
    return before.sum(axis=1) + 1


def balanced_log_loss(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the mean over the classes that occur of the log loss of each class's rows."""
    p = np.clip(p.astype(np.float64), 1e-15, None)
    loss = -np.log(p[np.arange(len(y)), y] / p.sum(axis=1))
    own = np.ones(len(y)) if weights is None else weights
    return float(np.mean([np.average(loss[y == k], weights=own[y == k]) for k in np.unique(y[own > 0])]))


def smape(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the symmetric mean absolute percentage error, 0 to 200; rows where both are 0 have none."""
    size = np.abs(y) + np.abs(p)
    return float(
        200 * np.average(np.divide(np.abs(y - p), size, out=np.zeros(len(y)), where=size > 0), weights=weights)
    )


def wape(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the sum of absolute errors over the sum of absolute values; NaN where all values are 0."""
    total = float(np.average(np.abs(y), weights=weights))
    return float(np.average(np.abs(y - p), weights=weights)) / total if total else float("nan")


def rmspe(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the root mean square of errors relative to the values; rows whose value is 0 are left out."""
    some = y != 0
    if not some.any():
        return float("nan")
    own = None if weights is None else weights[some]
    return float(np.sqrt(np.average(np.square(1 - p[some] / y[some]), weights=own)))


@dataclass(frozen=True)
class MeanPinball:
    """The mean over several quantiles of the pinball loss of each; p is (n, n_quantiles)."""

    quantiles: tuple[float, ...]

    def __call__(self, y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
        return float(np.average(self.of_rows(y, p), weights=weights))

    def of_rows(self, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        """Return the loss of each row, (n,)."""
        short, level = y[:, None] - p, np.array(self.quantiles)
        return np.maximum(level * short, (level - 1) * short).mean(axis=1)


def pinball(y: np.ndarray, p: np.ndarray, weights: Weights, quantile: float) -> float:
    """Return the pinball loss of a quantile (Koenker and Bassett, 1978)."""
    return MeanPinball((quantile,))(y, p[:, None], weights)


def gini(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the normalised Gini coefficient of values y in the order of p: 1 for their own order, 0 for chance."""
    best = _lorenz(y, y, weights)
    return _lorenz(y, p, weights) / best if best else float("nan")


def _lorenz(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the area between the Lorenz curve of y, greatest p first, and the diagonal; equal p share one step."""
    own = np.ones(len(y)) if weights is None else weights
    _, group = np.unique(-p, return_inverse=True)
    n = np.bincount(group, weights=own)
    reached = np.concatenate([[0.0], np.cumsum(np.bincount(group, weights=own * y))])
    total = reached[-1]
    if not total:
        return 0.0
    return float(np.sum(n * (reached[1:] + reached[:-1]) / 2) / (n.sum() * total) - 0.5)


def pearson(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the correlation of Pearson; 0 where one of the two does not vary."""
    a, b = y - np.average(y, weights=weights), p - np.average(p, weights=weights)
    spread = float(np.sqrt(np.average(a * a, weights=weights) * np.average(b * b, weights=weights)))
    return float(np.average(a * b, weights=weights)) / spread if spread else 0.0


def spearman(y: np.ndarray, p: np.ndarray, weights: Weights) -> float:
    """Return the correlation of ranks."""
    from scipy.stats import rankdata

    ranks: Any = rankdata
    return pearson(ranks(y), ranks(p), weights)


def fbeta(y: np.ndarray, p: np.ndarray, weights: Weights, beta: float) -> float:
    """Return F-beta of the second class: recall counts beta times as much as precision; 0 where nothing is found."""
    from sklearn.metrics import fbeta_score

    return float(fbeta_score(y, p, beta=beta, sample_weight=weights, zero_division=0.0))
