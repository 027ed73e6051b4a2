"""What networks for tables are made of: how numbers and categories enter, and a body over them."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from automl.errors import NotApplicable
from automl.space import Params
from automl.task import Rows
from automl.training.steps import EncoderBlock

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}
# Embedded numbers of one row, at most: wide tables get smaller embeddings, or none.
_MOST_EMBEDDED = 8192
# Standardised numbers are cut here, so that one wild value cannot ruin a batch.
_MOST_DEVIATIONS = 12.0
_EXPANSION = 2  # of the layers between attention
# How the numbers are spread is seen in about so many rows.
_LOOKED_AT = 20_000


class Standardise(nn.Module):
    """Scales columns to mean 0 and deviation 1 with the numbers of the training rows; NaN becomes the mean.

    Shape: (b, p) -> (b, p).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, numeric: np.ndarray) -> None:
        super().__init__()
        known = np.where(np.isfinite(numeric), numeric, np.nan).astype(np.float64)
        known[:, np.isnan(known).all(axis=0)] = 0.0
        deviation = np.nanstd(known, axis=0)
        self.register_buffer("mean", _float(np.nanmean(known, axis=0)))
        self.register_buffer("deviation", _float(np.where(deviation > 1e-9, deviation, 1.0)))

    def forward(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.deviation
        return torch.where(torch.isnan(x), 0.0, x).clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS)


class LinearNumbers(nn.Module):
    """Each number times a vector of its own, then ReLU. Shape: (b, p) -> (b, p * size)."""

    def __init__(self, n_columns: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x[:, :, None] * self.weight + self.bias).flatten(1)


class PiecewiseNumbers(nn.Module):
    """A piecewise linear function of each number, added to a linear one.

    The number's place among the quantiles of its column ("how full is each bin") goes through a
    linear layer per column, which starts at zero. ``x``: (n, p) standardised training rows.
    Shape: (b, p) -> (b, p * size).
    """

    scale: Tensor
    shift: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, x: np.ndarray, size: int, n_bins: int) -> None:
        super().__init__()
        scale, shift, low, high = _bins(x, n_bins)
        for name, value in {"scale": scale, "shift": shift, "low": low, "high": high}.items():
            self.register_buffer(name, _float(value))
        n_columns = x.shape[1]
        self.linear = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))
        self.bias = nn.Parameter(torch.empty(n_columns, size).uniform_(-1, 1))
        self.weight = nn.Parameter(torch.zeros(n_columns, scale.shape[1], size))

    def forward(self, x: Tensor) -> Tensor:
        filled = x[:, :, None] * self.scale + self.shift
        filled = torch.minimum(torch.maximum(filled, self.low), self.high)
        steps = torch.matmul(filled.transpose(0, 1), self.weight).transpose(0, 1)
        return (x[:, :, None] * self.linear + self.bias + steps).flatten(1)


def _bins(x: np.ndarray, n_bins: int) -> tuple[np.ndarray, ...]:
    """Return slope, shift and bounds (p, bins) of each bin's filling; a bin that is not there stays empty."""
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, n_bins + 1))) for column in x.T.astype(np.float64)]
    most = max(1, max(len(e) for e in edges) - 1)
    slope, shift, low, high = (np.zeros((len(edges), most)) for _ in range(4))
    for j, e in enumerate(edges):
        k = len(e) - 1
        if k < 1:
            continue
        # Nearly equal edges would give a slope that float32 cannot follow.
        width = np.maximum(np.diff(e), 1e-3)
        slope[j, :k], shift[j, :k], high[j, :k] = 1 / width, -e[:-1] / width, 1.0
        # The outer bins go on beyond the training rows, but not far.
        low[j, 0], high[j, k - 1] = -2.0, 3.0
    return slope, shift, low, high


