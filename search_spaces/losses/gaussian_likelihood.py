"""The negative log-likelihood of a normal distribution whose spread is learned beside its mean (Nix and Weigend 1994).

Rows that are noisy by nature count less.
"""

from collections.abc import Callable
from math import expm1, log
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"least_variance": Float(1e-4, 0.3, log=True, default=1e-2)}
_ONE = log(expm1(1.0))  # softplus of it is 1


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 2), y (b,)) -> (b,)``: mean and raw variance; ``y`` is standardised."""
    from torch.nn.functional import softplus

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        variance = softplus(values[:, 1] + _ONE) + params["least_variance"]
        return 0.5 * (variance.log() + (values[:, 0] - y).square() / variance)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",), outputs=2)
