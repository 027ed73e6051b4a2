"""Cross entropy, with label smoothing (Szegedy et al. 2016, arXiv:1512.00567)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"smoothing": Float(0.0, 0.2, default=0.0)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``."""
    from torch.nn.functional import cross_entropy

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return cross_entropy(scores, y, reduction="none", label_smoothing=params["smoothing"])

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"), order=0)
