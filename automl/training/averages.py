"""Means of a network's weights along its training, which predict better than its last ones."""

import copy
from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from automl.space import Params


class Average(Protocol):
    """A mean of weights."""

    def update(self, live: nn.Module, done: float) -> None:
        """Take in the ``live`` weights after a step; ``done``: the share of the training that is over."""

    def now(self, live: nn.Module, over: bool, batches: Iterable[tuple[Tensor, ...]]) -> nn.Module:
        """Return the module that would predict now. ``over``: the training is; ``batches``: some of its inputs."""


class Live:
    """No mean: the newest weights."""

    def update(self, live: nn.Module, done: float) -> None:
        pass

    def now(self, live: nn.Module, over: bool, batches: Iterable[tuple[Tensor, ...]]) -> nn.Module:
        return live


class Moving:
    """An exponential moving average, whose decay warms up with the steps taken (Polyak and Juditsky 1992)."""

    def __init__(self, live: nn.Module, decay: float) -> None:
        self.module, self.decay, self.n_steps = copy.deepcopy(live), decay, 0

    @torch.no_grad()
    def update(self, live: nn.Module, done: float) -> None:
        """Move towards the live weights; buffers (running statistics) are copied."""
        self.n_steps += 1
        decay = min(self.decay, (1 + self.n_steps) / (10 + self.n_steps))
        _move(self.module, live, 1 - decay)

    def now(self, live: nn.Module, over: bool, batches: Iterable[tuple[Tensor, ...]]) -> nn.Module:
        return self.module


class Stochastic:
    """The mean of all weights from the share ``start`` of a training on (SWA; Izmailov et al. 2018, arXiv:1803.05407).

    It predicts at the end alone, with statistics of batch normalisation that are its own.
    """

    def __init__(self, live: nn.Module, start: float) -> None:
        self.module, self.start, self.n_steps = copy.deepcopy(live), start, 0

    @torch.no_grad()
    def update(self, live: nn.Module, done: float) -> None:
        if done >= self.start:
            self.n_steps += 1
            _move(self.module, live, 1 / self.n_steps)

    def now(self, live: nn.Module, over: bool, batches: Iterable[tuple[Tensor, ...]]) -> nn.Module:
        if not over or not self.n_steps:
            return live
        measure_anew(self.module, batches)
        return self.module


def of(params: Params, live: nn.Module) -> Average:
    """Return the mean that ``params`` choose under ``average``."""
    if params["average"] == "ema":
        return Moving(live, params["average.ema.decay"])
    return Stochastic(live, params["average.swa.start"]) if params["average"] == "swa" else Live()


def _move(module: nn.Module, live: nn.Module, share: float) -> None:
    torch._foreach_lerp_(list(module.parameters()), list(live.parameters()), share)
    for mine, theirs in zip(module.buffers(), live.buffers(), strict=True):
        mine.copy_(theirs)


@torch.no_grad()
def measure_anew(module: nn.Module, batches: Iterable[tuple[Tensor, ...]]) -> None:
    """Set the statistics of batch normalisation to their means over ``batches``."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # of all batches alike
    module.train()
    for inputs in batches:
        module(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
