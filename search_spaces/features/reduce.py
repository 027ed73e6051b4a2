"""Numeric columns to fewer, uncorrelated ones."""

from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features.blocks import Identity, NumericStep, filled, sample_rows
from automl.space import Choice, Float, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE = {
    "method": Choice(
        {"none": {}, "pca": {"share": Float(0.05, 1.0, default=0.5), "whiten": Choice([False, True])}},
    )
}
_MOST_ROWS = 50_000


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``share`` of the number of columns is kept, one at least."""
    if params["method"] == "none":
        return Identity()
    return Pca(params["method.pca.share"], params["method.pca.whiten"], problem.seed)


class Pca(NumericStep):
    """The directions of largest variance; NaN counts as the column's mean.

    Reference: Hotelling, "Analysis of a complex of statistical variables into principal components", 1933.
    """

    def __init__(self, share: float, whiten: bool, seed: int) -> None:
        self.share, self.whiten, self.seed = share, whiten, seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        from sklearn.decomposition import PCA

        x = filled(x[sample_rows(len(x), _MOST_ROWS, self.seed)]).astype(np.float64)
        n_kept = max(1, min(round(self.share * x.shape[1]), len(x)))
        pca = PCA(n_kept, random_state=self.seed).fit(x)
        self.mean = pca.mean_.astype(np.float32)
        # A direction without variance is noise: dividing by it would only amplify rounding.
        variance = np.maximum(pca.explained_variance_, 1e-6 * pca.explained_variance_[0] + 1e-12)
        spread = np.sqrt(variance) if self.whiten else 1.0
        self.directions = (pca.components_.T / spread).astype(np.float32)  # (p, k)

    def apply(self, x: np.ndarray) -> np.ndarray:
        centered = x - self.mean
        centered[np.isnan(centered)] = 0
        return centered @ self.directions

    def write(self, graph: "Graph", x: str) -> str:
        centered = graph.op("Sub", x, graph.constant(self.mean))
        known = graph.op("Where", graph.op("IsNaN", centered), graph.constant(np.float32(0)), centered)
        return graph.op("MatMul", known, graph.constant(self.directions))


OPTION = option.Step(space=SPACE, build=build, after=("select",))
