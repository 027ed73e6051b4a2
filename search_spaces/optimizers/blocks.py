"""What the optimizers share: the strengths of weight decay; the space of Adam's kin, and its arguments."""

from typing import Any

from automl.space import Float, Params, Space

# As an L2 penalty it is part of the gradient; decoupled, it shrinks the weights by itself and needs to be larger.
L2_PENALTY = Float(1e-8, 1e-2, log=True, default=1e-6)
DECOUPLED_DECAY = Float(1e-6, 1.0, log=True, default=1e-2)


def adam_space(weight_decay: Float) -> Space:
    """Return the space of an Adam with this ``weight_decay``."""
    return {
        "lr": Float(1e-5, 3e-2, log=True, default=1e-3),
        "weight_decay": weight_decay,
        "beta1": Float(0.8, 0.98, default=0.9),
        "beta2": Float(0.95, 0.9999, default=0.999),
    }


def adam_arguments(params: Params) -> dict[str, Any]:
    """Return ``params``, which have both betas, under PyTorch's names."""
    betas = (params["beta1"], params["beta2"])
    return {"lr": params["lr"], "betas": betas, "weight_decay": params["weight_decay"]}
