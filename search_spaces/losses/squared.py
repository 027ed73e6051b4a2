"""The squared error."""

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

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        return (values[:, 0] - y).square()

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",), order=0)
