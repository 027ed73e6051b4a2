"""RMSprop (Tieleman and Hinton 2012); weight decay is an L2 penalty."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import L2_PENALTY
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {
    "lr": Float(1e-5, 1e-2, log=True, default=5e-4),
    "weight_decay": L2_PENALTY,
    "alpha": Float(0.9, 0.999, default=0.99),
    "momentum": Float(0.0, 0.95, default=0.0),
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.RMSprop(
        parameters,
        lr=params["lr"],
        alpha=params["alpha"],
        momentum=params["momentum"],
        weight_decay=params["weight_decay"],
    )


OPTION = Optimizer(space=SPACE, build=build)
