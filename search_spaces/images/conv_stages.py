"""A convolutional network by stages, each with blocks of its own kind, kernel, depth and width.

Between two stages the size halves and the width grows. Blocks are plain or residual (He et al. 2016) convolutions,
bottlenecks, depthwise-separable (Howard et al. 2017) and inverted ones (Sandler et al. 2018), or in the manner of
ConvNeXt (Liu et al. 2022). The stem halves large images until the first stage sees at most ``first_size`` pixels a
side, which sets most of the cost.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.space import Choice, Float, Int, Params, Repeat, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

AUGMENT: Space = {
    "shift": Float(0.0, 0.2, default=0.1),
    "flip": Choice([False, True]),
    "zoom": Float(0.0, 0.4, default=0.2),
    "rotate_degrees": Float(0.0, 30.0, default=15.0),
    "brightness": Float(0.0, 0.5, default=0.3),
    "cutout": Float(0.0, 0.5, default=0.0),
}
# With many images this is enough, and costs next to nothing.
LIGHT: Space = {"shift": Float(0.0, 0.2, default=0.07), "flip": Choice([False, True]), "cutout": AUGMENT["cutout"]}
KERNEL: Space = {"kernel": Choice([3, 5])}
DEPTHWISE_KERNEL: Space = {"kernel": Choice([3, 5, 7])}
BLOCK: dict[str, Space] = {
    "plain": KERNEL,
    "residual": KERNEL,
    "bottleneck": KERNEL,
    "separable": DEPTHWISE_KERNEL,
    "inverted": {**DEPTHWISE_KERNEL, "expansion": Int(2, 6, default=4), "squeeze": Choice([False, True])},
    "convnext": {"kernel": Choice([3, 5, 7], default=7), "expansion": Int(2, 4, default=4)},
}
STAGE: Space = {
    "transition": Choice(["conv_max", "stride", "max_conv", "avg_conv"]),
    "widen": Float(1.0, 4.0, log=True, default=2.0),
    "block": Choice(BLOCK),
    "depth": Int(0, 4, default=1),
}
SPACE: Space = {
    "width": Int(8, 64, log=True, default=8),
    "first_size": Int(12, 64, log=True, default=32),
    "stages": Repeat(STAGE, Int(2, 4, default=3)),
    "norm": Choice(["batch", "group", "none"]),
    "activation": Choice(["gelu", "relu", "silu"]),
    "pool": Choice(["max", "avg"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    # Answers that are the mean over an image and its mirror image are better where both mean the same; they take twice
    # the time.
    "mirrored": Choice([False, True]),
    "augment": Choice({"random": AUGMENT, "light": LIGHT, "none": {}}),
    "cutmix": Choice(
        {"none": {}, "boxes": {"alpha": Float(0.2, 2.0, default=1.0), "share": Float(0.1, 1.0, default=0.5)}}
    ),
}
_EPOCHS = 30
# From so many images on larger batches and light augmentation are tried first.
_MANY = 15_000


def adapt(space: "Space", problem: "Problem") -> "Space":
    """Let the first try on many images see them in larger batches and hardly augmented."""
    batch_size, augment = space["batch_size"], space["augment"]
    if problem.summaries.n_rows <= _MANY:
        return space
    if isinstance(batch_size, Int):
        batch_size = replace(batch_size, default=min(batch_size.high, max(batch_size.start, 128)))
    if isinstance(augment, Choice) and augment.start == "random" and "light" in augment:
        augment = Choice(augment.options, "light")
    return {**space, "batch_size": batch_size, "augment": augment}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c), which also give its input statistics."""
    from automl.search_spaces.images import _network as parts
    from automl.search_spaces.images._views import CutMix
    from automl.training.layers import ACTIVATIONS

    height, width_pixels, channels = present(x.image).shape[1:]
    size, norm, activation = max(height, width_pixels), params["norm"], params["activation"]
    width, stem_stride = parts.round_width(params["width"]), 1
    while size > params["first_size"]:
        size, stem_stride = -(-size // 2), stem_stride * 2
    stem = parts.conv_norm(channels, width, max(3, 2 * stem_stride - 1), norm, stem_stride)
    layers = [stem, ACTIVATIONS[activation]()]
    exact = float(width)
    for i in range(params["stages.n"]):
        stage = scope(params, f"stages.{i}")
        exact *= stage["widen"]
        wider, halves = parts.round_width(exact), size >= 4
        size = -(-size // 2) if halves else size
        how = stage["transition"] if halves else "none"
        layers.append(parts.Transition(width, wider, how, norm, activation))
        block, own = parts.BLOCKS[stage["block"]], scope(stage, f"block.{stage['block']}")
        layers += [block(wider, norm, activation, **own) for _ in range(stage["depth"])]
        width = wider
    blend = CutMix(**scope(params, "cutmix.boxes")) if params["cutmix"] == "boxes" else None
    front, pool, dropout = _front(params, x), params["pool"], params["dropout"]
    return parts.ConvNet(front, layers, width, n_outputs, pool, dropout, params["mirrored"], blend)


def _front(params: Params, x: "Rows") -> "list[nn.Module]":
    """Return what images go through before the network: moves, standardisation, views."""
    from automl.search_spaces.images import _views

    views = scope(params, f"augment.{params['augment']}")
    moves = {name: views.pop(name) for name in ("shift", "flip") if name in views}
    return [_views.RandomMoves(**moves), _views.Standardise(present(x.image)), _views.RandomViews(**views)]


OPTION = Family(
    space=SPACE,
    build=build,
    targets=TARGETS,
    network={
        "batch_size": {"default": 32},
        "epochs": {"default": _EPOCHS},
        "schedule": {"default": "one_cycle"},
        "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 1e-2}}},
    },
    adapt=adapt,
)
