"""How the dates of a column are written: one form, or several in the order in which they are tried."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, time

import numpy as np

from automl.data.strays import STRAY_KINDS, STRAY_SHARE, parses, sampled
from automl.errors import DataError
from automl.runtime.date_words import tidy
from automl.runtime.dates import JSON_DATE, NO_DAY, is_period, moment, plain_date
from automl.runtime.labels import labels
from automl.runtime.missing import is_missing, says_nothing
from automl.runtime.plain import seen
from automl.runtime.printable import shown

DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
    "%m-%d-%y", "%d-%m-%y", "%Y-%m-%d", "%Y.%m.%d", "%m.%d.%Y", "%d %m %Y", "%Y %m %d", "%d %b %Y", "%d-%b-%Y",
    "%b %d, %Y", "%b %d %Y", "%d-%b-%y", "%d %b %y", "%d/%b/%Y", "%d/%b/%y", "%b-%d-%Y", "%b/%d/%Y", "%d %b, %Y",
    "%d. %b %Y", "%Y-%b-%d", "%Y %b %d", "%Y/%b/%d", "%d%b%Y", "%d%b%y", "%y-%m-%d", "%y/%m/%d",
    "%b %d, %y", "%b %d %y",
)  # fmt: skip
# Without a time of the day.
_OTHERS = (
    "%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%b %Y", "%b, %Y", "%b-%Y", "%b-%y", "%b %y", "quarter", "half",
    "month", "week", "day", "%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%b %d %H:%M:%S %Y", JSON_DATE,
)  # fmt: skip
_TIMES = ("time", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I %p")
SHOWN = ("2024-12-31", "31/12/2024", "12/31/2024", "31.12.2024", "Dec 31, 2024", "31-Dec-24", "20241231235959", "23:59")
_CLOCK = re.compile(
    r" \d{1,2}:\d\d(?P<s>:\d\d(?P<f>\.\d+)?)?(?P<p> ?[ap]m)?(?P<z> ?(?:[+-]\d\d:?\d\d))?$", re.IGNORECASE
)
# A first look at a column takes this many values, which tell what forms there may be.
_LOOK = 25
_TIME_NAME = re.compile(
    r"(?:^|[_\s.-])(?i:time|timestamp|ts|date|datetime|epoch|unix|unixtime|created|updated|modified|at|when)(?:$|[_\s.-])"
    r"|[a-z](?:Time|Timestamp|Date|Epoch|At)$"
)
_DATE_NAME = re.compile(r"(?:^|[_\s.-])(?i:date|datetime)(?:$|[_\s.-])|[a-z]Date$")
_SHEET_DAYS = (20_000, 75_000)  # from 1954 to 2105
_CLEAR_GAP = 10  # years
_MONTH = re.compile(r"(?:0[1-9]|1[0-2])\.(?:19|20)\d\d")
_IN_MONTH = re.compile(r"[^\W\d_]{3,9}\.?[\s-]\d\d$")  # Aug-19
_LAST_OF_MONTHS = range(28, 32)  # which say that Mar-05 is a day of a month
_AREA = re.compile(r"\d+\s?[mM][23]")  # or a volume
_FEWEST_MONTHS = 5  # different ones, of numbers such as 201612
_FIRST, _LAST = 1_900, 2_100  # years of dates that are written in digits alone
_OF_DIGITS = {6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
# The last day, month or minute that such a form can write: "until further notice".
_NO_END = (999912, 99991231, 999912310000, 999912312359, 99991231000000, 99991231235959)
_EPOCHS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_SECONDS = (2.5e8, 4.2e9)  # from 1977 to 2103


def formats(values: np.ndarray) -> tuple[str, ...]:
    """Return the forms of the dates of a column, in the order to try them; none where it holds something else.

    Dates that are numbers count, where they are evident: see ``of_numbers``.
    """
    if values.dtype.kind == "M":
        return ("iso",)
    if typed := of_objects(values):
        return (typed,)
    if values.dtype.kind in "biuf":
        return ()
    return of_texts("", Counter(labels(values).tolist()))


def of_objects(values: np.ndarray) -> str:
    """Return the form of dates that are objects of Python or pandas, or of times of the day; "" for anything else."""
    present = [value for value in values.tolist() if not is_missing(value)]
    if not present or not all(isinstance(value, (date, time)) or is_period(value) for value in present):
        return ""
    return "time" if any(isinstance(value, time) for value in present) else "iso"


def of_texts(name: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the forms of dates in which nearly all of some texts are written, in the order to try them.

    Raises ``DataError`` where some dates can only have the day first and others only the month.
    """
    distinct = [text for text in counts if text and not says_nothing(text)]
    sample = sampled(distinct)
    if not any(map(_may_be_dates, sample[:_LOOK])):
        return ()
    left, found = sample, []
    while left and (best := _best(left)) is not None:
        found.append(best)
        left = [text for text in left if not _parses(text, best)]
        # Both orders of day and month in one column are two conventions, not two forms.
        _refuse_both_orders(name, best, left, distinct)
    if found and left and all(map(_is_sheet_day, left)):
        found, left = [*found, "sheet days"], []
    if {"%b-%y", "%b %y"}.intersection(found) and _are_days_of_months(distinct):
        return ()
    if "month" in found and all(map(_AREA.fullmatch, distinct)):
        return ()
    few = len(left) <= STRAY_KINDS and len(sample) - len(left) > STRAY_KINDS
    if not found or not (few or len(left) <= len(sample) * STRAY_SHARE):
        return ()
    left = [text for text in distinct if not any(_parses(text, form) for form in found)]
    while left and (best := _best(left)) is not None:
        _refuse_both_orders(name, _other_order(best), left, distinct)
        found.append(best)
        left = [text for text in left if not _parses(text, best)]
    return tuple(sorted(found, key=lambda form: form != "iso"))


