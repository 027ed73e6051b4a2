"""Stochastic gradient descent with momentum (Sutskever et al. 2013); weight decay is an L2 penalty."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.space import Choice, Float, Params, Space

if TYPE_CHECKING:
    import torch

_MOMENTUM = {"factor": Float(0.5, 0.99, default=0.9)}
SPACE: Space = {
    "lr": Float(1e-4, 1.0, log=True, default=5e-2),
    "weight_decay": Float(1e-7, 1e-2, log=True, default=1e-5),
    "momentum": Choice({"none": {}, "heavy": _MOMENTUM, "nesterov": _MOMENTUM}, default="nesterov"),
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.SGD(
        parameters,
        lr=params["lr"],
        momentum=params.get(f"momentum.{params['momentum']}.factor", 0.0),
        nesterov=params["momentum"] == "nesterov",
        weight_decay=params["weight_decay"],
        fused=True,
    )


OPTION = Optimizer(space=SPACE, build=build)
