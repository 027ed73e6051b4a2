"""The role of a column that nobody declared: numbers, dates, durations, truth values, text, categories, or none."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from automl.data import dates, durations, several, units, written
from automl.data.codes import are_padded, holds_codes, may_be_more, note_on_padded
from automl.data.findings import Findings, some
from automl.data.identity import ID_NAME
from automl.data.levels import apart, categorical, note_missing, note_nothing
from automl.data.offsets import centred, dated, less_center, middle
from automl.data.strays import lone_mark, note_on_words, parses, refuse_strays, words_for_nothing
from automl.data.vocabulary import build_vocabulary
from automl.runtime.dates import dates as read_dates
from automl.runtime.dates import moment
from automl.runtime.durations import duration
from automl.runtime.labels import label
from automl.runtime.missing import MISSING, is_missing, marks_of, says_nothing
from automl.runtime.numbers import number, numbers
from automl.runtime.printable import shown
from automl.runtime.several import several as read_several
from automl.runtime.truth import truth
from automl.task import Column

_DIGITS = re.compile(r"[\d\W]+")
_SOFT = {"role": "datetime"}  # a column in which what says nothing is missing


def inferred(name: str, values: np.ndarray, findings: Findings) -> Column:
    """Return a column with the role that its values show; see the notes in ``findings`` for how they are read."""
    column = Column(name, "numeric", missing=findings.declared)
    if values.dtype.kind == "b":
        return _unless_constant(values, findings, Column(name, "boolean"))
    if values.dtype.kind == "M":
        return _unless_constant(
            values, findings, replace(Column(name, "datetime", format="iso"), center=middle(values))
        )
    first = next((v for v in values if not is_missing(v)), None)
    if first is None:
        return Column(name, "dropped", reason="every value is missing")
    if durations.are_spans(values):
        return _number(replace(column, format="duration"), values, findings)
    if label(first) not in ("True", "False") and not may_be_more(name, values, findings):
        parsed, bad = numbers(values, column.to_dict() if findings.declared else {})
        if bad < 0 and not holds_codes(values):
            if said := note_on_padded(name, values):
                findings.notes.append(said)
            return _number(column, values, findings, parsed)
    return _from_strings(name, values, findings)


def text_or_nothing(name: str, values: np.ndarray, findings: Findings) -> Column:
    """Return a column of text, and any other as not used."""
    if values.dtype == object and numbers(values)[1] >= 0:
        return Column(name, "text", terms=build_vocabulary(values, findings.seed))
    return Column(name, "dropped", reason="it is no text")


def _unless_constant(values: np.ndarray, findings: Findings, column: Column) -> Column:
    name = column.name
    present = values if values.dtype.kind == "b" else values[~np.isnat(values)]
    findings.missing[name] = len(values) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(values) and (present == present[0]).all():
        return Column(name, "dropped", reason=f"every value is {label(present[0])}")
    return column


def _number(column: Column, values: np.ndarray, findings: Findings, parsed: np.ndarray | None = None) -> Column:
    """Return a column of numbers, or of dates, where its numbers evidently are. ``parsed``: once they are read."""
    name = column.name
    parsed, center, _ = less_center(values, column, parsed)
    present = parsed[~np.isnan(parsed)]
    findings.missing[name] = len(parsed) - len(present)
    if not len(present):
        return Column(name, "dropped", reason="every value is missing")
    if len(present) == len(parsed) and present.min() == present.max():
        return Column(name, "dropped", reason=f"every value is {present[0] + center:g}")
    if ID_NAME.search(name) and (present == np.round(present)).all() and len(np.unique(present)) == len(parsed):
        return Column(name, "dropped", reason="its name and its values, all different, are those of an identifier")
    form = "" if column.decimal or column.format else dates.of_numbers(name, parsed + center)
    if not form and not findings.declared and (mark := lone_mark(present + center)):
        findings.notes.append(mark.note(f"Column '{shown(name)}'"))
    if form:
        none = np.unique(present[dates.no_day(present + center)] + center)
        missing = f"; {' and '.join(f'{number:.0f}' for number in none)}: there is none" if len(none) else ""
        findings.notes.append(f"The numbers of column '{shown(name)}' are read as dates ({form}{missing}).")
        return dated(column, values, form, findings)
    return centred(column, parsed, center)


def _from_strings(name: str, values: np.ndarray, findings: Findings) -> Column:
    counts, marked = apart(name, values, findings)
    distinct = list(counts)
    n_missing = findings.missing[name] + sum(marked.values())
    n_present = len(values) - n_missing
    if not counts:
        return Column(name, "dropped", reason="every value is missing")
    if len(distinct) == 1 and not n_missing:
        return Column(name, "dropped", reason=f"every value is '{shown(distinct[0])}'")
    if counts.keys() <= {"True", "False"} or _are_truth_values(counts):
        findings.missing[name] = n_missing
        if len(counts) > 2:
            findings.notes.append(f"Column '{shown(name)}' is read as true or false: {some(distinct)}.")
        return Column(name, "boolean")
    found = _numbers_or_dates(name, values, counts, findings)
    if found is not None:
        return found
    if _is_text(distinct, n_present):
        return Column(name, "text", terms=build_vocabulary(values, findings.seed))
    if len(distinct) == n_present and n_present >= 20:
        return Column(name, "dropped", reason=f"every value is different, like an identifier's{_hint(distinct[0])}")
    if (unlike := units.unlike(distinct)) is not None:
        findings.notes.append(
            f"Column '{shown(name)}' is read as levels: its numbers differ in what stands beside them, as "
            f"'{shown(unlike[0])}' and '{shown(unlike[1])}' do. If they measure one thing, write all "
            "with one unit, or without."
        )
    elif not are_padded([text for text in distinct if text.isdecimal()]) and (note := note_on_words(name, counts)):
        findings.notes.append(note)
    return categorical(name, values, counts, marked, findings)


def _are_truth_values(counts: Counter[str]) -> bool:
    """Whether truth values stand in several words, as yes, Y and 1 do for one: two words are as good as levels."""
    if len(counts) < 3 or not all(parses(text, truth) for text in counts):
        return False
    return len(set(map(truth, counts))) == 2


def _numbers_or_dates(name: str, values: np.ndarray, counts: Counter[str], findings: Findings) -> Column | None:
    column = Column(name, "numeric", missing=findings.declared)
    form = dates.of_objects(values) or ("%m.%Y" if dates.are_months([*counts]) else dates.of_digits(counts))
    if form:
        if none := {text: n for text, n in counts.items() if dates.is_no_day(text)}:
            note_missing(name, none, "dates", findings)
        return dated(column, values, form, findings)
    if holds_codes(values):
        return None  # 00010203 is no day of the year 1
    words = [] if findings.declared else words_for_nothing(counts)
    if words:
        found = _as_written(replace(column, missing=(*sorted(MISSING), *words)), values, counts, findings)
        if found is not None:
            return found
    return _as_written(column, values, counts, findings)


def _as_written(column: Column, values: np.ndarray, every: Counter[str], findings: Findings) -> Column | None:
    """Return a column of the numbers, dates or durations that texts are, None where they are something else.

    ``every``: how often each occurs, with those that are missing in the column.
    """
    name = column.name
    counts = Counter({text: n for text, n in every.items() if text not in column.missing})
    found = written.read(name, counts, findings.decimals)
    if found is not None:
        found = replace(found, missing=column.missing)
        reading = found.to_dict()
        refuse_strays(name, values, counts, "numbers", lambda v: number(v, reading), findings.row_numbers)
        parsed, bad = numbers(values, reading)
        if bad < 0:
            if note := written.note(found, counts):
                findings.notes.append(note)
            note_nothing(found, every, "numbers", findings)
            return _number(found, values, findings, parsed)
    forms = dates.of_texts(name, counts)
    if forms:
        refuse_strays(name, values, counts, "dates", lambda v: moment(v, forms, _SOFT), findings.row_numbers)
        if read_dates(np.array(list(counts), object), forms, _SOFT)[1] < 0:
            note_nothing(column, every, "dates", findings)
            if "sheet days" in forms:
                findings.notes.append(f"Numbers among the dates of column '{shown(name)}' are read as days of a sheet.")
            if order := dates.ambiguous(forms, counts):
                fit = f"The dates of column '{shown(name)}' fit both month first and day first"
                findings.notes.append(f"{fit}; they are read as {order}.")
            return dated(column, values, forms, findings)
    if durations.are_durations(counts):
        refuse_strays(name, values, counts, "durations", duration, findings.row_numbers)
        lasting = replace(column, format=durations.form_of_durations(counts))
        if numbers(values, lasting.to_dict())[1] < 0:
            findings.notes.append(durations.note_on_durations(name, counts))
            note_nothing(column, every, "durations", findings)
            return _number(lasting, values, findings)
    found = several.read(name, counts, findings.decimals)
    if found is None:
        return None
    note_nothing(column, every, f"{found.several} numbers in each field", findings)
    return _several(replace(found, missing=column.missing), values, counts, findings)


def _several(column: Column, values: np.ndarray, counts: Counter[str], findings: Findings) -> Column:
    name, reading = column.name, column.to_dict()
    what = f"{column.several} numbers in each field"
    refuse_strays(name, values, counts, what, lambda v: read_several(v, reading), findings.row_numbers)
    findings.notes.append(several.note(column, counts))
    marks = marks_of(reading)
    findings.missing[name] = sum(is_missing(v, marks) or says_nothing(str(v)) for v in values.tolist())
    return column


def _hint(text: str) -> str:
    """Say what to do with fields such as 52.5, 13.4 or 10-20."""
    are_several = len(re.findall(r"(?<![\w.,])\d+(?:[.,]\d+)?(?![^\W\d])", text)) > 1
    way_out = f"; if its fields hold several numbers, as '{shown(text)}' does, make each of them a column"
    return way_out if are_several else ""


def _is_text(distinct: Sequence[str], n_present: int) -> bool:
    """Sentences: several words that are no numbers, and seldom the same twice."""
    sample = distinct[:1000]
    words = float(np.mean([sum(not _DIGITS.fullmatch(word) for word in value.split()) for value in sample]))
    share = len(distinct) / n_present
    return (words >= 3 and share > 0.5 and len(distinct) >= 5) or (words >= 8 and share > 0.1)
