"""Numeric columns to comparable ranges. Columns that hold only 0 and 1 stay; NaN stays NaN."""

from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features.blocks import Identity, NumericStep
from automl.space import Choice, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE = {
    "method": Choice(
        {"standard": {}, "robust": {}, "quantile": {"output": Choice(["normal", "uniform"])}, "none": {}},
    )
}
# The deepest binary search: 2**7 - 1 knots per column.
_DEPTH = 7


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step."""
    method = params["method"]
    if method == "none":
        return Identity()
    if method == "quantile":
        return Quantile(params["method.quantile.output"] == "normal")
    return Scale(method)


class Scale(NumericStep):
    """``(x - center) / spread``: mean and standard deviation, or median and interquartile range."""

    def __init__(self, method: str) -> None:
        self.method = method

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.center, self.factor = np.zeros(x.shape[1], np.float32), np.ones(x.shape[1], np.float32)
        for j, column in enumerate(x.T):
            known = _known(column)
            if _is_flag(known):
                continue
            if self.method == "standard":
                center, spread = known.mean(dtype=np.float64), known.std(dtype=np.float64)
            else:
                low, center, high = np.percentile(known, [25, 50, 75])
                spread = (high - low) / 1.349 or known.std(dtype=np.float64)  # 1.349: as wide as a normal deviation
            # Rounding alone must not look like spread.
            if spread > 1e-6 * abs(center):
                self.center[j], self.factor[j] = center, 1 / spread

    def apply(self, x: np.ndarray) -> np.ndarray:
        out = x - self.center
        out *= self.factor
        return out

    def write(self, graph: "Graph", x: str) -> str:
        return graph.op("Mul", graph.op("Sub", x, graph.constant(self.center)), graph.constant(self.factor))


class Quantile(NumericStep):
    """The place of a value among the training values, as a share or as a normal deviate.

    Straight lines between up to 127 quantiles of a column; a value that occurs often gets the middle
    of its places, and values beyond the ends stay there. With ``normal`` the ends are at about 2.65
    deviations, so that one extreme value does not reach far. Searching is by halves, in ONNX too, so
    that both use the same line for a value.
    """

    def __init__(self, normal: bool) -> None:
        self.normal = normal

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        n_columns, n_knots = x.shape[1], 2**_DEPTH - 1
        # A line of (start, height, slope) for every gap between knots; line 0 is left of the first knot.
        self.knots = np.full((n_columns, n_knots), np.inf, np.float32)
        self.start, self.height, self.slope = (np.zeros((n_columns, n_knots + 1), np.float32) for _ in range(3))
        self.kept = np.ones(n_columns, bool)
        for j, column in enumerate(x.T):
            known = _known(column)
            if _is_flag(known):
                self.kept[j] = False
                continue
            knots, heights = self._curve(known, n_knots)
            k = len(knots)
            self.knots[j, :k] = knots
            self.start[j, : k + 1], self.start[j, k + 1 :] = np.append(knots[0], knots), knots[-1]
            self.height[j, : k + 1], self.height[j, k + 1 :] = np.append(heights[0], heights), heights[-1]
            self.slope[j, 1:k] = np.diff(heights) / np.diff(knots.astype(np.float64))

    def _curve(self, known: np.ndarray, n_knots: int) -> tuple[np.ndarray, np.ndarray]:
        from scipy.stats import norm

        shares = (np.arange(n_knots) + 0.5) / n_knots
        shares[[0, -1]] = 0, 1  # the knots at the ends are the smallest and the largest value
        values = np.quantile(known, shares, method="inverted_cdf").astype(np.float32)
        shares[[0, -1]] = 0.5 / n_knots, 1 - 0.5 / n_knots
        knots, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
        heights = np.bincount(group, weights=shares) / sizes
        return knots, norm.ppf(heights) if self.normal else heights

    def apply(self, x: np.ndarray) -> np.ndarray:
        out = x.copy()
        for j in np.flatnonzero(self.kept):
            # Each column by itself: the sorted search needs a row of knots, and the tables stay in the cache.
            line = np.searchsorted(self.knots[j], x[:, j], side="right")
            values = self.height[j, line] + (x[:, j] - self.start[j, line]) * self.slope[j, line]
            out[:, j] = values
        return out

    def write(self, graph: "Graph", x: str) -> str:
        columns = np.flatnonzero(self.kept)
        if not len(columns):
            return x
        n_knots = self.knots.shape[1]
        values = graph.columns(x, columns)
        knots = graph.constant(self.knots[columns].ravel())
        # `line` counts the knots of a column that are <= x: the middle one first, then by halves.
        line = graph.constant(np.zeros((1, len(columns)), np.int64))
        for step in 2 ** np.arange(_DEPTH - 1, -1, -1):
            at = graph.op("Add", line, graph.constant(np.arange(len(columns)) * n_knots + step - 1))
            passed = graph.op("GreaterOrEqual", values, graph.op("Gather", knots, at))
            further = graph.op("Mul", graph.cast(passed, np.int64), graph.constant(np.int64(step)))
            line = graph.op("Add", line, further)
        line = graph.op("Add", line, graph.constant(np.arange(len(columns)) * (n_knots + 1)))
        start, height, slope = (
            graph.op("Gather", graph.constant(table[columns].ravel()), line)
            for table in (self.start, self.height, self.slope)
        )
        placed = graph.op("Add", height, graph.op("Mul", graph.op("Sub", values, start), slope))
        if self.kept.all():
            return placed
        # Scaled columns first, then the others: put them back in order.
        order = np.argsort(np.concatenate([columns, np.flatnonzero(~self.kept)]))
        return graph.columns(graph.concat([placed, graph.columns(x, np.flatnonzero(~self.kept))]), order)


def _known(column: np.ndarray) -> np.ndarray:
    missing = np.isnan(column)
    return column[~missing] if missing.any() else column


def _is_flag(known: np.ndarray) -> bool:
    """Whether a column holds nothing but 0 and 1."""
    return bool(((known == 0) | (known == 1)).all())


OPTION = option.Step(space=SPACE, build=build, after=("encode",))
