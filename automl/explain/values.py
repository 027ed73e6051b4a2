"""Raw values of a column as the model reads them, to be put in order."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.runtime.dates import dates
from automl.runtime.numbers import numbers


def as_numbers(values: Any, column: Mapping[str, Any]) -> np.ndarray | None:
    """Return (n,) numbers in the order of the values, NaN for missing ones and those that cannot be read.

    ``column``: in the schema, which says how numbers and dates are written. None for a column of something else.
    """
    array = np.array(list(values), object)
    if column["role"] == "numeric":
        return _each(array, lambda part: numbers(part, column))  # type: ignore[arg-type]
    if column["role"] == "datetime":
        return _each(array, lambda part: _days(part, column))
    return None


def _days(values: np.ndarray, column: Mapping[str, Any]) -> tuple[np.ndarray, int]:
    moments, bad = dates(values, column["format"], column)  # type: ignore[arg-type]
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 86_400e6), bad


def _each(values: np.ndarray, read: Any) -> np.ndarray:
    """Read all values at once, or, where one cannot be read, each alone."""
    found, bad = read(values)
    if bad < 0:
        return np.asarray(found)
    alone = [read(values[i : i + 1]) for i in range(len(values))]
    return np.array([number[0] if wrong < 0 else np.nan for number, wrong in alone])
