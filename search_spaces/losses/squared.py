"""The squared error."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.space import Params, Space

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

ORDER = 0
SPACE: Space = {}
FITS = ("regression",)


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 1), y (b,)) -> (b,)``; ``y`` is standardised."""

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        return (values[:, 0] - y).square()

    return loss
