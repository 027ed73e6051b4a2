"""Text as TF-IDF, and a linear model on it: hard to beat on small data, and one matrix in the artifact.

Reference: Joachims, "Text categorization with support vector machines", 1998; Wang and Manning,
"Baselines and bigrams: simple, good sentiment and topic classification", 2012.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse as sp

from automl.option import Family
from automl.quiet import quiet
from automl.space import Choice, Float, Int, Params, Space
from automl.target import Head
from automl.task import Batch, Problem, Rows
from automl.training.linear import Calibration, Linear, class_weight_for_classes, class_weights, holdout
from automl.training.tfidf import Tfidf
from automl.training.unvalidated import Unvalidated
from automl.types import Model

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE: Space = {
    # Words and pairs of words, pieces of words, or both.
    "analyzer": Choice(["both", "word", "char"]),
    "sublinear": Choice([True, False]),
    "min_documents": Int(1, 20, log=True, default=2),
    # likelihood: logistic regression, or ridge; margin: squared hinge, or epsilon-insensitive errors.
    "loss": Choice(["likelihood", "margin"]),
    "C": Float(1e-2, 1e3, log=True, default=10.0),
    "class_weight": Choice(["none", "balanced"]),
}
_STAGE_WORK = 1e9
_MOST_ITERATIONS = 300


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    return TfidfLinear(params, problem)


class TfidfLinear(Unvalidated):
    """A linear model on ``Rows.sparse`` (n, v): counts of terms named "w:..." (words) and "c:..." (characters)."""

    def __init__(self, params: Params, problem: Problem) -> None:
        self.loss, self.c = params["loss"], params["C"]
        self.balanced = params.get("class_weight") == "balanced"
        self.min_documents = params["min_documents"]
        self.target, self.seed = problem.target, problem.seed
        self.tfidf = Tfidf(params["sublinear"])
        self.allowed = _allowed(problem, params["analyzer"])

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; logistic regression yields after every stage, margins after the calibration."""
        self.tfidf.fit(train.x.sparse, self.allowed, self.min_documents)
        x = self.tfidf.transform(train.x.sparse).astype(np.float64)
        head = self.target.head(train.y, train.weights, "odds")
        y = head.encode(train.y)
        if not self.target.is_classification:
            self._fit_values(x, y, train.weights, head)
        elif not y.any():  # one class
            self.model = Linear.constant(x.shape[1], head)
        else:
            fit = self._fit_logistic if self.loss == "likelihood" else self._fit_margin
            yield from fit(x, y, train.weights, head)
        yield 1.0

    def _fit_logistic(
        self, x: sp.csr_matrix, codes: np.ndarray, weights: np.ndarray | None, head: Head
    ) -> Iterator[float]:
        from sklearn.linear_model import LogisticRegression

        weights = class_weights(codes, weights, self.balanced)
        stage = int(np.clip(_STAGE_WORK / (x.nnz * head.width + 1), 10, _MOST_ITERATIONS))
        fitted = LogisticRegression(C=self.c, tol=1e-3, warm_start=True, max_iter=stage)
        for done in range(stage, _MOST_ITERATIONS + stage, stage):
            with quiet():
                fitted.fit(x, codes, sample_weight=weights)
            self.model = Linear(fitted.coef_, fitted.intercept_, head)
            if fitted.n_iter_.max() < stage or done >= _MOST_ITERATIONS:
                return
            yield done / _MOST_ITERATIONS

    def _fit_margin(
        self, x: sp.csr_matrix, codes: np.ndarray, weights: np.ndarray | None, head: Head
    ) -> Iterator[float]:
        """Fit on 80 %, calibrate on the rest, then fit on everything."""
        k, own = int(codes.max()) + 1, weights
        weights = class_weights(codes, weights, self.balanced)
        held = holdout(codes, self.seed)
        part = None if weights is None else weights[~held]
        coef, intercept = self._machine(x[~held], codes[~held], part, k)
        # Balanced classes shift the scores; probabilities are those of the classes as they are.
        calibration = Calibration(x[held] @ coef.T + intercept, codes[held], None if own is None else own[held])
        t, bias = calibration.temperature, calibration.bias
        self.model = Linear(t * coef, t * intercept + bias, head)
        yield 0.5
        coef, intercept = self._machine(x, codes, weights, k)
        self.model = Linear(t * coef, t * intercept + bias, head)

    def _machine(self, x: Any, codes: np.ndarray, weights: np.ndarray | None, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one row of weights and one intercept per class, (k, p) and (k,)."""
        from sklearn.svm import LinearSVC

        with quiet():
            # For unit vectors the squared hinge wants about a tenth of the logistic C.
            fitted = LinearSVC(C=self.c / 10, tol=1e-3, max_iter=200, random_state=self.seed)
            fitted.fit(x, codes, sample_weight=weights)
        if k == 2:
            half, shift = fitted.coef_ / 2, fitted.intercept_ / 2
            return np.vstack([-half, half]), np.append(-shift, shift)
        return fitted.coef_, fitted.intercept_

    def _fit_values(self, x: sp.csr_matrix, y: np.ndarray, weights: np.ndarray | None, head: Head) -> None:
        from sklearn.linear_model import Ridge
        from sklearn.svm import LinearSVR

        if self.loss == "likelihood":
            fitted = Ridge(alpha=10 / self.c, solver="sparse_cg", tol=1e-4, max_iter=200)
        else:
            fitted = LinearSVR(C=self.c / 10, epsilon=0.1, loss="squared_epsilon_insensitive", dual="auto", tol=1e-3)
        with quiet():
            fitted.fit(x, y, sample_weight=weights)
        self.model = Linear(fitted.coef_.reshape(1, -1), np.atleast_1d(fitted.intercept_), head)

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        return self.model.predict(self.tfidf.transform(x.sparse))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the weighting of terms and one matrix; ``inputs["sparse"]`` is dense, (n, v)."""
        return self.model.write(graph, self.tfidf.write(graph, inputs["sparse"], self.model.weight))


def _allowed(problem: Problem, analyzer: str) -> np.ndarray | None:
    """Return which terms, (v,), the analyzer uses; None for all, also where it would use none."""
    terms = [term for column in problem.schema.columns for term in column.terms]
    mask = np.array([term.startswith(analyzer[0] + ":") for term in terms], bool)
    return mask if analyzer != "both" and mask.any() else None


OPTION = Family(space=SPACE, build=build, order=10, adapt=class_weight_for_classes)
