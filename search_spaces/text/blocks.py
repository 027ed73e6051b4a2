"""What networks over subwords share: the space of what is around a body, how training starts, and the network."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from automl.space import Choice, Float, Int, Params, Space

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

AROUND: Space = {
    "size": Int(8, 256, log=True, default=64),
    "pool": Choice(["both", "mean", "max"]),
    "dropout": Float(0.0, 0.5, default=0.2),
    "word_dropout": Float(0.0, 0.5, default=0.1),
}
TRAINING: dict[str, Any] = {
    "batch_size": {"default": 32},
    "epochs": {"default": 8},
    "schedule": {"default": "one_cycle"},
    "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 4e-3}}},
}


def needs_subwords(space: Space, problem: "Problem") -> Space | None:
    """Leave a family out where no text was long enough to learn subwords from."""
    return space if n_ids(problem) > 2 else None


def n_ids(problem: "Problem") -> int:
    """Return the number of ids that a subword may have: also those of padding and of unknown characters."""
    return 2 + sum(len(column.subwords) for column in problem.schema.columns)


def network(params: Params, problem: "Problem", make_body: "Callable[[Params], nn.Module]", most: int = 512) -> "Model":
    """Return the network for ``params``, not yet fitted; see ``SubwordNet`` for its parts."""
    from automl.training.network import Network

    return Network(partial(_make, params, n_ids(problem), make_body, most), params, problem)


def _make(
    params: Params, n_known: int, make_body: "Callable[[Params], nn.Module]", most: int, x: "Rows", n_outputs: int
) -> "nn.Module":
    from automl.search_spaces.text._network import SubwordNet

    around = {name: params[name] for name in ("pool", "dropout", "word_dropout")}
    return SubwordNet(n_known, params["size"], make_body(params), n_outputs, most=most, **around)
