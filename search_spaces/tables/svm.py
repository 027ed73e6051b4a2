"""Support vector machines on a sample of rows, with calibrated probabilities.

The time of one fit grows with the square of the rows: at most ``max_rows`` of them (5,000 by
default, classes in proportion) are used, and the artifact keeps those that are support vectors.
Reference: Cortes and Vapnik, "Support-vector networks", 1995; LIBSVM through scikit-learn.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.option import Family
from automl.quiet import quiet
from automl.search_spaces.tables.blocks import NUMERIC_FEATURES
from automl.space import Choice, Float, Int, Params, Space
from automl.target import Head
from automl.task import Batch, Problem, Rows, present
from automl.training.linear import Calibration, Linear, class_weights, holdout, sample
from automl.training.unvalidated import Unvalidated
from automl.types import Model

if TYPE_CHECKING:
    from automl.export.graph import Graph

SPACE: Space = {
    # gamma is relative to 1 / (columns * variance), which scikit-learn calls "scale".
    "kernel": Choice(
        {
            "rbf": {"gamma": Float(1e-2, 1e2, log=True, default=1.0), "C": Float(1e-2, 1e3, log=True, default=1.0)},
            # These two hardly end for a large C.
            "linear": {"C": Float(1e-3, 1.0, log=True, default=0.1)},
            "poly": {
                "degree": Int(2, 4, default=3),
                "gamma": Float(3e-2, 3.0, log=True, default=1.0),
                "coef0": Float(0.0, 2.0, default=1.0),
                "C": Float(1e-3, 10.0, log=True, default=1.0),
            },
        }
    ),
    "max_rows": Int(500, 10_000, log=True, default=5_000),
    # For classes only.
    "class_weight": Choice(["none", "balanced"]),
    # For three classes or more: how much like a hard vote a pair's decision counts. Low is better
    # for probabilities of noisy classes, high for labels.
    "sharpness": Float(0.5, 8.0, log=True, default=2.0),
    # For regression only: errors below this share of the target's deviation are free.
    "epsilon": Float(1e-3, 0.5, log=True, default=0.1),
}
_MOST_ITERATIONS = 100_000
_CACHE_MB = 300
_MOST_CLASSES = 40
_CHUNK_NUMBERS = 4_000_000
_LARGEST = 1e30  # margin: of a value far out, a polynomial is larger than float32 holds


def adapt(space: Space, problem: Problem) -> Space | None:
    """Leave out what the problem has no use for; None (not at all) for more classes than pairs are affordable."""
    if problem.target.n_classes > _MOST_CLASSES:
        return None
    useless = {
        "binary": ("epsilon", "sharpness"),
        "multiclass": ("epsilon",),
        "regression": ("class_weight", "sharpness"),
    }
    return {name: domain for name, domain in space.items() if name not in useless[problem.target.kind]}


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    return SupportVectors(params, problem)


class SupportVectors(Unvalidated):
    """Kernel expansions: one per pair of classes, whose log-odds add up to one score per class.

    Classification fits on 80 % of the sample, calibrates the scores on the rest (one temperature,
    one bias per class), then fits again on the whole sample. Every pair votes with the logarithm of
    a sigmoid: smooth where LIBSVM's votes are hard, as in Hastie and Tibshirani,
    "Classification by pairwise coupling", 1998.
    """

    def __init__(self, params: Params, problem: Problem) -> None:
        self.kernel = str(params["kernel"])
        self.gamma_factor = params.get(f"kernel.{self.kernel}.gamma", 1.0)
        self.degree, self.coef0 = (
            params.get("kernel.poly.degree", 3),
            float(np.float32(params.get("kernel.poly.coef0", 0.0))),
        )
        self.c = params[f"kernel.{self.kernel}.C"]
        self.max_rows, self.epsilon = params["max_rows"], params.get("epsilon", 0.1)
        self.balanced, self.sharpness = params.get("class_weight") == "balanced", params.get("sharpness", 1.0)
        self.target, self.seed = problem.target, problem.seed

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; classification yields after the calibrated and after the final machine."""
        batch = train.take(sample(train.y, self.max_rows, self.target.n_classes, self.seed))
        x = present(batch.x.numeric).astype(np.float64)
        self.center = x.mean(axis=0).astype(np.float32)
        x = x - self.center
        # Rounded here, because ONNX constants are float32.
        self.gamma = float(np.float32(self.gamma_factor / max(x.shape[1] * x.var(), 1e-12)))
        head = self.target.head(batch.y, batch.weights, "odds")
        y = head.encode(batch.y)
        if self.target.is_classification:
            yield from self._fit_classes(x, y, batch.weights, head)
        else:
            self._fit_values(x, y, batch.weights, head)
        yield 1.0

    def _fit_classes(self, x: np.ndarray, codes: np.ndarray, weights: np.ndarray | None, head: Head) -> Iterator[float]:
        k = int(codes.max()) + 1
        if k == 1:
            self._keep(np.zeros((1, x.shape[1])), np.zeros((1, 1)), np.zeros(1))
            self.model = Linear.constant(2, head)
            return
        own, weights = weights, class_weights(codes, weights, self.balanced)
        votes = _votes(k)
        held = holdout(codes, self.seed)
        self._fit_pairs(x[~held], codes[~held], None if weights is None else weights[~held])
        # Balanced classes shift the scores; probabilities are those of the classes as they are.
        scores = self._margins(x[held].astype(np.float32)) @ votes
        calibration = Calibration(scores, codes[held], None if own is None else own[held])
        self.model = Linear(votes.T * calibration.temperature, calibration.bias, head)
        yield 0.5
        self._fit_pairs(x, codes, weights)

    def _fit_pairs(self, x: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> None:
        from sklearn.svm import SVC

        with quiet():
            machine = SVC(C=self.c, **self._options()).fit(x, codes, sample_weight=weights)
        pairs = _pairs(machine.dual_coef_, machine.n_support_)
        sign = -1 if pairs.shape[1] == 1 else 1  # scikit-learn turns the sign for two classes
        self._keep(machine.support_vectors_, sign * pairs, sign * machine.intercept_)

    def _fit_values(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, head: Head) -> None:
        from sklearn.svm import SVR

        with quiet():
            machine = SVR(C=self.c, epsilon=self.epsilon, **self._options())
            machine.fit(x, y, sample_weight=weights)
        self._keep(machine.support_vectors_, machine.dual_coef_.T, machine.intercept_)
        self.model = Linear(np.ones((1, 1)), np.zeros(1), head)

    def _options(self) -> dict[str, Any]:
        options = {"kernel": self.kernel, "cache_size": _CACHE_MB, "max_iter": _MOST_ITERATIONS, "tol": 1e-3}
        return {**options, "gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}

    def _keep(self, vectors: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> None:
        """Keep an expansion: vectors (m, p), weight (m, n_pairs), bias (n_pairs,). A linear one needs no vectors."""
        if self.kernel == "linear":
            vectors, weight = np.empty((0, vectors.shape[1])), vectors.T @ weight
        self.vectors, self.weight, self.bias = (a.astype(np.float32) for a in (vectors, weight, bias))

    def predict(self, x: Rows) -> np.ndarray:
        """Return (n, width) probabilities or values."""
        step = max(1, _CHUNK_NUMBERS // len(self.weight))
        parts = (present(x.numeric)[i : i + step] - self.center for i in range(0, len(x), step))
        return np.concatenate([self.model.predict(self._margins(part)) for part in parts])

    def _margins(self, x: np.ndarray) -> np.ndarray:
        """Return what the scores are made of, for centred x (n, p): (n, 2 * n_pairs), or (n, 1) values."""
        # Large C means large weights that cancel each other: float32 would lose what is left.
        margins = self._kernel(x.astype(np.float64)) @ self.weight.astype(np.float64) + self.bias
        margins = np.clip(margins, -_LARGEST, _LARGEST).astype(np.float32)
        if not self.target.is_classification:
            return margins
        z = np.float32(self.sharpness) * np.hstack([-margins, margins])
        return np.logaddexp(np.float32(0), z)

    def _kernel(self, x: np.ndarray) -> np.ndarray:
        if self.kernel == "linear":
            return x
        vectors = self.vectors.astype(np.float64)
        products = x @ vectors.T
        if self.kernel == "poly":
            return (self.gamma * products + self.coef0) ** self.degree
        d = np.square(x).sum(axis=1, keepdims=True) + np.square(vectors).sum(axis=1) - 2 * products
        return np.exp(-self.gamma * d)

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the kernel and the scores; the support vectors become a constant."""
        x = graph.op("Sub", inputs["numeric"], graph.constant(self.center))
        kernel = self._write_kernel(graph, graph.cast(x, np.float64))
        margins = graph.op("MatMul", kernel, graph.double(self.weight))
        margins = graph.op("Add", margins, graph.double(self.bias))
        limits = [graph.double(np.float64(limit)) for limit in (-_LARGEST, _LARGEST)]
        margins = graph.cast(graph.op("Clip", margins, *limits), np.float32)
        if self.target.is_classification:
            z = graph.op("Mul", margins, graph.constant(np.float32(self.sharpness)))
            margins = graph.op("Softplus", graph.concat([graph.op("Neg", z), z]))
        return self.model.write(graph, graph.op("MatMul", margins, graph.constant(self.model.weight)))

    def _write_kernel(self, graph: "Graph", x: str) -> str:
        if self.kernel == "linear":
            return x
        vectors = graph.double(self.vectors.T)
        products = graph.op("MatMul", x, vectors)
        if self.kernel == "poly":
            base = graph.op("Mul", products, graph.double(self.gamma))
            base = graph.op("Add", base, graph.double(self.coef0))
            return graph.op("Pow", base, graph.double(self.degree))
        across, down = graph.constant(np.array([1], np.int64)), graph.constant(np.array([0], np.int64))
        lengths = graph.op("ReduceSumSquare", vectors, down, keepdims=1)
        d = graph.op("Add", graph.op("ReduceSumSquare", x, across, keepdims=1), lengths)
        d = graph.op("Sub", d, graph.op("Add", products, products))
        return graph.op("Exp", graph.op("Mul", d, graph.double(-self.gamma)))


def _votes(k: int) -> np.ndarray:
    """Return the (2 * n_pairs, k) matrix from all pairs' softplus(-z), softplus(z) to class scores."""
    first, second = np.triu_indices(k, 1)
    return -np.vstack([np.eye(k)[first], np.eye(k)[second]]) / (k - 1)


def _pairs(dual: np.ndarray, n_support: np.ndarray) -> np.ndarray:
    """Return the (m, n_pairs) weights of LIBSVM's one-against-one machines.

    ``dual``: (k - 1, m), where a vector of class i has its coefficient against class j in row j, or
    row j - 1 for j > i.
    """
    owner = np.repeat(np.arange(len(n_support)), n_support)
    pairs = zip(*np.triu_indices(len(n_support), 1), strict=True)
    return np.stack([np.where(owner == i, dual[j - 1], np.where(owner == j, dual[i], 0)) for i, j in pairs], axis=1)


OPTION = Family(space=SPACE, build=build, steps=NUMERIC_FEATURES, order=60, adapt=adapt)
