"""Focal loss: rows that are already right count less (Lin et al. 2017, arXiv:1708.02002)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.search_spaces.losses.blocks import log_probability
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"gamma": Float(0.25, 5.0, default=2.0)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        log_p = log_probability(scores, y)
        # 1 - p, from the logarithm; kept above 0, where the slope of a power below 1 is infinite.
        wrong = (-log_p.expm1()).clamp(min=1e-7)
        return -(wrong ** params["gamma"]) * log_p

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
