"""Linear models: logistic regression, or least squares on the standardised target.

All minimise ``mean loss + strength * (l1_ratio * |w|_1 + (1 - l1_ratio) / 2 * |w|^2)``, so that a
strength means the same for every number of rows, target and solver.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from automl.export.graph import Graph
from automl.space import Choice, Float, Params, Space
from automl.task import Batch, Rows, Task
from automl.training.linear import Linear, class_weights, quiet
from automl.types import Model

ORDER = 20
_STRENGTH = {"strength": Float(1e-7, 1.0, log=True, default=3e-4)}
SPACE = {
    "penalty": Choice(
        {
            "l2": _STRENGTH,
            "l1": _STRENGTH,
            "elasticnet": {**_STRENGTH, "l1_ratio": Float(0.05, 0.95, default=0.5)},
            "none": {},
        }
    ),
    "class_weight": Choice(["none", "balanced"]),
}
FEATURES = {
    "dates": {},
    "text": {},
    "impute": {"method": {"none": "off"}},
    "encode": {"method": {"native": "off"}},
    "scale": {},
    "select": {},
    "reduce": {},
}
# A stage is about this many rows * columns * classes * iterations: about a second of work on a core.
_STAGE_WORK = {"newton-cholesky": 4e9, "lbfgs": 2e9, "saga": 3e8}
# liblinear cannot go on where it ended: it gets one stage, and only where that is short.
_LIBLINEAR_WORK = 2e6
_MOST_ITERATIONS = 500


def adapt(space: Space, task: Task) -> Space:
    """Leave out what the task has no use for."""
    return space if task.is_classification else {k: v for k, v in space.items() if k != "class_weight"}


def build(params: Params, task: Task) -> Model:
    """Make the model."""
    penalty = params["penalty"]
    strength = params.get(f"penalty.{penalty}.strength", 0.0)
    l1_ratio = params.get("penalty.elasticnet.l1_ratio", float(penalty == "l1"))
    if not task.is_classification:
        return LeastSquares(strength, l1_ratio, task.seed)
    return Logistic(strength, l1_ratio, params.get("class_weight") == "balanced", task)


class _LinearModel:
    """What both linear models do once they are fitted."""

    model: Linear

    def predict(self, x: Rows) -> np.ndarray:
        return self.model.predict(x.numeric)

    def to_onnx(self, graph: Graph, inputs: Mapping[str, str]) -> str:
        product = graph.op("MatMul", inputs["numeric"], graph.constant(self.model.weight))
        return self.model.write(graph, product)


class Logistic(_LinearModel):
    """Multinomial logistic regression, by the solver that is fastest for its penalty and shape.

    Without L1: Newton's method while its Hessian is small, else L-BFGS. With L1: coordinate descent
    (liblinear) for two classes and little data, else SAGA (Defazio, Bach and Lacoste-Julien, 2014).
    The fit runs in stages that start where the last one ended, 500 iterations at most.
    """

    def __init__(self, strength: float, l1_ratio: float, balanced: bool, task: Task) -> None:
        self.strength, self.l1_ratio, self.balanced = strength, l1_ratio, balanced
        self.n_classes, self.seed = task.n_classes, task.seed

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; yields after every stage."""
        from sklearn.linear_model import LogisticRegression

        x, y = train.x.numeric, train.y
        present = np.unique(y)
        if len(present) == 1:
            self.model = Linear.constant(x.shape[1], present, self.n_classes)
            yield 1.0
            return
        weights = class_weights(y, train.weights, self.balanced)
        mass = float(len(y) if weights is None else weights.sum())
        options = self._options(len(x), x.shape[1], len(present), mass)
        # Second derivatives and coordinate steps need the digits; the others halve their memory traffic.
        x = x.astype(np.float64 if options["solver"] != "saga" else np.float32)
        work = len(x) * x.shape[1] * len(present)
        stage = int(np.clip(_STAGE_WORK.get(options["solver"], np.inf) / work, 5, _MOST_ITERATIONS))
        fitted = LogisticRegression(**options, warm_start=True, max_iter=stage, random_state=self.seed)
        for done in range(stage, _MOST_ITERATIONS + stage, stage):
            with quiet():
                fitted.fit(x, y, sample_weight=weights)
            self.model = Linear.of_classes(fitted.coef_, fitted.intercept_, present, self.n_classes)
            if fitted.n_iter_.max() < stage or done >= _MOST_ITERATIONS:
                break
            yield done / (_MOST_ITERATIONS + stage)
        yield 1.0

    def _options(self, n: int, p: int, k: int, mass: float) -> dict[str, Any]:
        c = 1 / (self.strength * mass) if self.strength else np.inf
        if self.l1_ratio:
            if k == 2 and self.l1_ratio == 1 and n * p < _LIBLINEAR_WORK:
                return {"C": c, "l1_ratio": 1.0, "solver": "liblinear", "tol": 1e-3, "intercept_scaling": 10.0}
            return {"C": c, "l1_ratio": self.l1_ratio, "solver": "saga", "tol": 1e-3}
        size = p * (1 if k == 2 else k)
        newton = size <= 300 and n > size and self.strength > 0
        return {"C": c, "solver": "newton-cholesky" if newton else "lbfgs", "tol": 1e-4}


class LeastSquares(_LinearModel):
    """Ridge, lasso, elastic net or plain least squares on the standardised target; one stage."""

    def __init__(self, strength: float, l1_ratio: float, seed: int) -> None:
        self.strength, self.l1_ratio, self.seed = strength, l1_ratio, seed

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; yields once."""
        from sklearn.linear_model import ElasticNet, Ridge

        x = train.x.numeric.astype(np.float64)
        center = float(np.average(train.y, weights=train.weights))
        spread = float(train.y.std()) or 1.0
        mass = float(len(x) if train.weights is None else train.weights.sum())
        if self.l1_ratio:
            many = len(x) > x.shape[1]
            fitted = ElasticNet(self.strength, l1_ratio=self.l1_ratio, precompute=many, tol=1e-3, max_iter=2000)
        else:
            # A trace of the penalty keeps columns that repeat each other (one-hot) solvable.
            fitted = Ridge(max(self.strength, 1e-9) * mass)
        with quiet():
            fitted.fit(x, (train.y - center) / spread, sample_weight=train.weights)
        self.model = Linear(fitted.coef_[:, None], np.atleast_1d(fitted.intercept_), center, spread)
        yield 1.0
