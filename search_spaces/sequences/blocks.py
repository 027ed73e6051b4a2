"""What families for sequences share: how training varies its sequences, how it starts, and what is around a body."""

from typing import TYPE_CHECKING

from automl.space import Choice, Float, Params, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Rows

_VIEWS = {
    "shift": Float(0.0, 0.3, default=0.05),
    "stretch": Float(0.0, 0.4, default=0.15),
    "noise": Float(0.0, 0.5, default=0.1),
    "time_mask": Float(0.0, 0.3, default=0.1),
    "channel_mask": Float(0.0, 0.3, default=0.1),
}
AUGMENT = Choice({"random": _VIEWS, "none": {}})
TRAINING = {
    "batch_size": {"default": 64},
    "epochs": {"default": 20},
    "schedule": {"default": "one_cycle"},
    "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 4e-3}}},
}


def around(body: "nn.Module", params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for sequences like those of ``x``, (n, steps, channels), whose statistics it keeps.

    ``body``: see ``SequenceNet``; ``params`` hold ``stack``, ``pool``, ``dropout`` and ``augment``.
    """
    from automl.search_spaces.sequences._network import RandomViews, SequenceNet, Standardise

    views = RandomViews(**scope(params, "augment.random"))
    rest = {name: params[name] for name in ("stack", "pool", "dropout")}
    return SequenceNet(Standardise(present(x.sequence), x.lengths), views, body, n_outputs, **rest)
