"""Tweedie deviance: for amounts that are often 0 and else spread with their mean (Jorgensen 1987; Yang et al. 2018).

Values are measured from 0, or from the least one where some are negative. Below a twentieth of the mean, predictions
count as what a smooth curve makes of them, which stays above 0.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"power": Float(1.1, 1.9, default=1.5)}
_FLOOR = 0.05


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, 1), y (b,)) -> (b,)``; ``y`` is standardised."""
    import torch

    power, (mean, deviation) = params["power"], problem.summaries.target_moments
    # The mean, in deviations above what values are measured from.
    height = max((mean - min(0.0, problem.summaries.target_range[0])) / (deviation or 1.0), 1e-3)

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        amount, given = y / height + 1, values[:, 0] / height + 1
        low = _FLOOR**2 / (2 * _FLOOR - given.clamp(max=_FLOOR))
        given = torch.where(given > _FLOOR, given, low)
        return given ** (2 - power) / (2 - power) - amount * given ** (1 - power) / (1 - power)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("regression",))
