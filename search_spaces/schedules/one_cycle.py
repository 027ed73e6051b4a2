"""One cycle: the rate rises, then falls; momentum goes the other way (Smith and Topin 2018, arXiv:1708.07120)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl.option import Schedule
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {"rising": Float(0.05, 0.5, default=0.3), "start": Float(0.01, 0.2, log=True, default=0.04)}

# By so much the momentum falls while the rate rises.
CYCLE = 0.1


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; ``rising`` is the part of the steps that rise, from ``start`` of the peak.

    After the last step the rate is at its end, nearly 0.
    """
    from torch.optim.lr_scheduler import OneCycleLR

    total = n_steps + 1  # the rates of all steps, and where the last one leads
    # Only where the optimizer has a momentum in use: without one, cycling would turn it on.
    momentum = "betas" in optimizer.defaults or optimizer.defaults.get("momentum", 0) > 0
    highest = [_highest(group) for group in optimizer.param_groups] if momentum else [0.0]
    return OneCycleLR(
        optimizer,
        max_lr=[group["lr"] for group in optimizer.param_groups],
        total_steps=total,
        pct_start=max(params["rising"], 1.5 / total),  # it rises for more than its first step
        div_factor=1 / params["start"],
        cycle_momentum=momentum,
        max_momentum=highest,
        base_momentum=[max(0.0, high - CYCLE) for high in highest],
    )


def _highest(group: "Mapping[str, Any]") -> float:
    """Return where the momentum of a group begins and ends: around the one that it has, .85 to .95 for the usual .9."""
    own = float(group["betas"][0] if "betas" in group else group["momentum"])
    return max(own, min(own + CYCLE / 2, 0.95))


OPTION = Schedule(space=SPACE, build=build)
