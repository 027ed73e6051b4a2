"""A column of any kind as an array."""

from typing import Any

import numpy as np

from automl.runtime.units import SECONDS_OF

FLOAT32_MAX = float(np.finfo(np.float32).max)
_LONG_WITH_GAPS = ("Int64", "UInt64", "int64[pyarrow]", "uint64[pyarrow]")  # of pandas: NumPy would make them floats


def as_array(values: Any) -> np.ndarray:
    """Return a column (list, array of NumPy or Arrow, Series, ...) as an (n,) array; strings as objects."""
    if hasattr(values, "null_count") and (hasattr(values, "to_pylist") or hasattr(values, "to_list")):
        array = _from_arrow(values)
    elif str(getattr(values, "dtype", "")) in _LONG_WITH_GAPS and values.isna().any():
        array = values.to_numpy(dtype=object, na_value=None)
    elif isinstance(values, np.ndarray) or hasattr(values, "to_numpy"):
        array = unmasked(values if isinstance(values, np.ndarray) else values.to_numpy())
    else:
        array = _objects(list(values))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind in "UT":
        array = array.astype(object)
    return in_seconds(array) if array.dtype.kind == "m" else array


def in_seconds(spans: Any) -> Any:
    """Return durations of NumPy in a unit of fixed length: those in months, twelfths of 365.25 days, in seconds."""
    if np.datetime_data(spans.dtype)[0] not in ("M", "Y"):
        return spans
    months = spans.astype("timedelta64[M]")
    gap, month = np.timedelta64("NaT", "s"), np.timedelta64(int(SECONDS_OF["month"]), "s")
    return np.where(np.isnat(months), gap, months.astype(np.int64) * month)


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def unmasked(array: Any) -> Any:
    """Return an array whose masked values are gaps: NaN among floats, else None."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if not np.ma.getmaskarray(array).any():
        return array.data
    masked: Any = array if array.dtype.kind == "f" else array.astype(object)
    return masked.filled(np.nan if array.dtype.kind == "f" else None)


def _from_arrow(values: Any) -> np.ndarray:
    """Return a column of Arrow or polars; as objects where NumPy has no such type, or where a gap would cost digits."""
    n_gaps = values.null_count() if callable(values.null_count) else values.null_count
    kind = str(getattr(values, "type", None) or values.dtype).lower()
    if kind.startswith(("dictionary", "decimal", "int128")) or (n_gaps and kind in ("int64", "uint64")):
        return _objects(values.to_pylist() if hasattr(values, "to_pylist") else values.to_list())
    is_array = hasattr(values, "to_pylist") and not hasattr(values, "num_chunks")
    try:
        return values.to_numpy(zero_copy_only=False) if is_array else values.to_numpy()
    except NotImplementedError:  # as of a union of types
        return _objects(values.to_pylist())
