"""Rows put together from the features of other rows: what every explanation here asks the model about.

Feature j of a new row is taken from row ``source[r, j]`` of a pool. A coalition of features, a permuted column, a
grid of values and a counterfactual are all such rows; the model itself sees raw rows and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from automl.errors import DataError
from automl.runtime.arrays import as_array
from automl.runtime.columns import to_columns
from automl.runtime.encode_array import encode_array
from automl.runtime.errors import PredictionError
from automl.runtime.printable import shown

# Rows that are put together and answered at once: bounds the memory that an explanation takes, and how late an alarm is
# heard.
ROWS_AT_ONCE = 1024
# An image is explained by up to so many patches a side, a sequence by up to so many stretches of steps.
PATCHES, STRETCHES = 7, 16


@dataclass(frozen=True)
class Subject:
    """A model to explain.

    ``schema``: plain JSON, as in a manifest. ``answer(x, lengths)``: (n, width) probabilities or values of raw rows.
    ``graph()``: the ONNX model that gives the same answers.
    """

    schema: Mapping[str, Any]
    answer: Callable[[Any, Any], np.ndarray]
    graph: Callable[[], bytes]

    @property
    def classes(self) -> list[Any]:
        """The labels in the order of the answers' columns; none for values."""
        return list(self.schema["classes"])

    @property
    def quantiles(self) -> list[float]:
        """Those that the answers' columns are; none but for a model of them."""
        return list(self.schema.get("quantiles", ()))

    def pool(self, *parts: tuple[Any, Any]) -> "RowPool":
        """Return the rows of one or more (x, lengths), in one pool. Raises ``DataError`` for what does not fit."""
        try:
            if self.schema["kind"] in ("image", "sequence"):
                return _Arrays.of(self.schema, parts)
            return _Columns.of(self.schema, [x for x, _ in parts])
        except PredictionError as error:
            raise DataError(str(error)) from None

    def answers(self, pool: "RowPool", source: np.ndarray) -> np.ndarray:
        """Return the answers, (m, width) float64, to the rows that ``source``, (m, p), says."""
        starts = range(0, len(source), ROWS_AT_ONCE)
        parts = [self.answer(*pool.mixed(source[start : start + ROWS_AT_ONCE])) for start in starts]
        return np.concatenate(parts).astype(np.float64)


class RowPool(Protocol):
    """Rows with p features that can be mixed."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of rows of each part."""

    def mixed(self, source: np.ndarray) -> tuple[Any, Any]:
        """Return (x, lengths) of the rows whose feature j is that of row ``source[r, j]``, (m, p)."""


def plain(n_features: int, rows: np.ndarray) -> np.ndarray:
    """Return the ``source`` of rows as they are, (n, p)."""
    return np.repeat(np.asarray(rows)[:, None], n_features, axis=1)


@dataclass(frozen=True)
class _Columns:
    features: tuple[str, ...]
    sizes: tuple[int, ...]
    columns: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, schema: Mapping[str, Any], tables: list[Any]) -> "_Columns":
        names = tuple(column["name"] for column in schema["columns"] if column["role"] != "dropped")
        given = [to_columns(schema, table) for table in tables]
        missing = [name for name in names if any(name not in table for table in given)]
        if missing:
            raise DataError(f"The column '{shown(missing[0])}' of the training data is missing. Add it.")
        columns = {name: _joined([as_array(table[name]) for table in given]) for name in names}
        sizes = tuple(len(as_array(table[names[0]])) for table in given)
        if len({len(column) for column in columns.values()}) > 1:
            raise DataError("Every column must hold one value for each row.")
        return cls(names, sizes, columns)

    def mixed(self, source: np.ndarray) -> tuple[Any, Any]:
        return {name: self.columns[name][source[:, j]] for j, name in enumerate(self.features)}, None


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    if len({part.dtype for part in parts}) > 1:  # a number must not become a string beside strings
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


@dataclass(frozen=True)
class _Arrays:
    """``place``: (k,) the feature that each number of a row belongs to, k being the numbers of a row."""

    features: tuple[str, ...]
    sizes: tuple[int, ...]
    values: np.ndarray
    lengths: np.ndarray | None
    place: np.ndarray

    @classmethod
    def of(cls, schema: Mapping[str, Any], parts: tuple[tuple[Any, Any], ...]) -> "_Arrays":
        given = [encode_array(schema, x, lengths) for x, lengths in parts]
        kind = schema["kind"]
        values = np.concatenate([part[kind] for part in given])
        lengths = np.concatenate([part["lengths"] for part in given]) if kind == "sequence" else None
        features, place = (_patches if kind == "image" else _stretches)(values.shape[1:])
        return cls(features, tuple(len(part[kind]) for part in given), values, lengths, place)

    def mixed(self, source: np.ndarray) -> tuple[Any, Any]:
        flat = self.values.reshape(len(self.values), -1)
        rows = flat[source[:, self.place], np.arange(flat.shape[1])]
        # A sequence is as long as the one that its first stretch comes from.
        lengths = None if self.lengths is None else self.lengths[source[:, 0]]
        return rows.reshape(-1, *self.values.shape[1:]), lengths


def _patches(shape: tuple[int, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    down, across = (np.array_split(np.arange(size), min(PATCHES, size)) for size in shape[:2])
    place = np.zeros(shape, np.int64)
    names = []
    for i, rows in enumerate(down):
        for j, columns in enumerate(across):
            place[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = i * len(across) + j
            names.append(f"rows {rows[0]}-{rows[-1]}, columns {columns[0]}-{columns[-1]}")
    return tuple(names), place.reshape(-1)


def _stretches(shape: tuple[int, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    parts = np.array_split(np.arange(shape[0]), min(STRETCHES, shape[0]))
    place = np.concatenate([np.full(len(part), i) for i, part in enumerate(parts)])
    return tuple(f"steps {part[0]}-{part[-1]}" for part in parts), np.repeat(place, shape[1])
