"""What a network goes by in single rows: integrated gradients of its scores by what enters it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from automl import alarm
from automl.errors import NotApplicable
from automl.task import Rows, present
from automl.training.torch_model import TorchModel

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

STEPS = 64
_AT_ONCE = 16
# Fields of numbers, by which there is a slope, and of codes, which networks embed.
_NUMBERS, _CODES = ("numeric", "image", "sequence"), ("categories", "subwords")


@dataclass(frozen=True)
class Attribution:
    """What each number, pixel, step, category or subword of a row adds to a score; ``change``: that of the score.

    ``parts``: by the field of ``Rows``, of its shape without the first axis. They sum to ``change`` but for what the
    steps on the way leave out.
    """

    parts: Mapping[str, np.ndarray]
    change: float

    @property
    def total(self) -> float:
        """The sum of all contributions."""
        return float(sum(part.sum() for part in self.parts.values()))


def integrated_gradients(
    model: TorchModel, x: Rows, base: Rows, outputs: np.ndarray, steps: int = STEPS
) -> list[Attribution]:
    """Return what the parts of each of n rows add to a score, and the change of that score from what says nothing.

    x: n rows as the model sees them. base: others, whose mean says nothing in particular: the mean number, pixel or
    channel, and the mean of what the categories are embedded as; of subwords that is an embedding of zeros. outputs:
    (n,) of each row, which score before the link is explained: that of a class, beside the mean of all, or 0 for
    values. The contributions sum to the change as ``steps`` grows (Sundararajan, Taly and Yan, "Axiomatic attribution
    for deep networks", ICML 2017). A number that is missing adds nothing. Raises ``NotApplicable`` for networks that
    take anything else, such as counts of terms.
    """
    from automl.training import feed

    fitted = model.fitted
    module: nn.Module = fitted.settled() if hasattr(fitted, "settled") else fitted  # type: ignore[operator]
    if unknown := set(feed.inputs_of(module)) - {*_NUMBERS, *_CODES, "lengths"}:
        raise NotApplicable(f"This network takes {', '.join(sorted(unknown))}, by which it has no gradients.")
    with alarm.whole():
        try:
            way = _Way(module.to(_place(module)).eval(), base)
            return [
                way.walked(x.take(slice(i, i + 1)), lambda raw, k=k: _score(model, raw, k), steps)  # type: ignore[misc]
                for i, k in enumerate(outputs.tolist())
            ]
        finally:
            module.to("cpu")


class _Way:
    """The straight line from what says nothing to a row, in the numbers and in what codes are embedded as."""

    def __init__(self, module: "nn.Module", base: Rows) -> None:
        from automl.training import feed

        self.module, self.names, self.place = module, feed.inputs_of(module), _place(module)
        self.starts = {name: _mean(base, name) for name in self.names if name in _NUMBERS}
        self.embedded: list[Tensor] | None = None
        if "categories" in self.names:
            self.embedded = [found.mean(dim=0, keepdim=True) for found in self._embeddings(self._given(base))]

    def walked(self, row: Rows, score: "Callable[[Tensor], Tensor]", steps: int) -> Attribution:
        """Return what the parts of a row add to a score, the slopes being summed up at ``steps`` places of the way."""
        import torch

        from automl.training import feed

        given = self._given(row)
        ends = [value for name, value in zip(self.names, given, strict=True) if name in _NUMBERS]
        firsts = [self._start(name, end) for name, end in zip(self._numbers, ends, strict=True)]
        codes = self._embeddings(given)
        ends += codes
        firsts += [torch.zeros_like(end) for end in codes] if self.embedded is None else self.embedded
        ways = [torch.where(torch.isnan(end), 0.0, end - first) for end, first in zip(ends, firsts, strict=True)]
        totals = [torch.zeros_like(one) for one in ways]
        for part in ((torch.arange(steps, device=self.place) + 0.5) / steps).split(_AT_ONCE):
            inside = [
                (first + part.reshape(-1, *[1] * (one.ndim - 1)) * one).requires_grad_()
                for first, one in zip(firsts, ways, strict=True)
            ]
            with feed.full_precision(), torch.enable_grad():
                slopes = torch.autograd.grad(score(self._answer(given, inside)).sum(), inside, allow_unused=True)
            for total, slope in zip(totals, slopes, strict=True):
                total += 0.0 if slope is None else slope.sum(dim=0)
        with torch.no_grad(), feed.full_precision():
            change = score(self.module(*given)) - score(self._answer(given, firsts))
        found = [(one * total / steps)[0].cpu().numpy() for one, total in zip(ways, totals, strict=True)]
        return Attribution(self._by_field(found), float(change))

    @property
    def _numbers(self) -> list[str]:
        return [name for name in self.names if name in _NUMBERS]

    def _given(self, rows: Rows) -> "tuple[Tensor, ...]":
        from automl.training import feed

        return tuple(part.to(self.place) for part in feed.Feed(self.module, rows)[slice(None)])

    def _start(self, name: str, end: "Tensor") -> "Tensor":
        """Return what says nothing, of the shape of a row's field; what is missing in the row is so there, too."""
        import torch

        start = torch.as_tensor(self.starts[name], dtype=end.dtype, device=end.device).expand_as(end)
        return torch.where(torch.isnan(end) | torch.isnan(start), end, start)

    def _embeddings(self, given: "Sequence[Tensor]") -> "list[Tensor]":
        """Return what the codes of rows are embedded as, in the order in which the module asks for it."""
        import torch

        found: list[Tensor] = []
        with torch.no_grad(), _embedding(self.module, lambda out: found.append(out)):
            self.module(*given)
        return found

    def _answer(self, given: "Sequence[Tensor]", inside: "Sequence[Tensor]") -> "Tensor":
        """Return the raw outputs for places on the way: numbers first, then embeddings; all else as given."""
        numbers, n = iter(inside), len(inside[0])
        many = [
            next(numbers) if name in _NUMBERS else value.expand(n, *value.shape[1:])
            for name, value in zip(self.names, given, strict=True)
        ]
        with _embedding(self.module, lambda out: next(numbers)):
            return self.module(*many)  # type: ignore[no-any-return]

    def _by_field(self, found: list[np.ndarray]) -> dict[str, np.ndarray]:
        parts = dict(zip(self._numbers, found, strict=False))
        codes = [one.sum(axis=-1) for one in found[len(parts) :]]
        if "categories" in self.names:
            parts["categories"] = np.stack(codes)
        elif "subwords" in self.names:
            parts["subwords"] = np.sum(codes, axis=0)
        return parts


@contextmanager
def _embedding(module: "nn.Module", put: "Callable[[Tensor], Tensor | None]") -> Iterator[None]:
    """Within the block, let ``put`` see what each embedding of a module gives, and give something else."""
    from torch import nn

    hooks = [
        part.register_forward_hook(lambda _, given, out: put(out))
        for part in module.modules()
        if isinstance(part, nn.Embedding)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _mean(rows: Rows, name: str) -> np.ndarray:
    """Return the mean of a field of numbers over rows, with an axis of rows in front; of sequences by channel."""
    values = np.asarray(present(getattr(rows, name)), np.float64)
    if name != "sequence":
        return np.nanmean(values, axis=0, keepdims=True) if len(values) else values
    steps = values.shape[1]
    lengths = np.full(len(values), steps) if rows.lengths is None else np.maximum(rows.lengths, 1)
    return values[np.arange(steps) < lengths[:, None]].mean(axis=0)[None, None]


def _place(module: "nn.Module") -> "torch.device":
    """Return where gradients are computed: of recurrent layers a GPU has none outside of training."""
    import torch

    from automl.training import feed

    recurrent = any(isinstance(part, torch.nn.RNNBase) for part in module.modules())
    return torch.device("cpu") if recurrent else feed.place()


def _score(model: TorchModel, raw: "Tensor", output: int) -> "Tensor":
    """Return a score before the link, (b,), of raw outputs, (b, r) or (b, members, r); of a class beside the mean one:
    what all classes share makes no difference to their probabilities.
    """
    import torch

    scores = raw if raw.ndim == 2 else raw.mean(dim=1)
    if model.head.weight is not None:
        scores = scores @ torch.as_tensor(model.head.weight, dtype=scores.dtype, device=scores.device)
    own = scores[:, output]
    return own - scores.mean(dim=1) if model.head.is_classification else own
