"""A temporal convolutional network (TCN; Bai, Kolter and Koltun 2018, arXiv:1803.01271)."""

from functools import partial
from typing import TYPE_CHECKING

from automl.space import Choice, Float, Int, Params, scope

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Rows, Task
    from automl.types import Model

VIEWS = {
    "shift": Float(0.0, 0.3, default=0.05),
    "stretch": Float(0.0, 0.4, default=0.15),
    "noise": Float(0.0, 0.5, default=0.1),
    "time_mask": Float(0.0, 0.3, default=0.1),
    "channel_mask": Float(0.0, 0.3, default=0.1),
}
ORDER = 10
SPACE = {
    "depth": Int(1, 6, default=3),
    "width": Int(16, 256, log=True, default=64),
    "kernel": Choice([3, 5, 7]),
    "dilation_growth": Choice([2, 1, 3]),
    "causal": Choice([False, True]),
    "norm": Choice(["batch", "layer", "none"]),
    "activation": Choice(["relu", "silu", "gelu"]),
    "stack": Choice([1, 2, 4], default=2),
    "pool": Choice(["mean", "max", "last"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    "augment": Choice({"random": VIEWS, "none": {}}),
}
NETWORK = {
    "batch_size": {"default": 64},
    "epochs": {"default": 20},
    "schedule": {"default": "one_cycle"},
    "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 4e-3}}},
}


def build(params: Params, task: "Task") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, task)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, (n, steps, channels), whose statistics it keeps."""
    from automl.search_spaces.sequences import blocks

    shape = {name: params[name] for name in ("width", "depth", "dilation_growth", "kernel", "causal")}
    style = {name: params[name] for name in ("norm", "activation", "dropout")}
    return blocks.SequenceNet(
        blocks.Standardise(x.sequence, x.lengths),
        blocks.RandomViews(**scope(params, "augment.random")),
        blocks.Convolutions(x.sequence.shape[2] * params["stack"], **shape, **style),
        n_outputs,
        **{name: params[name] for name in ("stack", "pool", "dropout")},
    )
