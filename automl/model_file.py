"""A fitted model as data: what it is made of as JSON, and its arrays. Reading one calls nothing that it names.

    MAGIC | the length of the JSON, 8 bytes | the JSON | the arrays, one after the other

An object is the name of its class and its state. Classes are those that models are made of: of this package's own
rooms, and the layers of PyTorch. One is made by ``__new__``, gets its state, and nothing else; libraries' models are
bytes in their own formats by then (``__getstate__``). Functions, such as what builds a module, are kept by name.
What is not of such a kind, as models of other packages are, makes ``dumps`` raise ``NotData``.
"""

import importlib
import json
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl.errors import ArtifactError

MAGIC = b"automl model 1\r\n"
_HEAD = len(MAGIC) + 8
_ALIGNED = 16  # bytes
_ROOMS = ("automl.search_spaces.", "automl.training.", "torch.nn.modules.")
_MODULES = frozenset(f"automl.{n}" for n in ("task", "target", "metrics", "formulas", "decision", "export.trees"))
_ATOMS = frozenset((type(None), bool, int, float, str))
_KINDS = frozenset("biufcSUmM")  # of arrays that are bytes and nothing else


class NotData(TypeError):
    """A model holds something that is not data of a known kind."""


def dumps(model: Any) -> bytes:
    """Return a model as data. Raises ``NotData`` where a part of it cannot be that."""
    writer = _Writer()
    try:
        content = writer.value(model)
    except RecursionError:
        raise NotData("It is too deep, or a part of itself.") from None
    sizes = [[array.dtype.str, array.shape] for array in writer.arrays]
    text = json.dumps({"model": content, "arrays": sizes}, separators=(",", ":")).encode()
    text += b" " * (-(_HEAD + len(text)) % _ALIGNED)
    parts = [MAGIC, len(text).to_bytes(8, "little"), text]
    for array in writer.arrays:
        parts += [array.tobytes(), bytes(-array.nbytes % _ALIGNED)]
    return b"".join(parts)


def loads(content: bytes) -> Any:
    """Return the model that ``dumps`` wrote. Raises ``ArtifactError`` for what it did not write."""
    try:
        start = _HEAD + int.from_bytes(content[len(MAGIC) : _HEAD], "little")
        document = json.loads(content[_HEAD:start])
        return _Reader(_arrays(document["arrays"], content, start)).value(document["model"])
    except (LookupError, TypeError, ValueError, AttributeError, ImportError, RecursionError) as error:
        raise ArtifactError(
            f"This is no model that this version can read ({type(error).__name__}: {error}). Read it with the version "
            "that wrote it, or run the search again."
        ) from error


def is_data(content: bytes) -> bool:
    """Whether some bytes are what ``dumps`` writes."""
    return content.startswith(MAGIC)


