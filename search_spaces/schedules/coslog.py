"""Cosine waves that grow longer: the rate rises and falls ``cycles`` times (RealMLP, arXiv:2407.04491, coslog4)."""

import math
from typing import TYPE_CHECKING

from automl.option import Schedule
from automl.space import Int, Params

if TYPE_CHECKING:
    import torch

SPACE = {"cycles": Int(1, 6, default=4)}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; each wave is twice as long as the one before, and the last one ends at 0."""
    from torch.optim.lr_scheduler import LambdaLR

    cycles = params["cycles"]

    def factor(step: int) -> float:
        # From the middle of a step: the first one has a rate already.
        over = min(1.0, (step + 0.5) / max(1, n_steps))
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + (2**cycles - 1) * over)))

    return LambdaLR(optimizer, factor)


OPTION = Schedule(space=SPACE, build=build)
