"""The layers of RealMLP (Holzmüller et al. 2024, arXiv:2407.04491), and of batch ensembles (TabM, arXiv:2410.24210).

A layer's ``lr_factors`` say by how much the learning rates of its own parameters differ; the training loop reads them.
"""

import math
from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.search_spaces.tables._network import PiecewiseNumbers

_SLOW = 0.1  # of the rate of the weights: for biases, slopes and embeddings
_FAST = 6.0
# Scaled numbers are bent below this; beyond _FARTHEST they would overflow on the way.
_BEND = 3.0
_FARTHEST = 1e4


class RobustNumbers(nn.Module):
    """Centres columns at the median and scales them by their quartiles; what is far out is bent smoothly below 3.

    A column whose quartiles are one value is scaled by half its range; NaN becomes the median.
    Shape: (b, p) -> (b, p).
    """

    center: Tensor
    factor: Tensor

    def __init__(self, numeric: np.ndarray) -> None:
        super().__init__()
        known = np.where(np.isfinite(numeric), numeric, np.nan).astype(np.float64)
        known[:, np.isnan(known).all(axis=0)] = 0.0
        low, center, high = np.nanpercentile(known, [25, 50, 75], axis=0)
        half_range = (np.nanmax(known, axis=0) - np.nanmin(known, axis=0)) / 2
        spread = np.where(high > low, high - low, half_range)
        # Rounding alone must not look like spread.
        spread = np.where(spread > 1e-6 * np.abs(center), spread, 1.0)
        self.register_buffer("center", torch.tensor(center, dtype=torch.float32))
        self.register_buffer("factor", torch.tensor(1 / spread, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.center) * self.factor
        x = torch.where(torch.isnan(x), 0.0, x).clamp(-_FARTHEST, _FARTHEST)
        return x / torch.sqrt(1 + (x / _BEND) ** 2)


class PeriodicBesideLinear(nn.Module):
    """Each number beside a linear map of ``cos(2 pi f x + phase)`` at learned frequencies ("PBLD").

    ``spread``: the deviation of the first frequencies. Shape: (b, p) -> (b, p * size).
    """

    lr_factors: ClassVar = dict.fromkeys(("frequency", "phase", "weight", "bias"), _SLOW)

    def __init__(self, n_columns: int, size: int, n_frequencies: int, spread: float) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(n_columns, n_frequencies) * spread)
        self.phase = nn.Parameter(torch.empty(n_columns, n_frequencies).uniform_(-math.pi, math.pi))
        bound = 1 / math.sqrt(n_frequencies)
        self.weight = nn.Parameter(torch.empty(n_columns, n_frequencies, size - 1).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_columns, 1, size - 1).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        waves = torch.cos(2 * math.pi * self.frequency * x[:, :, None] + self.phase).transpose(0, 1)
        mixed = (torch.matmul(waves, self.weight) + self.bias).transpose(0, 1)
        return torch.cat([x[:, :, None], mixed], dim=2).flatten(1)


class SlowPiecewise(PiecewiseNumbers):
    """A piecewise linear embedding of each number that learns slowly. Shape: (b, p) -> (b, p * size)."""

    lr_factors: ClassVar = dict.fromkeys(("linear", "bias", "weight"), _SLOW)


class Levels(nn.Module):
    """Columns of few levels one-hot, the others embedded; of two levels, one number is enough.

    ``max_one_hot``: up to so many levels a column is one-hot. Shape: (b, c) codes, 0 being missing -> (b, n_features).
    """

    def __init__(self, cardinalities: Iterable[int], max_one_hot: int, size: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList(_level_table(k - 1, max_one_hot, size) for k in cardinalities)
        self.n_features = sum(column.embedding_dim for column in self.columns)  # type: ignore[misc]

    def forward(self, codes: Tensor) -> Tensor:
        return torch.cat([column(codes[:, j]) for j, column in enumerate(self.columns)], dim=1)


def _level_table(n_levels: int, max_one_hot: int, size: int) -> nn.Embedding:
    """Return what codes 0 (missing) to ``n_levels`` become."""
    if n_levels > max_one_hot:
        return nn.Embedding(n_levels + 1, size)
    if n_levels == 2:
        return nn.Embedding.from_pretrained(torch.tensor([[0.0], [-1.0], [1.0]]))
    return nn.Embedding.from_pretrained(torch.eye(n_levels + 1)[:, min(1, n_levels) :])


class FeatureScale(nn.Module):
    """A factor for each feature that is learned fast: a soft choice of features. Shape: (..., n) -> (..., n)."""

    lr_factors: ClassVar = {"factor": _FAST}

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(n_features))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class Members(nn.Module):
    """Each row once for each member, its features times the member's own signs, which are learned on.

    Shape: (b, n) -> (b, members, n).
    """

    def __init__(self, n_members: int, n_features: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.randint(2, (n_members, n_features)) * 2.0 - 1)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, None, :] * self.factor


