"""Columns whose fields hold several numbers each: places (52.5, 13.4), blood pressures (120/80), sizes (10 x 20 cm)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from automl.data import units, written
from automl.data.decimals import Decimals
from automl.data.strays import are_few, sampled
from automl.errors import DataError
from automl.runtime.missing import says_nothing
from automl.runtime.printable import shown
from automl.runtime.several import BETWEEN, between, several
from automl.task import Column

# Of a column with fewer different fields, such as screens of 16:9 and 4:3, each is a level.
_FEWEST_FIELDS = 21
_MOST_NUMBERS = 10
# Signs that stand between two numbers; with more it is a code, as 123-45-6789 is.
_PAIRS = ("/", ":", "@", "+", "in", "-")
# Signs that also stand in sentences.
_IN_SENTENCES = (", ", ",", " ")
_DIGITS_ALONE = re.compile(r"[\d\s+]*")
_TOLD = 0.8  # of the fields at a first look


def read(name: str, counts: Mapping[str, int], decimals: Decimals) -> Column | None:
    """Return how the fields of a column hold several numbers each, None for one of something else.

    ``counts``: how often each text occurs, without gaps. Fields that hold something else, but too few to make the
    column so, are left to be named.
    """
    words = [text for text in counts if not says_nothing(text)]
    if len(words) < _FEWEST_FIELDS or all(text.startswith("+") and "." not in text for text in words):
        return None  # +1 (790) 679 7355 is somebody's
    for sign in BETWEEN:
        if _may_be(sampled(words), sign) and (found := _with_sign(name, words, counts, sign, decimals)) is not None:
            return found
    return None


def note(column: Column, counts: Mapping[str, int]) -> str:
    """Say how the numbers of a field are read, with the longest one as the example."""
    reading = column.to_dict()
    example = max((text for text in counts if _holds(text, column)), key=len)
    numbers = " and ".join(f"{value:.15g}" for value in several(example, reading))
    unit = f", in {' and '.join(map(repr, column.unit))}" if column.unit else ""
    return (
        f"Each field of column '{shown(column.name)}' is read as {column.several} numbers{unit}: "
        f"'{shown(example)}' is {numbers}."
    )


def _holds(text: str, column: Column) -> bool:
    try:
        return all(value == value for value in several(text, column.to_dict()))
    except ValueError:
        return False


def _may_be(some: Sequence[str], sign: str) -> bool:
    """Whether most of some fields have numbers around a sign."""
    fields = [between(text, sign) for text in some]
    n_fitting = sum(len(parts) > 1 and all(any(map(str.isdigit, part)) for part in parts) for parts in fields)
    return n_fitting >= _TOLD * len(some)


def _with_sign(
    name: str, words: Sequence[str], counts: Mapping[str, int], sign: str, decimals: Decimals
) -> Column | None:
    fields = {text: between(text, sign) for text in words}
    n_numbers = Counter(map(len, fields.values())).most_common(1)[0][0]
    strays = [text for text, parts in fields.items() if len(parts) != n_numbers]
    if not 2 <= n_numbers <= (2 if sign in _PAIRS else _MOST_NUMBERS) or (strays and not are_few(strays, counts)):
        return None
    places: list[Counter[str]] = [Counter() for _ in range(n_numbers)]
    for text in words:
        for place, part in zip(places, fields[text], strict=False):
            place[part] += counts[text]
    found: list[Column | None] = []
    with suppress(DataError):  # numbers that can be read in two ways are left as they are
        found = [written.read(name, place, decimals) for place in places]
    columns = [column for column in found if column is not None]
    if len(columns) < n_numbers:
        return None
    if sign in _IN_SENTENCES and not all(units.is_known(unit) for column in columns for unit in column.unit):
        return None  # 93 Main St, 34997
    if sign == " " and all(map(_DIGITS_ALONE.fullmatch, words)):
        return None  # 4872 3773 2576 names something
    column = replace(
        columns[0],
        decimal=max((one.decimal for one in columns), key=bool),
        unit=tuple(dict.fromkeys(unit for one in columns for unit in one.unit)),
        scaled=any(one.scaled for one in columns),
        between=sign,
        several=n_numbers,
    )
    held = [text for text in words if _holds(text, column)]
    if sign == "-" and not all(_ascends(text, column) for text in held):
        return None  # 94105-1234; a range is from the lesser number to the greater one
    unread = [text for text in words if text not in set(held)]
    return column if held and (not unread or are_few(unread, counts)) else None


def _ascends(text: str, column: Column) -> bool:
    first, last = several(text, column.to_dict())
    return first <= last
