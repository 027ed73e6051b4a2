"""Cross entropy of scores moved by log class frequencies, for rare classes (Menon et al. 2021, arXiv:2007.07314)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"tau": Float(0.1, 1.5, default=1.0)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``; frequencies are those of the training part."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy

    # One row more per class, so that a class that this fold lacks has a logarithm.
    counts = np.array(problem.summaries.class_counts) + 1.0
    shift = torch.tensor(params["tau"] * np.log(counts / counts.sum()), dtype=torch.float32)

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return cross_entropy(scores + shift.to(scores.device), y, reduction="none")

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
