"""A transformer's encoder over the steps (Vaswani et al. 2017, arXiv:1706.03762), trained from scratch."""

from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.sequences.blocks import AUGMENT, TRAINING, around
from automl.space import Choice, Float, Int, Params, Space
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

SPACE: Space = {
    "depth": Int(1, 6, default=3),
    "width": Int(32, 256, log=True, default=64),
    "heads": Choice([4, 2, 8]),
    "expansion": Int(1, 4, default=2),
    "stack": Choice([2, 1, 4, 8]),
    "pool": Choice(["mean", "max", "last"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    "augment": AUGMENT,
}
# Attention takes the square of the steps: more of them are stacked until no more than these are left.
_MOST_STEPS = 512


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, (n, steps, channels)."""
    from automl.training.steps import Encoder

    _, steps, channels = present(x.sequence).shape
    stack = max(params["stack"], -(-steps // _MOST_STEPS))
    body = Encoder(channels * stack, *(params[name] for name in ("width", "depth", "heads", "expansion", "dropout")))
    return around(body, {**params, "stack": stack}, x, n_outputs)


OPTION = Family(
    space=SPACE,
    build=build,
    targets=TARGETS,
    network={**TRAINING, "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 1.5e-3}}}},
    order=60,
)
