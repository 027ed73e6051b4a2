"""Generalised cross entropy, ``(1 - p^q) / q``: robust to wrong labels (Zhang and Sabuncu 2018, arXiv:1805.07836)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.search_spaces.losses.blocks import log_probability
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"q": Float(0.05, 1.0, default=0.5)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return -(params["q"] * log_probability(scores, y)).expm1() / params["q"]

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
