"""Convolutions over the steps: dilated (TCN; Bai, Kolter and Koltun 2018, arXiv:1803.01271) or of several lengths side
by side (InceptionTime; Fawaz et al. 2020, arXiv:1909.04939), plainly connected, by shortcuts or densely.
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.sequences.blocks import AUGMENT, TRAINING, around
from automl.space import Choice, Float, Int, Params, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

SPACE: Space = {
    "depth": Int(1, 6, default=3),
    "width": Int(16, 256, log=True, default=64),
    "block": Choice(
        {
            "dilated": {
                "kernel": Choice([3, 5, 7]),
                "dilation_growth": Choice([2, 1, 3]),
                "causal": Choice([False, True]),
            },
            "multi_scale": {"kernel": Choice([20, 10, 40])},
        }
    ),
    "connect": Choice(["residual", "dense", "plain"]),
    "norm": Choice(["batch", "layer", "none"]),
    "activation": Choice(["relu", "silu", "gelu"]),
    "stack": Choice([1, 2, 4], default=2),
    "pool": Choice(["mean", "max", "last"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    "augment": AUGMENT,
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, (n, steps, channels)."""
    from automl.training.steps import Convolutions

    shape = {name: params[name] for name in ("width", "depth", "block", "connect", "norm", "activation", "dropout")}
    own = scope(params, f"block.{params['block']}")
    body = Convolutions(present(x.sequence).shape[2] * params["stack"], **shape, **own)
    return around(body, params, x, n_outputs)


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING, order=10)
