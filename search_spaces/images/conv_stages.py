"""A convolutional network by stages, each with blocks of its own kind, kernel, depth and width.

Between two stages the size halves and the width grows. Blocks are plain or residual (He et al. 2016) convolutions,
bottlenecks, depthwise-separable (Howard et al. 2017) and inverted ones (Sandler et al. 2018), or in the manner of
ConvNeXt (Liu et al. 2022). The stem halves large images until the first stage sees at most ``first_size`` pixels a
side, which sets most of the cost.
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.images.blocks import AROUND, TRAINING, TRANSITION, adapt, around
from automl.space import Choice, Float, Int, Params, Repeat, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

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
    "transition": TRANSITION,
    "widen": Float(1.0, 4.0, log=True, default=2.0),
    "block": Choice(BLOCK),
    "depth": Int(0, 4, default=1),
}
SPACE: Space = {
    "width": Int(8, 64, log=True, default=8),
    "first_size": Int(12, 64, log=True, default=32),
    "stages": Repeat(STAGE, Int(2, 4, default=3)),
    **AROUND,
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c), which also give its input statistics."""
    from torch import nn

    from automl.search_spaces.images import _network as parts
    from automl.training.layers import ACTIVATIONS

    height, width_pixels, channels = present(x.image).shape[1:]
    norm, activation = params["norm"], params["activation"]
    width = parts.round_width(params["width"])
    stem, size = parts.stem(channels, width, max(height, width_pixels), params["first_size"], norm)
    stages = [nn.Sequential(stem, ACTIVATIONS[activation]())]
    exact = float(width)
    for i in range(params["stages.n"]):
        stage = scope(params, f"stages.{i}")
        exact *= stage["widen"]
        wider = parts.round_width(exact)
        transition, size = parts.transition(width, wider, size, stage["transition"], norm, activation)
        block, own = parts.BLOCKS[stage["block"]], scope(stage, f"block.{stage['block']}")
        blocks = [block(wider, norm, activation, **own) for _ in range(stage["depth"])]
        stages.append(nn.Sequential(transition, *blocks))
        width = wider
    return around(stages, width, params, x, n_outputs)


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING, adapt=adapt, order=10)
