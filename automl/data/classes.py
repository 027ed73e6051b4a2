"""The classes of a target: what makes two values one class, their order, and how a model keeps them."""

import decimal
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.runtime.arrays import as_array
from automl.runtime.labels import label, labels
from automl.runtime.plain import seen
from automl.runtime.printable import shown

_TRUTH = {"True": "1", "False": "0"}
_MOST_SHOWN = 5


def class_key(value: Any) -> str:
    """Return what identifies a class, however it is typed."""
    return label(_number(value)) or str(value).strip()


def class_codes(classes: Sequence[Any], values: np.ndarray) -> np.ndarray:
    """Return (n,) int64: which of ``classes`` each value is, however it is typed; -1 for none of them.

    True is 1 and False 0 where these are the only classes, and the other way round.
    """
    codes = {class_key(label): i for i, label in enumerate(classes)}
    if codes.keys() in (set(_TRUTH), set(_TRUTH.values())):
        codes |= {bit: codes[word] for word, bit in _TRUTH.items() if word in codes}
        codes |= {word: codes[bit] for word, bit in _TRUTH.items()}
    return np.array([codes.get(key, -1) for key in keys_of(values).tolist()], dtype=np.int64)


def keys_of(values: np.ndarray) -> np.ndarray:
    """Return the ``class_key`` of each value, (n,) object."""
    if any(issubclass(kind, decimal.Decimal) for kind in _kinds(values)):
        values = np.array([_number(value) for value in values.tolist()], dtype=object)
    keys = labels(values)
    named = np.flatnonzero(keys == "")  # a class may be called None
    keys[named] = [class_key(v) for v in values[named]]
    return keys


def in_order(values: np.ndarray, typed: np.ndarray, keys: np.ndarray) -> tuple[Any, ...]:
    """Return the first of ``values`` for each key, as a model keeps it, in the order of ``np.unique(values)``.

    So "10" comes before "9", but 9 before 10. ``typed``: what orders values that do not compare, such as 9 and "10".
    """
    backwards = range(len(keys) - 1, -1, -1)
    first = list(dict(zip(keys[::-1].tolist(), backwards, strict=True)).values())
    try:
        first.sort(key=lambda i: values[i])
    except TypeError:
        first.sort(key=lambda i: typed[i])
    return tuple(_as_json(values[i]) for i in first)


def as_given(classes: Sequence[Any], values: np.ndarray) -> np.ndarray:
    """Return classes as ``values`` have them, which hold all: bytes, dates and decimals, which JSON does not know."""
    codes, first = np.unique(class_codes(classes, values), return_index=True)
    return values[first[codes >= 0]]


def note_on_merged(name: str, values: np.ndarray) -> str:
    """Say which values of a target are one class though they are written in several ways; "" if there are none."""
    some = list({(type(value), str(value)): value for value in values.tolist()}.values())
    ways = defaultdict[str, list[str]](list)
    for key, value in zip(keys_of(as_array(some)).tolist(), some, strict=True):
        ways[key].append(ascii(value))  # in which letters that look alike differ
    merged = [" and ".join(map(shown, texts[:_MOST_SHOWN])) for texts in ways.values() if len(texts) > 1]
    more = f"; and {len(merged) - _MOST_SHOWN} more" if len(merged) > _MOST_SHOWN else ""
    listed = "; ".join(merged[:_MOST_SHOWN])
    return f"These values of the target '{shown(name)}' are one class: {listed}{more}." if merged else ""


def alike(classes: Sequence[Any]) -> list[str]:
    """Return the first classes that differ in upper and lower case alone, or in what is not seen."""
    folded = [seen(str(c)).casefold() for c in classes]
    twice = next((text for text, n in Counter(folded).items() if n > 1), None)
    return [shown(c) for c, text in zip(classes, folded, strict=True) if text == twice]


def _as_json(value: Any) -> Any:
    """Return a class as JSON can hold it: text, truth values and numbers as they are, and anything else as text."""
    if isinstance(value, np.floating):
        return float(str(value))  # 0.1 in float32 is 0.1, not 0.10000000149
    value = value.item() if isinstance(value, np.generic) else _number(value)
    return value if isinstance(value, (str, bool, int, float)) else class_key(value)


def _number(value: Any) -> Any:
    """Return a decimal as the int or float that it is, so that 1.1 and 1.10 are one; anything else as it is."""
    if not isinstance(value, decimal.Decimal) or not value.is_finite():
        return value
    if value == value.to_integral_value():
        return int(value)
    return float(value) if decimal.Decimal(repr(float(value))) == value else value


def _kinds(values: np.ndarray) -> set[type]:
    return set(map(type, values.tolist())) if values.dtype.kind == "O" else set()
