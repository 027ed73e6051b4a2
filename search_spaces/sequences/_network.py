"""What sequence networks are made of: standardised input, augmentation, recurrence; see ``automl.training.steps``."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.training.steps import MaskedPool, valid_steps


class Standardise(nn.Module):
    """Raw sequences to channels of mean 0 and deviation 1 over the valid training steps; padding becomes 0.

    Shape: (b, steps, c), (b, steps, 1) -> (b, steps, c).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, sequences: np.ndarray, lengths: np.ndarray | None) -> None:
        super().__init__()
        n, steps, channels = sequences.shape
        valid = np.full(n, steps) if lengths is None else np.maximum(lengths, 1)
        rows = sequences[np.arange(steps) < valid[:, None]].reshape(-1, channels)
        mean, std = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(1 / np.maximum(std, 1e-6), dtype=torch.float32))

    def forward(self, sequence: Tensor, mask: Tensor) -> Tensor:
        return (sequence - self.mean) * self.scale * mask


class RandomViews(nn.Module):
    """Random views of raw-length sequences, while training only; every number 0 means "leave as it is".

    ``shift``: largest move in time, a share of all steps. ``stretch``: largest relative change of tempo.
    ``noise``: deviation of noise, in deviations of the channels. ``time_mask``, ``channel_mask``: widest
    span of steps or of neighbouring channels that is set to the mean (SpecAugment; Park et al. 2019).

    Shape: standardised (b, steps, c), lengths (b,) -> the same, with the new lengths.
    """

    def __init__(
        self,
        shift: float = 0.0,
        stretch: float = 0.0,
        noise: float = 0.0,
        time_mask: float = 0.0,
        channel_mask: float = 0.0,
    ) -> None:
        super().__init__()
        self.shift, self.stretch, self.noise = shift, stretch, noise
        self.time_mask, self.channel_mask = time_mask, channel_mask

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if not self.training:
            return x, lengths
        if self.shift or self.stretch:
            x, lengths = self._move(x, lengths)
        _, steps, channels = x.shape
        if self.noise:
            x = x + self.noise * torch.randn_like(x)
        if self.time_mask:
            x = x * self._outside_span(x, steps, self.time_mask)[:, :, None]
        if self.channel_mask:
            x = x * self._outside_span(x, channels, self.channel_mask)[:, None, :]
        return x * valid_steps(lengths, steps), lengths

    def _move(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Read each sequence at other times, between two steps linearly; before its start it holds its first value."""
        n, steps, channels = x.shape

        def spread(limit: float) -> Tensor:
            return (torch.rand(n, 1, device=x.device) * 2 - 1) * limit

        tempo, start = torch.exp(spread(self.stretch)), spread(self.shift * steps)
        last = (lengths - 1).float()[:, None]
        time = (torch.arange(steps, device=x.device) * tempo + start).clamp(min=0.0).minimum(last)
        before = time.floor()
        after = torch.minimum(before + 1, last)
        first, second = (t.long()[:, :, None].expand(-1, -1, channels) for t in (before, after))
        share = (time - before)[:, :, None]
        moved = x.gather(1, first) * (1 - share) + x.gather(1, second) * share
        new_lengths = ((last - start) / tempo).floor().squeeze(1) + 1
        return moved, new_lengths.clamp(1, steps).to(lengths.dtype)

    @staticmethod
    def _outside_span(x: Tensor, size: int, widest: float) -> Tensor:
        """Return (b, size): 0 in a random span of each row, else 1."""
        span = torch.rand(len(x), 1, device=x.device) * widest * size
        start = torch.rand(len(x), 1, device=x.device) * (size - span)
        i = torch.arange(size, device=x.device)
        return ((i < start.round()) | (i >= (start + span).round())).to(x.dtype)


class SequenceNet(nn.Module):
    """Standardise, random views, ``stack`` neighbouring steps, a body, masked pooling, dropout, linear output.

    ``body`` maps (b, steps, c), lengths (b,) and the mask (b, steps, 1) to (b, steps, ``body.width``).

    Shape: sequence (b, steps, c) float32, lengths (b,) int64 -> (b, n_outputs) raw scores.
    """

    inputs = ("sequence", "lengths")

    def __init__(
        self,
        standardise: Standardise,
        views: RandomViews,
        body: nn.Module,
        n_outputs: int,
        *,
        stack: int = 1,
        pool: str = "mean",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.standardise, self.views, self.body = standardise, views, body
        self.stack = stack
        self.pool = MaskedPool(pool)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(body.width, n_outputs)  # type: ignore[arg-type]

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        lengths = lengths.clamp(1, sequence.shape[1])
        x = self.standardise(sequence, valid_steps(lengths, sequence.shape[1]))
        x, lengths = self.views(x, lengths)
        if self.stack > 1:
            x, lengths = stacked(x, self.stack), (lengths + self.stack - 1) // self.stack
        mask = valid_steps(lengths, x.shape[1])
        return self.output(self.dropout(self.pool(self.body(x, lengths, mask), mask)))


def stacked(x: Tensor, n: int) -> Tensor:
    """Put each ``n`` neighbouring steps side by side: (b, steps, c) -> (b, ceil(steps / n), n * c)."""
    x = functional.pad(x, (0, 0, 0, -x.shape[1] % n))
    return x.reshape(-1, x.shape[1] // n, n * x.shape[2])


class Recurrence(nn.Module):
    """Stacked GRU or LSTM layers over the valid steps, in one direction or both.

    The backward half of a layer reads each sequence's own valid steps in reverse, so no packing is
    needed (which ONNX has not) and padding stays unseen.

    Shape: (b, steps, inputs), lengths (b,), mask (b, steps, 1) -> (b, steps, width).
    """

    def __init__(self, cell: str, inputs: int, hidden: int, layers: int, bidirectional: bool, dropout: float) -> None:
        super().__init__()
        make = nn.GRU if cell == "gru" else nn.LSTM
        self.width = hidden * (2 if bidirectional else 1)
        sizes = [inputs, *[self.width] * (layers - 1)]
        self.ahead = nn.ModuleList(make(size, hidden, batch_first=True) for size in sizes)
        self.back = nn.ModuleList(make(size, hidden, batch_first=True) for size in sizes if bidirectional)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        reverse = (lengths[:, None] - 1 - torch.arange(x.shape[1], device=x.device)).clamp(min=0)
        for i, layer in enumerate(self.ahead):
            x = self.dropout(x) if i else x
            y = layer(x)[0]
            if self.back:
                y = torch.cat([y, _at(self.back[i](_at(x, reverse))[0], reverse)], dim=2)
            x = y * mask
        return x


def _at(x: Tensor, steps: Tensor) -> Tensor:
    """Return x (b, t, c) read at ``steps`` (b, t)."""
    return x.gather(1, steps[:, :, None].expand(-1, -1, x.shape[2]))
