"""ModernNCA (Ye et al. 2024, arXiv:2407.03257): nearest neighbours in an embedding that is learned for them.

The answer is the mean target of all training rows, each weighing ``exp(-distance)``. In training a row never counts for
itself, and each step compares with some of the others alone. Row weights count in the loss, and as so many neighbours.
The model keeps its training rows, embedded: so it is for some thousands of them.
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.tables.blocks import NETWORK_FEATURES
from automl.space import Choice, Float, Int, Params, Space
from automl.target import Target
from automl.task import Problem, Rows
from automl.types import Model

if TYPE_CHECKING:
    from automl.search_spaces.tables._modern_nca import NearestNeighbors

_SIZE = {"size": Int(2, 32, log=True, default=8)}
SPACE: Space = {
    "size": Int(16, 256, log=True, default=64),
    "depth": Int(0, 2, default=0),
    "dropout": Float(0.0, 0.5, default=0.1),
    # How many rows beside those of its batch a row is compared with in a step.
    "sampled": Int(64, 4096, log=True, default=512),
    "numbers": Choice(
        {
            "periodic": {
                **_SIZE,
                "frequencies": Int(4, 64, log=True, default=16),
                "spread": Float(0.01, 3.0, log=True, default=0.1),
            },
            "piecewise": {**_SIZE, "bins": Int(4, 64, log=True, default=24)},
            "none": {},
        }
    ),
    "category_size": Int(2, 64, log=True, default=16),
}
# With more the model is large, and answers slowly.
_MOST_ROWS = 12_000


def build(params: Params, problem: Problem) -> Model:
    """Make the model."""
    from automl.training.network import Network

    return Network(partial(make_module, params, problem.target), params, problem)


def make_module(params: Params, target: Target, x: Rows, n_outputs: int) -> "NearestNeighbors":
    """Return the module for rows like those of ``x``, which also give its input statistics."""
    from torch import nn

    from automl.search_spaces.tables._modern_nca import Answer, Encoder, NearestNeighbors
    from automl.search_spaces.tables._network import Inputs, Residual
    from automl.training.feed import Feed

    enter = Inputs(x, params)
    size = params["size"]
    body: list[nn.Module] = [nn.Dropout(params["dropout"]), nn.Linear(enter.n_features, size)]
    for _ in range(params["depth"]):
        body.append(Residual(size, nn.LayerNorm, nn.ReLU, params["dropout"]))
    rows = tuple(part.cpu() for part in Feed(enter, x)[slice(None)])
    answer = Answer(size, n_outputs, target.is_classification)
    return NearestNeighbors(Encoder(enter, nn.Sequential(*body)), answer, rows, target, n_outputs, params["sampled"])


def adapt(space: Space, problem: Problem) -> Space | None:
    """Return ``space``; None for too many rows."""
    return space if problem.summaries.n_rows <= _MOST_ROWS else None


OPTION = Family(
    space=SPACE,
    build=build,
    steps=NETWORK_FEATURES,
    targets=TARGETS,
    network={
        "optimizer": {"adamw": {"lr": {"default": 1e-2}}},
        # A row that is mixed of two is neither of those that it leaves out.
        "mixup": ["none"],
    },
    order=80,
    adapt=adapt,
)
