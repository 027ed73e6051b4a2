"""A multilayer network for tables: plain, residual, gated or dense; or attention over the columns.

Residual blocks and attention are those of Gorishniy et al. 2021, arXiv:2106.11959.

Numbers may be embedded before the first layer (Gorishniy et al. 2022, arXiv:2203.05556), which
narrows the distance to trees; categories are embedded where the encoder leaves them ("native").
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.errors import NotApplicable
from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import NETWORK_FEATURES
from automl.space import Choice, Float, Int, Params, Space
from automl.task import Problem, Rows
from automl.types import Model

if TYPE_CHECKING:
    from automl.search_spaces.tables._network import TableNetwork

# Attention compares every column with every other.
_MOST_COLUMNS = 128
_SIZE = {"size": Int(2, 32, log=True, default=12)}
SPACE: Space = {
    "depth": Int(1, 6, default=3),
    "width": Int(32, 1024, log=True, default=256),
    # Attention has a width of its own, ``size``, and its own norm and activation.
    "block": Choice(
        {
            "plain": {},
            "residual": {},
            "gated": {},
            "dense": {},
            "attention": {"size": Int(8, 64, log=True, default=32), "heads": Choice([4, 2, 8])},
        }
    ),
    "activation": Choice(["relu", "leaky_relu", "elu", "gelu", "silu", "mish"]),
    "norm": Choice(["none", "batch", "layer"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    "numbers": Choice(
        {
            "none": {},
            "linear": _SIZE,
            "piecewise": {**_SIZE, "bins": Int(4, 64, log=True, default=24)},
            "periodic": {
                **_SIZE,
                "frequencies": Int(4, 64, log=True, default=24),
                "spread": Float(0.01, 3.0, log=True, default=0.1),
            },
        },
        default="piecewise",
    ),
    "category_size": Int(2, 64, log=True, default=16),
}


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: Rows, n_outputs: int) -> "TableNetwork":
    """Return the module for rows like those of ``x``, which also give its input statistics.

    Raises ``NotApplicable`` for attention over too many columns.
    """
    from torch import nn

    from automl.search_spaces.tables._network import NORMS, Dense, Gated, Inputs, Residual, TableNetwork
    from automl.training.layers import ACTIVATIONS

    if params["block"] == "attention":
        return _attention(params, x, n_outputs)
    width, depth, dropout, block = params["width"], params["depth"], params["dropout"], params["block"]
    norm, activation = NORMS[params["norm"]], ACTIVATIONS[params["activation"]]
    enter = Inputs(x, params)
    n_features = enter.n_features

    def layer(n_in: int) -> list[nn.Module]:
        return [nn.Linear(n_in, width), norm(width), activation(), nn.Dropout(dropout)]

    layers: list[nn.Module]
    if block == "plain":
        layers = [part for i in range(depth) for part in layer(width if i else n_features)]
    elif block == "dense":
        layers = [Dense(nn.Sequential(*layer(n_features + i * width))) for i in range(depth)]
    else:
        made = Gated if block == "gated" else Residual
        blocks = [made(width, norm, activation, dropout) for _ in range(depth)]
        layers = [nn.Linear(n_features, width), *blocks, norm(width), activation()]
    n_last = n_features + depth * width if block == "dense" else width
    return TableNetwork(enter, nn.Sequential(*layers, nn.Linear(n_last, n_outputs)))


def _attention(params: Params, x: Rows, n_outputs: int) -> "TableNetwork":
    from torch import nn

    from automl.search_spaces.tables._network import ColumnAttention, Inputs, TableNetwork

    size, heads = params["block.attention.size"], params["block.attention.heads"]
    enter = Inputs(x, params, size)
    if (n_columns := enter.n_features // size) > _MOST_COLUMNS:
        raise NotApplicable(
            f"Attention is over {_MOST_COLUMNS} columns at most, and there are {n_columns}. Choose another block."
        )
    body = ColumnAttention(size, params["depth"], heads, params["dropout"])
    return TableNetwork(enter, nn.Sequential(body, nn.ReLU(), nn.Linear(size, n_outputs)))


OPTION = Family(
    space=SPACE,
    build=build,
    steps=NETWORK_FEATURES,
    targets=TARGETS,
    network={"optimizer": {"adamw": {"lr": {"default": 1.5e-3}}}},
    order=50,
)
