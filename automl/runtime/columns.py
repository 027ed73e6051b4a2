"""Tables of any kind as columns by their names."""

import collections
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from automl.runtime.arrays import unmasked
from automl.runtime.errors import PredictionError, listed
from automl.runtime.printable import shown
from automl.runtime.schema import Schema


def to_columns(schema: Schema, x: Any) -> dict[str, Any]:
    """Return a table as columns by name. ``x``: a mapping of columns, a data frame, a record or a list of records, a
    2-D array with the columns of the training data in their order, or texts where there is a single text column.
    """
    named = named_columns(x)
    if named is not None:
        return named
    if hasattr(x, "toarray"):
        x = x.toarray()
    names = [c["name"] for c in schema["columns"]]
    array = np.asarray(unmasked(x)) if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.ndim == 1 and len(names) == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != len(names):
        raise PredictionError(f"The data must have {len(names)} columns ({listed(names)}); given: shape {array.shape}.")
    return {name: array[:, i] for i, name in enumerate(names)}


def named_columns(x: Any) -> dict[str, Any] | None:
    """Return the columns of a mapping, a data frame, a record or a list of records; None for what has no names."""
    if hasattr(x, "toarray"):  # a sparse matrix, though one of their formats is a mapping
        return None
    if isinstance(x, np.ndarray) and x.dtype.names:
        return {name: x[name] for name in x.dtype.names}
    if hasattr(x, "column_names"):  # an Arrow table, whose ``columns`` are the arrays
        refuse_repeats(x.column_names)
        return {name: x.column(name) for name in x.column_names}
    if isinstance(x, Mapping) or hasattr(x, "columns"):
        names = list(x if isinstance(x, Mapping) else x.columns)
        refuse_repeats([str(name) for name in names])
        columns = {str(name): x[name] for name in names}
        _refuse_unordered(columns)
        return _one_or_more(columns)
    if isinstance(x, Sequence) and x and all(isinstance(record, Mapping) for record in x):
        keys = dict.fromkeys(key for record in x for key in record)
        return {str(key): [record.get(key) for record in x] for key in keys}
    return None


def refuse_repeats(names: Sequence[str], where: str = "") -> None:
    """Raise ``PredictionError`` for names of columns that are given more than once."""
    twice = sorted(name for name, n in collections.Counter(names).items() if n > 1)
    if twice:
        raise PredictionError(
            f"{where}Column names must differ; given more than once: {listed(twice)}. Rename or drop them."
        )


def _refuse_unordered(columns: Mapping[str, Any]) -> None:
    for name, values in columns.items():
        if isinstance(values, (Mapping, Set)):
            raise PredictionError(
                f"A column must be a list or an array, its values in the order of the rows; '{shown(name)}' is a "
                f"{type(values).__name__}. Give the data frame itself, or frame.to_dict('list')."
            )


def _one_or_more(columns: dict[str, Any]) -> dict[str, Any]:
    """Make one record, whose values are no lists, a table of one row."""
    single = {n: v for n, v in columns.items() if _is_single(v)}
    if single and len(single) < len(columns):
        raise PredictionError(
            f"A mapping must hold a list for every column, or one value for every one; a value: {listed([*single])}. "
            "Write one row as {'a': 1.0, 'b': 'red'}, several as {'a': [1.0, 2.0], 'b': ['red', 'blue']}."
        )
    return {name: [value] for name, value in single.items()} if single else columns


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0
