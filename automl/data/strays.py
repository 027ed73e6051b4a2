"""The few values that do not fit the rest of their column."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from automl.errors import DataError
from automl.runtime.labels import labels
from automl.runtime.missing import says_nothing
from automl.runtime.printable import shown
from automl.runtime.written import GROUPED, split_number

# A column is a broken number (or date) column, not a category, when strays are this rare among this many values.
STRAY_SHARE = 0.05
STRAY_KINDS = 10
_REGULAR_KINDS = 10
_SAMPLE = 200
# Of frequent words among numbers or dates, and of these.
_WORD_KINDS, _MANY_KINDS = 6, 20
_LONGEST_WORD = 40  # characters

_MOST_SHOWN = 8

_NINES = re.compile(r"-?99{1,8}")
_FARTHEST = 10.0


def sampled(distinct: Sequence[str]) -> list[str]:
    """Return up to 200 values from all over a column: enough to see what it does not hold."""
    return list(distinct[:: max(1, len(distinct) // _SAMPLE)])[:_SAMPLE]


def are_few(strays: Sequence[str], counts: Mapping[str, int]) -> bool:
    """Whether values are rare enough, beside many others, to be mistakes and no kind of their own."""
    n_strays = sum(counts[value] for value in strays)
    few = len(strays) <= STRAY_KINDS and (n_strays <= STRAY_SHARE * sum(counts.values()) or n_strays == 1)
    return few and len(counts) - len(strays) > _REGULAR_KINDS


def words_for_nothing(counts: Mapping[str, int]) -> list[str]:
    """Return the few words that may stand for numbers or dates that are not there, besides those known to: "ongoing".

    A word has no digit: 12O3 is a slip. Beside few different numbers, it may be a level as they are: K, 1, 2, ...
    """
    words = [text for text in counts if _is_word(text)]
    n_words, n_all = sum(counts[word] for word in words), sum(counts.values())
    most = STRAY_KINDS if n_words <= STRAY_SHARE * n_all else _WORD_KINDS
    are_few = len(words) <= most and 2 * n_words <= n_all
    return words if are_few and len(counts) - len(words) > _MANY_KINDS else []


def _is_word(text: str) -> bool:
    """Whether a text may be a word for nothing that is not known as one; inf is a number, and a sentence a mistake."""
    may_be = len(text) <= _LONGEST_WORD and text.isprintable() and not any(map(str.isdigit, text))
    return may_be and not says_nothing(text) and not parses(text, float)


def note_on_words(name: str, counts: Mapping[str, int]) -> str:
    """Say that a column of levels holds many numbers, and the words that keep it from being one of them; "" if not."""
    numbers = _alike(counts)
    others = sorted((text for text in counts if text not in numbers), key=lambda text: -counts[text])
    n_numbers, n_all = sum(counts[text] for text in numbers), sum(counts.values())
    if len(numbers) <= _MANY_KINDS or 2 * n_numbers <= n_all or not others:
        return ""
    first = ", ".join(map(shown, others[:_MOST_SHOWN])) + (", ..." if len(others) > _MOST_SHOWN else "")
    return (
        f"Column '{shown(name)}' is read as levels, though {n_numbers:,} of its {n_all:,} values are numbers: "
        f"the others are not. If these say that there is none, data.missing=[{first}] makes it a column of numbers."
    )


def _alike(counts: Mapping[str, int]) -> set[str]:
    """Return the numbers among texts, without the few kinds that differ: L0W and 1.2.3 beside bare ones."""
    found = {text: number for text in counts if (number := split_number(text)) is not None}
    before = Counter(number.before for number in found.values()).most_common(1)
    strange = [
        text
        for text, number in found.items()
        if number.before != before[0][0] or not any(form.fullmatch(number.digits) for form in GROUPED.values())
    ]
    return found.keys() - (strange if len(strange) <= STRAY_KINDS else [])


def refuse_strays(
    name: str,
    values: np.ndarray,
    counts: Mapping[str, int],
    what: str,
    parse: Callable[[str], object],
    row_numbers: Sequence[int] | None = None,
) -> None:
    """Raise ``DataError`` for a column of numbers or dates in which a few values are something else.

    Codes that mix both (4+, V27) are many or frequent and are left alone.
    """
    strays = [value for value in counts if not parses(value, parse)]
    if strays and are_few(strays, counts):
        n_strays = sum(counts[value] for value in strays)
        found = labels(values)
        position = int(np.flatnonzero(found == strays[0])[0])
        row = position + 1 if row_numbers is None else row_numbers[position]
        raise DataError(
            f"Column '{name}' must hold values of one type; it holds {what}, but row {row} has "
            f"'{shown(strays[0])}' ({n_strays} such {'row' if n_strays == 1 else 'rows'}). Correct or empty "
            f"those fields, say that they are missing with missing=[{', '.join(map(shown, strays))}], or "
            "declare the column categorical."
        )


class LoneMark(NamedTuple):
    """A number such as -999 that may say that there is none, and the rows that have it."""

    value: float
    n_rows: int

    def note(self, where: str) -> str:
        """Say so; ``where``: the column."""
        return (
            f"{where} has {self.value:g} in {self.n_rows:,} rows, far from all its other values. If that means that "
            f"there is none, say so: data.missing=[{self.value:g}], beside what else is missing."
        )


def lone_mark(values: np.ndarray) -> LoneMark | None:
    """Return the number of nines alone, such as -999 or 9999, that repeats at an end of some values, far from them."""
    for mark in (values.min(), values.max()):
        if _NINES.fullmatch(f"{mark:.0f}") and mark == np.round(mark):
            others = values[values != mark]
            n = len(values) - len(others)
            if n > 1 and len(others) and np.abs(others - mark).min() > max(np.ptp(others), _FARTHEST):
                return LoneMark(float(mark), n)
    return None


def parses(value: str, parse: Callable[[str], object]) -> bool:
    """Whether ``parse`` takes a value."""
    try:
        parse(value)
    except (ValueError, TypeError):
        return False
    return True
