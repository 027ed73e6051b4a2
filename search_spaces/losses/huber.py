"""Huber loss: squared up to ``delta`` standard deviations of the target, linear beyond (Huber 1964)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"delta": Float(0.05, 3.0, log=True, default=1.0)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 1), y (b,)) -> (b,)``; ``y`` is standardised."""
    from torch.nn.functional import huber_loss

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        return huber_loss(values[:, 0], y, reduction="none", delta=params["delta"])

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",))
