"""What each column is: numeric, categorical, boolean, datetime, text, or not used."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from automl import runtime
from automl.data.vocabulary import build_vocabulary
from automl.errors import DataError, unknown_name
from automl.task import Column, Role

MAX_LEVELS = 1000
ROLES: tuple[Role, ...] = ("numeric", "categorical", "boolean", "datetime", "text", "dropped")
DATE_PATTERNS = (
    "iso", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d/%m/%y", "%Y-%m",
    "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_ID_NAME = re.compile(r"(?:^|[_\s.-])(?i:id|idx|index|uuid|guid|row|unnamed: \d+)$|[a-z](?:ID|Id)$")
# A column is a broken number (or date) column, not a category, when strays are this rare among this many values.
_STRAY_SHARE = 0.05
_STRAY_KINDS = 10
_REGULAR_KINDS = 10


@dataclass
class _Log:
    """What is found along the way: notes, and how many values each column lacks."""

    seed: int
    row_numbers: Sequence[int] | None
    notes: list[str] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)


def infer_columns(
    columns: Mapping[str, np.ndarray],
    roles: Mapping[str, Role],
    drop: Mapping[str, str],
    only_text: bool = False,
    seed: int = 0,
    row_numbers: Sequence[int] | None = None,
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return a ``Column`` for each of ``columns``, and notes.

    ``roles``: what is declared instead of inferred. ``drop``: columns not to use, with the reason.
    ``only_text``: use columns of text and nothing else. ``row_numbers``: how errors call the rows.
    """
    _check_roles(roles, columns)
    found: list[Column] = []
    log = _Log(seed, row_numbers)
    for name, values in columns.items():
        if name in drop:
            column = Column(name, "dropped", reason=drop[name])
        elif name in roles:
            column = _declared(name, values, roles[name], log)
        elif only_text:
            column = _text_or_nothing(name, values, log)
        else:
            column = _inferred(name, values, log)
        found.append(column)
    if all(c.role == "dropped" for c in found):
        reasons = "; ".join(f"'{c.name}': {c.reason}" for c in found[:10]) or "there is no column besides the target"
        raise DataError(f"No column can be used ({reasons}). Declare what a column is with roles={{column: role}}.")
    return tuple(found), (*_summary(found, log, columns), *log.notes)


def _check_roles(roles: Mapping[str, Role], columns: Mapping[str, np.ndarray]) -> None:
    for name, role in roles.items():
        if name not in columns:
            raise unknown_name("column in roles", name, columns)
        if role not in ROLES:
            raise unknown_name(f"role of column '{name}'", role, ROLES)


