"""What each column is: numeric, categorical, boolean, datetime, text, or not used."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from functools import cache
from typing import NoReturn

import numpy as np

from automl import runtime
from automl.data import dates, written
from automl.data.identity import ID_NAME
from automl.data.strays import STRAY_SHARE, refuse_strays
from automl.data.vocabulary import build_vocabulary
from automl.data.written import Decimals
from automl.errors import DataError, unknown_name
from automl.task import Column, Role

MAX_LEVELS = 1000
ROLES: tuple[Role, ...] = ("numeric", "categorical", "boolean", "datetime", "text", "dropped")
GAPS = frozenset(("",))  # what is missing whatever a table's words mean
# Words that may be levels: North America, or no garage. Signs such as "?" and "#N/A" never are.
_MAY_BE_LEVELS = frozenset(("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"))
_SOFT = {"role": "datetime"}  # a column in which what says nothing is missing
_PRECISION = 1e-6  # of the deviation, that float32 may lose
_LARGEST_SPREAD = 2.0**62


@dataclass
class _Log:
    """What is known of all columns, and what is found along the way: notes, and how many values each column lacks.

    ``declared``: the words that are missing, () for ``runtime.MISSING``.
    """

    seed: int
    row_numbers: Sequence[int] | None
    declared: tuple[str, ...]
    decimals: Decimals
    notes: list[str] = field(default_factory=list)
    missing: dict[str, int] = field(default_factory=dict)


def infer_columns(
    columns: Mapping[str, np.ndarray],
    roles: Mapping[str, Role],
    drop: Mapping[str, str],
    only_text: bool = False,
    seed: int = 0,
    row_numbers: Sequence[int] | None = None,
    missing: tuple[str, ...] = (),
    decimals: Decimals | None = None,
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return a ``Column`` for each of ``columns``, and notes.

    ``roles``: what is declared instead of inferred. ``drop``: columns not to use, with the reason.
    ``only_text``: use columns of text and nothing else. ``row_numbers``: how errors call the rows. ``missing``: the
    words that are missing, where they are not those of ``runtime.MISSING``. ``decimals``: what is known of its marks.
    """
    _check_roles(roles, columns)
    found: list[Column] = []
    log = _Log(seed, row_numbers, missing, decimals or Decimals(evidence=evidence(columns)))
    for name, values in columns.items():
        if name in drop:
            column = Column(name, "dropped", reason=drop[name])
        elif name in roles:
            column = _declared(name, values, roles[name], log)
        elif only_text:
            column = _text_or_nothing(name, values, log)
        else:
            column = _inferred(name, values, log)
        found.append(column if column.role == "dropped" else replace(column, missing=missing))
    if all(c.role == "dropped" for c in found):
        reasons = "; ".join(f"'{c.name}': {c.reason}" for c in found[:10]) or "there is no column besides the target"
        raise DataError(f"No column can be used ({reasons}). Declare what a column is with roles={{column: role}}.")
    return tuple(found), (*_summary(found, log, columns), *log.notes)


def evidence(columns: Mapping[str, np.ndarray], separator: str = "") -> Callable[[], str]:
    """Return what finds the decimal mark that a table uses: where its columns prove one, or its ``separator`` tells."""

    @cache
    def found() -> str:
        texts = [[v for v in values[:200].tolist() if isinstance(v, str) and v] for values in columns.values()]
        proven = {written.mark_of(column) for column in texts} - {""}
        return proven.pop() if len(proven) == 1 else "" if proven else {";": ",", ",": "."}.get(separator, "")

    return found


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
        return _categorical(name, *_apart(name, values, log), log)
    if role == "text":
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    if role == "datetime":
        return _dates(name, values, _declared_dates(name, values, log), log)
    if role == "numeric":
        return _declared_number(name, values, log)
    return Column(name, role)  # encoding names the value that is not true or false


def _declared_number(name: str, values: np.ndarray, log: _Log) -> Column:
    column = Column(name, "numeric", missing=log.declared)
    is_plain = values.dtype.kind in "biufm" or (runtime.numbers(values)[1] < 0 and not _may_be_more(name, values, log))
    if not is_plain:
        counts, _ = _apart(name, values, log)
        column = replace(_as_written(name, counts, log) or column, missing=log.declared)
    parsed, center, bad = _parsed(values, column)
    # Encoding names the value that is no number.
    return column if bad >= 0 or not np.isfinite(parsed).any() else _centred(column, parsed, center)


