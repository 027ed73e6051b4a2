"""Asymmetric loss: wrong classes that are unlikely already count less, and below a margin not at all.

Reference: Ridnik et al. 2021, arXiv:2009.14119. There each class has a probability of its own; here they are those of
the softmax, which the model predicts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {
    "gamma_true": Float(0.0, 2.0, default=0.0),
    "gamma_wrong": Float(0.5, 6.0, default=4.0),
    "margin": Float(0.0, 0.2, default=0.05),
}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""
    import torch

    gamma_true, gamma_wrong, margin = (params[name] for name in ("gamma_true", "gamma_wrong", "margin"))

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        log_p = scores.log_softmax(1)
        own = log_p.gather(1, y[:, None])[:, 0]
        # Kept above 0, where the slope of a power below 1 is infinite.
        true = -own * (-own.expm1()).clamp(min=1e-7) ** gamma_true
        p = (log_p.exp() - margin).clamp(min=1e-7, max=1 - 1e-6)
        wrong = -torch.log1p(-p) * p**gamma_wrong
        return true + wrong.sum(1) - wrong.gather(1, y[:, None])[:, 0]

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
