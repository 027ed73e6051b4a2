"""Pinball loss: fits a quantile, here for its asymmetry (Koenker and Bassett 1978)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"level": Float(0.05, 0.95, default=0.5)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 1), y (b,)) -> (b,)``; ``y`` is standardised."""
    import torch

    level = params["level"]

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        short = y - values[:, 0]
        return torch.maximum(level * short, (level - 1) * short)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",))
