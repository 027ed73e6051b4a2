"""Durations as people write them."""

import re
from typing import Any

import numpy as np

from automl.runtime.missing import says_nothing
from automl.runtime.plain import in_ascii, unquoted
from automl.runtime.units import SECONDS_OF, TIMES, unit_key

_CLOCK = re.compile(
    r"(?:(?P<days>-?\d+) days?,?\s*\+?)?"
    r"(?:(?P<sign>-)?(?P<hours>\d+)[:h](?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d+)?))?)?"
)
# How a column of durations is written, where 4:13 is a short form of 0:04:13 in it.
DURATION, MINUTES_FIRST = "duration", "duration m:ss"
_TWO_PARTS = re.compile(r"-?\d+:[0-5]\d(?:\.\d+)?")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)")
_SPELLED = re.compile(rf"-?{_AMOUNT.pattern}\.?(?:(?:\s*(?:,|&|and|und|et))?\s*{_AMOUNT.pattern}\.?)*")
_ISO_DURATION = re.compile(
    "(-)?P" + "".join(rf"(?:(\d+){unit})?" for unit in "YMWD") + r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?"
)


def duration(value: Any, form: str = DURATION) -> float:
    """Return how many seconds "1 day, 2:03:04.5", "26:03:04.5", "-1 days 02:03:04", "P1DT2H3M4.5S" or "1h 5m" are.

    A month is a twelfth of a year, and that 365.25 days. "4:13" is in hours and minutes, or, by ``MINUTES_FIRST``, in
    minutes and seconds, as "4:13.5" always is.
    """
    text = unquoted(in_ascii(str(value)))
    if says_nothing(text):
        return np.nan
    if has_two_parts(text) and (form == MINUTES_FIRST or "." in text):
        first, _, second = text.removeprefix("-").partition(":")
        return (-1.0 if text.startswith("-") else 1.0) * (60 * float(first) + float(second))
    found = _CLOCK.fullmatch(text)
    if found is None or not any(found.group("days", "hours", "minutes", "seconds")):
        return _spelled(text)
    days, hours, minutes, seconds = (float(part or 0) for part in found.group("days", "hours", "minutes", "seconds"))
    sign = -1.0 if found["sign"] else 1.0
    within = sign * (hours * 3_600 + minutes * 60 + seconds)  # of "-1 days +02:00:00", 22 hours before, it is positive
    return within + days * 86_400


def has_two_parts(text: str) -> bool:
    """Whether a text is a clock of two numbers, such as 4:13."""
    return _TWO_PARTS.fullmatch(text) is not None


def _spelled(text: str) -> float:
    """Return the seconds of a duration in units, the largest first: "P1DT2H", "2 years 3 months", "1h 5m"."""
    iso = _ISO_DURATION.fullmatch(text)
    if iso is not None and any(iso.groups()[1:]):
        parts = [(amount, size) for amount, size in zip(iso.groups()[1:], TIMES, strict=True) if amount]
    elif _SPELLED.fullmatch(text):
        parts = [(amount, SECONDS_OF.get(unit_key(name), 0.0)) for amount, name in _AMOUNT.findall(text)]
        if len(parts) > 1 and parts[0][1] == SECONDS_OF["y"] and parts[1][1] == SECONDS_OF["m"]:
            parts[1] = parts[1][0], SECONDS_OF["month"]  # "10y 3m"
    else:
        raise ValueError(text)
    sizes = [size for _, size in parts]
    if not all(sizes) or sizes != sorted(set(sizes), reverse=True):
        raise ValueError(text)
    total = sum(float(amount.replace(",", ".")) * size for amount, size in parts)
    return -total if text.startswith("-") else total
