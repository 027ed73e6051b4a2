"""What image networks are made of: convolutions, norms, blocks, pooling; ``_views`` has what comes before."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from automl.search_spaces.images._views import SETS, CutMix, moved
from automl.training.layers import ACTIVATIONS

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


def stem(channels: int, width: int, size: int, most: int, norm: str) -> tuple[nn.Module, int]:
    """Return a convolution that halves images of ``size`` pixels a side until ``most`` are left, and what is left."""
    stride = 1
    while size > most:
        size, stride = -(-size // 2), stride * 2
    return conv_norm(channels, width, max(3, 2 * stride - 1), norm, stride), size


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


def transition(inputs: int, outputs: int, size: int, how: str, norm: str, activation: str) -> tuple[Transition, int]:
    """Return the ``Transition`` of images of ``size`` pixels a side, and what is left: less than 4 are not halved."""
    if size < 4:
        return Transition(inputs, outputs, "none", norm, activation), size
    return Transition(inputs, outputs, how, norm, activation), -(-size // 2)


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


class GlobalPool(nn.Module):
    """The mean (``avg``) or the greatest value (``max``) of each channel. Shape: (b, c, h, w) -> (b, c)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) if self.kind == "avg" else x.amax(dim=(2, 3))


class ImageNetwork(nn.Module):
    """Standardise, augment, layers, global pooling, dropout, linear output.

    ``layers``: one after the other, from (b, c, h, w) to (b, ``width``, h', w').

    Shape: image (b, h, w, c) float32 in the raw value range -> (b, n_outputs) raw scores.
    """

    inputs = ("image",)
    mixed_precision = True  # may be trained in bfloat16 where that is faster
    view_sets = SETS

    def __init__(
        self,
        front: Sequence[nn.Module],
        layers: Sequence[nn.Module],
        width: int,
        n_outputs: int,
        *,
        pool: str,
        dropout: float,
        blend: CutMix | None = None,
    ):
        super().__init__()
        self.blend = blend
        self.front = nn.Sequential(*front)
        self.layers = nn.Sequential(*layers)
        self.pool = GlobalPool(pool)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, n_outputs)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Tensor:
        return self.output(self.dropout(self.pool(self.layers(self.front(image)))))

    def seen(self, view: tuple[int, int, bool], image: Tensor) -> tuple[Tensor]:
        """Return the images as one of ``view_sets`` has them; see ``test_time.Averaged``."""
        return (moved(image, *view),)
