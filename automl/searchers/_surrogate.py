"""A Gaussian process over a conditional tree: how candidates become vectors, and what their scores say about others."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.linalg.lapack import dpotri

from automl.space import Ask, Choice, Float, Int, Params, Scalar, Space, draw

# A candidate as the axes it lies on and its coordinates there; it is 0 on all others.
Code = list[tuple[int, float]]

# Priors: all weights of a usual candidate together, the variance of the noise, and the spread of their logarithms.
TOTAL_WEIGHT, NOISE, WEIGHT_SPREAD, NOISE_SPREAD = 2.0, 0.03, 1.5, 1.0
WEIGHT_RANGE, NOISE_RANGE = (-8.0, 6.0), (math.log(1e-4), 0.0)
LEARNING_RATE, MOMENTUM, SQUARED_MOMENTUM = 0.1, 0.8, 0.95


class Encoding:
    """Gives the parameters of a conditional space their axes, as they are met.

    Every active parameter is a vector of length 1 in a subspace of its own: an option lies on an axis of its own,
    a number on a quarter of a circle, by its place in its range. An inactive parameter is 0, as in the arc kernel
    (Swersky et al., 2014, arXiv:1409.4011). So two options are as far apart as the two ends of a range, and a parameter
    that only one of two candidates has tells them apart.
    """

    def __init__(self) -> None:
        self.owners: list[int] = []  # the parameter, as a number, that each axis belongs to
        self._parameters: dict[str, int] = {}
        self._axes: dict[tuple[str, Scalar], int] = {}

    def draw(self, space: Space, ask: Ask) -> tuple[Params, Code]:
        """Return what ``ask`` draws from ``space``, and its code."""
        encoded = _Encoded(self, ask)
        return draw(space, encoded), encoded.code

    def axis(self, path: str, part: Scalar) -> int:
        """Return the axis of an option, or of one coordinate of a number."""
        axis = self._axes.get((path, part))
        if axis is None:
            axis = self._axes[path, part] = len(self.owners)
            self.owners.append(self._parameters.setdefault(path, len(self._parameters)))
        return axis

    def matrix(self, codes: Sequence[Code]) -> np.ndarray:
        """Return (n_codes, n_axes) float64."""
        matrix = np.zeros((len(codes), len(self.owners)))
        rows = np.repeat(np.arange(len(codes)), [len(code) for code in codes])
        flat = [entry for code in codes for entry in code]
        matrix[rows, [axis for axis, _ in flat]] = [value for _, value in flat]
        return matrix


class _Encoded:
    """Answers as ``ask`` does, and writes the answers down as a code."""

    def __init__(self, encoding: Encoding, ask: Ask) -> None:
        self.encoding, self.ask = encoding, ask
        self.code: Code = []

    def number(self, path: str, domain: Float | Int) -> float:
        value = self.ask.number(path, domain)
        angle = domain.to_unit(value) * math.pi / 2
        self.code.append((self.encoding.axis(path, "cos"), math.cos(angle)))
        self.code.append((self.encoding.axis(path, "sin"), math.sin(angle)))
        return value

    def choice(self, path: str, domain: Choice) -> Scalar:
        option = self.ask.choice(path, domain)
        self.code.append((self.encoding.axis(path, option), 1.0))
        return option


def kernel(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Matern-5/2 kernel between rows, (n_a, n_b), and its derivative by the squared distance.

    The squared distance is half of the sum over axes of ``weights * (a - b) ** 2``: two candidates that differ in one
    option are apart by the weight of that parameter.
    """
    squared = (a**2 @ weights / 2)[:, None] + b**2 @ weights / 2 - (a * weights) @ b.T
    root = np.sqrt(5 * np.maximum(squared, 0))
    decay = np.exp(-root)
    return (1 + root + root**2 / 3) * decay, -5 / 6 * (1 + root) * decay


