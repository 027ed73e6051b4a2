"""A convolutional network by stages: each stage is a stack of equal blocks at one size and width.

Plain, residual (He et al. 2016) and depthwise-separable (Howard et al. 2017) blocks; between stages
the size halves and the width grows. The stem halves large images until the first stage sees at most
``first_size`` pixels a side, which sets most of the cost.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from automl.option import Family
from automl.space import Choice, Float, Int, Params, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

AUGMENT: Space = {
    "shift": Float(0.0, 0.2, default=0.1),
    "zoom": Float(0.0, 0.4, default=0.2),
    "rotate_degrees": Float(0.0, 30.0, default=15.0),
    "flip": Choice([False, True]),
    "brightness": Float(0.0, 0.5, default=0.3),
    "cutout": Float(0.0, 0.5, default=0.0),
}
SPACE: Space = {
    "block": Choice(["residual", "plain", "separable"]),
    "stages": Int(2, 4, default=3),
    "depth": Int(1, 3, default=2),
    "width": Int(8, 64, log=True, default=16),
    "growth": Float(1.0, 2.0, default=2.0),
    "first_size": Int(12, 64, log=True, default=24),
    "kernel": Choice([3, 5]),
    "norm": Choice(["batch", "group", "none"]),
    "activation": Choice(["relu", "silu", "gelu"]),
    "downsample": Choice(["stride", "max", "avg"]),
    "pool": Choice(["avg", "max"]),
    "dropout": Float(0.0, 0.5, default=0.1),
    "augment": Choice({"random": AUGMENT, "none": {}}),
}
_EPOCHS = 20
# From so many images on, fewer epochs (300,000 images in all), larger batches and no augmentation are tried first.
_MANY = 15_000


def adapt(space: "Space", problem: "Problem") -> "Space":
    """Let the first try on many images see each a few times only, as it is; not where a person has set the epochs."""
    epochs, batch_size, augment = (space[name] for name in ("epochs", "batch_size", "augment"))
    if not (isinstance(epochs, Int) and isinstance(batch_size, Int)) or epochs.start != _EPOCHS:
        return space
    if problem.summaries.n_rows <= _MANY:
        return space
    fewer = replace(epochs, default=max(epochs.low, round(_EPOCHS * _MANY / problem.summaries.n_rows)))
    larger = replace(batch_size, default=min(batch_size.high, max(batch_size.start, 128)))
    if isinstance(augment, Choice):
        augment = Choice(augment.options, "none" if "none" in augment else augment.start)
    return {**space, "epochs": fewer, "batch_size": larger, "augment": augment}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c), which also give its input statistics."""
    from automl.search_spaces.images import _network as parts
    from automl.training.layers import ACTIVATIONS

    height, width_pixels, channels = present(x.image).shape[1:]
    size, norm, activation = max(height, width_pixels), params["norm"], params["activation"]
    width, stem_stride = parts.round_width(params["width"]), 1
    while size > params["first_size"]:
        size, stem_stride = -(-size // 2), stem_stride * 2
    stem = parts.conv_norm(channels, width, max(3, 2 * stem_stride - 1), norm, stem_stride)
    front = [parts.Standardise(present(x.image)), parts.RandomViews(**scope(params, "augment.random"))]
    stages = [stem, ACTIVATIONS[activation]()]
    for i in range(params["stages"]):
        wider = parts.round_width(params["width"] * params["growth"] ** i)
        shrinks = i > 0 and size >= 4
        size = -(-size // 2) if shrinks else size
        downsample = params["downsample"] if shrinks else "none"
        shape = (downsample, *(params[name] for name in ("block", "depth", "kernel")))
        stages.append(parts.make_stage(width, wider, *shape, norm, activation))
        width = wider
    return parts.ConvNet(front, stages, width, n_outputs, params["pool"], params["dropout"])


OPTION = Family(
    space=SPACE,
    build=build,
    network={
        "batch_size": {"default": 32},
        "epochs": {"default": _EPOCHS},
        "schedule": {"default": "one_cycle"},
        "optimizer": {"default": "adamw", "adamw": {"lr": {"default": 6e-3}}},
    },
    adapt=adapt,
)
