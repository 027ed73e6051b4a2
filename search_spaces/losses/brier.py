"""The Brier score of the probabilities: the squared error to the one-hot label (Brier 1950)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Params, Space

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE: Space = {}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""
    from torch.nn.functional import one_hot

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return (scores.softmax(1) - one_hot(y, scores.shape[1])).square().sum(1)

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