def _as_written(name: str, counts: Counter[str], log: _Log) -> Column | None:
    """Return a column of numbers or durations with a note on how they are read, None for one of something else."""
    column = written.read(name, counts, log.decimals)
    if column is None and dates.are_durations(counts):
        return Column(name, "numeric", format="duration")
    if column is not None and (note := written.note(column, counts)):
        log.notes.append(note)
    return column


def _declared_dates(name: str, values: np.ndarray, log: _Log) -> str | tuple[str, ...]:
    if values.dtype.kind == "M":
        return "iso"
    parsed, bad = runtime.numbers(values)
    if bad < 0:
        form = dates.of_numbers(name, parsed, declared=True)
        # 20240131 in words is also an ISO date.
        return "iso" if form == "%Y%m%d" and values.dtype == object else form or _refuse_dates(name, values)
    forms = dates.of_texts(name, _apart(name, values, log)[0])
    return _one_or_all(forms) if forms else _refuse_dates(name, values)


def _refuse_dates(name: str, values: np.ndarray) -> NoReturn:
    example = next((v for v in values.tolist() if not runtime.is_missing(v)), "")
    raise DataError(
        f"Column '{name}' is declared datetime, but values like '{runtime.shown(example)}' are in none of the known "
        f"forms ({', '.join(dates.SHOWN)}, seconds since 1970). Write its dates as 2024-12-31, or declare it text or "
        "categorical."
    )


def _one_or_all(forms: tuple[str, ...]) -> str | tuple[str, ...]:
    return forms[0] if len(forms) == 1 else forms


def _text_or_nothing(name: str, values: np.ndarray, log: _Log) -> Column:
    if values.dtype == object and runtime.numbers(values)[1] >= 0:
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    return Column(name, "dropped", reason="it is no text")


# ------------------------------------------------------------------------------------------- inferred


def _inferred(name: str, values: np.ndarray, log: _Log) -> Column:
    column = Column(name, "numeric", missing=log.declared)
    if values.dtype.kind == "b":
        return _unless_constant(values, log, Column(name, "boolean"))
    if values.dtype.kind == "M":
        return _unless_constant(values, log, replace(Column(name, "datetime", format="iso"), center=_middle(values)))
    if values.dtype.kind == "m":
        return _number(replace(column, format="duration"), values, log)
    first = next((v for v in values if not runtime.is_missing(v)), None)
    if first is None:
        return Column(name, "dropped", reason="every value is missing")
    if isinstance(first, (timedelta, np.timedelta64)):
        return _number(replace(column, format="duration"), values, log)
    if runtime.label(first) not in ("True", "False") and not _may_be_more(name, values, log):
        parsed, bad = runtime.numbers(values, column.to_dict() if log.declared else {})
        if bad < 0 and not holds_codes(values):
            return _number(column, values, log, parsed)
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
        elif not text.lstrip("+-").isdecimal() and not runtime.says_nothing(text):
            return False  # a fraction or a word, in most columns in the first row
    return is_padded


def _may_be_more(name: str, values: np.ndarray, log: _Log) -> bool:
    """Whether texts that ``float`` reads may say something else: 1.234 beside 999, or +49 170 123456."""
    if values.dtype != object:
        return False
    some = [value for value in values[:200].tolist() if isinstance(value, str)]
    if some and all(text.startswith("+") for text in some):
        return True
    if not any("." in text for text in some) or not all(map(_has_no_fraction, some)):
        return False
    if "," in (log.decimals.of(name), log.decimals.evidence()):
        return True
    texts = [value for value in values.tolist() if isinstance(value, str)]
    return any("." not in text for text in texts) and all(map(_has_no_fraction, texts))


def _has_no_fraction(text: str) -> bool:
    """Whether a point in a number may be one of thousands: three digits follow."""
    head, point, tail = text.partition(".")
    return not point or (len(tail) == 3 and 0 < len(head.lstrip("-")) <= 3 and head[0] != "0")


def _unless_constant(values: np.ndarray, log: _Log, column: Column) -> Column:
    name = column.name
    present = values if values.dtype.kind == "b" else values[~np.isnat(values)]
    log.missing[name] = len(values) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(values) and (present == present[0]).all():
        return Column(name, "dropped", reason=f"every value is {runtime.label(present[0])}")
    return column


