"""Calibration of probabilities by one temperature (Guo et al. 2017, arXiv:1706.04599).

Their logarithms are divided by it: above 1 makes a model less certain, below 1 more. The order of classes stays as it
is. Averages over many trees, members or models are less certain than they should be, so this is worth most to them.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.metrics import Metric

# Temperatures that are tried: further out are only models that say nothing, or are never wrong on the rows asked.
LEAST, MOST = 0.1, 10.0
# Beforehand the logarithm of a temperature is believed to be about 0, with this deviation: few rows move it little.
DEVIATION = 0.5
# More rows than this say no more about one number.
MOST_ROWS = 10_000
_CLOSE = 0.01  # of the logarithm
_TINY = np.float32(1e-38)


def fit(p: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return the temperature that makes probabilities ``p`` (n, k) of rows with classes ``y`` (n,) most likely.

    The rows must be ones that the model has not learnt from.
    """
    from scipy.optimize import minimize_scalar

    if not len(y):
        return 1.0
    some = slice(None, None, -(-len(y) // MOST_ROWS))
    logs, codes = _logs(p[some]).astype(np.float64), y[some]
    share = np.ones(len(codes)) if weights is None else weights[some] / weights[some].mean()
    rows = np.arange(len(codes))

    def loss(log: float) -> float:
        scores = logs * np.exp(-log)
        scores -= scores.max(axis=1, keepdims=True)
        of_truth = scores[rows, codes] - np.log(np.exp(scores).sum(axis=1))
        return float(0.5 * (log / DEVIATION) ** 2 - share @ of_truth)

    found = minimize_scalar(loss, bounds=(np.log(LEAST), np.log(MOST)), method="bounded", options={"xatol": _CLOSE})
    return float(np.float32(np.exp(found.x)))


def calibrated(
    metric: "Metric", y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, float, float]:
    """Return probabilities, their score, and the temperature they are at: the one that fits, or 1.

    The one that fits only where ``metric`` gains by it: those of ranks see no difference.
    """
    score, fitted = metric.score(y, p, weights), fit(p, y, weights)
    other = apply(p, fitted)
    better = metric.score(y, other, weights)
    return (other, better, fitted) if better > score else (p, score, 1.0)


def apply(p: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (n, k) at another temperature, in their own type."""
    return p if temperature == 1 else softmax(_logs(p) / temperature, axis=1).astype(p.dtype)


def emit(graph: "Graph", p: str, temperature: float) -> str:
    """Add what ``apply`` does with the tensor ``p`` (n, k) to ``graph``; return its output."""
    if temperature == 1:
        return p
    scores = graph.made_by("Softmax", p)
    if scores is None:
        scores = graph.op("Log", graph.op("Max", p, graph.constant(_TINY)))
    return graph.op("Softmax", graph.op("Mul", scores, graph.constant(np.float32(1 / temperature))), axis=-1)


def of_tensors(p: Any, temperature: float) -> Any:
    """Return what ``apply`` does, of a tensor of probabilities (n, k)."""
    return p if temperature == 1 else (p.clamp(min=float(_TINY)).log() / temperature).softmax(dim=1)


def _logs(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(p, _TINY))
