"""Linear decay to zero after a linear warm-up."""

from typing import TYPE_CHECKING

from automl.option import Schedule
from automl.search_spaces.schedules.blocks import WARMUP, warmed_up
from automl.space import Params

if TYPE_CHECKING:
    import torch

SPACE = {"warmup": WARMUP}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; ``warmup`` is the part of all ``n_steps`` it takes to rise."""
    return warmed_up(optimizer, n_steps, params["warmup"], lambda over: 1 - over)


OPTION = Schedule(space=SPACE, build=build)
