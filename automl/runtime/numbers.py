"""Columns of numbers, as their schema reads them."""

import contextlib
import re
from collections.abc import Collection
from datetime import date, time, timedelta
from typing import Any

import numpy as np

from automl.runtime.arrays import as_array, in_seconds
from automl.runtime.durations import DURATION, MINUTES_FIRST, duration
from automl.runtime.each import each
from automl.runtime.missing import is_missing, marks_of, says_nothing
from automl.runtime.plain import seen
from automl.runtime.schema import UNKNOWN, Column
from automl.runtime.units import addends, conversion, unit_key
from automl.runtime.written import fallen, split_number, split_scale, unbracketed, value_of

_SECOND = np.timedelta64(1, "s")
_EXACT = 2.0**53  # beyond it, float64 does not hold every whole number
_WHOLE = re.compile(r"[+-]?\d+")


def number(value: Any, column: Column = UNKNOWN) -> float:
    """Return a value as a float, NaN where missing, as ``column`` of the schema reads its numbers.

    That is less its ``center``, times its ``factor``. Without one, a number is what ``float`` takes. Raises
    ``ValueError`` or ``TypeError`` where it is none.
    """
    found, center, factor = read_number(value, column), column.get("center", 0.0), column.get("factor", 1.0)
    if isinstance(found, int) and abs(center) >= _EXACT:
        return float(found - int(center)) * factor
    try:
        return (float(found) - center) * factor
    except OverflowError:  # a whole number beyond 1e308
        return np.inf if found > 0 else -np.inf


def read_number(value: Any, column: Column) -> int | float:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if is_missing(value, marks_of(column)):
        return np.nan
    if isinstance(value, str):
        return _number_in(seen(value), column) if column else _plain_number(seen(value))
    if isinstance(value, (date, time, np.datetime64)):
        raise ValueError(value)
    if isinstance(value, (timedelta, np.timedelta64)):
        return float(in_seconds(value) / _SECOND) if isinstance(value, np.timedelta64) else value.total_seconds()
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _plain_number(text: str) -> float:
    if "_" in text:  # Python reads 1_000 as a number
        raise ValueError(text)
    return float(text)


def _number_in(text: str, column: Column) -> int | float:
    if abs(column.get("center", 0.0)) >= _EXACT and _WHOLE.fullmatch(text):
        return int(text)
    if (form := column.get("format")) in (DURATION, MINUTES_FIRST):
        return duration(text, form)
    if column.get("decimal") != "," and not is_mixed(column):
        with contextlib.suppress(ValueError):
            return _plain_number(text)
    if says_nothing(text) or lacks_number(text, column.get("unit", ())):
        return np.nan
    if not column.get("decimal"):
        raise ValueError(text)
    return sum(_measure_in(part, column) for part in addends(text))


def lacks_number(text: str, units: Collection[str]) -> bool:
    """Whether a field only has one of its column's units, or says beside it that there is none: "kg", "null kg"."""
    before, _, after = text.strip().partition(" ")
    head, _, tail = text.strip().rpartition(" ")
    return (unit_key(before) in units and says_nothing(after)) or (unit_key(tail) in units and says_nothing(head))


def _measure_in(text: str, column: Column) -> float:
    """Return the value of one number with its unit, in the first of the units of its column."""
    text = unbracketed(text) if column.get("bracketed") else text
    found = split_number(fallen(text) if column.get("falling") else text)
    if found is None:
        raise ValueError(text)
    scale, unit = split_scale(found.after) if column.get("scaled") else (0, found.after)
    value, known = value_of(found, column["decimal"], scale), column.get("unit", ())
    if known and (converted := conversion(unit_key(unit), known[0])) is not None and not found.before:
        return value * converted[0] + converted[1]
    is_bare = not found.before and not unit
    if (is_bare and is_mixed(column)) or any(u and unit_key(u) not in known for u in (found.before, unit)):
        raise ValueError(text)
    return value


def is_mixed(column: Column) -> bool:
    """Whether a column has several units of one kind, such as kg and g: a number without one could be of any."""
    known = column.get("unit", ())
    return len(known) > 1 and all(conversion(unit, known[0]) is not None for unit in known)


def numbers(values: Any, column: Column = UNKNOWN) -> tuple[np.ndarray, int]:
    """Return (n,) float64, NaN where missing, and the position of the first value that is no number, or -1.

    ``column``: of the schema, see ``number``; its ``center`` is subtracted, before digits are lost.
    """
    array = as_array(values)
    center, factor = column.get("center", 0.0), column.get("factor", 1.0)
    bad = -1
    if array.dtype.kind in "biuf":
        result = _times(_difference(array, center), factor)
    elif array.dtype.kind == "m":
        result = array / _SECOND - center
    else:
        is_plain = array.dtype == object and column.get("decimal") != "," and not column.get("format")
        is_plain = is_plain and not is_mixed(column)
        fast = _strings_to_floats(array) if is_plain and abs(center) < _EXACT else None
        if fast is None:
            found, bad = each(array, lambda value: number(value, column))
            result = np.array(found, dtype=np.float64)
        else:
            result = _times(fast - center if center else fast, factor)
    return _without(result, column, array.dtype), bad


def _times(values: np.ndarray, factor: float) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is beyond the range is refused
        return values if factor == 1 else values * factor


def _difference(array: np.ndarray, center: float) -> np.ndarray:
    """Return numbers less ``center``; between very long whole ones it is taken before they become float64."""
    rough = array.astype(np.float64) - center
    if array.dtype.kind not in "iu" or abs(center) < _EXACT:
        return rough
    # Modulo 2**64 it is right wherever it fits into 63 bits; a center near 2**64 may be that itself.
    exact = (array.astype(np.uint64) - np.uint64(int(center) % 2**64)).view(np.int64)
    return np.where(np.abs(rough) < _EXACT, exact, rough)


def _without(result: np.ndarray, column: Column, given: np.dtype[Any]) -> np.ndarray:
    """Make the marks that are numbers, such as -999, missing; -999.9 is another number in ``given`` float32."""
    center, factor = column.get("center", 0.0), column.get("factor", 1.0)
    for mark in column.get("missing", ()):
        with contextlib.suppress(ValueError):
            value = float(given.type(mark)) if given.kind == "f" else float(mark)
            result[result == (value - center) * factor] = np.nan
    return result


def _strings_to_floats(array: np.ndarray) -> np.ndarray | None:
    try:
        result = np.fromiter(map(float, [v or "nan" for v in array.tolist()]), np.float64, len(array))
        return None if "_" in "".join(array) else result  # Python reads 1_000 as a number
    except (TypeError, ValueError, OverflowError):
        return None
