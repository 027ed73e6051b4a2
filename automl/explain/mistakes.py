"""The rows that a model is most mistaken about, or least certain of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 10


@dataclass(frozen=True)
class Mistake:
    """A row with what is true and what is predicted, as texts.

    ``at``: its place among the rows that are given. ``far``: how far off: the probability of the true class, or the
    error, predicted less true.
    """

    at: int
    true: str
    predicted: str
    far: str


def worst(
    y: np.ndarray, prediction: np.ndarray, classes: Sequence[str], most: int = MOST, value: int = 0
) -> list[Mistake]:
    """Return the rows with the greatest error, worst first; of classes, those that are misclassified alone.

    y: (n,) codes, or values. prediction: (n, n_classes) probabilities, (n, 1) values or (n, n_quantiles); rows with NaN
    are left out. ``value``: the column that stands for the value.
    """
    known = np.isfinite(prediction).all(axis=1)
    if not classes:
        said = prediction[:, value]
        error = np.where(known, np.abs(y - said), -np.inf)
        order = np.argsort(-error, kind="stable")[:most]
        return [
            Mistake(int(i), f"{y[i]:.6g}", f"{said[i]:.6g}", f"{said[i] - y[i]:+.4g}")
            for i in order[np.isfinite(error[order])]
        ]
    return _of_classes(y, prediction, classes, np.flatnonzero(known & (prediction.argmax(axis=1) != y)), most)


def least_certain(y: np.ndarray, prediction: np.ndarray, classes: Sequence[str], most: int = MOST) -> list[Mistake]:
    """Return the rows whose true class has the least probability, least first; see ``worst``."""
    return _of_classes(y, prediction, classes, np.flatnonzero(np.isfinite(prediction).all(axis=1)), most)


def _of_classes(
    y: np.ndarray, prediction: np.ndarray, classes: Sequence[str], among: np.ndarray, most: int
) -> list[Mistake]:
    true, called = prediction[np.arange(len(y)), y], prediction.argmax(axis=1)
    order = among[np.argsort(true[among], kind="stable")][:most]
    return [
        Mistake(int(i), classes[y[i]], f"{classes[called[i]]} ({prediction[i, called[i]]:.3f})", f"{true[i]:.3g}")
        for i in order
    ]
