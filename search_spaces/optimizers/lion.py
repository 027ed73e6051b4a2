"""Lion: the sign of a momentum, with decoupled weight decay (Chen et al. 2023, arXiv:2302.06675)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from automl.option import Optimizer
from automl.search_spaces.optimizers.blocks import adam_arguments
from automl.space import Float, Params

if TYPE_CHECKING:
    import torch

# Every weight moves by the whole learning rate, hence a third to a tenth of Adam's.
SPACE = {
    "lr": Float(1e-6, 3e-3, log=True, default=2e-4),
    "weight_decay": Float(1e-5, 3.0, log=True, default=3e-2),
    "beta1": Float(0.8, 0.98, default=0.9),
    "beta2": Float(0.9, 0.999, default=0.99),
}


def build(params: Params, parameters: Iterable[Any]) -> "torch.optim.Optimizer":
    """Return the optimizer over tensors or parameter groups."""
    import torch

    class Lion(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                beta1, beta2 = group["betas"]
                for weight in group["params"]:
                    if weight.grad is None:
                        continue
                    state = self.state[weight]
                    momentum = state.setdefault("momentum", torch.zeros_like(weight))
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(torch.lerp(weight.grad, momentum, beta1).sign_(), alpha=-group["lr"])
                    momentum.lerp_(weight.grad, 1 - beta2)

    return Lion(parameters, adam_arguments(params))


OPTION = Optimizer(space=SPACE, build=build)
