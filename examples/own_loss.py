"""A loss of one's own: symmetric cross entropy, which wrong labels mislead less (Wang et al. 2019, arXiv:1908.06112).

automl search ... plugins.losses=[own_loss]
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

# The weight of the cross entropy, beside the reverse one.
SPACE = {"alpha": Float(0.01, 10.0, log=True, default=1.0)}
# What the paper puts for the logarithm of 0.
LOG_ZERO = -4.0


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``: one number per row, whose mean is minimised."""

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        log_p = scores.log_softmax(1).gather(1, y[:, None])[:, 0]
        # The reverse one, -sum of p log q, where q is 1 for the class of the row and 0 for all others.
        reverse = LOG_ZERO * log_p.expm1()
        return -params["alpha"] * log_p + reverse

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