class _Writer:
    """Turns values into JSON; arrays are put aside, and what was there before is referred to by its number."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.seen: dict[int, int] = {}
        self.alive: list[Any] = []  # so that no two of them have one id

    def value(self, value: Any) -> Any:
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is list:
            return self._items(value)
        if kind is dict:
            if all(type(key) is str for key in value):
                return {"map": {key: self.value(inner) for key, inner in value.items()}}
            return {"dict": [[self.value(key), self.value(inner)] for key, inner in value.items()]}
        if kind in (tuple, set, frozenset):
            return {kind.__name__: self._items(value)}
        if kind is partial:
            return {"partial": [_name(value.func), self._items(value.args), self.value(value.keywords)]}
        if kind is bytes:
            return {"bytes": self._array(np.frombuffer(value, np.uint8))}
        if isinstance(value, (type, FunctionType)):
            return {"name": _name(value)}
        if isinstance(value, np.dtype) and value.kind in _KINDS:
            return {"dtype": value.str}
        if isinstance(value, np.generic):
            return {"scalar": self._array(np.asarray(value))}
        return self._shared(value)

    def _items(self, values: Any) -> list[Any]:
        return [value if type(value) in _ATOMS else self.value(value) for value in values]

    def _shared(self, value: Any) -> Any:
        """Return what may occur several times in a model, and is one."""
        if id(value) in self.seen:
            return {"same": self.seen[id(value)]}
        self.seen[id(value)] = len(self.alive)
        self.alive.append(value)
        kind = type(value)
        if kind is np.ndarray:
            return {"array": self._laid_out(value)}
        if kind in (sp.csr_matrix, sp.csr_array):
            return {kind.__name__: [*map(self._array, (value.data, value.indices, value.indptr)), *value.shape]}
        if kind.__module__.startswith("torch") and kind.__name__ in ("Tensor", "Parameter"):
            return {kind.__name__: [*self._laid_out(_of_tensor(value)), value.requires_grad]}
        if kind is OrderedDict:
            return {"ordered": [[self.value(key), self.value(inner)] for key, inner in value.items()]}
        return self._object(value)

    def _object(self, value: Any) -> Any:
        kind = type(value)
        if not _is_plain(kind) or not hasattr(value, "__dict__"):
            raise NotData(f"{kind.__name__} is made in a way of its own.")
        state = value.__dict__ if hasattr(kind, "state_is_data") else value.__getstate__()
        return {"new": _name(kind), "state": self.value(state)}

    def _laid_out(self, array: np.ndarray) -> list[Any]:
        """Return the number of an array and the order of its axes in memory, which sums of products may depend on."""
        # PyTorch goes by the strides of axes of length 1 too, which mean nothing to NumPy: they tell where these stand.
        axes = sorted(range(array.ndim), key=lambda axis: (-array.strides[axis], array.shape[axis] == 1))
        if axes == [*range(array.ndim)] or not array.transpose(axes).flags.c_contiguous:
            return [self._array(array), None]
        return [self._array(array.transpose(axes)), axes]

    def _array(self, array: np.ndarray) -> int:
        if array.dtype.kind not in _KINDS:
            raise NotData(f"An array of {array.dtype} is not numbers or texts alone.")
        self.arrays.append(array)
        return len(self.arrays) - 1


class _Reader:
    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.seen: list[Any] = []
        self.of_kind: dict[str, Callable[[Any], Any]] = {
            "map": lambda inner: {key: self.value(value) for key, value in inner.items()},
            "dict": self._pairs,
            "tuple": lambda inner: tuple(self._items(inner)),
            "set": lambda inner: set(self._items(inner)),
            "frozenset": lambda inner: frozenset(self._items(inner)),
            "partial": lambda inner: partial(_named(inner[0]), *self._items(inner[1]), **self.value(inner[2])),
            "bytes": lambda inner: self.arrays[inner].tobytes(),
            "name": _named,
            "dtype": np.dtype,
            "scalar": lambda inner: self.arrays[inner][()],
            "same": lambda inner: self.seen[inner],
            "array": lambda inner: self._kept(self._laid_out(*inner).copy("K")),
            "csr_matrix": lambda inner: self._kept(self._sparse(sp.csr_matrix, *inner)),
            "csr_array": lambda inner: self._kept(self._sparse(sp.csr_array, *inner)),
            "Tensor": lambda inner: self._kept(self._tensor(*inner)),
            "Parameter": lambda inner: self._kept(self._parameter(*inner)),
            "ordered": self._ordered,
        }

    def value(self, written: Any) -> Any:
        if type(written) is dict:
            kind, inner = next(iter(written.items()))
            return self._new(written) if kind == "new" else self.of_kind[kind](inner)
        return self._items(written) if type(written) is list else written

    def _items(self, written: list[Any]) -> list[Any]:
        return [self.value(value) if type(value) in (dict, list) else value for value in written]

    def _pairs(self, written: list[Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(value) for key, value in written}

    def _kept(self, value: Any) -> Any:
        self.seen.append(value)
        return value

    def _ordered(self, written: list[Any]) -> Any:
        found = self._kept(OrderedDict())
        found.update(self._pairs(written))
        return found

    def _new(self, written: Any) -> Any:
        kind = _named(written["new"])
        if not isinstance(kind, type) or not _is_plain(kind):
            raise TypeError(f"no model is made of {written['new']}")
        made = self._kept(object.__new__(kind))
        state = self.value(written["state"])
        if hasattr(kind, "__setstate__") and not hasattr(kind, "state_is_data"):
            made.__setstate__(state)
        elif state:
            made.__dict__.update(state)
        return made

    def _laid_out(self, number: int, axes: list[int] | None) -> np.ndarray:
        array = self.arrays[number]
        return array if axes is None else array.transpose(np.argsort(axes))

    def _sparse(self, kind: Any, data: int, indices: int, indptr: int, *shape: int) -> Any:
        parts = tuple(self.arrays[number].copy() for number in (data, indices, indptr))
        return kind(parts, shape=shape)

    def _tensor(self, number: int, axes: list[int] | None, requires_grad: bool) -> Any:
        import torch

        return torch.from_numpy(self._laid_out(number, axes)).clone().requires_grad_(requires_grad)

    def _parameter(self, number: int, axes: list[int] | None, requires_grad: bool) -> Any:
        import torch

        return torch.nn.Parameter(self._tensor(number, axes, False), requires_grad)


def _of_tensor(tensor: Any) -> np.ndarray:
    try:
        array: np.ndarray = tensor.detach().numpy()
    except (TypeError, RuntimeError) as error:  # on an accelerator, sparse, or of a type that NumPy has not
        raise NotData(str(error)) from None
    return array


def _arrays(sizes: list[Any], content: bytes, start: int) -> list[np.ndarray]:
    found = []
    whole = bytearray(content)  # which arrays may be written to
    for name, shape in sizes:
        dtype = np.dtype(name)
        if dtype.kind not in _KINDS:
            raise TypeError(f"no array is of {dtype}")
        n = int(np.prod(shape, dtype=np.int64))
        if min(shape, default=0) < 0:
            raise ValueError(f"no array has the shape {shape}")
        found.append(np.frombuffer(whole, dtype, n, start).reshape(shape) if n else np.zeros(shape, dtype))
        start += n * dtype.itemsize + -(n * dtype.itemsize) % _ALIGNED
    return found


def _is_plain(kind: type) -> bool:
    """Whether an object of a class is what ``__new__`` and its state make of it."""
    return all(getattr(kind, name) is getattr(object, name) for name in ("__new__", "__reduce__", "__reduce_ex__"))


def _is_known(module: str) -> bool:
    return module in _MODULES or (module.startswith(_ROOMS) and module != "automl.training.objective")


def _name(value: Any) -> str:
    """Return the import path of a class or function that models are made of."""
    module, name = str(getattr(value, "__module__", "")), getattr(value, "__qualname__", ".")
    if not _is_known(module) or "." in name or getattr(importlib.import_module(module), name, None) is not value:
        raise NotData(f"{module}.{name} is not what models of this package are made of.")
    return f"{module}:{name}"


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    if not _is_known(module):
        raise TypeError(f"no model is made of {path}")
    found = vars(importlib.import_module(module))[name]
    if not isinstance(found, (type, FunctionType)) or found.__module__ != module:  # what it has only imported
        raise TypeError(f"no model is made of {path}")
    return found
