"""Half-years, quarters, months, weeks and days of a year, as statistics and calendars number them."""

import re
from datetime import datetime

_SIGN, _SHORT_YEAR = r"[\s./_'-]*", r"(?P<year>\d{4}|\d\d)"
# Of letters that may be a unit or a code: centuries in which there are such statistics, and a sign where digits meet.
_LATE_YEAR, _APART = r"(?P<year>(?:1[89]|2[01])\d\d)", r"[\s./_'-]+"
_NTH = r"(?:st|nd|rd|th|er|e|º|\.)?\s*"
_HALF = "H|S|HJ|half|halbjahr|semestre|semester"
PERIODS = {
    "half": (
        re.compile(rf"(?i){_LATE_YEAR}{_SIGN}(?:{_HALF})\s?(?P<part>[12])"),
        re.compile(rf"(?i)(?:{_HALF})\s?(?P<part>[12]){_APART}{_LATE_YEAR}"),
        re.compile(rf"(?i)(?P<part>[12]){_NTH}(?:{_HALF}){_SIGN}{_LATE_YEAR}"),
    ),
    "quarter": (
        re.compile(rf"(?i)(?:FY\s?)?(?P<year>\d{{4}}){_SIGN}Q(?P<part>[1-4])"),
        re.compile(rf"(?i)[QT](?P<part>[1-4]){_SIGN}{_SHORT_YEAR}"),
        re.compile(rf"(?i)(?P<part>[1-4]){_NTH}(?:Q|qtr|quarter|quartal|trimestre){_SIGN}{_SHORT_YEAR}"),
    ),
    "month": (
        re.compile(rf"(?i){_LATE_YEAR}{_SIGN}M(?P<part>\d{{1,2}})"),
        re.compile(rf"(?i)M(?P<part>\d{{1,2}}){_APART}{_LATE_YEAR}"),
    ),
    "day": (re.compile(r"(?P<year>(?:19|20)\d\d)[\s./-](?P<part>\d{3})"),),
    "week": (
        re.compile(rf"(?i)(?P<year>\d{{4}}){_SIGN}(?:W|KW|week)\s?(?P<part>\d{{1,2}})"),
        re.compile(rf"(?i)(?:W|KW|CW|wk|week)\s?(?P<part>\d{{1,2}}),?{_SIGN}(?P<year>\d{{4}})"),
    ),
}
_MONTHS_OF = {"half": 6, "quarter": 3, "month": 1}


def first_day(text: str, period: str) -> datetime:
    """Return the first day of "2016-S1", "Q2 2016", "2016M03", "2016-W05" or "2016-366", a day of a year."""
    found = next(filter(None, (form.fullmatch(text) for form in PERIODS[period])), None)
    if found is None:
        raise ValueError(text)
    year, part = int(found["year"]), int(found["part"])
    if period == "day":
        return datetime.strptime(f"{year}-{part:03}", "%Y-%j")
    if period == "week":
        return datetime.fromisocalendar(year, part, 1)
    year = year if year > 99 else year + (2000 if year < 69 else 1900)
    return datetime(year, _MONTHS_OF[period] * (part - 1) + 1, 1)