class PeriodicNumbers(nn.Module):
    """Sines and cosines of each number at learned frequencies, then a linear layer per column and ReLU.

    Shape: (b, p) -> (b, p * size).
    """

    def __init__(self, n_columns: int, size: int, n_frequencies: int, spread: float) -> None:
        super().__init__()
        self.frequency = nn.Parameter(torch.randn(n_columns, n_frequencies) * spread)
        bound = 1 / math.sqrt(2 * n_frequencies)
        self.weight = nn.Parameter(torch.empty(n_columns, 2 * n_frequencies, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_columns, 1, size).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        angle = 2 * math.pi * self.frequency * x[:, :, None]
        waves = torch.cat([torch.cos(angle), torch.sin(angle)], dim=2).transpose(0, 1)
        return torch.relu(torch.matmul(waves, self.weight) + self.bias).transpose(0, 1).flatten(1)


class Inputs(nn.Module):
    """Numbers and categories of a table side by side, as ``n_features`` numbers.

    ``inputs`` names the fields it takes. ``params``: ``numbers`` with what is below it, and
    ``category_size``, the largest embedding; a column of k levels gets at most ``1.6 k^0.56``
    (the rule of fastai). ``size``: of every column's embedding, where all are to be of one. Raises ``NotApplicable``
    for rows without numbers and categories.
    """

    def __init__(self, x: Rows, params: Params, size: int | None = None) -> None:
        super().__init__()
        parts = {n: v for n, v in x.parts().items() if n in ("numeric", "categories") and v.shape[1]}
        if not parts:
            raise NotApplicable("A network for tables takes numbers or categories; the feature steps left none.")
        self.inputs = tuple(parts)
        self.n_features = 0
        self.numbers: nn.Module | None = None
        if "numeric" in parts:
            standardise = Standardise(parts["numeric"])
            with torch.no_grad():
                some = parts["numeric"][:: -(-len(x) // _LOOKED_AT)]  # rows may be sorted
                sample = standardise(torch.from_numpy(np.ascontiguousarray(some))).numpy()
            embed, n_each = _numbers(sample, params, size)
            self.numbers = nn.Sequential(standardise, embed)
            self.n_features += sample.shape[1] * n_each
        self.categories = nn.ModuleList()
        if "categories" in parts:
            for k in x.cardinalities:
                n_each = size or min(params["category_size"], math.ceil(1.6 * k**0.56))
                self.categories.append(nn.Embedding(k, n_each))
                self.n_features += n_each

    def forward(self, *tensors: Tensor) -> Tensor:
        given = dict(zip(self.inputs, tensors, strict=True))
        parts = []
        if self.numbers is not None:
            parts.append(self.numbers(given["numeric"]))
        parts += [embed(given["categories"][:, j]) for j, embed in enumerate(self.categories)]
        return torch.cat(parts, dim=1)


def _numbers(x: np.ndarray, params: Params, given: int | None) -> tuple[nn.Module, int]:
    kind = "linear" if given and params["numbers"] == "none" else params["numbers"]
    size = given or min(params.get(f"numbers.{kind}.size", 1), _MOST_EMBEDDED // x.shape[1])
    if kind == "none" or size < 2:
        return nn.Identity(), 1
    if kind == "linear":
        return LinearNumbers(x.shape[1], size), size
    if kind == "piecewise":
        return PiecewiseNumbers(x, size, params["numbers.piecewise.bins"]), size
    return PeriodicNumbers(
        x.shape[1], size, params["numbers.periodic.frequencies"], params["numbers.periodic.spread"]
    ), size


class TableNetwork(nn.Module):
    """A body over ``Inputs``: (b, p) and/or (b, c) -> ``body`` of (b, n_features)."""

    def __init__(self, enter: Inputs, body: nn.Module) -> None:
        super().__init__()
        self.enter = enter
        self.body = body
        self.inputs = enter.inputs

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.body(self.enter(*tensors))


class Residual(nn.Module):
    """``x + linear(dropout(activation(linear(norm(x)))))``. Shape: (b, width) -> (b, width)."""

    def __init__(
        self, width: int, norm: Callable[[int], nn.Module], activation: Callable[[], nn.Module], dropout: float
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            norm(width), nn.Linear(width, width), activation(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Gated(nn.Module):
    """``x + linear(dropout(activation(a) * b))``, both ``a`` and ``b`` being linear in norm(x).

    A gated linear unit (Dauphin et al. 2017, arXiv:1612.08083), with any activation at its gate (Shazeer 2020,
    arXiv:2002.05202). Shape: (b, width) -> (b, width).
    """

    def __init__(
        self, width: int, norm: Callable[[int], nn.Module], activation: Callable[[], nn.Module], dropout: float
    ) -> None:
        super().__init__()
        self.enter = nn.Sequential(norm(width), nn.Linear(width, 2 * width))
        self.activation = activation()
        self.leave = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.enter(x).chunk(2, dim=1)
        return x + self.leave(self.activation(gate) * value)


class Dense(nn.Module):
    """``x`` beside what ``layer`` makes of it (DenseNet; Huang et al. 2017, arXiv:1608.06993). (b, n) -> (b, n + m)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layer(x)], dim=1)


class ColumnAttention(nn.Module):
    """A transformer's encoder over the columns of a row and one token more, which sums them up ("FT-Transformer").

    Gorishniy et al. 2021, arXiv:2106.11959. Shape: (b, columns * size) -> (b, size).
    """

    def __init__(self, size: int, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.size = size
        self.summary = nn.Parameter(torch.empty(1, 1, size).uniform_(-(size**-0.5), size**-0.5))
        self.blocks = nn.ModuleList(EncoderBlock(size, heads, _EXPANSION, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(size)

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.summary.expand(x.shape[0], -1, -1), x.unflatten(1, (-1, self.size))], dim=1)
        for block in self.blocks:  # columns have no order, and all are seen
            tokens = block(tokens)
        return self.norm(tokens[:, 0])


def _float(array: np.ndarray) -> Tensor:
    return torch.tensor(array, dtype=torch.float32)
