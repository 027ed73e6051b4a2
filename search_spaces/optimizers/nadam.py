"""Adam with Nesterov momentum (Dozat 2016) and decoupled weight decay."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import DECOUPLED_DECAY, adam_arguments, adam_space
from automl.space import Params

if TYPE_CHECKING:
    import torch

SPACE = adam_space(DECOUPLED_DECAY)


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.NAdam(parameters, **adam_arguments(params), decoupled_weight_decay=True)


OPTION = Optimizer(space=SPACE, build=build)
