"""Cross entropy both ways, which wrong labels mislead less (Wang et al. 2019, arXiv:1908.06112)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.search_spaces.losses.blocks import log_probability
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"alpha": Float(0.01, 1.0, log=True, default=0.3), "beta": Float(0.1, 2.0, log=True, default=1.0)}
_LOG_OF_ZERO = -4.0  # of the label's probability of a wrong class, as in the paper


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        log_p = log_probability(scores, y)
        return -params["alpha"] * log_p + params["beta"] * _LOG_OF_ZERO * log_p.expm1()

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
