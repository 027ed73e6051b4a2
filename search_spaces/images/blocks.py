"""What families for images share: what is around their layers, how training varies its images, and how it starts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl.space import Choice, Float, Int, Params, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows

_RANDOM: Space = {
    "shift": Float(0.0, 0.2, default=0.1),
    "flip": Choice([False, True]),
    "zoom": Float(0.0, 0.4, default=0.2),
    "rotate_degrees": Float(0.0, 30.0, default=15.0),
    "brightness": Float(0.0, 0.5, default=0.3),
    "cutout": Float(0.0, 0.5, default=0.0),
}
# With many images this is enough, and costs next to nothing.
_LIGHT: Space = {"shift": Float(0.0, 0.2, default=0.07), "flip": Choice([False, True]), "cutout": _RANDOM["cutout"]}
AROUND: Space = {
    "norm": Choice(["batch", "group", "none"]),
    "activation": Choice(["gelu", "relu", "silu"]),
    "pool": Choice(["max", "avg"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    # Whether answers are the mean over an image, small moves and its mirror image where validation images gain by it;
    # they take up to ten times as long.
    "test_time_augmentation": Choice([True, False]),
    "augment": Choice({"random": _RANDOM, "light": _LIGHT, "none": {}}),
    "cutmix": Choice(
        {"none": {}, "boxes": {"alpha": Float(0.2, 2.0, default=1.0), "share": Float(0.1, 1.0, default=0.5)}}
    ),
}
# Between two stages: see ``_network.Transition``.
TRANSITION = Choice(["conv_max", "stride", "max_conv", "avg_conv"])
TRAINING: dict[str, Any] = {
    "batch_size": {"default": 32},
    "epochs": {"default": 30},
    "schedule": {"default": "one_cycle"},
    "optimizer": {"default": "muon", "muon": {"lr": {"default": 3e-2}}, "adamw": {"lr": {"default": 1e-2}}},
}
# From so many images on larger batches and light augmentation are tried first.
_MANY = 15_000


def adapt(space: Space, problem: "Problem") -> Space:
    """Let the first try on many images see them in larger batches and hardly augmented."""
    batch_size, augment = space["batch_size"], space["augment"]
    if problem.summaries.n_rows <= _MANY:
        return space
    if isinstance(batch_size, Int):
        batch_size = replace(batch_size, default=min(batch_size.high, max(batch_size.start, 128)))
    if isinstance(augment, Choice) and augment.start == "random" and "light" in augment:
        augment = Choice(augment.options, "light")
    return {**space, "batch_size": batch_size, "augment": augment}


def around(layers: "Sequence[nn.Module]", width: int, params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c), whose statistics it keeps.

    ``layers``: from (b, c, h, w) to (b, ``width``, h', w'); ``params`` hold what ``AROUND`` draws.
    """
    from automl.search_spaces.images import _network, _views

    views = scope(params, f"augment.{params['augment']}")
    moves = {name: views.pop(name) for name in ("shift", "flip") if name in views}
    front = [_views.RandomMoves(**moves), _views.Standardise(present(x.image)), _views.RandomViews(**views)]
    blend = _views.CutMix(**scope(params, "cutmix.boxes")) if params["cutmix"] == "boxes" else None
    rest = {name: params[name] for name in ("pool", "dropout")}
    return _network.ImageNetwork(front, layers, width, n_outputs, blend=blend, **rest)
