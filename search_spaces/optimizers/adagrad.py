"""Adagrad (Duchi et al. 2011); weight decay is an L2 penalty."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import L2_PENALTY
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {
    "lr": Float(1e-3, 0.3, log=True, default=2e-2),
    "weight_decay": L2_PENALTY,
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    # PyTorch has its fused step for the CPU alone.
    fused = not torch.cuda.is_available()
    return torch.optim.Adagrad(parameters, lr=params["lr"], weight_decay=params["weight_decay"], fused=fused)


OPTION = Optimizer(space=SPACE, build=build)