def _number(column: Column, values: np.ndarray, log: _Log, parsed: np.ndarray | None = None) -> Column:
    """Return a column of numbers, or of dates, where its numbers evidently are. ``parsed``: once they are read."""
    name = column.name
    parsed, center, _ = _parsed(values, column, parsed)
    present = parsed[~np.isnan(parsed)]
    log.missing[name] = len(parsed) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(parsed) and present.min() == present.max():
        return Column(name, "dropped", reason=f"every value is {present[0] + center:g}")
    if ID_NAME.search(name) and (present == np.round(present)).all() and len(np.unique(present)) == len(parsed):
        return Column(name, "dropped", reason="its name and its values, all different, are those of an identifier")
    form = "" if column.decimal or column.format else dates.of_numbers(name, parsed + center)
    if form:
        log.notes.append(f"The numbers of column '{runtime.shown(name)}' are read as dates ({form}).")
        return _dates(name, values, form, log)
    return _centred(column, parsed, center)


def _parsed(values: np.ndarray, column: Column, parsed: np.ndarray | None = None) -> tuple[np.ndarray, float, int]:
    """Return the numbers of a column, less a center where even float64 needs one, and the first that is none, or -1."""
    reading = column.to_dict()
    bad = -1
    if parsed is None:
        parsed, bad = runtime.numbers(values, reading)
    present = parsed[np.isfinite(parsed)]
    if bad >= 0 or not len(present) or np.abs(present).max() < 2.0**53 or np.ptp(present) >= _LARGEST_SPREAD:
        return parsed, 0.0, bad
    center = float(present[0])
    if values.dtype.kind == "f" or center != round(center) or abs(center) < 2.0**53:
        return parsed, 0.0, bad
    return runtime.numbers(values, {**reading, "center": center})[0], center, bad


def _centred(column: Column, values: np.ndarray, center: float) -> Column:
    """Subtract the median in float64 where float32 would lose too much of the differences."""
    present = values[np.isfinite(values)]
    if center or not len(present):
        return replace(column, center=center)
    middle = float(np.median(present))
    middle = float(round(middle)) if abs(middle) >= 1 else 0.0
    lost, kept = _lost(present), _lost(present - middle)
    return replace(column, center=middle) if lost > _PRECISION * present.std() and kept < lost / 2 else column


def _lost(values: np.ndarray) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(values - values.astype(np.float32)).max())


def _middle(moments: np.ndarray) -> float:
    """Return the day around which dates with a time of the day lie, from 1970; 0.0 where whole days say all."""
    days = moments[~np.isnat(moments)].astype("datetime64[us]").astype(np.int64) / 86_400e6
    return float(round(np.median(days))) if len(days) and (days != np.round(days)).any() else 0.0


def _apart(name: str, values: np.ndarray, log: _Log) -> tuple[Counter[str], Counter[str]]:
    """Return how often each text occurs, without what is missing, and how often each word that may be missing does."""
    counts = Counter(runtime.labels(values, GAPS).tolist())
    log.missing[name] = counts.pop("", 0)
    marks = log.declared or runtime.MISSING
    marked = Counter({text: counts.pop(text) for text in list(counts) if text in marks})
    return counts, marked


def kept_words(counts: Mapping[str, int], marked: Mapping[str, int], eligible: Collection[str]) -> list[str]:
    """Return the words of ``marked`` that are too frequent beside the others to be missing: they mean something.

    That is from 5 % of the values on, or where they are at least half as frequent as the other levels on average.
    """
    n_all = sum(counts.values()) + sum(marked.values())
    usual = sum(counts.values()) / max(1, len(counts))
    return [w for w, n in marked.items() if w in eligible and n > 1 and (n >= STRAY_SHARE * n_all or n >= usual / 2)]


def _from_strings(name: str, values: np.ndarray, log: _Log) -> Column:
    counts, marked = _apart(name, values, log)
    distinct = list(counts)
    n_missing = log.missing[name] + sum(marked.values())
    n_present = len(values) - n_missing
    if not counts:
        return Column(name, "dropped", reason="every value is missing")
    if len(distinct) == 1 and not n_missing:
        return Column(name, "dropped", reason=f"every value is '{runtime.shown(distinct[0])}'")
    if counts.keys() <= {"True", "False"}:
        log.missing[name] = n_missing
        return Column(name, "boolean")
    found = _numbers_or_dates(name, values, counts, log)
    if found is not None:
        return found
    if _is_text(distinct, n_present):
        return Column(name, "text", terms=build_vocabulary(values, log.seed))
    if len(distinct) == n_present and n_present >= 20:
        return Column(name, "dropped", reason="every value is different, like an identifier's")
    return _categorical(name, counts, marked, log)


