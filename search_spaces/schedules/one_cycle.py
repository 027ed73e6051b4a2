"""One cycle: the rate rises, then falls; momentum goes the other way (Smith and Topin 2018, arXiv:1708.07120)."""

from typing import TYPE_CHECKING

from automl.option import Schedule
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {"rising": Float(0.05, 0.5, default=0.3), "start": Float(0.01, 0.2, log=True, default=0.04)}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; ``rising`` is the part of the steps that rise, from ``start`` of the peak."""
    from torch.optim.lr_scheduler import OneCycleLR

    # Only where the optimizer has a momentum in use: without one, cycling would turn it on.
    momentum = "betas" in optimizer.defaults or optimizer.defaults.get("momentum", 0) > 0
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=max(2, n_steps),
        pct_start=params["rising"],
        div_factor=1 / params["start"],
        cycle_momentum=momentum,
    )


OPTION = Schedule(space=SPACE, build=build)
