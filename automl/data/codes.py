"""Texts that look like numbers and name something: codes with leading zeros, phone numbers, grouped thousands."""

import re
from collections.abc import Sequence

import numpy as np

from automl.data import dates
from automl.data.findings import Findings
from automl.data.strays import STRAY_SHARE
from automl.runtime.missing import is_missing, says_nothing
from automl.runtime.plain import seen
from automl.runtime.printable import shown

# A program writes 1e+05, or 100000; a code of letters and digits, where it is all digits but one, is 1e5.
_WITH_E = re.compile(r"\d+[eE]\d+")
_FEWEST_WITH_E = 20  # different ones


def holds_codes(values: np.ndarray) -> bool:
    """Whether all are whole numbers with leading zeros (02139, 007), or all like 1e5: they name something.

    See ``are_padded`` for how many have to begin with a zero.
    """
    if values.dtype != object:
        return False
    if len(values) and isinstance(values[0], str) and _WITH_E.fullmatch(seen(values[0])):
        texts = {value for value in values.tolist() if not is_missing(value)}
        return len(texts) >= _FEWEST_WITH_E and all(_WITH_E.fullmatch(seen(str(text))) for text in texts)
    digits: list[str] = []
    for value in values.tolist():
        if not isinstance(value, str):
            continue
        text = value if value.isdecimal() else seen(value)
        if text.isdecimal():
            digits.append(text)
        elif not text.lstrip("+-").isdecimal() and not says_nothing(text):
            return False  # a fraction or a word, in most columns in the first row
    return are_padded(digits)


def are_padded(texts: Sequence[str]) -> bool:
    """Whether digits are names for their leading zeros: all have one width, or more than a few begin with a zero.

    One 012 among numbers of all widths is a slip.
    """
    n_padded = sum(map(_begins_with_zero, texts))
    return n_padded > 0 and (n_padded > STRAY_SHARE * len(texts) or len(set(map(len, texts))) == 1)


def note_on_padded(name: str, values: np.ndarray) -> str:
    """Say of a column of numbers that some begin with a zero, with one of them; "" where none does."""
    texts = (seen(value) for value in values.tolist() if isinstance(value, str)) if values.dtype == object else ()
    example = next((text for text in texts if text.isdecimal() and _begins_with_zero(text)), "")
    if not example:
        return ""
    return (
        f"Column '{shown(name)}' is read as numbers, though a few begin with 0: '{shown(example)}' is {int(example)}. "
        "If they are codes, declare the column categorical."
    )


def _begins_with_zero(text: str) -> bool:
    return text[0] == "0" and bool(text.strip("0"))


def may_be_more(name: str, values: np.ndarray, findings: Findings) -> bool:
    """Whether texts that ``float`` reads may say something else: 1.234 beside 999, or +49 170 123456."""
    if values.dtype != object:
        return False
    some = [seen(value) for value in values[:200].tolist() if isinstance(value, str)]
    if some and all(text.startswith("+") for text in some):
        return True
    if dates.are_months([text for text in some if text]):
        return True
    if not any("." in text for text in some) or not all(map(_has_no_fraction, some)):
        return False
    if "," in (findings.decimals.of(name), findings.decimals.evidence()):
        return True
    texts = [seen(value) for value in values.tolist() if isinstance(value, str)]
    return any("." not in text for text in texts) and all(map(_has_no_fraction, texts))


def _has_no_fraction(text: str) -> bool:
    """Whether a point in a number may be one of thousands: three digits follow."""
    head, point, tail = text.partition(".")
    return not point or (len(tail) == 3 and 0 < len(head.lstrip("-")) <= 3 and head[0] != "0")
