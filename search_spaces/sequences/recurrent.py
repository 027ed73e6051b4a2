"""A recurrent network over the steps: GRU (Cho et al. 2014) or LSTM (Hochreiter and Schmidhuber 1997)."""

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
    "cell": Choice(["gru", "lstm"]),
    "hidden": Int(16, 256, log=True, default=96),
    "layers": Int(1, 3, default=1),
    "bidirectional": Choice([True, False]),
    "stack": Choice([1, 2, 4], default=2),
    "pool": Choice(["mean", "max", "last"]),
    "dropout": Float(0.0, 0.5, default=0.2),
    "augment": AUGMENT,
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, (n, steps, channels)."""
    from automl.search_spaces.sequences._network import Recurrence

    shape = [params[name] for name in ("hidden", "layers", "bidirectional", "dropout")]
    body = Recurrence(params["cell"], present(x.sequence).shape[2] * params["stack"], *shape)
    return around(body, params, x, n_outputs)


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING)
