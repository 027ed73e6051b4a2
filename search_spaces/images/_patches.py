"""Images as patches: what embeds them, and blocks that mix them, by convolutions, by layers over all places or by
attention.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from automl.search_spaces.images._network import Plain, Skip, conv_norm, make_norm, round_width
from automl.training.layers import ACTIVATIONS

_POSITION = 0.02  # deviation of what is added for each place, as a training begins


class Embedding(nn.Module):
    """From images of one size to a grid of patches, at most ``most`` of them a side.

    ``kind``: ``squares`` of pixels, as in ViT (Dosovitskiy et al. 2021, arXiv:2010.11929), or ``convolutions`` of 3x3
    pixels that halve the size as often as it takes, each with half of the channels of the next one, from which a
    transformer learns faster (Xiao et al. 2021, arXiv:2106.14881). ``grid``: the rows and columns that come out.

    Shape: (b, channels, height, width_pixels) -> (b, width, *grid); squares that the image does not fill get zeros.
    """

    def __init__(
        self, kind: str, channels: int, width: int, size: tuple[int, int], most: int, norm: str, activation: str
    ) -> None:
        super().__init__()
        halvings, side = 0, -(-max(size) // most)
        if kind == "convolutions":
            halvings = (side - 1).bit_length()
            side = 2**halvings
        self.grid = (-(-size[0] // side), -(-size[1] // side))
        if kind == "squares":
            fill = nn.ZeroPad2d((0, -size[1] % side, 0, -size[0] % side))
            conv = nn.Conv2d(channels, width, side, side, bias=norm == "none")
            layers: list[nn.Module] = [fill, conv, make_norm(norm, width), ACTIVATIONS[activation]()]
        else:
            layers = []
            for i in reversed(range(max(1, halvings))):
                wider = round_width(width / 2**i)
                layers += [conv_norm(channels, wider, 3, norm, min(side, 2)), ACTIVATIONS[activation]()]
                channels = wider
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def conv_mixer(width: int, norm: str, activation: str, kernel: int) -> nn.Module:
    """A large depthwise convolution with a shortcut, then a pointwise one (Trockman and Kolter 2022, arXiv:2201.09792).

    Shape: (b, width, h, w) -> the same.
    """
    depthwise = Skip(nn.Sequential(conv_norm(width, width, kernel, norm, groups=width)), norm, activation)
    return nn.Sequential(depthwise, Plain(width, norm, activation, 1))


class Tokens(nn.Module):
    """Blocks over all places in a row, between what makes a row of them and the last norm.

    ``blocks``: from (b, places, width) to the same. ``learned``: whether a vector is learned for each place and added.

    Shape: (b, width, h, w) -> the same.
    """

    def __init__(self, grid: tuple[int, int], width: int, blocks: Sequence[nn.Module], learned: bool) -> None:
        super().__init__()
        self.grid = grid
        self.positions = nn.Parameter(torch.randn(grid[0] * grid[1], width) * _POSITION) if learned else None
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(2).transpose(1, 2)
        if self.positions is not None:
            x = x + self.positions
        return self.norm(self.blocks(x)).transpose(1, 2).unflatten(2, self.grid)


class MixerBlock(nn.Module):
    """Two layers over the places of each channel, two over the channels of each place (Tolstikhin et al. 2021).

    Both behind a shortcut; ``expansion``: of the inner layers. MLP-Mixer, arXiv:2105.01601.

    Shape: (b, places, width) -> the same.
    """

    def __init__(self, places: int, width: int, activation: str, expansion: int, dropout: float) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.over_places = two_layers(places, expansion * places, activation)
        self.over_channels = two_layers(width, expansion * width, activation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.over_places(self.before(x).transpose(1, 2)).transpose(1, 2))
        return x + self.dropout(self.over_channels(self.between(x)))


def two_layers(width: int, inner: int, activation: str) -> nn.Sequential:
    """Return two linear layers with an activation between them, over the last axis."""
    return nn.Sequential(nn.Linear(width, inner), ACTIVATIONS[activation](), nn.Linear(inner, width))
