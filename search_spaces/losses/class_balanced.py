"""Cross entropy weighted by the effective number of each class's rows (Cui et al. 2019, arXiv:1901.05555)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.search_spaces.losses.blocks import log_probability
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

# 1 - beta of the paper: about one over the number of rows from which on more of them add nothing.
SPACE = {"overlap": Float(1e-5, 1e-1, log=True, default=1e-3)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``; the weights of the training part have a mean of 1."""
    import numpy as np
    import torch

    counts = np.array(problem.summaries.class_counts)
    weight = params["overlap"] / -np.expm1(np.maximum(counts, 1) * np.log1p(-params["overlap"]))
    weights = torch.tensor(weight * counts.sum() / (weight * counts).sum(), dtype=torch.float32)

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return -log_probability(scores, y) * weights.to(scores.device)[y]

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
