"""What image networks are made of: convolutions, norms, pooling, augmentation and standardised input."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from automl.training.layers import ACTIVATIONS

_VALUES_AT_ONCE = 2**21
_SKIP_START = 0.2
GROUPS = 8  # every width is a multiple of it, so that group norm always fits


def round_width(width: float) -> int:
    """Return the multiple of ``GROUPS`` nearest to ``width``, at least one group."""
    return max(GROUPS, GROUPS * round(width / GROUPS))


def make_norm(kind: str, width: int) -> nn.Module:
    """Return the normalisation ``batch``, ``group`` or ``none`` over ``width`` channels."""
    if kind == "batch":
        return nn.BatchNorm2d(width)
    return nn.GroupNorm(GROUPS, width) if kind == "group" else nn.Identity()


def conv_norm(inputs: int, outputs: int, kernel: int, norm: str, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Return a "same" convolution and its norm, which replaces the bias."""
    padding = kernel // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=norm == "none")
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(conv, make_norm(norm, outputs))


class Transition(nn.Module):
    """Between two stages: a 3x3 convolution to another width, and half the size.

    ``how``: the convolution strides (``stride``); sees the whole size, and its maximum is taken (``conv_max``, as in
    airbench; Jordan 2024, arXiv:2404.00498); or sees what a maximum or a mean has left (``max_conv``, ``avg_conv``);
    ``none`` leaves the size.

    Shape: (b, inputs, h, w) -> (b, outputs, ceil(h / 2), ceil(w / 2)).
    """

    def __init__(self, inputs: int, outputs: int, how: str, norm: str, activation: str) -> None:
        super().__init__()
        conv, behind = conv_norm(inputs, outputs, 3, norm, 2 if how == "stride" else 1)
        pools: dict[str, Callable[..., nn.Module]] = {
            "conv_max": nn.MaxPool2d,
            "max_conv": nn.MaxPool2d,
            "avg_conv": nn.AvgPool2d,
        }
        pool = [pools[how](2, ceil_mode=True)] if how in pools else []
        first = [conv, *pool] if how == "conv_max" else [*pool, conv]
        self.body = nn.Sequential(*first, behind, ACTIVATIONS[activation]())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Plain(nn.Module):
    """Convolution, norm, activation (VGG; Simonyan and Zisserman 2015).

    Shape: (b, width, h, w) -> the same, as for all blocks here.
    """

    def __init__(self, width: int, norm: str, activation: str, kernel: int) -> None:
        super().__init__()
        self.body = conv_norm(width, width, kernel, norm)
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x))


class Skip(nn.Module):
    """``x + body(x)``, and an activation where the block has one behind the sum.

    The last norm of the body begins small, so that a deep stack begins near the identity.
    """

    def __init__(self, body: nn.Sequential, norm: str, activation: str | None = None) -> None:
        super().__init__()
        self.body = body
        self.act = ACTIVATIONS[activation]() if activation else nn.Identity()
        last = body[-1].get_parameter("0.weight" if norm == "none" else "1.weight")
        with torch.no_grad():
            last.mul_(_SKIP_START)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + self.body(x))


