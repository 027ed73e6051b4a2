"""Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

ORDER = 0
SPACE = {
    "lr": Float(1e-5, 3e-2, log=True, default=1e-3),
    "weight_decay": Float(1e-6, 1.0, log=True, default=1e-2),
    "beta1": Float(0.8, 0.98, default=0.9),
    "beta2": Float(0.95, 0.9999, default=0.999),
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    return torch.optim.AdamW(
        parameters,
        lr=params["lr"],
        betas=(params["beta1"], params["beta2"]),
        weight_decay=params["weight_decay"],
        fused=True,
    )
