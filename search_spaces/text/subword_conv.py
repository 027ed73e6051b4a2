"""Convolutions over embedded subwords (Kim 2014, arXiv:1408.5882), residual and dilated where they are several."""

from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.text.blocks import AROUND, TRAINING, needs_subwords, network
from automl.space import Choice, Int, Params, Space

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem
    from automl.types import Model

SPACE: Space = {
    **AROUND,
    "depth": Int(1, 4, default=1),
    "width": Int(16, 256, log=True, default=64),
    "kernel": Choice([3, 5, 7]),
    "dilation_growth": Choice([2, 1, 3]),
    "norm": Choice(["layer", "batch", "none"]),
    "activation": Choice(["relu", "silu", "gelu"]),
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    return network(params, problem, body)


def body(params: Params) -> "nn.Module":
    """Return the convolutions."""
    from automl.training.steps import Convolutions

    names = ("width", "depth", "dilation_growth", "kernel", "norm", "activation", "dropout")
    return Convolutions(params["size"], causal=False, **{name: params[name] for name in names})


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING, adapt=needs_subwords, order=30)
