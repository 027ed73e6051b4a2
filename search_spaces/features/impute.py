"""Missing numbers: filled with what is usual in the column, or left for models that understand them."""

from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features.blocks import Identity, NumericStep
from automl.space import Choice, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

# Whether a 0/1 column says where the number was missing (only for columns that had gaps in training).
_FILL = {"indicators": Choice([True, False])}
SPACE = {
    "method": Choice({"median": _FILL, "mean": _FILL, "most_frequent": _FILL, "zero": _FILL, "none": {}}),
}


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``none`` keeps NaN."""
    method = params["method"]
    return Identity() if method == "none" else Impute(method, params[f"method.{method}.indicators"])


class Impute(NumericStep):
    """Fills NaN with one number per column; a column without any number is filled with 0."""

    def __init__(self, method: str, indicators: bool) -> None:
        self.method, self.indicators = method, indicators

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        missing = np.isnan(x)
        with_gaps = missing.any(axis=0)
        self.marked = np.flatnonzero(with_gaps) if self.indicators else np.empty(0, np.int64)
        self.fill = np.zeros(x.shape[1], np.float32)
        if self.method != "zero":
            for j in range(x.shape[1]):
                known = x[~missing[:, j], j] if with_gaps[j] else x[:, j]
                self.fill[j] = _usual(known, self.method)

    def apply(self, x: np.ndarray) -> np.ndarray:
        missing = np.isnan(x)
        numbers = np.where(missing, self.fill, x)
        return np.hstack([numbers, missing[:, self.marked].astype(np.float32)]) if len(self.marked) else numbers

    def write(self, graph: "Graph", x: str) -> str:
        missing = graph.op("IsNaN", x)
        numbers = graph.op("Where", missing, graph.constant(self.fill), x)
        if not len(self.marked):
            return numbers
        return graph.concat([numbers, graph.cast(graph.columns(missing, self.marked), np.float32)])


def _usual(known: np.ndarray, method: str) -> float:
    if not len(known):
        return 0.0
    if method == "mean":
        return float(known.mean(dtype=np.float64))
    if method == "median":
        return float(np.median(known))
    values, counts = np.unique(known, return_counts=True)
    return float(values[counts.argmax()])


OPTION = option.Step(space=SPACE, build=build, after=("text", "arithmetic"))