class TangentLinear(nn.Linear):
    """A linear layer in the neural tangent parametrisation: its rate falls with the root of its inputs."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.lr_factors = {"weight": n_in**-0.5, "bias": _SLOW}
        nn.init.normal_(self.weight, std=n_in**-0.5)

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Begin with outputs of deviation 1 on the rows ``x`` (..., n_in), and with their zeros where rows are."""
        out = functional.linear(x, self.weight).flatten(0, -2)
        scale = 1 / out.std(dim=0, correction=0).clamp(min=1e-3)
        self.weight *= scale[:, None]
        # Zeros at random mixtures of five rows: where an activation bends, there is data.
        shares = torch.empty(5, len(self.bias)).exponential_()
        rows = torch.randint(len(out), shares.shape)
        self.bias.copy_(-((out * scale).gather(0, rows) * shares).sum(0) / shares.sum(0))


class MemberLinear(nn.Module):
    """A linear layer for each member, in the neural tangent parametrisation. (b, members, n) -> (b, members, m)."""

    def __init__(self, n_members: int, n_in: int, n_out: int) -> None:
        super().__init__()
        self.lr_factors = {"weight": n_in**-0.5, "bias": _SLOW}
        self.weight = nn.Parameter(torch.randn(n_members, n_in, n_out) * n_in**-0.5)
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_out))

    def forward(self, x: Tensor) -> Tensor:
        return (torch.matmul(x.transpose(0, 1), self.weight) + self.bias).transpose(0, 1)


class LearnedSlope(nn.Module):
    """``x + slope * (activation(x) - x)``, with a slope for each feature. Shape: (..., n) -> (..., n)."""

    lr_factors: ClassVar = {"slope": _SLOW}

    def __init__(self, n_features: int, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.slope = nn.Parameter(torch.ones(n_features))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:  # a pass less; in a graph it would be more operators, and the slopes several times over
            return torch.lerp(x, self.activation(x), self.slope)
        return x + self.slope * (self.activation(x) - x)


class FadingDropout(nn.Module):
    """Dropout that stays for the first half of the training, and fades to 0 along a cosine in the second.

    Members lose the same features of a row: drawing them for each takes longer than all else. Shape: (..., n) -> same.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = self.now = share

    def anneal(self, done: float) -> None:
        """Set the share for when ``done`` (0 to 1) of the training is over."""
        self.now = self.share * 0.5 * (1 + math.cos(math.pi * max(0.0, 2 * done - 1)))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.now == 0:
            return x
        return x * functional.dropout(torch.ones_like(x if x.ndim == 2 else x[:, :1]), self.now)


class RealMLP(nn.Module):
    """Numbers and categories side by side, then blocks of ``TangentLinear``, activation and dropout for each member.

    ``numbers``, ``levels``: what takes (b, p) numbers and (b, c) codes; None where the rows have none. The raw outputs
    are (b, n_outputs), or (b, members, n_outputs).
    """

    def __init__(self, numbers: nn.Module | None, levels: nn.Module | None, body: nn.Sequential) -> None:
        super().__init__()
        self.numbers, self.levels, self.body = numbers, levels, body
        given = {"numeric": numbers, "categories": levels}
        self.inputs = tuple(name for name, part in given.items() if part is not None)

    def enter(self, *tensors: Tensor) -> Tensor:
        """Return the features (b, n) of the rows."""
        parts = [part for part in (self.numbers, self.levels) if part is not None]
        return torch.cat([part(x) for part, x in zip(parts, tensors, strict=True)], dim=1)

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.body(self.enter(*tensors))

    @torch.no_grad()
    def start_from(self, *tensors: Tensor) -> None:
        """Let the layers but the last begin where these rows are; see ``TangentLinear.start_from``."""
        self.eval()
        x = self.enter(*tensors)
        for layer in list(self.body)[:-1]:
            if isinstance(layer, TangentLinear):
                layer.start_from(x)
            x = layer(x)
        self.train()


def body(
    n_features: int,
    n_outputs: int,
    n_members: int,
    widths: list[int],
    activation: Callable[[], nn.Module],
    dropout: float,
) -> nn.Sequential:
    """Return the layers behind the features; one member alone has no axis of members."""
    layers: list[nn.Module] = [FeatureScale(n_features)]
    if n_members > 1:
        layers.append(Members(n_members, n_features))
    for n_in, n_out in zip([n_features, *widths], widths, strict=False):
        layers += [TangentLinear(n_in, n_out), LearnedSlope(n_out, activation()), FadingDropout(dropout)]
    last = TangentLinear(widths[-1], n_outputs) if n_members == 1 else MemberLinear(n_members, widths[-1], n_outputs)
    return nn.Sequential(*layers, last)
