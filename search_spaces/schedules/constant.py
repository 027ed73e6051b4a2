"""A constant learning rate after a linear warm-up."""

from typing import TYPE_CHECKING

from automl.option import Schedule
from automl.search_spaces.schedules.blocks import warmed_up
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {"warmup": Float(0.0, 0.2, default=0.0)}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; ``warmup`` is the part of all ``n_steps`` it takes to rise."""
    return warmed_up(optimizer, n_steps, params["warmup"], lambda over: 1.0)


OPTION = Schedule(space=SPACE, build=build)
