"""Keeps the numeric columns that say most about the target."""

from typing import TYPE_CHECKING

import numpy as np

from automl import option
from automl.search_spaces.features.blocks import Identity, NumericStep, filled, sample_rows
from automl.space import Choice, Float, Params
from automl.task import Problem
from automl.types import FeatureStep

if TYPE_CHECKING:
    from automl.export.graph import Graph

_SHARE = {"share": Float(0.05, 1.0, default=0.5)}
SPACE = {"method": Choice({"none": {}, "mutual_information": _SHARE, "extra_trees": _SHARE, "l1": _SHARE})}
# Scores are made on a sample: this many numbers, within these numbers of rows.
_NUMBERS, _FEWEST_ROWS, _MOST_ROWS = 400_000, 500, 10_000


def build(params: Params, problem: Problem) -> FeatureStep:
    """Make the step; ``share`` of the columns are kept, one at least."""
    method = params["method"]
    if method == "none":
        return Identity()
    return Select(method, params[f"method.{method}.share"], problem)


class Select(NumericStep):
    """Keeps the columns with the highest scores, in their order.

    ``mutual_information``: k nearest neighbours estimate (Kraskov, Stögbauer and Grassberger, 2004).
    ``extra_trees``: impurity importance (Geurts, Ernst and Wehenkel, 2006). ``l1``: weights of a
    linear model with an L1 penalty; columns with weight 0 are never kept.
    """

    def __init__(self, method: str, share: float, problem: Problem) -> None:
        self.method, self.share = method, share
        self.classification, self.seed, self.threads = problem.target.is_classification, problem.seed, problem.threads

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        n_columns = x.shape[1]
        most = _MOST_ROWS if self.method != "mutual_information" else _MOST_ROWS // 5
        index = sample_rows(len(x), int(np.clip(_NUMBERS // n_columns, _FEWEST_ROWS, most)), self.seed)
        scores = _SCORES[self.method](self, filled(x[index]), y[index])
        useful = np.count_nonzero(scores) if self.method == "l1" else n_columns
        n_kept = max(1, min(round(self.share * n_columns), useful))
        self.kept = np.sort(np.argsort(-scores, kind="stable")[:n_kept])

    def apply(self, x: np.ndarray) -> np.ndarray:
        return x[:, self.kept]

    def write(self, graph: "Graph", x: str) -> str:
        return graph.columns(x, self.kept)

    def _mutual_information(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

        score = mutual_info_classif if self.classification else mutual_info_regression
        flags = ((x == 0) | (x == 1)).all(axis=0)
        return score(x, y, discrete_features=flags, random_state=self.seed, n_jobs=self.threads)

    def _extra_trees(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        make = ExtraTreesClassifier if self.classification else ExtraTreesRegressor
        model = make(50, min_samples_leaf=3, max_features=0.3, n_jobs=self.threads, random_state=self.seed)
        return model.fit(x, y).feature_importances_

    def _l1(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        from sklearn.linear_model import Lasso
        from sklearn.svm import LinearSVC

        spread = x.std(axis=0, dtype=np.float64)
        x = (x - x.mean(axis=0, dtype=np.float64)) / np.where(spread > 0, spread, 1)
        if not self.classification:
            return np.abs(Lasso(alpha=1e-3 * (y.std() or 1.0), max_iter=300).fit(x, y).coef_)
        if len(np.unique(y)) < 2:
            return np.ones(x.shape[1])
        model = LinearSVC(penalty="l1", dual=False, C=0.1, tol=1e-2, max_iter=100, random_state=self.seed)
        return np.abs(model.fit(x, y).coef_).sum(axis=0)


_SCORES = {
    "mutual_information": Select._mutual_information,
    "extra_trees": Select._extra_trees,
    "l1": Select._l1,
}


OPTION = option.Step(space=SPACE, build=build, after=("scale",))
