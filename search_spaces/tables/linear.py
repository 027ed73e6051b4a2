"""Linear models: logistic regression, or least squares or quantile regression on the standardised target.

All minimise ``mean loss + strength * (l1_ratio * |w|_1 + (1 - l1_ratio) / 2 * |w|^2)``, so that a
strength means the same for every number of rows, target and solver. Columns with a standard
deviation above 1 are narrowed to 1 first: no solver ends on columns of very different widths.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

from automl.option import TARGETS, Family
from automl.quiet import quiet
from automl.search_spaces.tables.blocks import NUMERIC_FEATURES
from automl.space import OFF, Choice, Float, Params, Space, configure_choice
from automl.task import Batch, Problem, Rows, present
from automl.training.linear import Linear, class_weight_for_classes, class_weights
from automl.training.unvalidated import Unvalidated
from automl.types import Model

if TYPE_CHECKING:
    from automl.export.graph import Graph

_Stage = tuple[float, np.ndarray, np.ndarray]  # progress, coefficients (k, p), intercepts (k,)

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
# A stage is about this many rows * columns * classes * iterations: about a second of work on a core.
_STAGE_WORK = {"newton-cholesky": 4e9, "lbfgs": 1e9, "proximal": 1e9}
_MOST_ITERATIONS = 500
_TOLERANCE = 1e-4
_BANDWIDTH = 0.05  # of the standardised target


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    penalty = params["penalty"]
    strength = params.get(f"penalty.{penalty}.strength", 0.0)
    l1_ratio = params.get("penalty.elasticnet.l1_ratio", float(penalty == "l1"))
    if problem.target.quantiles:
        return Quantiles(strength, problem)
    if not problem.target.is_classification:
        return LeastSquares(strength, l1_ratio, problem)
    return Logistic(strength, l1_ratio, params.get("class_weight") == "balanced", problem)


class _LinearModel(Unvalidated):
    """What both linear models do once they are fitted."""

    model: Linear

    def predict(self, x: Rows) -> np.ndarray:
        return self.model.predict(present(x.numeric))

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        product = graph.op("MatMul", inputs["numeric"], graph.constant(self.model.weight))
        return self.model.write(graph, product)


class Logistic(_LinearModel):
    """Multinomial logistic regression, by the solver that is fastest for its penalty and shape.

    Without L1: Newton's method while its Hessian is small, else L-BFGS. With L1: accelerated proximal
    gradients. The fit runs in stages, each from where the last one ended, 500 iterations in all.
    """

    def __init__(self, strength: float, l1_ratio: float, balanced: bool, problem: Problem) -> None:
        self.strength, self.l1_ratio, self.balanced = strength, l1_ratio, balanced
        self.target = problem.target

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; yields after every stage."""
        head = self.target.head(train.y, train.weights, "odds")
        codes = head.encode(train.y)
        x, unscaled = _conditioned(present(train.x.numeric))
        if not codes.any():  # one class
            self.model = Linear.constant(x.shape[1], head)
            yield 1.0
            return
        weights = class_weights(codes, train.weights, self.balanced)
        stages = self._proximal(x, codes, weights) if self.l1_ratio else self._smooth(x, codes, weights)
        for done, coef, intercept in stages:
            self.model = Linear(*unscaled(coef, intercept), head)
            if done < 1:
                yield done
        yield 1.0

    def _smooth(self, x: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> Iterator[_Stage]:
        from sklearn.linear_model import LogisticRegression

        (n, p), k = x.shape, int(codes.max()) + 1
        size = p * (1 if k == 2 else k)
        solver = "newton-cholesky" if size <= 300 and n > size and self.strength > 0 else "lbfgs"
        stage = _iterations(x, k, solver)
        c = 1 / (self.strength * (n if weights is None else weights.sum())) if self.strength else np.inf
        fitted = LogisticRegression(C=c, solver=solver, tol=_TOLERANCE, warm_start=True, max_iter=stage)
        x = x.astype(np.float64)  # second derivatives and line searches need the digits
        for done in range(stage, _MOST_ITERATIONS + stage, stage):
            with quiet():
                fitted.fit(x, codes, sample_weight=weights)
            over = fitted.n_iter_.max() < stage
            yield 1.0 if over else done / _MOST_ITERATIONS, fitted.coef_, fitted.intercept_
            if over:
                return

    def _proximal(self, x: np.ndarray, codes: np.ndarray, weights: np.ndarray | None) -> Iterator[_Stage]:
        """FISTA with restarts: scikit-learn's SAGA cannot go on where it ended without losing its pace.

        Reference: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm", 2009;
        O'Donoghue and Candès, "Adaptive restart for accelerated gradient schemes", 2015.
        """
        (n, p), k = x.shape, int(codes.max()) + 1
        share = (np.full(n, 1 / n) if weights is None else weights / weights.sum()).astype(np.float32)
        x = np.hstack([x, np.ones((n, 1), np.float32)])
        hit = np.eye(k, dtype=np.float32)[codes]
        size = 1 / (0.5 * _largest_eigenvalue(x, share) + self.strength * (1 - self.l1_ratio))
        lasso, ridge = np.float32(size * self.strength * self.l1_ratio), self.strength * (1 - self.l1_ratio)
        weight = ahead = np.zeros((p + 1, k), np.float32)
        stage, momentum = _iterations(x, k, "proximal"), 1.0
        for i in range(1, _MOST_ITERATIONS + 1):
            slope = x.T @ ((softmax(x @ ahead, axis=1) - hit) * share[:, None])
            slope[:-1] += np.float32(ridge) * ahead[:-1]
            if k == 2:
                slope[:, 0] = 0  # two classes need one row: the penalty counts it once
            step = ahead - np.float32(size) * slope
            step[:-1] = np.sign(step[:-1]) * np.maximum(np.abs(step[:-1]) - lasso, 0)
            moved = step - weight
            momentum = 1.0 if np.vdot(ahead - step, moved) > 0 else momentum
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            weight, ahead, momentum = step, step + np.float32((momentum - 1) / following) * moved, following
            over = i == _MOST_ITERATIONS or np.abs(moved).max() < _TOLERANCE * max(1.0, np.abs(weight).max())
            if over or i % stage == 0:
                yield 1.0 if over else i / _MOST_ITERATIONS, weight[:-1].T, weight[-1]
            if over:
                return


class LeastSquares(_LinearModel):
    """Ridge, lasso, elastic net or plain least squares on the standardised target; one stage."""

    def __init__(self, strength: float, l1_ratio: float, problem: Problem) -> None:
        self.strength, self.l1_ratio, self.target = strength, l1_ratio, problem.target

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; yields once."""
        from sklearn.linear_model import ElasticNet, Ridge

        x, unscaled = _conditioned(present(train.x.numeric))
        x = x.astype(np.float64)
        head = self.target.head(train.y, train.weights, "odds")
        mass = float(len(x) if train.weights is None else train.weights.sum())
        if self.l1_ratio:
            many = len(x) > x.shape[1]
            fitted = ElasticNet(self.strength, l1_ratio=self.l1_ratio, precompute=many, tol=1e-3, max_iter=2000)
        else:
            # A trace of the penalty keeps columns that repeat each other (one-hot) solvable.
            fitted = Ridge(max(self.strength, 1e-9) * mass)
        with quiet():
            fitted.fit(x, head.encode(train.y), sample_weight=train.weights)
        self.model = Linear(*unscaled(fitted.coef_[None], np.atleast_1d(fitted.intercept_)), head)
        yield 1.0


class Quantiles(_LinearModel):
    """Quantile regression (Koenker and Bassett 1978), smoothed by convolution (He et al. 2023, arXiv:2012.05187).

    The pinball loss has no slope where a row is met exactly. Smoothed by a logistic kernel it has one everywhere, and
    L-BFGS finds all quantiles at once. One stage.
    """

    def __init__(self, strength: float, problem: Problem) -> None:
        self.strength, self.target = strength, problem.target

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        """Fit; yields once."""
        from scipy.optimize import minimize

        x, unscaled = _conditioned(present(train.x.numeric))
        head = self.target.head(train.y, train.weights)
        y, levels = head.encode(train.y)[:, None], np.array(self.target.quantiles)
        share = np.full(len(x), 1 / len(x)) if train.weights is None else train.weights / train.weights.sum()

        def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
            weight = theta.reshape(-1, len(levels))
            short = y - x @ weight[1:] - weight[0]
            value = share @ (levels * short + _BANDWIDTH * np.logaddexp(0, -short / _BANDWIDTH)).sum(axis=1)
            slope = share[:, None] * (expit(-short / _BANDWIDTH) - levels)
            pull = self.strength * weight[1:]
            gradient = np.vstack([slope.sum(axis=0), x.T @ slope + pull])
            return float(value + 0.5 * (pull * weight[1:]).sum()), gradient.ravel()

        start = np.vstack([head.average, np.zeros((x.shape[1], len(levels)))]).ravel()
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_ITERATIONS})
        weight = found.x.reshape(-1, len(levels))
        self.model = Linear(*unscaled(weight[1:].T, weight[0]), head)
        yield 1.0


def _conditioned(x: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """Return x (n, p) centred, columns wider than 1 narrowed to 1, and the way back for (k, p) and (k,)."""
    mean = x.mean(axis=0, dtype=np.float64)
    spread = np.maximum(x.std(axis=0, dtype=np.float64), 1)

    def unscaled(coef: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        coef = coef / spread
        return coef, intercept - coef @ mean

    return ((x - mean) / spread).astype(np.float32), unscaled


def _iterations(x: np.ndarray, k: int, solver: str) -> int:
    return int(np.clip(_STAGE_WORK[solver] / (x.size * k), 10, _MOST_ITERATIONS))


def _largest_eigenvalue(x: np.ndarray, share: np.ndarray) -> float:
    """Return the largest eigenvalue of the weighted second moments of x, by power iteration, rounded up."""
    v = np.ones(x.shape[1], np.float32)
    for _ in range(20):
        v = x.T @ (share * (x @ v))
        length = float(np.linalg.norm(v))
        v /= length
    return 1.1 * length


def adapt(space: Space, problem: Problem) -> Space | None:
    """Return what fits the target: weights of classes for classes; for quantiles, penalties that have a slope."""
    fitted, penalty = class_weight_for_classes(space, problem), space.get("penalty")
    if not problem.target.quantiles or not isinstance(penalty, Choice):
        return fitted
    off = {name: OFF for name in ("l1", "elasticnet") if name in penalty}
    if len(off) == len(penalty.options):
        return None
    return {**fitted, "penalty": configure_choice(penalty, off, "penalty")}


OPTION = Family(space=SPACE, build=build, steps=NUMERIC_FEATURES, targets=TARGETS, order=20, adapt=adapt)