def _numbers_or_dates(name: str, values: np.ndarray, counts: Counter[str], log: _Log) -> Column | None:
    types = {type(v) for v in values.tolist() if not runtime.is_missing(v)}
    if all(issubclass(kind, (date, time)) for kind in types):
        return _dates(name, values, "time" if any(issubclass(kind, time) for kind in types) else "iso", log)
    if holds_codes(values):
        return None  # 00010203 is no day of the year 1
    column = written.read(name, counts, log.decimals)
    if column is not None:
        column = replace(column, missing=log.declared)
        reading = column.to_dict()
        refuse_strays(name, values, counts, "numbers", lambda v: runtime.number(v, reading), log.row_numbers)
        parsed, bad = runtime.numbers(values, reading)
        if bad < 0:
            if note := written.note(column, counts):
                log.notes.append(note)
            _note_nothing(name, counts, "numbers", log)
            return _number(column, values, log, parsed)
    forms = dates.of_texts(name, counts)
    if forms:
        refuse_strays(name, values, counts, "dates", lambda v: runtime.moment(v, forms, _SOFT), log.row_numbers)
        if runtime.dates(np.array(list(counts), object), forms, _SOFT)[1] < 0:
            _note_nothing(name, counts, "dates", log)
            if order := dates.ambiguous(forms, counts):
                fit = f"The dates of column '{runtime.shown(name)}' fit both month first and day first"
                log.notes.append(f"{fit}; they are read as {order}.")
            return _dates(name, values, _one_or_all(forms), log)
    if dates.are_durations(counts):
        refuse_strays(name, values, counts, "durations", runtime.duration, log.row_numbers)
        column = Column(name, "numeric", format="duration", missing=log.declared)
        if runtime.numbers(values, column.to_dict())[1] < 0:
            _note_nothing(name, counts, "durations", log)
            return _number(column, values, log)
    return None


def _dates(name: str, values: np.ndarray, forms: str | tuple[str, ...], log: _Log) -> Column:
    column = Column(name, "datetime", format=forms, missing=log.declared)
    moments, bad = runtime.dates(values, forms, column.to_dict())
    if bad >= 0:
        return column  # encoding names the value
    log.missing[name] = int(np.isnat(moments).sum())
    return replace(column, center=_middle(moments))


def _note_nothing(name: str, counts: Mapping[str, int], what: str, log: _Log) -> None:
    """Say which words and signs count as missing among numbers or dates."""
    found = {text: n for text, n in counts.items() if runtime.says_nothing(text)}
    if found:
        shown = _some([f"'{text}' ({n})" for text, n in found.items()])
        holds = f"In column '{runtime.shown(name)}', which holds {what},"
        log.notes.append(f"{holds} these are missing, {sum(found.values())} in all: {shown}.")


def _categorical(name: str, counts: Counter[str], marked: Counter[str], log: _Log) -> Column:
    kept = [] if log.declared else kept_words(counts, marked, _MAY_BE_LEVELS)
    if kept and counts:
        log.notes.append(
            f"Column '{runtime.shown(name)}' has {' and '.join(map(repr, kept))} as a level, because it is frequent; "
            f"data.missing=[{', '.join(kept)}] makes it missing."
        )
        counts = counts + Counter({word: marked[word] for word in kept})
    log.missing[name] += sum(n for word, n in marked.items() if word not in counts)
    if not counts:
        return Column(name, "dropped", reason="every value is missing")
    levels = sorted(counts, key=lambda level: (-counts[level], level))
    if len(levels) > MAX_LEVELS:
        log.notes.append(f"Column '{name}' keeps its {MAX_LEVELS:,} most frequent of {len(levels):,} levels.")
    return Column(name, "categorical", levels=tuple(sorted(levels[:MAX_LEVELS], key=_in_order)))


def _in_order(level: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before words."""
    try:
        value = float(level)
    except ValueError:
        value = np.nan
    return (False, value, level) if value == value else (True, 0.0, level)


def _is_text(distinct: Sequence[str], n_present: int) -> bool:
    """Sentences: several words, and seldom the same twice."""
    sample = distinct[:1000]
    words = float(np.mean([len(value.split()) for value in sample]))
    share = len(distinct) / n_present
    return (words >= 3 and share > 0.5 and len(distinct) >= 5) or (words >= 8 and share > 0.1)