def _summary(columns: Sequence[Column], log: _Log, values: Mapping[str, np.ndarray]) -> list[str]:
    notes = []
    for role in ROLES[:-1]:
        names = [c.name for c in columns if c.role == role]
        if names:
            notes.append(f"{len(names)} {role}: {_some(names)}.")
    notes += [f"Column '{runtime.shown(c.name)}' is not used: {c.reason}." for c in columns if c.role == "dropped"]
    gaps = {c.name: log.missing.get(c.name, 0) for c in columns if c.role != "dropped"}
    shares = [
        f"{name} ({gaps[name] / len(values[name]):.1%})" for name in sorted(gaps, key=lambda n: -gaps[n]) if gaps[name]
    ]
    if shares:
        notes.append(f"Missing values in {len(shares)} of the columns: {_some(shares)}.")
    return notes


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(map(runtime.shown, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")


# ------------------------------------------------------------------------------------------- declared


def _declared(name: str, values: np.ndarray, role: Role, log: _Log) -> Column:
    if role == "dropped":
        return Column(name, "dropped", reason="declared so")
    if role == "categorical":
        return _categorical(name, Counter(runtime.labels(values).tolist()), log)
    if role == "text":
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    if role == "datetime":
        pattern = date_pattern(values)
        if pattern is None:
            example = next((v for v in values if not runtime.is_missing(v)), "")
            raise DataError(
                f"Column '{name}' is declared datetime, but values like '{runtime.shown(example)}' are in none of the "
                f"known forms ({', '.join(DATE_PATTERNS)}). Write its dates as 2024-12-31, "
                "or declare it text or categorical."
            )
        return Column(name, "datetime", format=pattern)
    return Column(name, role)  # encoding names the value that is not a number or not true or false


def _text_or_nothing(name: str, values: np.ndarray, log: _Log) -> Column:
    if values.dtype == object and runtime.numbers(values)[1] >= 0:
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    return Column(name, "dropped", reason="it is no text")


# ------------------------------------------------------------------------------------------- inferred


def _inferred(name: str, values: np.ndarray, log: _Log) -> Column:
    if values.dtype.kind == "b":
        return _unless_constant(values, log, Column(name, "boolean"))
    if values.dtype.kind == "M":
        return _unless_constant(values, log, Column(name, "datetime", format="iso"))
    first = next((v for v in values if not runtime.is_missing(v)), None)
    if first is None:
        return Column(name, "dropped", reason="every value is missing")
    if runtime.label(first) not in ("True", "False"):
        parsed, bad = runtime.numbers(values)
        if bad < 0 and not holds_codes(values):
            return _number(name, parsed, log)
    return _from_strings(name, values, log)


def holds_codes(values: np.ndarray) -> bool:
    """Whether whole numbers are written with leading zeros (02139, 007), which say that they name something."""
    if values.dtype != object:
        return False
    is_padded = False
    for value in values.tolist():
        if not isinstance(value, str):
            continue
        text = value if value.isdecimal() else value.strip()
        if text.isdecimal():
            is_padded = is_padded or (text[0] == "0" and text != "0")
        elif not text.lstrip("+-").isdecimal() and text not in runtime.MISSING:
            return False  # a fraction or a word, in most columns in the first row
    return is_padded


def _unless_constant(values: np.ndarray, log: _Log, column: Column) -> Column:
    name = column.name
    present = values if values.dtype.kind == "b" else values[~np.isnat(values)]
    log.missing[name] = len(values) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(values) and (present == present[0]).all():
        return Column(name, "dropped", reason=f"every value is {runtime.label(present[0])}")
    return column


def _number(name: str, values: np.ndarray, log: _Log) -> Column:
    present = values[~np.isnan(values)]
    log.missing[name] = len(values) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(values) and present.min() == present.max():
        return Column(name, "dropped", reason=f"every value is {present[0]:g}")
    if _ID_NAME.search(name) and (present == np.round(present)).all() and len(np.unique(present)) == len(values):
        return Column(name, "dropped", reason="its name and its values, all different, are those of an identifier")
    return Column(name, "numeric")


def _from_strings(name: str, values: np.ndarray, log: _Log) -> Column:
    counts = Counter(runtime.labels(values).tolist())
    n_missing = log.missing[name] = counts.pop("", 0)
    distinct = list(counts)
    n_present = len(values) - n_missing
    if len(distinct) == 1 and not n_missing:
        return Column(name, "dropped", reason=f"every value is '{runtime.shown(distinct[0])}'")
    if counts.keys() <= {"True", "False"}:
        return Column(name, "boolean")
    if all(isinstance(v, date) for v in values if not runtime.is_missing(v)):
        return Column(name, "datetime", format="iso")
    refuse_strays(name, values, counts, "numbers", runtime.number, log.row_numbers)
    pattern = None if holds_codes(values) else _date_pattern(distinct)  # 00010203 is no day of the year 1
    if pattern is not None:
        refuse_strays(name, values, counts, "dates", lambda v: runtime.moment(v, pattern), log.row_numbers)
        if _all_parse(distinct, pattern):
            _note_ambiguous(name, distinct, pattern, log.notes)
            return Column(name, "datetime", format=pattern)
    if _is_text(distinct, n_present):
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    if len(distinct) == n_present and n_present >= 20:
        return Column(name, "dropped", reason="every value is different, like an identifier's")
    return _categorical(name, counts, log)


def _categorical(name: str, counts: Counter[str], log: _Log) -> Column:
    log.missing[name] = counts.pop("", 0) or log.missing.get(name, 0)
    if not counts:
        return Column(name, "dropped", reason="every value is missing")
    levels = sorted(counts, key=lambda level: (-counts[level], level))
    if len(levels) > MAX_LEVELS:
        log.notes.append(f"Column '{name}' keeps its {MAX_LEVELS:,} most frequent of {len(levels):,} levels.")
    return Column(name, "categorical", levels=tuple(sorted(levels[:MAX_LEVELS], key=_in_order)))


def _in_order(level: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before words."""
    try:
        return False, float(level), level
    except ValueError:
        return True, 0.0, level


def _is_text(distinct: Sequence[str], n_present: int) -> bool:
    """Sentences: several words, and seldom the same twice."""
    sample = distinct[:1000]
    words = float(np.mean([len(value.split()) for value in sample]))
    share = len(distinct) / n_present
    return (words >= 3 and share > 0.5 and len(distinct) >= 5) or (words >= 8 and share > 0.1)


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
    strays = [value for value in counts if not _parses(value, parse)]
    n_strays = sum(counts[value] for value in strays)
    regular = len(counts) - len(strays)
    few = len(strays) <= _STRAY_KINDS and (n_strays <= _STRAY_SHARE * sum(counts.values()) or n_strays == 1)
    if strays and few and regular > _REGULAR_KINDS:
        found = runtime.labels(values)
        position = int(np.flatnonzero(found == strays[0])[0])
        row = position + 1 if row_numbers is None else row_numbers[position]
        raise DataError(
            f"Column '{name}' must hold values of one type; it holds {what}, but row {row} has "
            f"'{runtime.shown(strays[0])}' ({n_strays} such {'row' if n_strays == 1 else 'rows'}). Correct or empty "
            f"those fields, or declare the column categorical."
        )


def _parses(value: str, parse: Callable[[str], object]) -> bool:
    try:
        parse(value)
    except (ValueError, TypeError):
        return False
    return True


# ---------------------------------------------------------------------------------------------- dates


def date_pattern(values: np.ndarray) -> str | None:
    """Return how the dates of a column are written ("iso" or a ``strptime`` pattern), None where it holds none."""
    if values.dtype.kind == "M":
        return "iso"
    return _date_pattern([value for value in dict.fromkeys(runtime.labels(values).tolist()) if value])


def _date_pattern(distinct: Sequence[str]) -> str | None:
    """Return the first known pattern that nearly all of a sample is written in."""
    sample = list(distinct[:: max(1, len(distinct) // 200)])[:200]
    # Every known form has at least six digits or a month's name with five.
    if not sample or sum(c.isdigit() for c in sample[0]) < 4:
        return None
    patterns = [p + time for p in DATE_PATTERNS for time in (_TIMES if p not in ("iso", "%Y-%m", "%Y%m%d") else ("",))]
    allowed = len(sample) * _STRAY_SHARE
    best: tuple[int, str] | None = None
    for pattern in patterns:
        failures = 0
        for value in sample:
            failures += not _parses(value, lambda v, p=pattern: runtime.moment(v, p))  # type: ignore[misc]
            if failures > allowed:
                break
        else:
            if best is None or failures < best[0]:
                best = failures, pattern
    return None if best is None else best[1]


def _all_parse(distinct: Sequence[str], pattern: str) -> bool:
    return runtime.dates(np.array(distinct, dtype=object), pattern)[1] < 0


def _note_ambiguous(name: str, distinct: Sequence[str], pattern: str, notes: list[str]) -> None:
    other = pattern.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")
    if pattern.startswith("%m") and _all_parse(distinct, other):
        notes.append(f"The dates of column '{name}' fit both month first and day first; they are read as {pattern}.")
