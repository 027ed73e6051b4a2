"""A PyTorch module as a ``Diagram``: what it calls for one row, in order, with shapes and costs."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from automl.figures.network import Diagram
from automl.training.feed import Feed
from automl.training.sizes import n_numbers

if TYPE_CHECKING:
    from automl.task import Rows

# Only hold others: these are shown in their place.
_CONTAINERS = (nn.Sequential, nn.ModuleList)


def of_module(module: nn.Module, row: "Rows") -> Diagram:
    """Return the diagram of a module for rows like ``row``. What changes nothing, such as dropout, is left out."""
    at = next(module.parameters()).device
    inputs = [part.to(at) for part in Feed(module, row)[slice(None)]]
    counter = FlopCounterMode(display=False)
    open_: list[tuple[int, list[Diagram]]] = [(0, [])]

    def begin(part: nn.Module, given: Any) -> None:
        open_.append((counter.get_total_flops(), []))

    def end(part: nn.Module, given: Any, output: Any) -> None:
        before, parts = open_.pop()
        found = _first(output)
        if part is not module and isinstance(part, _CONTAINERS):
            open_[-1][1].extend(parts)
        elif part is module or parts or not (isinstance(part, nn.Dropout) or found is _first(given)):
            n_parameters = n_numbers(part)
            cost = (counter.get_total_flops() - before) // 2
            shape = () if found is None else tuple(found.shape[1:])
            open_[-1][1].append(Diagram(type(part).__name__, _detail(part), shape, n_parameters, cost, tuple(parts)))

    hooks = [
        hook for p in module.modules() for hook in (p.register_forward_pre_hook(begin), p.register_forward_hook(end))
    ]
    was_training = module.training
    try:
        with counter, torch.no_grad():
            module.eval()(*inputs)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    (whole,) = open_[0][1]
    return whole


def _first(values: Any) -> Tensor | None:
    """Return the first tensor of what a module takes or gives."""
    if isinstance(values, Tensor):
        return values
    found = (_first(value) for value in values) if isinstance(values, tuple | list) else ()
    return next((tensor for tensor in found if tensor is not None), None)


def _detail(part: nn.Module) -> str:
    """Return a layer's sizes in words: "3×3, 16 → 32, stride 2"."""
    words = []
    if "kernel_size" in vars(part):
        words.append("×".join(map(str, _sizes(part.kernel_size))))
    for given, made in (
        ("in_channels", "out_channels"),
        ("in_features", "out_features"),
        ("input_size", "hidden_size"),
    ):
        if given in vars(part):
            words.append(f"{getattr(part, given)} → {getattr(part, made)}")
    for name, usual in (("stride", 1), ("dilation", 1), ("groups", 1), ("num_heads", 0), ("num_layers", 1)):
        sizes = set(_sizes(vars(part).get(name, usual)))
        if sizes != {usual} and not (name == "stride" and sizes == set(_sizes(vars(part).get("kernel_size", 1)))):
            words.append(f"{name.removeprefix('num_')} {'×'.join(map(str, sorted(sizes)))}")
    return ", ".join(words)


def _sizes(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)
