"""What the schedules share: a linear warm-up in front of a decay."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from automl.space import Float

if TYPE_CHECKING:
    import torch

WARMUP = Float(0.0, 0.3, default=0.05)


def warmed_up(
    optimizer: "torch.optim.Optimizer", n_steps: int, warmup: float, decay: Callable[[float], float]
) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule that rises for the part ``warmup`` of all ``n_steps``, and then decays.

    ``decay``: from the part of the remaining steps that is over, 0 to 1, to a factor of the learning rate.
    """
    from torch.optim.lr_scheduler import LambdaLR

    n_rising = max(1, round(warmup * n_steps))

    def factor(step: int) -> float:
        if step < n_rising:
            return (step + 1) / n_rising
        return decay(min(1.0, (step - n_rising) / max(1, n_steps - n_rising)))

    return LambdaLR(optimizer, factor)