class Squeeze(nn.Module):
    """Each channel is weighed by what the means of all of them say (squeeze and excitation; Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(width, round_width(width / 4), 1), nn.Conv2d(round_width(width / 4), width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean(dim=(2, 3), keepdim=True)))))


def residual(width: int, norm: str, activation: str, kernel: int) -> nn.Module:
    """Two convolutions and a shortcut (He et al. 2016)."""
    first, second = conv_norm(width, width, kernel, norm), conv_norm(width, width, kernel, norm)
    return Skip(nn.Sequential(first, ACTIVATIONS[activation](), second), norm, activation)


def bottleneck(width: int, norm: str, activation: str, kernel: int) -> nn.Module:
    """A convolution at half the width between two pointwise ones, and a shortcut (He et al. 2016)."""
    inner = round_width(width / 2)
    act = ACTIVATIONS[activation]
    narrow, conv = conv_norm(width, inner, 1, norm), conv_norm(inner, inner, kernel, norm)
    return Skip(nn.Sequential(narrow, act(), conv, act(), conv_norm(inner, width, 1, norm)), norm, activation)


def separable(width: int, norm: str, activation: str, kernel: int) -> nn.Module:
    """A depthwise and a pointwise convolution and a shortcut (MobileNet; Howard et al. 2017)."""
    depthwise = conv_norm(width, width, kernel, norm, groups=width)
    return Skip(nn.Sequential(depthwise, ACTIVATIONS[activation](), conv_norm(width, width, 1, norm)), norm, activation)


def inverted(width: int, norm: str, activation: str, kernel: int, expansion: int, squeeze: bool) -> nn.Module:
    """A depthwise convolution at a greater width (MobileNetV2; Sandler et al. 2018), maybe squeezed (Howard 2019)."""
    inner, act = width * expansion, ACTIVATIONS[activation]
    wide, depthwise = conv_norm(width, inner, 1, norm), conv_norm(inner, inner, kernel, norm, groups=inner)
    middle = [wide, act(), depthwise, act(), *([Squeeze(inner)] if squeeze else [])]
    return Skip(nn.Sequential(*middle, conv_norm(inner, width, 1, norm)), norm)


def convnext(width: int, norm: str, activation: str, kernel: int, expansion: int) -> nn.Module:
    """A large depthwise convolution, then two pointwise ones with one activation between (Liu et al. 2022)."""
    inner = width * expansion
    depthwise, wide = conv_norm(width, width, kernel, norm, groups=width), nn.Conv2d(width, inner, 1)
    return Skip(nn.Sequential(depthwise, wide, ACTIVATIONS[activation](), conv_norm(inner, width, 1, norm)), norm)


BLOCKS: dict[str, Callable[..., nn.Module]] = {
    "plain": Plain,
    "residual": residual,
    "bottleneck": bottleneck,
    "separable": separable,
    "inverted": inverted,
    "convnext": convnext,
}


class Standardise(nn.Module):
    """Raw images to channels of mean 0 and deviation 1 over the training images.

    Shape: (b, h, w, c) in the raw value range -> (b, c, h, w), in channels-last memory order.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        mean = _pixel_mean(lambda part: part, images)
        std = np.sqrt(_pixel_mean(lambda part: np.square(part - mean.astype(np.float32)), images))
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(1 / np.maximum(std, 1e-6), dtype=torch.float32))

    def forward(self, image: Tensor) -> Tensor:
        return ((image - self.mean) * self.scale).permute(0, 3, 1, 2)