def _may_be_dates(text: str) -> bool:
    n_digits = sum(map(str.isdigit, text))
    if len(text) >= 80 or not n_digits:
        return False
    return n_digits >= 3 or ":" in text or "'" in text or text.lower().endswith("m") or bool(_IN_MONTH.match(text))


def _are_days_of_months(texts: Sequence[str]) -> bool:
    """Whether the numbers behind months, as in Mar-05, are days, not years: they are from 1 to 31 and reach the end."""
    behind = {int(text[-2:]) for text in texts if _IN_MONTH.match(text)}
    return bool(behind) and min(behind) > 0 and max(behind) in _LAST_OF_MONTHS


def _is_sheet_day(text: str) -> bool:
    """Whether a number may be a day as sheets count them: what becomes of some dates where they are saved as text."""
    try:
        return _SHEET_DAYS[0] <= float(text) <= _SHEET_DAYS[1]
    except ValueError:
        return False


def _parses(text: str, form: str) -> bool:
    return parses(text, lambda value: moment(value, form))


def _best(texts: Sequence[str]) -> str | None:
    """Return the form that most of ``texts`` are written in, the first known of equals."""
    first = texts[:_LOOK]
    hopeful = [form for form in _candidates(first) if any(_parses(text, form) for text in first)]
    n_parsed = {form: sum(_parses(text, form) for text in texts) for form in hopeful}
    return max(hopeful, key=n_parsed.__getitem__, default=None)


def _candidates(texts: Sequence[str]) -> list[str]:
    """Return the forms that may fit, with the times of the day that ``texts`` have."""
    times = dict.fromkeys(_time_form(text) for text in texts)
    return ["iso", *(day + time for day in DAYS for time in times), *_OTHERS, *_TIMES]


def _time_form(text: str) -> str:
    found = _CLOCK.search(tidy(plain_date(text)).replace("T", " "))
    if found is None:
        return ""
    hour = "%I" if found["p"] else "%H"
    parts = [f" {hour}:%M", ":%S" if found["s"] else "", ".%f" if found["f"] else "", " %p" if found["p"] else ""]
    return "".join(parts) + ((" %z" if found["z"].startswith(" ") else "%z") if found["z"] else "")


def _other_order(form: str) -> str:
    return form.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")


def _has_other_order(form: str) -> bool:
    return form.startswith(("%m/%d", "%d/%m", "%m-%d", "%d-%m", "%m.%d", "%d.%m"))


def _refuse_both_orders(name: str, form: str, left: Sequence[str], distinct: Sequence[str]) -> None:
    other = _other_order(form)
    one = next((text for text in left if _parses(text, other)), None) if _has_other_order(form) else None
    fits_alone = (text for text in distinct if _parses(text, form) and not _parses(text, other))
    if one is not None and (two := next(fits_alone, None)) is not None:
        raise DataError(
            f"Column '{name}' holds dates in two conventions: '{shown(two)}' fits {form} alone, and "
            f"'{shown(one)}' fits {other} alone. Write them all as 2024-12-31, or declare the column "
            "categorical."
        )


def ambiguous(forms: Sequence[str], counts: Mapping[str, int]) -> str:
    """Return the form with the month first that fits no better than the one with the day first, "" where none is."""
    for form in forms:
        if form.startswith("%m") and _has_other_order(form):
            fitting = [text for text in counts if text and _parses(text, form)]
            if fitting and all(_parses(text, _other_order(form)) for text in fitting):
                return form
    return ""


def of_digits(texts: Collection[str]) -> str:
    """Return the form of texts of eight digits that all are days between 1900 and 2100, "" for others: 31122016.

    Zeros or nines may stand in the place of one, and a day of the year 9999 for no end.
    """
    days = [text for text in texts if not is_no_day(text)]
    if not days or not all(len(text) == 8 and text.isdecimal() for text in days):
        return ""
    if not all(_FIRST <= int(text[4:]) <= _LAST or text.endswith("9999") for text in days):
        return ""
    fitting = (form for form in ("%d%m%Y", "%m%d%Y") if all(_parses(text, form) for text in days))
    return next(fitting, "")


