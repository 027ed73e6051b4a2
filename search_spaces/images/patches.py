"""Networks over patches: images are embedded as patches at once, and blocks of one kind mix them at that size.

Blocks are those of ConvMixer (Trockman and Kolter 2022, arXiv:2201.09792), of MLP-Mixer (Tolstikhin et al. 2021,
arXiv:2105.01601), or of a transformer's encoder (ViT; Dosovitskiy et al. 2021, arXiv:2010.11929). Patches are squares
of pixels, or what a few convolutions make of them (Xiao et al. 2021, arXiv:2106.14881).
"""

from functools import partial
from typing import TYPE_CHECKING

from automl.option import TARGETS, Family
from automl.search_spaces.images.blocks import AROUND, TRAINING, adapt, around
from automl.space import Choice, Int, Params, Space, scope
from automl.task import present

if TYPE_CHECKING:
    from torch import nn

    from automl.task import Problem, Rows
    from automl.types import Model

SPACE: Space = {
    "patches": Int(4, 16, log=True, default=8),  # a side, at most
    "embedding": Choice(["convolutions", "squares"]),
    "width": Int(16, 256, log=True, default=64),
    "depth": Int(1, 8, default=4),
    "block": Choice(
        {
            "conv_mixer": {"kernel": Choice([3, 5, 7, 9], default=5)},
            "mixer": {"expansion": Int(1, 4, default=2)},
            "attention": {
                "heads": Choice([2, 4, 8], default=4),
                "expansion": Int(1, 4, default=2),
                "positions": Choice(["learned", "none"]),
            },
        }
    ),
    **AROUND,
}


def build(params: Params, problem: "Problem") -> "Model":
    """Return the network for ``params``, not yet fitted."""
    from automl.training.network import Network

    return Network(partial(make_module, params), params, problem)


def make_module(params: Params, x: "Rows", n_outputs: int) -> "nn.Module":
    """Return the module for images like those of ``x``, (n, h, w, c)."""
    from automl.search_spaces.images import _patches
    from automl.search_spaces.images._network import round_width
    from automl.training.steps import EncoderBlock

    height, width_pixels, channels = present(x.image).shape[1:]
    width, norm, activation = round_width(params["width"]), params["norm"], params["activation"]
    size, most = (height, width_pixels), params["patches"]
    embedding = _patches.Embedding(params["embedding"], channels, width, size, most, norm, activation)
    own = scope(params, f"block.{params['block']}")
    learned, repeated = own.pop("positions", "none") == "learned", range(params["depth"])
    layers: list[nn.Module]
    if params["block"] == "conv_mixer":
        layers = [_patches.conv_mixer(width, norm, activation, **own) for _ in repeated]
        return around([embedding, *layers], width, params, x, n_outputs)
    own["dropout"] = params["dropout"]
    if params["block"] == "mixer":
        places = embedding.grid[0] * embedding.grid[1]
        layers = [_patches.MixerBlock(places, width, activation, **own) for _ in repeated]
    else:
        layers = [EncoderBlock(width, **own) for _ in repeated]
    tokens = _patches.Tokens(embedding.grid, width, layers, learned)
    return around([embedding, tokens], width, params, x, n_outputs)


OPTION = Family(space=SPACE, build=build, targets=TARGETS, network=TRAINING, adapt=adapt)
