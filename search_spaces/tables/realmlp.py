"""RealMLP (Holzmüller et al. 2024, arXiv:2407.04491) with a batch ensemble over its layers (TabM, arXiv:2410.24210).

What makes a plain network strong on tables: robust scaling with smooth clipping, periodic embeddings beside the
numbers, a learned factor for each feature, learned slopes of the activations, a rate that rises and falls in waves,
dropout that fades. ``members`` networks share all layers but the first factors and the last layer; each has its own
loss, and their predictions are averaged.
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.errors import NotApplicable
from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import NETWORK_FEATURES
from automl.space import Choice, Float, Int, Params, Space, begin_at
from automl.task import Problem, Rows
from automl.types import Model

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from automl.search_spaces.tables._realmlp import RealMLP

# To begin with: epochs and members for up to so many rows, and for very many; decay for many rows, and for few.
_EPOCHS, _MEMBERS, _USUAL_ROWS = 64, 4, 8_000
_LEAST_EPOCHS, _LEAST_MEMBERS = 16, 2
_DECAY, _MOST_DECAY, _FEW_ROWS = 0.01, 0.1, 1_500

SPACE: Space = {
    "members": Int(1, 32, log=True, default=_MEMBERS),
    "depth": Int(1, 4, default=3),
    "width": Int(32, 512, log=True, default=128),
    "activation": Choice(["silu", "mish", "gelu", "relu", "selu"]),
    "dropout": Float(0.0, 0.5, default=0.0),
    "numbers": Choice(
        {
            "piecewise": {"size": Int(2, 32, log=True, default=12), "bins": Int(4, 64, log=True, default=24)},
            "periodic": {
                "size": Int(2, 8, default=4),
                "frequencies": Int(4, 64, log=True, default=16),
                "spread": Float(0.01, 10.0, log=True, default=0.1),
            },
            "none": {},
        }
    ),
    "categories": {"max_one_hot": Int(2, 32, log=True, default=9), "size": Int(4, 32, log=True, default=8)},
}
# Embedded numbers of one row, at most: wide tables get smaller embeddings, or none.
_MOST_EMBEDDED = 512
# So many rows say where layers begin, and where bins are.
_START_ROWS, _BIN_ROWS = 1_000, 20_000
_ROWS_OF_A_BIN = 20


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: Rows, n_outputs: int) -> "RealMLP":
    """Return the module for rows like those of ``x``, which also give its scales and where its layers begin.

    Raises ``NotApplicable`` for rows without numbers and categories.
    """
    from automl.search_spaces.tables import _realmlp as layers
    from automl.training.feed import Feed
    from automl.training.layers import ACTIVATIONS

    parts = {n: v for n, v in x.parts().items() if n in ("numeric", "categories") and v.shape[1]}
    if not parts:
        raise NotApplicable("A network for tables takes numbers or categories; the feature steps left none.")
    numbers, levels, n_features = None, None, 0
    if "numeric" in parts:
        numbers, size = _numbers(params, parts["numeric"])
        n_features += parts["numeric"].shape[1] * size
    if "categories" in parts:
        levels = layers.Levels(x.cardinalities, params["categories.max_one_hot"], params["categories.size"])
        n_features += levels.n_features
    widths = [params["width"]] * params["depth"]
    activation = ACTIVATIONS[params["activation"]]
    module = layers.RealMLP(
        numbers,
        levels,
        layers.body(n_features, n_outputs, params["members"], widths, activation, params["dropout"]),
    )
    some = x.take(slice(None, None, -(-len(x) // _START_ROWS)))
    module.start_from(*(part.cpu() for part in Feed(module, some)[slice(None)]))
    return module


def _numbers(params: Params, x: "np.ndarray") -> "tuple[nn.Module, int]":
    """Return what scales and embeds the numbers ``x`` (n, p), and how many features it makes of each."""
    import torch
    from torch import nn

    from automl.search_spaces.tables._realmlp import PeriodicBesideLinear, RobustNumbers, SlowPiecewise

    scale, kind = RobustNumbers(x), params["numbers"]
    size = min(params.get(f"numbers.{kind}.size", 1), _MOST_EMBEDDED // x.shape[1])
    if size < 2:
        return scale, 1
    embed: nn.Module
    if kind == "piecewise":
        with torch.no_grad():
            sample = scale(torch.from_numpy(x[:: -(-len(x) // _BIN_ROWS)])).numpy()
        n_bins = min(params["numbers.piecewise.bins"], 1 + len(x) // _ROWS_OF_A_BIN)
        embed = SlowPiecewise(sample, size, n_bins)
    else:
        n_frequencies, spread = params["numbers.periodic.frequencies"], params["numbers.periodic.spread"]
        embed = PeriodicBesideLinear(x.shape[1], size, n_frequencies, spread)
    return nn.Sequential(scale, embed), size


def adapt(space: Space, problem: Problem) -> Space:
    """Return ``space`` with a beginning that fits the number of rows.

    Many rows: fewer members and epochs, so that a fit does not take longer and longer. Few rows: more decay, as what is
    believed beforehand counts as much as a fixed number of rows.
    """
    n_rows = problem.summaries.n_rows
    less = min(1.0, _USUAL_ROWS / n_rows)
    decay = min(_MOST_DECAY, max(_DECAY, _MOST_DECAY * _FEW_ROWS / n_rows))
    space = begin_at(space, "epochs", _EPOCHS, max(_LEAST_EPOCHS, round(_EPOCHS * less)))
    space = begin_at(space, "members", _MEMBERS, max(_LEAST_MEMBERS, round(_MEMBERS * less**0.5)))
    return begin_at(space, "optimizer.adamw.weight_decay", _DECAY, decay)


OPTION = Family(
    space=SPACE,
    build=build,
    steps={**NETWORK_FEATURES, "scale": {"method": {"default": "none"}}},
    targets=TARGETS,
    network={
        "optimizer": {
            "adamw": {
                "lr": {"low": 3e-3, "high": 0.3, "default": 0.06},
                "weight_decay": {"low": 1e-3, "default": _DECAY},
                "beta2": {"default": 0.95},
            }
        },
        "schedule": {"default": "coslog"},
        "epochs": {"default": _EPOCHS},
        # The rate rises and falls: what a wave has lost the next one may find.
        "patience": {"low": 16, "high": 200, "default": 40},
        "clip": {"default": "none"},
    },
    order=35,
    adapt=adapt,
)
