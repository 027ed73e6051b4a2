"""Fields that hold several numbers, as 120/80 or (52.5, 13.4) do."""

import re
from typing import Any

import numpy as np

from automl.runtime.missing import is_missing, marks_of, says_nothing
from automl.runtime.numbers import read_number
from automl.runtime.plain import in_ascii, plain_text
from automl.runtime.schema import Column

_BETWEEN = {  # what may stand between the numbers of a field, in the order to try them
    ";": r"\s*;\s*",
    "|": r"\s*\|\s*",
    ", ": r"\s*,\s+",
    ",": r"\s*,\s*",
    "/": r"\s*/\s*",
    "x": r"(?<=[^\s(])\s*(?:[x×*]|\bby\b)\s*(?=[^\s)])",
    ":": r"\s*:\s*",
    "@": r"\s*@\s*",
    "+": r"(?<=\d)\s*\+\s*(?=\d)",
    "in": r"\s+(?:in|of|out of)\s+",
    "-": r"(?<=[^\s(])\s*(?:-|\.\.|\bto\b)\s*(?=[^\s)])",
    "(": r"\s*[(\[]\s*|(?<=[\d%])\s*(?:;|,\s|-|\bto\b)\s*",
    " ": r"\s+",
}
BETWEEN = {sign: re.compile(pattern, re.IGNORECASE) for sign, pattern in _BETWEEN.items()}
_IN_BRACKETS = re.compile(r"(?i)(?:(?:SRID=\d+;\s*)?POINT\s*Z?\s*)?[(\[](?P<inside>[^()\[\]]*)[)\]]")


def several(value: Any, column: Column) -> tuple[float, ...]:
    """Return the numbers of a field that holds several, NaN where missing. Raises ``ValueError`` where it does not."""
    if is_missing(value, marks_of(column)) or (isinstance(value, str) and says_nothing(value)):
        return (np.nan,) * column["several"]
    parts = between(plain_text(value), column["between"])
    if len(parts) != column["several"]:
        raise ValueError(value)
    return tuple(float(read_number(part, column)) for part in parts)


def between(text: str, sign: str) -> list[str]:
    """Return the parts of a field between which one of ``BETWEEN`` stands, as in 120/80 or (52.5, 13.4)."""
    plain = in_ascii(text)
    found = _IN_BRACKETS.fullmatch(plain)
    if sign == "(":
        return BETWEEN[sign].split(plain.rstrip(")]")) if {"(", "["} & set(plain) else [plain]
    return BETWEEN[sign].split(plain if found is None else found["inside"])
