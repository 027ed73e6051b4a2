"""Step decay: the learning rate drops a few times, evenly over the training."""

from typing import TYPE_CHECKING

from automl.option import Schedule
from automl.space import Float, Int, Params, Space

if TYPE_CHECKING:
    import torch

SPACE: Space = {"drops": Int(1, 4, default=2), "factor": Float(0.05, 0.5, log=True, default=0.2)}


def build(params: Params, optimizer: "torch.optim.Optimizer", n_steps: int) -> "torch.optim.lr_scheduler.LRScheduler":
    """Return the schedule; the learning rate is multiplied by ``factor`` at each of the ``drops``."""
    from torch.optim.lr_scheduler import LambdaLR

    length = n_steps / (params["drops"] + 1)
    return LambdaLR(optimizer, lambda step: params["factor"] ** min(params["drops"], int(step / length)))


OPTION = Schedule(space=SPACE, build=build)