def _pixel_mean(change: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """Return the mean of each channel of ``change(images)``, (c,) float64, without a changed copy of them all."""
    size = max(1, _VALUES_AT_ONCE // images[0].size)
    parts = (images[i : i + size] for i in range(0, len(images), size))
    sums = [change(part).sum(axis=(0, 1, 2), dtype=np.float64) for part in parts]
    return np.sum(sums, axis=0) / np.prod(images.shape[:3])


class RandomMoves(nn.Module):
    """Raw images moved by whole pixels and mirrored, while training only: one gather, so it costs next to nothing.

    ``shift``: largest move, a share of the size; what comes in is reflected. ``flip``: mirror left and right half of
    the time.

    Shape: (b, h, w, c) -> (b, h, w, c).
    """

    def __init__(self, shift: float = 0.0, flip: bool = False) -> None:
        super().__init__()
        self.shift, self.flip = shift, flip

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not (self.shift or self.flip):
            return x
        n, height, width, channels = x.shape
        rows, columns = self._places(n, height, x), self._places(n, width, x)
        if self.flip:
            mirrored = torch.rand(n, 1, device=x.device) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        index = (rows[:, :, None] * width + columns[:, None, :]).reshape(n, -1, 1)
        return x.reshape(n, -1, channels).gather(1, index.expand(-1, -1, channels)).reshape(x.shape)

    def _places(self, n: int, size: int, x: Tensor) -> Tensor:
        """Return where each of ``size`` pixels comes from, (n, size), reflected at the ends."""
        most = min(round(self.shift * size), size - 1)
        moves = torch.randint(-most, most + 1, (n, 1), device=x.device)
        places = (torch.arange(size, device=x.device) + moves).abs()
        return (size - 1) - ((size - 1) - places).abs()


class RandomViews(nn.Module):
    """Random views of standardised images, while training only; every number 0 means "leave as it is".

    ``zoom``: largest relative change of size. ``rotate_degrees``: largest turn. ``brightness``: deviation of a random
    contrast and level, in deviations of the pixels. ``cutout``: side of an erased square, a share of the size (DeVries
    and Taylor 2017).

    Shape: (b, c, h, w) -> (b, c, h, w).
    """

    def __init__(
        self, zoom: float = 0.0, rotate_degrees: float = 0.0, brightness: float = 0.0, cutout: float = 0.0
    ) -> None:
        super().__init__()
        self.zoom, self.rotate_degrees, self.brightness, self.cutout = zoom, rotate_degrees, brightness, cutout

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        if self.zoom or self.rotate_degrees:
            x = self._turn(x)
        if self.brightness:
            contrast, level = (torch.randn(2, len(x), 1, 1, 1, device=x.device) * self.brightness).unbind()
            x = x * torch.exp(0.5 * contrast) + level
        return self._erase(x) if self.cutout else x

    def _turn(self, x: Tensor) -> Tensor:
        """Turn and zoom each image by one affine map; what comes in repeats the border."""
        n, _, height, width = x.shape

        def spread(limit: float) -> Tensor:
            return (torch.rand(n, device=x.device) * 2 - 1) * limit

        angle, size = spread(self.rotate_degrees * torch.pi / 180), torch.exp(spread(self.zoom))
        # Coordinates run over [-1, 1] on both axes, so a turn of an oblong image needs its aspect.
        cos, sin, aspect = torch.cos(angle) * size, torch.sin(angle) * size, height / width
        still = torch.zeros_like(cos)
        rows = ([cos, -sin * aspect, still], [sin / aspect, cos, still])
        theta = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    def _erase(self, x: Tensor) -> Tensor:
        """Set a square at a random place, partly outside perhaps, to the mean."""
        n, _, height, width = x.shape

        def outside(size: int) -> Tensor:
            centre = torch.rand(n, 1, device=x.device) * size
            return (torch.arange(size, device=x.device) + 0.5 - centre).abs() > self.cutout * size / 2

        return x * (outside(height)[:, None, :, None] | outside(width)[:, None, None, :])


class CutMix:
    """Puts a box of another image into each (Yun et al. 2019, arXiv:1905.04899), in a ``share`` of the batches.

    Shape: images (b, h, w, c), others (b,) -> images, and the share of pixels that each keeps.
    """

    def __init__(self, alpha: float, share: float) -> None:
        self.alpha, self.share = alpha, share

    def __call__(self, other: Tensor, x: Tensor) -> tuple[Tensor, float]:
        if torch.rand(()) >= self.share:
            return x, 1.0
        height, width = x.shape[1:3]
        side = float(torch.distributions.Beta(self.alpha, self.alpha).sample()) ** 0.5
        rows, columns = (self._span(size, side) for size in (height, width))
        x = x.clone()
        x[:, rows, columns] = x[other][:, rows, columns]
        return x, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (height * width)

    @staticmethod
    def _span(size: int, side: float) -> slice:
        """Return a random span of ``side`` of ``size`` pixels; what is outside is cut off."""
        centre, half = float(torch.rand(())) * size, side * size / 2
        return slice(max(0, round(centre - half)), min(size, round(centre + half)))


class GlobalPool(nn.Module):
    """The mean (``avg``) or the greatest value (``max``) of each channel. Shape: (b, c, h, w) -> (b, c)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) if self.kind == "avg" else x.amax(dim=(2, 3))


class ConvNet(nn.Module):
    """Standardise, augment, stem, stages, global pooling, dropout, linear output.

    Shape: image (b, h, w, c) float32 in the raw value range -> (b, n_outputs) raw scores.
    """

    inputs = ("image",)
    mixed_precision = True  # may be trained in bfloat16 where that is faster

    def __init__(
        self,
        front: Sequence[nn.Module],
        stages: Sequence[nn.Module],
        width: int,
        n_outputs: int,
        pool: str,
        dropout: float,
        blend: CutMix | None = None,
    ):
        super().__init__()
        self.blend = blend
        self.front = nn.Sequential(*front)
        self.stages = nn.Sequential(*stages)
        self.pool = GlobalPool(pool)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, n_outputs)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Tensor:
        return self.output(self.dropout(self.pool(self.stages(self.front(image)))))
