"""A small transformer over embedded subwords, trained from scratch (Vaswani et al. 2017, arXiv:1706.03762)."""

from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.text.blocks import AROUND, TRAINING, needs_subwords, network
from automl.space import Choice, Int, Params, Space

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem
    from automl.types import Model

SPACE: Space = {
    **AROUND,
    "depth": Int(1, 4, default=2),
    "width": Int(32, 256, log=True, default=64),
    "heads": Choice([4, 2, 8]),
    "expansion": Int(1, 4, default=2),
}
# Attention takes the square of this.
_MOST = 256


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    return network(params, problem, body, _MOST)


def body(params: Params) -> "nn.Module":
    """Return the encoder."""
    from automl.training.steps import Encoder

    return Encoder(params["size"], *(params[name] for name in ("width", "depth", "heads", "expansion", "dropout")))


OPTION = Family(
    space=SPACE,
    build=build,
    targets=TARGETS,
    network={**TRAINING, "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 1e-3}}}},
    adapt=needs_subwords,
    order=40,
)
