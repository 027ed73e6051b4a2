"""Linear models in NumPy and in ONNX; samples of rows for slow methods."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from automl.space import Space
from automl.target import Head
from automl.task import Problem

if TYPE_CHECKING:
    from automl.export.graph import Graph


_HELD = 0.2


def sample(y: np.ndarray, n_wanted: int, n_classes: int, seed: int) -> np.ndarray:
    """Return the sorted index of at most ``n_wanted`` random rows; classes keep their shares, one row at least.

    ``n_classes`` is 0 for regression.
    """
    if n_wanted >= len(y):
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    if n_classes:
        # The place of every row within its class, as a share: taking the smallest keeps the shares.
        place = np.empty(len(y))
        for k in range(n_classes):
            rows = order[y[order] == k]
            place[rows] = np.arange(len(rows)) / max(len(rows), 1)
        order = order[np.argsort(place[order], kind="stable")]
    return np.sort(order[:n_wanted])


def holdout(codes: np.ndarray, seed: int) -> np.ndarray:
    """Return a mask, (n,), of about a fifth of the rows of every class; a class with one row gives none."""
    held = np.zeros(len(codes), bool)
    order = np.random.default_rng(seed).permutation(len(codes))
    for k in np.unique(codes):
        rows = order[codes[order] == k]
        held[rows[: int(np.ceil(_HELD * len(rows)))]] = len(rows) > 1
    return held


def class_weight_for_classes(space: Space, problem: Problem) -> Space:
    """Leave the weights of classes out of a space where there are no classes."""
    return space if problem.target.is_classification else {k: v for k, v in space.items() if k != "class_weight"}


def class_weights(y: np.ndarray, weights: np.ndarray | None, balanced: bool) -> np.ndarray | None:
    """Return row weights, (n,), under which all classes weigh the same if ``balanced``."""
    if not balanced:
        return weights
    own = np.ones(len(y)) if weights is None else weights
    mass = np.bincount(y, weights=own)
    return own * (own.sum() / np.count_nonzero(mass) / mass[y])


class Linear:
    """Raw outputs ``x @ weight + bias``, and the head that makes predictions of them.

    ``coef`` (r, p) and ``intercept`` (r,), of a head for "odds"; of two classes there may be two, whose difference is
    the log-odds. ``weight`` (p, r) and ``bias`` (r,) are float32.
    """

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, head: Head) -> None:
        if len(coef) == 2 and head.n_raw == 1:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.weight, self.bias = coef.T.astype(np.float32), intercept.astype(np.float32)
        self.head = head

    @classmethod
    def constant(cls, n_columns: int, head: Head) -> "Linear":
        """The model that predicts the average of the training part."""
        return cls(np.zeros((head.n_raw, n_columns)), head.average, head)

    def predict(self, x: Any) -> np.ndarray:
        """Return (n, width) probabilities or values; ``x`` is a dense or sparse (n, p) array."""
        return self.head.predict(np.asarray(x @ self.weight) + self.bias)

    def write(self, graph: "Graph", product: str) -> str:
        """Add what ``predict`` does with ``product``, the tensor of ``x @ weight``; return (n, width)."""
        return self.head.emit(graph, graph.op("Add", product, graph.constant(self.bias)))


class Calibration:
    """Scores to log-odds that mean something: ``temperature * score + bias`` per class before softmax.

    Reference: Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On
    calibration of modern neural networks", 2017.
    """

    def __init__(self, scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Fit on (m, k) scores of rows the model was not trained on, and their codes in 0..k-1; m may be 0."""
        from scipy.optimize import minimize

        m, k = scores.shape
        hit = np.eye(k)[y]
        share = np.full(m, 1 / max(m, 1)) if weights is None else weights / max(weights.sum(), 1e-12)

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            p = softmax(np.exp(theta[0]) * scores + theta[1:], axis=1)
            error = (p - hit) * share[:, None]
            pull = 1e-3 * theta  # keeps a separable or tiny sample from running away
            value = -(share * np.log(np.maximum(p[np.arange(m), y], 1e-12))).sum() + 0.5 * (pull @ theta)
            return value, pull + np.append((error * scores).sum() * np.exp(theta[0]), error.sum(axis=0))

        theta = minimize(loss, np.zeros(k + 1), jac=True, method="L-BFGS-B").x
        self.temperature, self.bias = float(np.exp(theta[0])), theta[1:]
