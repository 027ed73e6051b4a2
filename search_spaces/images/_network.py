"""What image networks are made of: convolutions, norms, pooling, augmentation and standardised input."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from automl.training.layers import ACTIVATIONS

_VALUES_AT_ONCE = 2**21
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


class Plain(nn.Module):
    """Convolution, norm, activation (VGG; Simonyan and Zisserman 2015).

    Shape: (b, inputs, h, w) -> (b, outputs, ceil(h / stride), ceil(w / stride)), as for all blocks here.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, norm: str, activation: str) -> None:
        super().__init__()
        self.body = conv_norm(inputs, outputs, kernel, norm, stride)
        self.act = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x))


class _Skip(nn.Module):
    """``act(body(x) + shortcut(x))``: the body starts as zero, so that a deep stack starts as the identity."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: str, activation: str, body: nn.Sequential) -> None:
        super().__init__()
        self.body = body
        self.act = ACTIVATIONS[activation]()
        pool = nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity()
        project = conv_norm(inputs, outputs, 1, norm) if inputs != outputs else nn.Identity()
        self.shortcut = nn.Sequential(pool, project)
        nn.init.zeros_(body[-1].get_parameter("0.weight" if norm == "none" else "1.weight"))

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.body(x) + self.shortcut(x))


class Residual(_Skip):
    """Two convolutions and a shortcut (ResNet-D; He et al. 2016, He et al. 2019)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, norm: str, activation: str) -> None:
        first = conv_norm(inputs, outputs, kernel, norm, stride)
        second = conv_norm(outputs, outputs, kernel, norm)
        body = nn.Sequential(first, ACTIVATIONS[activation](), second)
        super().__init__(inputs, outputs, stride, norm, activation, body)


class Separable(_Skip):
    """A depthwise and a pointwise convolution and a shortcut (MobileNet; Howard et al. 2017)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, norm: str, activation: str) -> None:
        depthwise = conv_norm(inputs, inputs, kernel, norm, stride, groups=inputs)
        pointwise = conv_norm(inputs, outputs, 1, norm)
        body = nn.Sequential(depthwise, ACTIVATIONS[activation](), pointwise)
        super().__init__(inputs, outputs, stride, norm, activation, body)


BLOCKS: dict[str, type[nn.Module]] = {"plain": Plain, "residual": Residual, "separable": Separable}


def make_stage(inputs: int, outputs: int, downsample: str, block: str, depth: int, *options: Any) -> nn.Sequential:
    """Return ``depth`` blocks; the first changes the width and, unless ``downsample`` is ``none``, the size is halved.

    ``downsample``: ``stride``, ``max``, ``avg`` or ``none``; ``options``: (kernel, norm, activation).
    """
    layers: list[nn.Module] = []
    if downsample in ("max", "avg"):
        layers.append((nn.MaxPool2d if downsample == "max" else nn.AvgPool2d)(2, ceil_mode=True))
    kernel, norm, activation = options
    for i in range(depth):
        stride = 2 if i == 0 and downsample == "stride" else 1
        layers.append(BLOCKS[block](inputs if i == 0 else outputs, outputs, kernel, stride, norm, activation))
    return nn.Sequential(*layers)


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


class RandomViews(nn.Module):
    """Random views of standardised images, while training only; every number 0 means "leave as it is".

    ``shift``: largest move, a share of the size. ``zoom``: largest relative change of size.
    ``rotate_degrees``: largest turn. ``flip``: mirror left and right half of the time. ``brightness``:
    deviation of a random contrast and level, in deviations of the pixels. ``cutout``: side of an erased
    square, a share of the size (DeVries and Taylor 2017).

    Shape: (b, c, h, w) -> (b, c, h, w).
    """

    def __init__(
        self,
        shift: float = 0.0,
        zoom: float = 0.0,
        rotate_degrees: float = 0.0,
        flip: bool = False,
        brightness: float = 0.0,
        cutout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shift, self.zoom, self.rotate_degrees = shift, zoom, rotate_degrees
        self.flip, self.brightness, self.cutout = flip, brightness, cutout

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        if self.shift or self.zoom or self.rotate_degrees or self.flip:
            x = self._move(x)
        if self.brightness:
            contrast, level = (torch.randn(2, len(x), 1, 1, 1, device=x.device) * self.brightness).unbind()
            x = x * torch.exp(0.5 * contrast) + level
        return self._erase(x) if self.cutout else x

    def _move(self, x: Tensor) -> Tensor:
        """Turn, zoom, mirror and shift each image by one affine map; what comes in repeats the border."""
        n, _, height, width = x.shape

        def spread(limit: float) -> Tensor:
            return (torch.rand(n, device=x.device) * 2 - 1) * limit

        angle, size = spread(self.rotate_degrees * torch.pi / 180), torch.exp(spread(self.zoom))
        mirror = torch.where(torch.rand(n, device=x.device) < 0.5, -1.0, 1.0) if self.flip else torch.ones_like(angle)
        # Coordinates run over [-1, 1] on both axes, so a turn of an oblong image needs its aspect.
        cos, sin, aspect = torch.cos(angle) * size, torch.sin(angle) * size, height / width
        rows = (
            [cos * mirror, -sin * aspect, spread(2 * self.shift)],
            [sin * mirror / aspect, cos, spread(2 * self.shift)],
        )
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

    def __init__(
        self,
        front: Sequence[nn.Module],
        stages: Sequence[nn.Module],
        width: int,
        n_outputs: int,
        pool: str,
        dropout: float,
    ):
        super().__init__()
        self.front = nn.Sequential(*front)
        self.stages = nn.Sequential(*stages)
        self.pool = GlobalPool(pool)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, n_outputs)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Tensor:
        return self.output(self.dropout(self.pool(self.stages(self.front(image)))))
