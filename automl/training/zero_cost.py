"""What a network says about itself before it is trained: scores of its first weights on one batch, in milliseconds.

Each is greater where a network is expected to be better; which one is worth how much differs from space to space
(Krishnakumar et al. 2022, arXiv:2210.03230), and the number of parameters is hard to beat (White et al. 2022).
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from automl.training.layers import ACTIVATIONS

_ACTIVATIONS = tuple({type(make()) for make in ACTIVATIONS.values()})
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Linear)
# How far inputs are moved, and how often that is looked at.
_MOVE, _REPEATS = 1e-2, 4

Score = Callable[[nn.Module, Sequence[Tensor], Callable[[Tensor], Tensor]], float]


def scores(
    module: nn.Module, inputs: Sequence[Tensor], loss: Callable[[Tensor], Tensor], names: Sequence[str]
) -> dict[str, float]:
    """Return the scores of ``names`` that the module has: of those that are not finite, or not defined for it, none.

    ``module``: not changed. ``inputs``: a batch of what it takes. ``loss``: of its raw outputs, a number for each row.
    """
    found = {}
    for name in names:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                value = SCORES[name](copy.deepcopy(module).train(), inputs, loss)
            except (RuntimeError, ValueError):  # an operator without gradient, or without double precision
                continue
        if math.isfinite(value):
            found[name] = value
    return found


def grad_norm(module: nn.Module, inputs: Sequence[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    """Return the logarithm of the norm of the loss's gradient (Abdelfattah et al. 2021, arXiv:2101.08134)."""
    loss(module(*inputs)).mean().backward()
    return 0.5 * _log(sum(float(grad.square().sum()) for _, grad in _gradients(module)))


def synflow(module: nn.Module, inputs: Sequence[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    """Return the logarithm of what flows through all weights, taken as positive (Tanaka et al. 2020, arXiv:2006.05467).

    Inputs are a deviation above their mean, which is 1 behind a standardisation; running statistics are those of the
    start, so that no norm rescales what flows.
    """
    module.double().eval()
    with torch.no_grad():
        for part in module.parameters():
            part.abs_()
    module(*(_ones(x) for x in inputs)).sum().backward()
    return _log(sum(float((grad * part.detach()).abs().sum()) for part, grad in _gradients(module)))


def nwot(module: nn.Module, inputs: Sequence[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    """Return how differently rows switch activations: the log-determinant of the agreement of their signs, (b, b).

    Networks without training (Mellor et al. 2021, arXiv:2006.04647).
    """
    n_rows = len(inputs[0])
    kernel = torch.zeros(n_rows, n_rows, dtype=torch.float64)

    def agree(layer: nn.Module, given: Any, output: Tensor) -> None:
        on = (output.detach() > 0).flatten(1).double()
        off = 1 - on
        kernel.add_(on @ on.T + off @ off.T)

    with torch.no_grad(), _hooked(module, _ACTIVATIONS, agree):
        module(*inputs)
    return float(torch.linalg.slogdet(kernel)[1])


def zen(module: nn.Module, inputs: Sequence[Tensor], loss: Callable[[Tensor], Tensor]) -> float:
    """Return how much the last feature map moves with the input, the scales that norms take away put back.

    Zen-NAS (Lin et al. 2021, arXiv:2102.01063): weights and inputs are normal. Not defined for inputs that are codes.
    """
    if not all(x.is_floating_point() or x.ndim == 1 for x in inputs):
        return math.nan
    for layer in module.modules():
        if isinstance(layer, _LAYERS):
            nn.init.normal_(layer.weight)
        if isinstance(layer, _LAYERS) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if isinstance(layer, _NORMS):
            nn.init.ones_(layer.weight)
    scales: list[float] = []
    maps: list[Tensor] = []

    def spread(layer: nn.Module, given: Any, output: Tensor) -> None:
        x = given[0].transpose(0, 1).flatten(1)
        scales.append(0.5 * math.log(float(x.var(dim=1).mean()) + 1e-12))

    def keep(layer: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor) and (not maps or output.ndim >= maps[-1].ndim):
            maps[:] = [output]

    moved = []
    with torch.no_grad():
        for _ in range(_REPEATS):
            base = [_normal(x) for x in inputs]
            near = [x + _MOVE * (_normal(x) - _mean(x)) if x.is_floating_point() else x for x in base]
            with _hooked(module, _NORMS, spread), _hooked(module, (nn.Module,), keep):
                module(*base)
            first, n_scales = maps.pop(), len(scales)
            with _hooked(module, (nn.Module,), keep):
                module(*near)
            moved.append(float((first - maps.pop()).flatten(1).abs().sum(1).mean()))
    return _log(sum(moved) / len(moved)) + sum(scales) / _REPEATS * (n_scales > 0)


SCORES: dict[str, Score] = {"grad_norm": grad_norm, "synflow": synflow, "nwot": nwot, "zen": zen}


@contextmanager
def _hooked(module: nn.Module, kinds: tuple[type, ...], hook: Callable[..., None]) -> Iterator[None]:
    handles = [part.register_forward_hook(hook) for part in module.modules() if isinstance(part, kinds)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _gradients(module: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each weight that has a gradient, and this."""
    return ((part, part.grad) for part in module.parameters() if part.grad is not None)


def _mean(x: Tensor) -> Tensor:
    return x.double().mean(dim=tuple(range(x.ndim - 1)), keepdim=True).to(x)


def _spread(x: Tensor) -> Tensor:
    return x.double().std(dim=tuple(range(x.ndim - 1)), keepdim=True).to(x)


def _ones(x: Tensor) -> Tensor:
    return (_mean(x) + _spread(x)).double().expand_as(x) if x.is_floating_point() else x


def _normal(x: Tensor) -> Tensor:
    return _mean(x) + _spread(x) * torch.randn_like(x) if x.is_floating_point() else x


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
