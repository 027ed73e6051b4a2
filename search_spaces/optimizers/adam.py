"""Adam (Kingma and Ba 2015, arXiv:1412.6980); weight decay is an L2 penalty."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

SPACE = {
    "lr": Float(1e-5, 3e-2, log=True, default=1e-3),
    "weight_decay": Float(1e-8, 1e-2, log=True, default=1e-6),
    "beta1": Float(0.8, 0.98, default=0.9),
    "beta2": Float(0.95, 0.9999, default=0.999),
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.Adam(
        parameters,
        lr=params["lr"],
        betas=(params["beta1"], params["beta2"]),
        weight_decay=params["weight_decay"],
        fused=True,
    )
