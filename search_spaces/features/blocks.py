"""What the feature steps share: the shape of a step on numeric columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard, TypeVar

import numpy as np
from scipy import sparse as sp

from automl.task import Rows, present

if TYPE_CHECKING:
    from automl.export.graph import Graph


Array = TypeVar("Array", np.ndarray, sp.csr_matrix)


class Identity:
    """The step that changes nothing."""

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        return x

    def transform(self, x: Rows) -> Rows:
        return x

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        return dict(inputs)


class NumericStep:
    """A step on ``Rows.numeric``; it leaves rows alone that have no numeric columns.

    A step implements ``fit``, ``apply`` (both on (n, p) float32) and ``write``, the same as ONNX operators.
    """

    fitted = False

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        raise NotImplementedError

    def apply(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def write(self, graph: "Graph", x: str) -> str:
        raise NotImplementedError

    def fit_transform(self, x: Rows, y: np.ndarray) -> Rows:
        if not has_columns(x.numeric):
            return x
        self.fit(x.numeric, y)
        self.fitted = True
        return self.transform(x)

    def transform(self, x: Rows) -> Rows:
        return replace(x, numeric=self.apply(present(x.numeric))) if self.fitted else x

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        return {**inputs, "numeric": self.write(graph, inputs["numeric"])} if self.fitted else dict(inputs)


def has_columns(array: Array | None) -> TypeGuard[Array]:
    """Whether there is an array with at least one column."""
    return array is not None and array.shape[1] > 0


def append_numeric(x: Rows, columns: np.ndarray) -> Rows:
    """Return ``x`` with (n, k) ``columns`` to the right of its numeric ones."""
    return replace(x, numeric=np.hstack([x.numeric, columns]) if has_columns(x.numeric) else columns)


def append_tensor(graph: "Graph", inputs: Mapping[str, str], tensor: str) -> str:
    """``append_numeric`` for ONNX: return the name of the widened numeric tensor."""
    return graph.concat([inputs["numeric"], tensor]) if "numeric" in inputs else tensor


def sample_rows(n_rows: int, n_wanted: int, seed: int) -> np.ndarray | slice:
    """Return an index of at most ``n_wanted`` random rows."""
    if n_rows <= n_wanted:
        return slice(None)
    return np.sort(np.random.default_rng(seed).choice(n_rows, n_wanted, replace=False))


def filled(x: np.ndarray) -> np.ndarray:
    """Return ``x`` with NaN replaced by the column's mean (0 in an empty column), for scoring only."""
    missing = np.isnan(x)
    if not missing.any():
        return x
    total = np.where(missing, 0, x).sum(axis=0, dtype=np.float64)
    return np.where(missing, total / np.maximum((~missing).sum(axis=0), 1), x).astype(np.float32)