def is_no_day(text: str) -> bool:
    """Whether a text says, among days that are written in digits alone, that there is none: 00000000, 99999999."""
    return says_nothing(text) or NO_DAY.fullmatch(text) is not None


def of_codes(values: np.ndarray) -> str:
    """Return the form of texts that read as numbers and are dates, "" for others: 31122016, 07.2016."""
    if values.dtype != object or not all(isinstance(value, str) for value in values.tolist()):
        return ""
    texts = Counter(text for text in map(seen, values.tolist()) if not says_nothing(text))
    if not texts:
        return ""
    return "%m.%Y" if are_months([*texts]) else of_digits(texts)


def are_months_of_years(texts: Sequence[str]) -> bool:
    """Whether nearly all are months such as 2016M03, which is no length of 2,016.03 m; 1990m2 alone is an area."""
    sample = sampled(texts)
    failures = sum(not _parses(text, "month") for text in sample)
    return failures <= len(sample) * STRAY_SHARE and not all(map(_AREA.fullmatch, texts))


def are_months(texts: Sequence[str]) -> bool:
    """Whether all are months such as 07.2016, which are no numbers: some begin with a zero."""
    return any(text[:1] == "0" for text in texts) and all(map(_MONTH.fullmatch, texts))


def first_year(moments: np.ndarray, forms: str | tuple[str, ...]) -> int:
    """Return the first of the hundred years that two digits mean, 0 for what ``strptime`` takes them for, from 1969.

    It is 0 too where none of the ``forms`` that ``moments`` were read with has two digits for the year.
    The years that occur lie together, and so around the widest gap; they began by 2029 and end by 2068.
    """
    if not any("%y" in form for form in ([forms] if isinstance(forms, str) else forms)):
        return 0
    years = np.unique(moments[~np.isnat(moments)].astype("datetime64[Y]").astype(np.int64) + 1970)
    codes = np.unique(years % 100)
    gaps = np.diff(codes, append=codes[0] + 100)
    widest = int(gaps.argmax())
    first = 2000 + int(codes[(widest + 1) % len(codes)])
    last = first + 100 - int(gaps[widest])
    first -= 100 if first > 2029 or last > 2068 else 0
    if gaps[widest] < _CLEAR_GAP or (years[0] >= first and years[-1] <= first + 99):
        return 0
    return first - int(gaps[widest]) // 2


# ----------------------------------------------------------------------------------- dates that are numbers


def of_numbers(name: str, values: np.ndarray, declared: bool = False) -> str:
    """Return the form of whole numbers that evidently are dates, "" where they are not.

    20240131, 20240131235959 and the like, where all are days between 1900 and 2100, or say in the place of one that
    there is none or no end (``no_day``, 99991231); and seconds (or ms, us, ns) since
    1970, where the column is ``declared`` to hold dates, or called like a time; and days since 1899-12-30, as sheets
    count them, where it is called a date, with the time of the day as their fraction.
    """
    present = values[~np.isnan(values)]
    if not len(present) or np.isinf(present).any():
        return ""
    is_whole = bool((present == np.round(present)).all())
    days = present[~no_day(present) & ~np.isin(present, _NO_END)]
    width = len(str(int(days.max()))) if len(days) else 0
    few = _FEWEST_MONTHS if width == 6 else 2
    if is_whole and width in _OF_DIGITS and (declared or len(np.unique(days)) > few) and _are_days(days, width):
        return _OF_DIGITS[width]
    if present.min() <= 0:
        return ""
    if declared and is_whole and present.min() >= _FIRST and present.max() <= _LAST:
        return "%Y"
    is_date = declared or _DATE_NAME.search(name)
    if is_date and _SHEET_DAYS[0] <= present.min() and present.max() <= _SHEET_DAYS[1]:
        return "sheet days"
    if not declared and not _TIME_NAME.search(name):
        return ""
    fitting = (
        form for form, ticks in _EPOCHS.items()
        if _SECONDS[0] * ticks <= present.min() and present.max() <= _SECONDS[1] * ticks
    )  # fmt: skip
    return next(fitting, "")


def no_day(values: np.ndarray) -> np.ndarray:
    """Return which numbers say that there is none, among days such as 20240131: 0, and nines alone."""
    return np.isin(values, [0, *(10**width - 1 for width in _OF_DIGITS)])


def _are_days(values: np.ndarray, width: int) -> bool:
    digits = values.astype(np.int64) if width > 6 else values.astype(np.int64) * 100 + 1
    width = max(width, 8)
    day = digits // 10 ** (width - 8)
    year, month, day = day // 10_000, day // 100 % 100, day % 100
    if not ((year >= _FIRST) & (year <= _LAST) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all():
        return False
    if width > 8:
        hour, minute = digits // 10 ** (width - 10) % 100, digits // 10 ** (width - 12) % 100
        if not ((hour < 24) & (minute < 60)).all() or (width == 14 and not (digits % 100 < 60).all()):
            return False
    first = np.array(year - 1970, "datetime64[Y]").astype("datetime64[M]") + (month - 1)
    length = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    return bool((day <= length.astype(np.int64)).all())
