"""Cosine decay to zero (Loshchilov and Hutter 2017, arXiv:1608.03983) after a linear warm-up."""

import math
from typing import TYPE_CHECKING

from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

ORDER = 0
SPACE = {"warmup": Float(0.0, 0.3, default=0.05)}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; ``warmup`` is the part of all ``n_steps`` it takes to rise."""
    from torch.optim.lr_scheduler import LambdaLR

    n_rising = max(1, round(params["warmup"] * n_steps))

    def factor(step: int) -> float:
        if step < n_rising:
            return (step + 1) / n_rising
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - n_rising) / max(1, n_steps - n_rising))))

    return LambdaLR(optimizer, factor)
