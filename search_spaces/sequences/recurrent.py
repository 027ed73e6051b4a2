"""A recurrent network over the steps: GRU (Cho et al. 2014) or LSTM (Hochreiter and Schmidhuber 1997)."""

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
SPACE = {
    "cell": Choice(["gru", "lstm"]),
    "hidden": Int(16, 256, log=True, default=96),
    "layers": Int(1, 3, default=1),
    "bidirectional": Choice([True, False]),
    "stack": Choice([1, 2, 4], default=2),
    "pool": Choice(["mean", "max", "last"]),
    "dropout": Float(0.0, 0.5, default=0.2),
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

    shape = [params[name] for name in ("hidden", "layers", "bidirectional", "dropout")]
    return blocks.SequenceNet(
        blocks.Standardise(x.sequence, x.lengths),
        blocks.RandomViews(**scope(params, "augment.random")),
        blocks.Recurrence(params["cell"], x.sequence.shape[2] * params["stack"], *shape),
        n_outputs,
        **{name: params[name] for name in ("stack", "pool", "dropout")},
    )
