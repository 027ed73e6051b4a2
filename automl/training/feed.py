"""Rows as tensors: whole data sets are placed once, batches are taken by index."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from scipy import sparse as sp
from torch import Tensor, nn

if TYPE_CHECKING:
    from automl.task import Rows

_WHOLE_NUMBERS = ("categories", "lengths", "subwords")
_CHUNK_VALUES = 2**19
_BATCHES = 16  # of texts, which are put together by their lengths


def place() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def inputs_of(module: nn.Module) -> tuple[str, ...]:
    """Return the fields of ``Rows`` that a module takes, in the order of its ``forward``."""
    return tuple(cast("tuple[str, ...]", module.inputs))


class Feed:
    """The inputs of a module for all rows, kept in their own types; indexing gives one batch as float32 or int64."""

    def __init__(self, module: nn.Module, x: "Rows") -> None:
        parts = x.parts()
        self.names = inputs_of(module)
        for name in self.names:
            if name not in parts:
                raise ValueError(f"The module takes '{name}', which the rows lack; they have {', '.join(parts)}.")
        self.n_rows = len(x)
        self.widens: int = getattr(module, "widens", 1)
        self.parts = [_placed(parts[name]) for name in self.names]
        self._n_subwords = np.diff(parts["subwords"].indptr) if "subwords" in self.names else None

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(self._batch(name, part, index) for name, part in zip(self.names, self.parts, strict=True))

    def batches(self, n_batches: int, rng: np.random.Generator) -> Sequence[Tensor]:
        """Cut all rows into random batches of nearly equal size: none has a single row, which batch normalisation
        refuses. Texts of similar length come together, so that little of a batch is padding.
        """
        order = rng.permutation(self.n_rows)
        if self._n_subwords is None:
            return torch.from_numpy(order).to(place()).tensor_split(n_batches)
        some = np.array_split(order, -(-n_batches // _BATCHES))
        order = np.concatenate([rows[np.argsort(self._n_subwords[rows], kind="stable")] for rows in some])
        batches = torch.from_numpy(order).to(place()).tensor_split(n_batches)
        return [batches[i] for i in rng.permutation(n_batches)]

    def slices(self) -> Iterator[slice]:
        """Cut all rows into slices to evaluate at once: about half a million input values each."""
        per_row = sum(int(np.prod(part.shape[1:])) for part in self.parts)
        size = max(64, min(8192, _CHUNK_VALUES // max(1, self.widens * per_row)))
        return (slice(start, start + size) for start in range(0, self.n_rows, size))

    def _batch(self, name: str, part: Any, index: Any) -> Tensor:
        if sp.issparse(part):
            rows = part[index.cpu().numpy() if isinstance(index, Tensor) else index]
            # Texts are as long as the longest of the batch.
            longest = max(1, int(np.diff(rows.indptr).max(initial=0))) if name == "subwords" else rows.shape[1]
            part, index = torch.from_numpy(rows[:, :longest].toarray()).to(place()), slice(None)
        return part[index].to(torch.int64 if name in _WHOLE_NUMBERS else torch.float32)


def _placed(part: Any) -> Any:
    return part if sp.issparse(part) else tensor(part)


def tensor(array: np.ndarray) -> Tensor:
    """Return an array as a tensor on the GPU where there is one; not copied where it need not be."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy()).to(place())


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Compute convolutions and recurrent layers in full float32 for a while.

    GPUs take 10 bits of mantissa for them by default, too few for what an exported graph is compared with.
    """
    cudnn: Any = torch.backends.cudnn
    kinds = (cudnn.conv, cudnn.rnn)
    before = [kind.fp32_precision for kind in kinds]
    try:
        for kind in kinds:
            kind.fp32_precision = "ieee"
        yield
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision


def evaluate(module: nn.Module, feed: Feed) -> Iterator[Tensor]:
    """Yield the module's raw outputs in evaluation mode and full precision, slice by slice."""
    for rows in feed.slices():
        module.eval()
        with torch.inference_mode(), full_precision():
            part = module(*feed[rows])
        yield part


def scores(module: nn.Module, x: "Rows") -> np.ndarray:
    """Return raw outputs (n, ...) float32; the module ends up on the CPU."""
    module.to(place())
    parts = list(evaluate(module, Feed(module, x)))
    module.to("cpu")
    return torch.cat(parts).cpu().numpy()
