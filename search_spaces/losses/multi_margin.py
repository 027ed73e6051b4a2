"""Multi-class hinge loss, summed over the wrong classes and divided by k (Weston and Watkins 1999)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Choice, Float, Params, Space

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE: Space = {"margin": Float(0.2, 5.0, log=True, default=1.0), "power": Choice([1, 2])}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""
    from torch.nn.functional import multi_margin_loss

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return multi_margin_loss(scores, y, p=params["power"], margin=params["margin"], reduction="none")

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
