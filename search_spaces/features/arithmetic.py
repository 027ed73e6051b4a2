"""Sums, differences, products and ratios of two numbers, which trees and weighted sums can only approach."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features._gain import Gain
from automl.search_spaces.features.blocks import Identity, NumericStep
from automl.space import Choice, Int, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE = {
    "method": Choice(
        {"none": {}, "gain": {"n_columns": Int(3, 12, log=True, default=8), "n_kept": Int(3, 40, log=True, default=8)}}
    )
}
# By their names in ONNX.
_OPERATIONS = {"Sub": np.subtract, "Add": np.add, "Mul": np.multiply, "Div": np.divide}
_MANY_VALUES = 100
# A ratio has no bound: what is beyond these shares of the training values counts as these.
_ENDS = (0.005, 0.995)


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``n_kept`` of the pairs among the ``n_columns`` best columns are kept, at most."""
    if params["method"] == "none":
        return Identity()
    return Arithmetic(params["method.gain.n_columns"], params["method.gain.n_kept"], Gain(problem))


class Arithmetic(NumericStep):
    """Appends what is made of two columns: of the best ones by ``Gain``, and of these pairs the best ones again.

    NaN where either is missing or a divisor is 0. Reference, of features that arithmetic makes and a booster's gain
    chooses: Zhang et al., "OpenFE: automated feature generation with expert-level performance", 2023, arXiv:2211.12507.
    """

    def __init__(self, n_columns: int, n_kept: int, gain: Gain) -> None:
        self.n_columns, self.n_kept, self.gain = n_columns, n_kept, gain

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        index = self.gain.sample(*x.shape)
        x, y = x[index], y[index]
        gained = self.gain.of(x, y)
        useful = [j for j in np.argsort(-gained, kind="stable") if gained[j] > 0 and _is_number(x[:, j])]
        best = np.array(useful[: self.n_columns], np.int64)
        # The columns of each operation: (2, k) places of operands.
        self.operands = {name: np.array(list(combinations(best, 2)), np.int64).reshape(-1, 2).T for name in _OPERATIONS}
        made = self._combined(x)
        gained = self.gain.of(np.hstack([x[:, best], made]), y)[len(best) :] if made.shape[1] else np.zeros(0)
        kept = np.sort(np.argsort(-gained, kind="stable")[: self.n_kept])
        kept = kept[gained[kept] > 0]
        self.low = self.high = np.zeros(0, np.float32)
        if not len(kept):
            return
        which = np.split(np.isin(np.arange(made.shape[1]), kept), len(_OPERATIONS))
        self.operands = {n: at[:, w] for (n, at), w in zip(self.operands.items(), which, strict=True) if w.any()}
        self.low, self.high = np.nanquantile(made[:, kept], _ENDS, axis=0).astype(np.float32)

    def _combined(self, x: np.ndarray) -> np.ndarray:
        """Return (n, k) float32 without infinities."""
        made = []
        with np.errstate(over="ignore", invalid="ignore"):
            for name, (first, second) in self.operands.items():
                b = x[:, second]
                b = np.where(b == 0, np.float32(np.nan), b) if name == "Div" else b
                made.append(_OPERATIONS[name](x[:, first], b))
        values = np.hstack(made)
        return np.where(np.isinf(values), np.float32(np.nan), values)

    def apply(self, x: np.ndarray) -> np.ndarray:
        if not len(self.low):
            return x
        made = self._combined(x)
        made = np.where(made < self.low, self.low, made)
        return np.hstack([x, np.where(made > self.high, self.high, made)])

    def write(self, graph: "Graph", x: str) -> str:
        if not len(self.low):
            return x
        nan, made = graph.constant(np.float32(np.nan)), []
        for name, (first, second) in self.operands.items():
            a, b = graph.columns(x, first), graph.columns(x, second)
            if name == "Div":
                b = graph.op("Where", graph.op("Equal", b, graph.constant(np.float32(0))), nan, b)
            made.append(graph.op(name, a, b))
        low, high, values = graph.constant(self.low), graph.constant(self.high), graph.concat(made)
        values = graph.op("Where", graph.op("IsInf", values), nan, values)
        values = graph.op("Where", graph.op("Less", values, low), low, values)
        return graph.concat([x, graph.op("Where", graph.op("Greater", values, high), high, values)])


def _is_number(column: np.ndarray) -> bool:
    """Whether a column has many values: of steps and counts, arithmetic makes mostly what some splits tell anyway."""
    known = column[~np.isnan(column)]
    return len(np.unique(known)) >= min(_MANY_VALUES, len(known) / 4)


OPTION = option.Step(
    space=SPACE, build=build, reads=("numeric", "datetime", "text"), after=("text",), requires=("lightgbm",)
)
