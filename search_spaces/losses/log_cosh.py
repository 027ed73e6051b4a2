"""The log of the hyperbolic cosine of the error: squared, then absolute (Saleh and Saleh 2022, arXiv:2208.04564)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Params, Space

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE: Space = {}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 1), y (b,)) -> (b,)``; ``y`` is standardised."""
    from math import log

    from torch.nn.functional import softplus

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        error = values[:, 0] - y
        return error + softplus(-2 * error) - log(2)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",))
