"""Poly-1 cross entropy: the first term of its expansion, reweighted (Leng et al. 2022, arXiv:2204.12511)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.search_spaces.losses.blocks import log_probability
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"epsilon": Float(-1.0, 5.0, default=1.0)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        log_p = log_probability(scores, y)
        return -log_p - params["epsilon"] * log_p.expm1()

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