class Surrogate:
    """A Gaussian process of mean 0 and variance 1 with one weight per parameter, and noise.

    Weights and noise are what maximises the marginal likelihood under log-normal priors, approached by Adam from where
    the last fit has ended. The prior of a weight falls with the number of parameters, so that candidates of a large
    space are not all strangers to each other (after Hvarfner et al., 2024, arXiv:2402.02229).
    """

    def __init__(self) -> None:
        self._log_weights, self._log_noise = np.zeros(0), math.log(NOISE)
        self._n_steps = 0
        self._moments = np.zeros(
            (2, 1)
        )  # of the noise, then of the weights: the means of gradients and of their squares
        self._owners = np.zeros(0, dtype=int)

    def fit(self, x: np.ndarray, y: np.ndarray, owners: Sequence[int], noisy: np.ndarray, steps: int) -> None:
        """Take ``steps`` towards the best weights and noise.

        x: (n, n_axes). y: (n,) with variance 1 or so. owners: the parameter of each axis. noisy: (n,), how many times
        the noise of each score is the common one.
        """
        self._owners = np.asarray(owners)
        prior = math.log(TOTAL_WEIGHT * len(x) / max((x**2).sum(), 1.0))
        new = int(self._owners.max(initial=-1)) + 1 - len(self._log_weights)
        self._log_weights = np.append(self._log_weights, np.full(new, prior))
        self._moments = np.pad(self._moments, ((0, 0), (0, new)))
        for _ in range(steps):
            by_noise, by_weights = self._gradient(x, y, noisy)
            by_noise -= (self._log_noise - math.log(NOISE)) / NOISE_SPREAD**2
            by_weights -= (self._log_weights - prior) / WEIGHT_SPREAD**2
            step = self._adam(np.append(by_noise, by_weights))
            self._log_noise = float(np.clip(self._log_noise + step[0], *NOISE_RANGE))
            self._log_weights = np.clip(self._log_weights + step[1:], *WEIGHT_RANGE)

    def _gradient(self, x: np.ndarray, y: np.ndarray, noisy: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the gradient of the log marginal likelihood by the logarithms of the noise and of the weights."""
        weights, noise = self._by_axis(), math.exp(self._log_noise) * noisy
        covariance, slope = kernel(x, x, weights)
        inverse, _ = dpotri(cholesky(covariance + np.diag(noise), lower=True, check_finite=False), lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        alpha = inverse @ y
        by_covariance = (np.outer(alpha, alpha) - inverse) / 2
        by_squared = by_covariance * slope
        by_axis = weights * (x**2 * by_squared.sum(axis=1)[:, None] - x * (by_squared @ x)).sum(axis=0)
        by_weights = np.bincount(self._owners, by_axis, minlength=len(self._log_weights))
        return float(np.diag(by_covariance) @ noise), by_weights

    def _adam(self, gradient: np.ndarray) -> np.ndarray:
        """Return one step up the gradient (Kingma and Ba, 2015, arXiv:1412.6980)."""
        self._n_steps += 1
        decay = np.array([[MOMENTUM], [SQUARED_MOMENTUM]])
        self._moments = decay * self._moments + (1 - decay) * np.stack([gradient, gradient**2])
        mean, square = self._moments / (1 - decay**self._n_steps)
        return LEARNING_RATE * mean / (np.sqrt(square) + 1e-8)

    def predict(
        self, x: np.ndarray, y: np.ndarray, noisy: np.ndarray, at: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Return means and standard deviations (n_at,) without noise, and the greatest mean over ``x``.

        x: (n, n_axes), of which the first len(y) have scores. The others are under way: each counts as if it scored
        what is expected of it (the kriging believer: Ginsbourger et al., 2010).
        """
        weights, noise = self._by_axis(), math.exp(self._log_noise) * noisy
        covariance, _ = kernel(x, x, weights)
        lower = cholesky(covariance + np.diag(noise), lower=True, check_finite=False)
        # A score equal to its expectation brings nothing new: its whitened residual is 0.
        residual = np.zeros(len(x))
        residual[: len(y)] = solve_triangular(lower[: len(y), : len(y)], y, lower=True, check_finite=False)
        seen = covariance @ solve_triangular(lower, residual, lower=True, trans="T", check_finite=False)
        shared = solve_triangular(lower, kernel(x, at, weights)[0], lower=True, check_finite=False)
        variance = np.maximum(1 - (shared**2).sum(axis=0), 1e-10)
        return residual @ shared, np.sqrt(variance), float(seen.max())

    def _by_axis(self) -> np.ndarray:
        return np.exp(self._log_weights)[self._owners]
