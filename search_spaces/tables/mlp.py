"""A multilayer network for tables, plain or residual (Gorishniy et al. 2021, arXiv:2106.11959).

Numbers may be embedded before the first layer (Gorishniy et al. 2022, arXiv:2203.05556), which
narrows the distance to trees; categories are embedded where the encoder leaves them ("native").
"""

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.space import Choice, Float, Int, Params, Space
from automl.task import Problem, Rows
from automl.types import Model

if TYPE_CHECKING:
    from automl.search_spaces.tables._network import TableNetwork

_SIZE = {"size": Int(2, 32, log=True, default=12)}
SPACE: Space = {
    "depth": Int(1, 6, default=3),
    "width": Int(32, 1024, log=True, default=256),
    "block": Choice(["plain", "residual"]),
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
    """Return the module for rows like those of ``x``, which also give its input statistics."""
    from torch import nn

    from automl.search_spaces.tables._network import NORMS, Inputs, Residual, TableNetwork
    from automl.training.layers import ACTIVATIONS

    width, depth, dropout = params["width"], params["depth"], params["dropout"]
    norm, activation = NORMS[params["norm"]], ACTIVATIONS[params["activation"]]
    enter = Inputs(x, params)
    if params["block"] == "residual":
        blocks = [Residual(width, norm, activation, dropout) for _ in range(depth)]
        layers = [nn.Linear(enter.n_features, width), *blocks, norm(width), activation()]
    else:
        layers = []
        for n_in, n_out in pairwise([enter.n_features, *[width] * depth]):
            layers += [nn.Linear(n_in, n_out), norm(n_out), activation(), nn.Dropout(dropout)]
    return TableNetwork(enter, nn.Sequential(*layers, nn.Linear(width, n_outputs)))


OPTION = Family(
    space=SPACE,
    build=build,
    steps={
        "dates": {},
        "text": {},
        "impute": {"method": {"none": "off"}},
        "encode": {"method": {"default": "native"}},
        "scale": {"method": {"default": "quantile"}},
    },
    targets=TARGETS,
    network={"optimizer": {"adamw": {"lr": {"default": 1.5e-3}}}},
    order=50,
)
