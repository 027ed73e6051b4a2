"""Muon (Jordan et al. 2024; scaled as by Liu et al. 2025, arXiv:2502.16982): the momentum of a matrix, made orthogonal.

Every direction of a layer's update is as long as any other, so that rare ones are learned as fast as common ones. The
filters of a convolution are the rows of a matrix. Vectors, and filters that see one channel, are left to Adam.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import DECOUPLED_DECAY
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {
    "lr": Float(1e-3, 2e-1, log=True, default=2e-2),
    "weight_decay": DECOUPLED_DECAY,
    "momentum": Float(0.8, 0.99, default=0.95),
}
# An iteration of Newton and Schulz with these factors brings singular values near 1, not to it; five are enough.
_FACTORS, _ITERATIONS = (3.4445, -4.7750, 2.0315), 5
# The update of a weight is as long as one of Adam usually is, so learning rates and decay mean the same for all.
_LENGTH = 0.2
_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8  # of Adam


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    class Muon(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                for weight in group["params"]:
                    if (gradient := weight.grad) is not None:
                        step = self._orthogonal if weight.ndim > 1 and weight.shape[1] > 1 else self._adam
                        weight.mul_(1 - group["lr"] * group["weight_decay"])
                        weight.add_(step(weight, gradient, group["momentum"]), alpha=-group["lr"])

        def _orthogonal(self, weight: torch.Tensor, gradient: torch.Tensor, factor: float) -> torch.Tensor:
            momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
            momentum.lerp_(gradient, 1 - factor)
            matrix = orthogonal(torch.lerp(gradient, momentum, factor).flatten(1))
            return matrix.reshape(weight.shape).mul_(_LENGTH * max(matrix.shape) ** 0.5)

        def _adam(self, weight: torch.Tensor, gradient: torch.Tensor, _: float) -> torch.Tensor:
            state = self.state[weight]
            n = state["n"] = state.get("n", 0) + 1
            mean = state.setdefault("mean", torch.zeros_like(weight)).lerp_(gradient, 1 - _BETA1)
            square = state.setdefault("square", torch.zeros_like(weight)).lerp_(gradient.square(), 1 - _BETA2)
            return mean / (1 - _BETA1**n) / (square / (1 - _BETA2**n)).sqrt_().add_(_EPSILON)

    return Muon(parameters, {name: params[name] for name in SPACE})


def orthogonal(x: "torch.Tensor") -> "torch.Tensor":
    """Return the nearly orthogonal matrix nearest to ``x`` (m, n): its singular values become about 1."""
    turned = x.mT if x.shape[0] > x.shape[1] else x
    a, b, c = _FACTORS
    y = turned / (turned.norm() + 1e-7)
    for _ in range(_ITERATIONS):
        square = y @ y.mT
        y = a * y + (b * square + c * square @ square) @ y
    return y.mT if turned is not x else y


OPTION = Optimizer(space=SPACE, build=build)
