"""Adam (Kingma and Ba 2015, arXiv:1412.6980); weight decay is an L2 penalty."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import L2_PENALTY, adam_arguments, adam_space
from automl.space import Params

if TYPE_CHECKING:
    import torch

SPACE = adam_space(L2_PENALTY)


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.Adam(parameters, **adam_arguments(params), fused=True)


OPTION = Optimizer(space=SPACE, build=build)
