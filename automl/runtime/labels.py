"""The one way in which a category is written."""

import hashlib
import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import numpy as np

from automl.runtime.arrays import as_array
from automl.runtime.dates import moment
from automl.runtime.each import each
from automl.runtime.missing import MISSING, is_missing
from automl.runtime.plain import plain_text

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_PADDED = re.compile(r"0\d+")


def label(value: Any, marks: Collection[str] = MISSING) -> str:
    """Return the one way a category is written: 3, 3.0 and "3.0" give "3"; True and "true" give "True"; missing "".

    Dates, and texts that are a date with a time, give "2024-12-31" at midnight and else "2024-12-31 23:59:59", in UTC.
    """
    if is_missing(value, marks):
        return ""
    if isinstance(value, (date, np.datetime64)):
        return _written(value)
    text = plain_text(value)
    if text in marks:  # bytes, or a number such as -999
        return ""
    return _written(text) if _DATE_AND_TIME.match(text) else text


def _written(when: Any) -> str:
    try:
        return datetime.isoformat(moment(when, "iso"), " ").removesuffix(" 00:00:00")  # type: ignore[arg-type]
    except ValueError:  # such as 2024-99-99 00:00, or a year beyond 9999
        return plain_text(when)


def labels(values: Any, marks: Collection[str] = MISSING) -> np.ndarray:
    """Return the ``label`` of each value, (n,) object."""
    array = as_array(values)
    if array.dtype.kind in "biufM":
        distinct, inverse = np.unique(array, return_inverse=True)
        return np.array([label(v, marks) for v in distinct], dtype=object)[inverse]
    return np.array(each(array, lambda value: label(value, marks))[0], dtype=object)


def hashed(level: str, salt: str) -> str:
    """Return what stands for a level where the model does not keep the values themselves; a gap stays a gap."""
    return hashlib.sha256(f"{salt}{level}".encode("utf-8", "surrogatepass")).hexdigest()[:16] if level else ""


def padded(level: str) -> bool:
    """Whether a level is a code with leading zeros, such as 02139."""
    return _PADDED.fullmatch(level) is not None
