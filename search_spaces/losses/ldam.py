"""Cross entropy with a larger margin for rarer classes (LDAM; Cao et al. 2019, arXiv:1906.07413).

The margin falls with the fourth root of a class's rows; the rarest class has the largest one. Scores are not normalised
here, as those of the paper are, so the margin is in units of the log-odds.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.option import Loss
from automl.space import Float, Params

if TYPE_CHECKING:
    from torch import Tensor

    from automl.task import Problem

SPACE = {"margin": Float(0.1, 3.0, log=True, default=0.5)}


def build(params: Params, problem: "Problem") -> "Callable[[Tensor, Tensor], Tensor]":
    """Return ``loss(scores (b, k), codes (b,)) -> (b,)``; the rows of classes are those of the training part."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy, one_hot

    rarity = np.maximum(np.array(problem.summaries.class_counts), 1) ** -0.25
    margins = torch.tensor(params["margin"] * rarity / rarity.max(), dtype=torch.float32)

    def loss(scores: "Tensor", y: "Tensor") -> "Tensor":
        return cross_entropy(scores - one_hot(y, scores.shape[1]) * margins.to(scores.device), y, reduction="none")

    return loss


OPTION = Loss(space=SPACE, build=build, targets=("binary", "multiclass"))
