"""Random convolution kernels and a ridge on what they find (MiniRocket; Dempster et al. 2021, arXiv:2012.08791)."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from automl.option import Family
from automl.space import Choice, Int, Params, Space
from automl.task import present
from automl.training.linear import Calibration, Linear
from automl.training.ridge import Ridge
from automl.training.torch_model import TorchModel
from automl.training.unvalidated import Unvalidated

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Batch, Problem, Rows
    from automl.types import Model

SPACE: Space = {"n_features": Int(500, 10_000, log=True, default=5_000), "differences": Choice([False, True])}
# The eigenvalues of so many rows or features take some seconds; what the kernels find is kept for all rows.
_MOST_SIDE = 4_000
_MOST_VALUES = 100_000_000
_LEAST_SPREAD = 1e-3  # of a feature, which is between 0 and 1


def build(params: Params, problem: "Problem") -> "Model":
    """Return the model for ``params``, not yet fitted."""
    return KernelRidge(params, problem)


class KernelRidge(Unvalidated, TorchModel):
    """Features by random kernels, a ridge that leaves each row out to choose its penalty; classes are calibrated."""

    def __init__(self, params: Params, problem: "Problem") -> None:
        super().__init__(partial(make_module, params, problem.seed), problem)

    def fit(self, train: "Batch", valid: "Batch") -> Iterator[float]:
        """Fit; yields once. ``valid`` is not used."""
        import torch

        from automl.training.feed import scores

        self._prepare(seed=True)
        self.head = self.problem.target.head(train.y, train.weights, "odds")
        self.example = train.x.take(np.arange(min(4, len(train))))
        self._check_sizes(train.x)
        module = self.make_module(train.x, self.head.n_raw)
        found = scores(module.get_submodule("kernels"), train.x)
        model = self._solved(found, self.head.encode(train.y), train.weights)
        output = module.get_submodule("output")
        with torch.no_grad():
            output.get_parameter("weight").copy_(torch.from_numpy(model.weight.T))
            output.get_parameter("bias").copy_(torch.from_numpy(model.bias))
        self.module = module
        yield 1.0

    def _solved(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> Linear:
        """Return the linear model on the features (n, p) for codes or values (n,)."""
        if not y.any():  # one class, or one value
            return Linear.constant(x.shape[1], self.head)
        spread = np.maximum(x.std(axis=0), _LEAST_SPREAD)
        x = x / spread
        if not self.problem.target.is_classification:
            solved = Ridge.fit(x, y[:, None], weights)
            return Linear(solved.coef.T / spread, solved.intercept, self.head)
        solved = Ridge.fit(x, np.eye(int(y.max()) + 1)[y], weights)
        calibration = Calibration(solved.left_out, y, weights)
        scale = calibration.temperature
        return Linear(scale * solved.coef.T / spread, scale * solved.intercept + calibration.bias, self.head)


def make_module(params: Params, seed: int, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, whose kernels and thresholds are drawn."""
    from automl.search_spaces.sequences._kernels import KernelNet, RandomKernels

    sequences = present(x.sequence)
    lengths = np.full(len(sequences), sequences.shape[1]) if x.lengths is None else np.maximum(x.lengths, 1)
    most = min(_MOST_VALUES // len(sequences), _MOST_SIDE if len(sequences) > _MOST_SIDE else params["n_features"])
    n_features = min(params["n_features"], most)
    return KernelNet(RandomKernels(sequences, lengths, n_features, params["differences"], seed), n_outputs)


OPTION = Family(space=SPACE, build=build, order=20)
