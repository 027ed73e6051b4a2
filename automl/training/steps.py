"""Layers over the steps of sequences that are padded at the end: convolutions, attention, pooling of valid steps.

A sequence is (b, steps, channels); its mask (b, steps, 1) is 1 where a step is valid, else 0. Nothing here lets a
padded step reach a valid one, so padding further changes no prediction.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.training.layers import ACTIVATIONS


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Return (b, steps, 1) float32: 1 where a step is valid, else 0."""
    return (torch.arange(steps, device=lengths.device) < lengths[:, None]).unsqueeze(-1).float()


class MaskedPool(nn.Module):
    """One vector for a sequence: ``mean``, ``max`` or ``last`` of its valid steps.

    Shape: (b, steps, c), (b, steps, 1) -> (b, c).
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        if self.kind == "mean":
            return (x * mask).sum(dim=1) / mask.sum(dim=1)
        if self.kind == "max":
            return (x + (mask - 1) * 1e4).amax(dim=1)
        # The last valid step is the one whose follower is not valid.
        follower = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)
        return (x * (mask - follower)).sum(dim=1)


class Convolutions(nn.Module):
    """Blocks of convolutions, connected in one of three ways.

    ``block``: ``dilated`` (``Dilated``; block i is dilated by ``dilation_growth ** i``, so the field of view grows with
    the depth) or ``multi_scale`` (``MultiScale``). ``connect``: ``residual``: each block's output is added to its input
    (TCN; Bai, Kolter and Koltun 2018, arXiv:1803.01271); ``dense``: it is put beside all that came before (Huang et al.
    2017); ``plain``: it takes its place. ``options``: of the blocks.

    Shape: (b, steps, inputs), lengths (b,), mask (b, steps, 1) -> (b, steps, self.width).
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        depth: int,
        *,
        block: str = "dilated",
        connect: str = "residual",
        dilation_growth: int = 1,
        **options: Any,
    ) -> None:
        super().__init__()
        self.connect = connect
        self.project = nn.Conv1d(inputs, width, 1)
        self.act = ACTIVATIONS[options["activation"]]()
        widths = [width * (i + 1) if connect == "dense" else width for i in range(depth + 1)]
        if block == "dilated":
            made: list[nn.Module] = [
                Dilated(n, width, dilation=dilation_growth**i, **options)
                for i, n in zip(range(depth), widths, strict=False)
            ]
        else:
            made = [MultiScale(n, width, **options) for n in widths[:depth]]
        self.blocks = nn.ModuleList(made)
        self.width = widths[-1]

    def forward(self, x: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        mask = mask.transpose(1, 2)
        x = self.project(x.transpose(1, 2)) * mask
        for block in self.blocks:
            y = block(x, mask)
            if self.connect == "residual":
                x = self.act(x + y) * mask
            else:
                x = torch.cat([x, y], dim=1) if self.connect == "dense" else y
        return x.transpose(1, 2)


class Dilated(nn.Module):
    """Two dilated convolutions, each with norm, activation and dropout.

    ``causal``: a step sees the past only. Padding is set back to zero after every convolution.

    Shape: (b, inputs, steps), mask (b, 1, steps) -> (b, width, steps).
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        kernel: int,
        dilation: int,
        causal: bool,
        norm: str,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach - reach // 2)
        convs = [nn.Conv1d(n, width, kernel, dilation=dilation) for n in (inputs, width)]
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(make_norm(norm, width) for _ in convs)
        self.act, self.dropout = ACTIVATIONS[activation](), nn.Dropout(dropout)
        for conv in convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = self.dropout(self.act(norm(conv(functional.pad(x, self.padding))))) * mask
        return x


class MultiScale(nn.Module):
    """Convolutions of three lengths and a maximum side by side (InceptionTime; Fawaz et al. 2020, arXiv:1909.04939).

    ``kernel``: the longest one; the others have a half and a quarter of it.

    Shape: (b, inputs, steps), mask (b, 1, steps) -> (b, width, steps).
    """

    def __init__(self, inputs: int, width: int, *, kernel: int, norm: str, activation: str, dropout: float) -> None:
        super().__init__()
        sizes = [kernel // share | 1 for share in (1, 2, 4)]
        part = width // (len(sizes) + 1)
        self.narrow = nn.Conv1d(inputs, part, 1, bias=False)
        self.convs = nn.ModuleList(nn.Conv1d(part, part, size, padding=size // 2, bias=False) for size in sizes)
        self.highest = nn.Conv1d(inputs, width - part * len(sizes), 1, bias=False)
        self.norm, self.act, self.dropout = make_norm(norm, width), ACTIVATIONS[activation](), nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        narrow = self.narrow(x)
        # Zeros outside, as there are behind the end: what is padded further gives the same.
        highest = self.highest(functional.max_pool1d(functional.pad(x, (1, 1)), 3, 1))
        together = torch.cat([*(conv(narrow) for conv in self.convs), highest], dim=1)
        return self.dropout(self.act(self.norm(together))) * mask


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each step. Shape: (b, width, steps) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


def make_norm(kind: str, width: int) -> nn.Module:
    """Return the norm ``batch``, ``layer`` or ``none``; none of them mixes steps when predicting."""
    if kind == "batch":
        return nn.BatchNorm1d(width)
    return ChannelNorm(width) if kind == "layer" else nn.Identity()


class Encoder(nn.Module):
    """A transformer's encoder, normalised first (Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020).

    What is far counts less by a slope of its own for each head, and there is no other sign of places (ALiBi; Press et
    al. 2022, arXiv:2108.12409): so any number of steps may come.

    Shape: (b, steps, inputs), lengths (b,), mask (b, steps, 1) -> (b, steps, width).
    """

    def __init__(self, inputs: int, width: int, depth: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.project = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, expansion, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        at = torch.arange(x.shape[1], device=x.device)
        distance = (at[:, None] - at[None, :]).abs().to(x.dtype)
        unseen = (mask.transpose(1, 2) - 1)[:, None] * 1e4  # (b, 1, 1, steps)
        x = self.project(x)
        for block in self.blocks:
            x = block(x, distance, unseen)
        return self.norm(x)


class EncoderBlock(nn.Module):
    """Attention over all valid steps, then two layers for each step alone, both behind a shortcut.

    ``distance``: (steps, steps), by which far ones count less; None where there is no order. ``unseen``: added before
    the softmax, (b, 1, 1, steps), very small where a step is not valid; None where all are.

    Shape: (b, steps, width) -> the same.
    """

    slopes: Tensor

    def __init__(self, width: int, heads: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.size = heads, max(1, width // heads)
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries, self.output = nn.Linear(width, 3 * heads * self.size), nn.Linear(heads * self.size, width)
        self.wide, self.narrow = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("slopes", 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)[:, None, None])

    def forward(self, x: Tensor, distance: Tensor | None = None, unseen: Tensor | None = None) -> Tensor:
        parts = self.queries(self.before(x)).unflatten(2, (3, self.heads, self.size)).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        near = query @ key.transpose(2, 3) / self.size**0.5
        near = near if distance is None else near - self.slopes * distance
        near = near if unseen is None else near + unseen
        seen = (self.dropout(near.softmax(dim=3)) @ value).transpose(1, 2).flatten(2)
        x = x + self.dropout(self.output(seen))
        return x + self.dropout(self.narrow(functional.gelu(self.wide(self.between(x)))))
