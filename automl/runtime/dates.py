"""Columns of dates and times, as their schema reads them."""

import contextlib
import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np

from automl.runtime.arrays import as_array
from automl.runtime.date_words import tidy
from automl.runtime.each import each
from automl.runtime.missing import is_missing, marks_of, says_nothing
from automl.runtime.periods import PERIODS, first_day
from automl.runtime.plain import in_ascii, plain_text, unquoted
from automl.runtime.schema import UNKNOWN, Column
from automl.runtime.zones import zone_apart, zone_of

JSON_DATE = "/Date(ms)/"  # the form that .NET writes
_FIRST_DAY = date(1900, 1, 1)  # strptime's, where only a time is given
_EPOCH = datetime(1970, 1, 1)
_SHEET_EPOCH = datetime(1899, 12, 30)
_TICKS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_DIGITS_OF = {
    "%Y": 4,
    "%Y%m": 6,
    "%Y%m%d": 8,
    "%d%m%Y": 8,
    "%m%d%Y": 8,
    "%Y%m%d%H%M": 12,
    "%Y%m%d%H%M%S": 14,
}  # forms without a mark, and their length
NO_DAY = re.compile(r"0+|9+")  # in the place of one that is written in digits alone
_ISO = re.compile(r"\d{4}-(?:\d\d-\d\d|W\d\d(?:-\d)?)(?:$|[T ]\d)|\d{8}(?:$|T\d)|(?:19|20)\d\dW\d\d[1-7]$")
_SIGNED = re.compile(r"[+-]\d")
_ONE_DIGIT = re.compile(r":\d(?!\d)")
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_STAMP = re.compile(r"^((?:19|20)\d{6})(?:[ _-](?=\d{6}(?:\D|$))|[ _](?=\d{4}$))")  # 20160618_171759
_JSON = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_MIDNIGHT = re.compile(r"(?<=[\dT] )24:00(?::00(?:\.0+)?)?|(?<=\dT)24:00(?::00(?:\.0+)?)?")
_LEAP_SECOND = re.compile(r"(?<=:59):60\b")


def moment(value: Any, formats: str | Sequence[str], column: Column = UNKNOWN) -> datetime | None:
    """Return a date without time zone, None where missing.

    ``formats``, tried in their order: "iso", "time" (10:30), one of ``PERIODS`` (2016-Q2), "epoch s" (also ms, us,
    ns), ``JSON_DATE``, "sheet days" (since 1899-12-30), or one of ``datetime.strptime``, which takes ``tidy`` text.
    Raises ``ValueError`` for what is in none of them.
    """
    if is_missing(value, marks_of(column)):
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if is_period(value):
        return _EPOCH + timedelta(microseconds=value.asfreq("us", "start").ordinal)
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, time):
        return datetime.combine(_FIRST_DAY, value.replace(tzinfo=None))
    text, region = zone_apart(_bare(plain_text(value)))
    text, later = _within_days(text)
    patterns = (formats,) if isinstance(formats, str) else formats
    for pattern in patterns:
        with contextlib.suppress(ValueError, OverflowError):
            when = _in_century(_parsed(text, pattern), pattern, column.get("since", 0)) + later
            return _utc(_placed(when, region))
    in_digits = any(pattern in _DIGITS_OF for pattern in patterns)
    if column and (says_nothing(text) or (in_digits and NO_DAY.fullmatch(text))):
        return None
    raise ValueError(value)


def is_period(value: Any) -> bool:
    """Whether a value is a period of pandas, such as a week: its date is its first moment."""
    return hasattr(value, "to_timestamp") and hasattr(value, "asfreq")


def _utc(when: datetime) -> datetime:
    if when.tzinfo is not None:
        # Left as it is: a sentinel such as 9999-12-31T23:59:59-05:00, in UTC in the year 10000.
        with contextlib.suppress(OverflowError):
            when = when.astimezone(timezone.utc)  # noqa: UP017
    return when.replace(tzinfo=None)


def _within_days(text: str) -> tuple[str, timedelta]:
    """Return a text without the end of a day, 24:00, or a leap second, and what is to be added for it."""
    if _MIDNIGHT.search(text):
        return _MIDNIGHT.sub("00:00", text), timedelta(days=1)
    return (_LEAP_SECOND.sub(":59", text), timedelta(seconds=1)) if _LEAP_SECOND.search(text) else (text, timedelta(0))


def _in_century(when: datetime, pattern: str, since: int) -> datetime:
    """Return a date whose year has two digits as the one of the hundred years from ``since`` on."""
    return when.replace(year=since + (when.year - since) % 100) if since and "%y" in pattern else when


def _parsed(text: str, pattern: str) -> datetime:
    if pattern in PERIODS:
        return first_day(text, pattern)
    if pattern == "iso":
        if not _ISO.match(text):  # fromisoformat takes any sign between date and time, and 12345-6789 for a time
            raise ValueError(text)
        return datetime.fromisoformat(_SPACED_OFFSET.sub("", text))
    if pattern == JSON_DATE and (found := _JSON.fullmatch(text)):
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    if pattern == "time" and text[2:3] == ":" and text[5:6] != ".":
        return datetime.combine(_FIRST_DAY, time.fromisoformat(text).replace(tzinfo=None))
    if pattern in _TICKS:
        return _EPOCH + timedelta(seconds=float(text) / _TICKS[pattern])
    if pattern == "sheet days":
        return _SHEET_EPOCH + timedelta(days=float(text))
    # 4:3 is no time of a day, though strptime takes it; and a sign means a year before Christ, or a duration.
    if _ONE_DIGIT.search(text) or _SIGNED.match(text):
        raise ValueError(text)
    if text.isdecimal() != (pattern in _DIGITS_OF) or len(text) != _DIGITS_OF.get(pattern, len(text)):
        raise ValueError(text)
    return datetime.strptime(tidy(text), pattern.replace("%B", "%b"))


def plain_date(text: str) -> str:
    """Return a date in ASCII, without quotes and brackets, a known time zone as its offset."""
    return zone_apart(_bare(text))[0]


def _bare(text: str) -> str:
    text = unquoted(in_ascii(text))
    text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return _STAMP.sub(r"\1T", text)


def _placed(when: datetime, region: str) -> datetime:
    """Return a date in the zone of a region, unless it has an offset, or is a time of the day."""
    is_local = region and when.tzinfo is None and when.date() != _FIRST_DAY
    return when.replace(tzinfo=zone_of(region)) if is_local else when


def dates(values: Any, formats: str | Sequence[str], column: Column = UNKNOWN) -> tuple[np.ndarray, int]:
    """Return (n,) datetime64[us], NaT where missing, and the position of the first value that is no date, or -1."""
    array = as_array(values)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]"), -1
    result, bad = each(array, lambda value: moment(value, formats, column))
    return np.array(result, dtype="datetime64[us]"), bad
