"""Weights that many networks share: each takes the part that it has room for, trains it, and puts it back.

A single-path supernet (Guo et al. 2020, arXiv:1904.00420) of any family of networks: what is shared is found by the
paths and kinds of the layers alone. A narrower layer has the leading outputs and inputs of a wider one, and a smaller
kernel is the middle of a larger one (Cai et al. 2020, arXiv:1908.09791); a deeper network has the layers of a shallower
one and others beyond them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.optim import Optimizer

Key = tuple[Any, ...]
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class SharedWeights:
    """The weights of all networks that have given theirs so far, and what optimizers remember of them.

    Two networks share a weight where its path is the same, the layer is of the same kind, and so are the layers of the
    block around it: a kernel over channels has nothing to say to one of a single channel. Running statistics are not
    shared: they are to be measured anew for each network.
    """

    def __init__(self) -> None:
        self._weights: dict[Key, _Growing] = {}
        self._remembered: dict[Key, dict[str, Any]] = {}

    @torch.no_grad()
    def lend(self, module: nn.Module, optimizer: Optimizer | None = None) -> None:
        """Copy into ``module`` what is known of its weights, and into its ``optimizer``, which has taken no step yet.

        Weights that no network has given yet stay as they are.
        """
        for key, weight, kernel in _weights(module):
            if (shared := self._weights.get(key)) is not None:
                weight.copy_(shared.part(weight, kernel))
                if optimizer is not None:
                    optimizer.state[weight] = {
                        name: what.part(torch.zeros_like(weight), kernel) if isinstance(what, _Growing) else _copy(what)
                        for name, what in self._remembered[key].items()
                    }

    @torch.no_grad()
    def take_back(self, module: nn.Module, optimizer: Optimizer | None = None) -> None:
        """Put the weights of ``module`` in the place of those that it was lent, those that were not known beside."""
        for key, weight, kernel in _weights(module):
            self._weights.setdefault(key, _Growing()).put(weight, kernel)
            remembered = self._remembered.setdefault(key, {})
            state = {} if optimizer is None else optimizer.state.get(weight, {})
            for name, what in state.items():
                if isinstance(what, Tensor) and what.shape == weight.shape and what.ndim:
                    remembered.setdefault(name, _Growing()).put(what, kernel)
                else:
                    remembered[name] = _copy(what)


@dataclass
class _Growing:
    """A tensor that is as large as the largest part that was put into it. ``known``: where any was."""

    values: Tensor | None = None
    known: Tensor | None = None

    def part(self, own: Tensor, kernel: bool) -> Tensor:
        """Return the part of the size of ``own``: its values where nothing is known."""
        assert self.values is not None
        assert self.known is not None
        result = own.detach().clone()
        shape = [min(sizes) for sizes in zip(own.shape, self.values.shape, strict=True)]
        here, there = _place(self.values.shape, shape, kernel), _place(own.shape, shape, kernel)
        result[there] = torch.where(self.known[here], self.values[here], result[there])
        return result

    def put(self, part: Tensor, kernel: bool) -> None:
        """Put ``part`` where ``part`` of this size reads it."""
        if self.values is None or self.known is None:
            self.values, self.known = part.detach().clone(), torch.ones_like(part, dtype=torch.bool)
            return
        shape = [max(sizes) for sizes in zip(part.shape, self.values.shape, strict=True)]
        if shape != list(self.values.shape):
            old = _place(shape, self.values.shape, kernel)
            for name in ("values", "known"):
                grown = getattr(self, name).new_zeros(shape)
                grown[old] = getattr(self, name)
                setattr(self, name, grown)
        here = _place(shape, part.shape, kernel)
        self.values[here] = part.detach()
        self.known[here] = True


def _place(whole: Sequence[int], part: Sequence[int], kernel: bool) -> tuple[slice, ...]:
    """Return where ``part`` lies in ``whole``: at the beginning of each axis, in the middle of those of a kernel."""
    sizes = enumerate(zip(whole, part, strict=True))
    starts = [(size - own) // 2 if kernel and axis > 1 else 0 for axis, (size, own) in sizes]
    return tuple(slice(start, start + own) for start, own in zip(starts, part, strict=True))


def _weights(module: nn.Module) -> Iterator[tuple[Key, nn.Parameter, bool]]:
    """Yield each weight with what tells it apart from others, and whether it is a kernel."""
    parts = dict(module.named_modules())
    for name, weight in module.named_parameters():
        layer = parts[name.rpartition(".")[0]]
        key = (name, weight.ndim, _kind(layer), *_block(parts, name))
        yield key, weight, isinstance(layer, _ConvNd)


def _block(parts: dict[str, nn.Module], name: str) -> Key:
    """Return the kinds of the layers of the smallest module of an own class around a weight, but for the whole."""
    path = name.rpartition(".")[0].rpartition(".")[0]
    while path and isinstance(parts[path], _CONTAINERS):
        path = path.rpartition(".")[0]
    if not path:
        return ()
    layers = [(inner, _kind(part)) for inner, part in parts[path].named_modules() if list(part.parameters(False))]
    return type(parts[path]).__name__, *layers


def _kind(layer: nn.Module) -> str:
    """Return what a layer's weights are for, which their sizes do not say."""
    name = type(layer).__name__
    if isinstance(layer, _ConvNd):
        name += " of groups" * (layer.groups > 1) + " of points" * (max(layer.kernel_size) == 1)
    return name


def _copy(what: Any) -> Any:
    return what.clone() if isinstance(what, Tensor) else what
