"""The layers of ModernNCA (Ye et al. 2024, arXiv:2407.03257): rows answer with those that are like them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from automl.search_spaces.tables._network import Inputs
from automl.target import Target

# The distance to a row that is not to count.
_FAR = 1e9
# Added to squared distances, whose root has no slope at 0, to shares of classes and to weights, before the logarithm.
_NEAR, _LEAST_SHARE, _LEAST_WEIGHT = 1e-6, 1e-6, 1e-30
# Pairs of rows whose distances are in memory at once.
_PAIRS_AT_ONCE = 2**21


class Encoder(nn.Module):
    """What rows are compared by: ``body`` of the features that enter. Shape: (b, p) and/or (b, c) -> (b, size)."""

    def __init__(self, enter: Inputs, body: nn.Module) -> None:
        super().__init__()
        self.enter, self.body = enter, body
        self.inputs = enter.inputs

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.body(self.enter(*tensors))


class Answer(nn.Module):
    """The mean target of neighbours that weigh ``exp(mass - distance)``.

    Of several outputs for one value, which are quantiles or the parameters of a distribution, each has the mean and an
    offset that is linear in the row. Shape: (b, size), (b, n), (n, n_outputs), (n,) -> (b, n_outputs); of classes the
    logarithms of their shares.
    """

    def __init__(self, size: int, n_outputs: int, classes: bool) -> None:
        super().__init__()
        self.classes = classes
        self.offset = nn.Linear(size, n_outputs) if n_outputs > 1 and not classes else None

    def forward(self, x: Tensor, d: Tensor, values: Tensor, mass: Tensor) -> Tensor:
        means = torch.softmax(mass - d, dim=1) @ values
        if self.classes:
            return (means + _LEAST_SHARE).log()
        return means if self.offset is None else means + self.offset(x)


class NearestNeighbors(nn.Module):
    """Answers with all training rows, each weighing ``exp(-distance)`` times its own weight.

    While it learns, a row is compared with the others of its batch and with up to ``n_sampled`` random rows beside it,
    never with itself. ``rows``: the inputs of the training rows; ``remember`` tells their targets.
    Shape: (b, p) and/or (b, c) -> (b, n_outputs), see ``Answer``.
    """

    values: Tensor
    mass: Tensor

    def __init__(
        self, encoder: Encoder, answer: Answer, rows: tuple[Tensor, ...], target: Target, n_outputs: int, n_sampled: int
    ) -> None:
        super().__init__()
        self.encoder, self.answer, self.target, self.n_sampled = encoder, answer, target, n_sampled
        self.inputs = encoder.inputs
        for name, part in zip(self.inputs, rows, strict=True):
            self.register_buffer(f"rows_{name}", part)
        self.register_buffer("values", torch.zeros(len(rows[0]), n_outputs))
        self.register_buffer("mass", torch.zeros(len(rows[0])))
        self.index: Tensor | None = None

    @property
    def rows(self) -> tuple[Tensor, ...]:
        """The inputs of the training rows."""
        return tuple(self.get_buffer(f"rows_{name}") for name in self.inputs)

    def remember(self, rows: tuple[Tensor, ...], targets: Tensor, weights: Tensor | None) -> None:
        """Take in what it is trained on: n rows, their targets (n,) as codes or values, and their weights (n,)."""
        for name, part in zip(self.inputs, rows, strict=True):
            self.register_buffer(f"rows_{name}", part)
        if self.target.is_classification:
            self.values = functional.one_hot(targets, self.values.shape[1]).float()
        else:
            self.values = torch.zeros(len(targets), self.values.shape[1])
            self.values[:, : self.target.width] = targets[:, None]
        self.mass = torch.zeros(len(targets)) if weights is None else (weights.float() + _LEAST_WEIGHT).log()

    def leave_out(self, index: Tensor) -> None:
        """Know which training rows (b,) the next batch has."""
        self.index = index

    def forward(self, *tensors: Tensor) -> Tensor:
        if self.training and self.index is not None:
            return self._among_others(tensors, self.index)
        x, keys = self.encoder(*tensors), self.encoder(*self.rows)
        lengths, parts = keys.square().sum(1), x.split(max(1, _PAIRS_AT_ONCE // len(keys)))
        return torch.cat([self.answer(part, distances(part, keys, lengths), self.values, self.mass) for part in parts])

    def _among_others(self, tensors: tuple[Tensor, ...], index: Tensor) -> Tensor:
        self.index = None
        free = torch.ones(len(self.values), dtype=torch.bool, device=index.device)
        free[index] = False
        others = free.nonzero()[:, 0]
        others = others[torch.randperm(len(others), device=index.device)[: self.n_sampled]]
        keys = self.encoder(*(torch.cat([own, part[others]]) for own, part in zip(tensors, self.rows, strict=True)))
        x, among = keys[: len(index)], torch.cat([index, others])
        itself = torch.eye(len(index), len(keys), dtype=torch.bool, device=index.device)
        d = distances(x, keys, keys.square().sum(1)).masked_fill(itself, _FAR)
        return self.answer(x, d, self.values[among], self.mass[among])

    def settled(self) -> "SettledNeighbors":
        """Return what answers the same, with the training rows embedded as they are by now."""
        was_training = self.training
        self.eval()
        with torch.no_grad():
            keys = self.encoder(*self.rows)
        self.train(was_training)
        return SettledNeighbors(self.encoder, self.answer, keys, self.values, self.mass)


class SettledNeighbors(nn.Module):
    """``NearestNeighbors`` that learn no more. Shape: (b, p) and/or (b, c) -> (b, n_outputs), see ``Answer``.

    Distances are float64: float32 is too coarse for those between rows that are alike.
    """

    keys: Tensor
    lengths: Tensor
    values: Tensor
    mass: Tensor

    def __init__(self, encoder: Encoder, answer: Answer, keys: Tensor, values: Tensor, mass: Tensor) -> None:
        super().__init__()
        self.encoder, self.answer = encoder, answer
        self.inputs = encoder.inputs
        self.widens = len(keys)
        lengths = keys.double().square().sum(1)
        for name, value in {"keys": keys, "lengths": lengths, "values": values, "mass": mass}.items():
            self.register_buffer(name, value)

    def forward(self, *tensors: Tensor) -> Tensor:
        x = self.encoder(*tensors)
        d = distances(x.double(), self.keys.double(), self.lengths)
        return self.answer(x, d.float(), self.values, self.mass)


def distances(x: Tensor, keys: Tensor, lengths: Tensor) -> Tensor:
    """Return the Euclidean distances (b, n) of (b, size) to (n, size), whose squared lengths (n,) are given."""
    squares = x.square().sum(1, keepdim=True) + lengths - 2 * (x @ keys.T)
    return (squares.clamp(min=0) + _NEAR).sqrt()
