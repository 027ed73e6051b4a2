"""What a network costs, as far as it is known before it is trained: its weights, and what one row takes."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from automl.goals import COUNTED
from automl.training.feed import Feed

if TYPE_CHECKING:
    from automl.task import Rows

Seen = TypeVar("Seen")


def planned(make: Callable[[], nn.Module], look: Callable[[nn.Module], Seen]) -> Seen:
    """Return what ``look`` finds of the module that ``make`` would make, whose weights are not filled in."""
    try:
        with torch.device("meta"):
            return look(make())
    except (NotImplementedError, RuntimeError, TypeError):  # it looks at values
        return look(make())


def of_module(module: nn.Module, row: "Rows", names: Collection[str] = COUNTED) -> dict[str, float]:
    """Return the ``parameters``, and the ``multiply_adds`` (of convolutions and matrix products) that one row takes.

    ``names``: which of them; a row goes through the module for the second alone.
    """
    if "multiply_adds" not in names:
        return {"parameters": float(n_numbers(module))}
    at = next(module.parameters()).device
    inputs = (part.to(at) for part in Feed(module, row)[slice(None)])
    was_training = module.training
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        module.eval()(*inputs)
    module.train(was_training)
    return {"parameters": float(n_numbers(module)), "multiply_adds": counter.get_total_flops() / 2}


def n_numbers(module: nn.Module) -> int:
    """Return how many numbers a module holds: running means and fixed kernels are shipped as the weights are."""
    held = [*module.parameters(), *(buffer for buffer in module.buffers() if buffer.is_floating_point())]
    return sum(part.numel() for part in held)
