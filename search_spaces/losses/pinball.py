"""The mean of the pinball losses of all quantiles that are asked for (Koenker and Bassett 1978)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Params, Space

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE: Space = {}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(values (b, k), y (b,)) -> (b,)``, a column for each quantile; ``y`` is standardised."""
    import torch

    def loss(values: "Tensor", y: "Tensor") -> "Tensor":
        short, level = y[:, None] - values, values.new_tensor(problem.target.quantiles)
        return torch.maximum(level * short, (level - 1) * short).mean(1)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("quantiles",))
