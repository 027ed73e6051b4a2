"""Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

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

    return torch.optim.AdamW(parameters, **adam_arguments(params), fused=True)


OPTION = Optimizer(space=SPACE, build=build, order=0)
