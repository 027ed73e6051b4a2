"""The target: what kind it is, its classes, and its values as numbers."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from automl.data import dates, durations, written
from automl.data.classes import alike, class_codes, in_order, keys_of
from automl.data.codes import holds_codes
from automl.data.decimals import Decimals
from automl.data.levels import GAPS, kept_words
from automl.data.strays import parses, refuse_strays, words_for_nothing
from automl.errors import ConfigError, DataError, unknown_name
from automl.runtime.durations import DURATION
from automl.runtime.labels import labels
from automl.runtime.missing import MISSING, says_nothing
from automl.runtime.numbers import number, numbers
from automl.runtime.plain import seen
from automl.runtime.printable import shown
from automl.task import Column, TargetKind

KINDS = ("auto", "binary", "multiclass", "classification", "regression")
_MAX_CLASSES = 20  # of whole numbers, that are still taken for classes
_ROWS_PER_CLASS = 5
_WHOLE = re.compile(r"0|-?[1-9]\d*")
_SMALLEST, _LARGEST = 1e-150, 1e150  # numbers whose squares float64 holds


@dataclass(frozen=True)
class TargetColumn:
    """What was learnt about the target from the training data.

    ``classes``: in code order, which is that of ``np.unique``; empty for values. ``reading``: how it is written.
    ``quantiles``: those that are to be predicted.
    """

    name: str
    kind: TargetKind
    classes: tuple[Any, ...] = ()
    reading: "Written" = field(default_factory=lambda: Written())
    quantiles: tuple[float, ...] = ()

    def with_quantiles(self, quantiles: tuple[float, ...]) -> "TargetColumn":
        """Return a column of values as one whose quantiles are to be predicted, if there are any."""
        return replace(self, kind="quantiles", quantiles=quantiles) if quantiles else self

    def encode(
        self, values: np.ndarray, where: str = "training data", row_numbers: Sequence[int] | None = None
    ) -> np.ndarray:
        """Return (n,) int64 codes or (n,) float64 values of a target without gaps.

        Raises ``DataError`` for a class that is not known or a value that is no finite number.
        """
        if not self.classes:
            return _finite(self.name, values, where, row_numbers, self.reading)
        codes = class_codes(self.classes, values)
        if (codes < 0).any():
            unseen = sorted(set(keys_of(values[codes < 0]).tolist()))
            raise DataError(
                f"The target '{self.name}' of the {where} must hold classes of the training data; unseen: "
                f"{', '.join(map(_quoted, unseen[:8]))}. Add rows of them to the training data or remove these."
            )
        return codes

    def note(self, y: np.ndarray) -> str:
        """Say what the target is."""
        if not self.classes:
            what = f"its quantiles {', '.join(f'{q:g}' for q in self.quantiles)}" if self.quantiles else self.kind
            digits = ".6g" if f"{y.min():g}" != f"{y.max():g}" else ".15g"
            return f"The target '{self.name}' is a number from {y.min():{digits}} to {y.max():{digits}}: {what}."
        counts = np.bincount(y, minlength=len(self.classes))
        some = list(zip(self.classes, counts, strict=True))[:10]
        shares = ", ".join(f"{shown(c)} ({n / len(y):.1%})" for c, n in some)
        more = f" and {len(self.classes) - 10} more" if len(self.classes) > 10 else ""
        same = alike(self.classes)
        differ = "differ in case alone, or in what is not seen: make them one, if they are."
        one = f" {' and '.join(map(repr, same))} {differ}" if same else ""
        are_numbers = len(self.classes) > 2 and not any(isinstance(c, (str, bool)) for c in self.classes)
        other = " With task=regression they are numbers." if are_numbers else ""
        return f"The target '{self.name}' has {len(self.classes)} classes: {shares}{more}: {self.kind}.{one}{other}"


@dataclass(frozen=True)
class Written:
    """How a target is written. ``column``: of its numbers, None for classes. ``missing``: words that are missing."""

    column: Column | None = None
    missing: frozenset[str] = GAPS

    def numbers(self, values: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the values as numbers, and the position of the first that is none, or -1."""
        return numbers(values, self.column.to_dict() if self.column else {})

    def number(self, text: str) -> float:
        """Return the value of one text. Raises ``ValueError``."""
        return number(text, self.column.to_dict() if self.column else {})

    def present(self, values: np.ndarray) -> np.ndarray:
        """Return the positions where the target is there."""
        if values.dtype.kind in "biufm":
            return np.flatnonzero(~np.isnan(self.numbers(values)[0]))
        texts = labels(values, self.missing).tolist()
        is_gap = {text: not text or (self.column is not None and says_nothing(text)) for text in set(texts)}
        return np.flatnonzero([not is_gap[text] for text in texts])


def understand(
    name: str, values: np.ndarray, wanted: str, declared: tuple[str, ...], decimals: Decimals, is_given: bool
) -> tuple[Written, list[str]]:
    """Return how a target is written, and notes.

    ``declared``: the words that are missing, () for ``MISSING``, which are classes where they are frequent, or
    where the target is an array of its own (``is_given``). ``decimals``: what the table says about decimal marks.
    """
    if durations.are_spans(values):
        column = Column(name, "numeric", format=DURATION, missing=declared)
        return Written(column), [f"The target '{shown(name)}' holds durations; it is predicted in seconds."]
    if values.dtype.kind != "O":
        return Written(Column(name, "numeric", missing=declared) if values.dtype.kind in "ufi" else None), []
    marks = frozenset(declared or MISSING)
    counts = Counter(labels(values, GAPS).tolist())
    counts.pop("", None)
    marked = {text: n for text, n in counts.items() if text in marks}
    rest = {text: n for text, n in counts.items() if text not in marks}
    read = written.read(name, rest, decimals) if wanted in ("auto", "regression") and rest else None
    if read is not None:
        nothing = {t: n for t, n in counts.items() if t in marked or says_nothing(t)}
        number = {t: n for t, n in rest.items() if t not in nothing}
        are_classes = wanted == "auto" and not declared and len(number) <= _MAX_CLASSES
        if not (are_classes and kept_words(number, nothing, [t for t in nothing if any(map(str.isalpha, t))])):
            column = replace(read, missing=declared)
            found = [written.note(column, rest)] if len(number) > _MAX_CLASSES else []
            return Written(column, marks), [*filter(None, found), *_gone(name, nothing)]
    lengths = {text: n for text, n in rest.items() if not says_nothing(text)}
    is_open = wanted in ("auto", "regression") and len(lengths) > _MAX_CLASSES
    if is_open and durations.are_durations(lengths) and not dates.of_texts(name, lengths):
        column = Column(name, "numeric", format=durations.form_of_durations(lengths), missing=declared)
        nothing = {text: n for text, n in counts.items() if text not in lengths}
        return Written(column, marks), [durations.note_on_durations(name, lengths), *_gone(name, nothing)]
    if is_given and not declared:
        return Written(), []
    kept = [] if declared else kept_words(rest, marked, marked)
    gone = {text: n for text, n in marked.items() if text not in kept}
    notes = [
        f"The target '{shown(name)}' has {' and '.join(map(repr, kept))} as a class, because it is frequent; "
        f"data.missing=[{', '.join(kept)}] makes it missing."
    ]
    return Written(missing=marks.difference(kept)), [*(notes if kept else []), *_gone(name, gone)]


def _gone(name: str, counts: Mapping[str, int]) -> list[str]:
    words = ", ".join(f"'{shown(text)}' ({n})" for text, n in counts.items())
    return [f"In the target '{shown(name)}' these are missing: {words}."] if counts else []


def whole(values: np.ndarray) -> np.ndarray:
    """Undo what gaps did to whole numbers: without the gaps, classes are 0 and 1 again, not 0.0 and 1.0."""
    is_whole = values.dtype.kind == "f" and bool(((values == np.round(values)) & (np.abs(values) < 2**53)).all())
    return values.astype(np.int64) if is_whole else values


def infer_target(
    name: str,
    values: np.ndarray,
    wanted: str = "auto",
    row_numbers: Sequence[int] | None = None,
    untyped: bool = False,
    reading: Written | None = None,
    gone: str = "",
) -> TargetColumn:
    """Infer the kind of a target without gaps.

    Classes: words, true and false, any two values, and whole numbers with up to 20 values that each occur five times on
    average. Other numbers, and durations: regression. ``wanted`` decides instead, where it is not "auto". Classes stay
    as they are given, the first of "1.0" and "1". Where all is text (``untyped``), they become truth values, or numbers
    if these are written like them. ``reading``: how its numbers are written.
    """
    reading = reading or Written()
    if wanted not in KINDS:
        raise unknown_name("target_kind", wanted, KINDS)
    are_spans = durations.are_spans(values)
    if are_spans and wanted not in ("auto", "regression"):
        raise DataError(
            f"Durations are no classes; the target '{name}' holds {_quoted(str(values[0]))}. Use regression, which "
            "predicts seconds, or make texts of them (y.astype(str))."
        )
    typed = _typed(name, values, wanted, row_numbers, reading)
    distinct = set(typed.tolist())
    is_number = typed.dtype.kind in "iuf"
    is_regression = wanted == "regression" or (
        wanted == "auto" and is_number and (are_spans or not _are_codes(typed, distinct))
    )
    keys = keys_of(values)
    if not is_regression:
        _refuse_continuous(name, typed)
        if (keys_of(typed) != keys).any():
            typed, distinct = keys, set(keys.tolist())  # 1.1 and 1.10 are one number, but two classes
    example = min(distinct)
    if len(distinct) == 1:
        raise DataError(
            f"The target '{name}' must have at least two different values; it has one "
            f"{'value' if wanted == 'regression' else 'class'}: all {len(typed)} rows are {_quoted(example)}.{gone}"
        )
    if wanted == "regression" and not is_number:
        raise DataError(
            f"A regression needs numbers; the target '{name}' has values like {_quoted(example)}. Use classification."
        )
    if is_regression:
        return TargetColumn(name, "regression", reading=reading)
    if wanted == "binary" and len(distinct) != 2:
        raise ConfigError(f"A binary target has two classes; '{name}' has {len(distinct)}. Use target_kind=multiclass.")
    _check_classes(name, typed, wanted, gone)
    classes = in_order(typed if untyped else values, typed, keys)
    return TargetColumn(name, "binary" if len(classes) == 2 else "multiclass", classes, reading)


def _typed(
    name: str, values: np.ndarray, wanted: str, row_numbers: Sequence[int] | None, reading: Written
) -> np.ndarray:
    """Return the values as they are, or for objects as bool, int64, float64 or strings, whichever holds them all."""
    if values.dtype.kind in "biuf":
        return values
    if values.dtype.kind == "m":
        return reading.numbers(values)[0]
    keys = keys_of(values)
    if set(keys) <= {"True", "False"}:
        return keys == "True"
    parsed, bad = reading.numbers(values)
    if bad < 0 and not np.isnan(parsed).any():
        if wanted == "regression":
            return parsed
        if _are_whole(values):
            # As floats, two long numbers could become one; those too long for int64 are names.
            return np.array([int(seen(key)) for key in keys]) if np.abs(parsed).max() < 2**63 else keys
        if not holds_codes(values):
            return parsed
    if wanted in ("auto", "regression"):
        counts = Counter(keys.tolist())
        refuse_strays(name, values, counts, "numbers", reading.number, row_numbers)
        _refuse_words(name, counts, reading)
        are_few = len(counts) <= min(_MAX_CLASSES, len(keys) // _ROWS_PER_CLASS)  # quarters, which are classes
        if not (wanted == "auto" and are_few) and not holds_codes(values) and dates.formats(values):
            raise _no_dates(name)
    return keys


def _refuse_words(name: str, counts: Mapping[str, int], reading: Written) -> None:
    """Refuse a target of numbers in which a word is frequent, which would make each number a class."""
    words = words_for_nothing(counts)
    if words and all(parses(text, reading.number) for text in counts if text not in words and not says_nothing(text)):
        rows = " and ".join(f"'{shown(word)}' ({counts[word]} rows)" for word in words)
        raise DataError(
            f"The target '{name}' must hold values of one type; it holds numbers and {rows}. Say that these are "
            f"missing with missing=[{', '.join(map(shown, words))}], or make classes of the numbers."
        )


def _are_whole(values: np.ndarray) -> bool:
    """Whether all are written as whole numbers are: 12 and -3, but not 007, +3 or 1e3."""
    return all(_WHOLE.fullmatch(seen(str(value))) for value in set(values.tolist()))


def _no_dates(name: str) -> DataError:
    return DataError(
        f"The target '{name}' must be numbers or classes; it holds dates or times. Turn them into numbers, "
        "such as the days since one of them."
    )


def _quoted(key: Any) -> str:
    return f"'{shown(key)}'" if isinstance(key, str) else str(key)


def _are_codes(typed: np.ndarray, distinct: Collection[Any]) -> bool:
    if len(distinct) == 2:
        return True
    whole = typed.dtype.kind in "iu" or bool((typed == np.round(typed)).all())
    return whole and len(distinct) <= min(_MAX_CLASSES, len(typed) // _ROWS_PER_CLASS)


def _refuse_continuous(name: str, typed: np.ndarray) -> None:
    n_distinct = len(set(typed.tolist()))
    if typed.dtype.kind == "f" and n_distinct > len(typed) / 2 and (typed != np.round(typed)).any():
        raise DataError(
            f"A class has several rows; the target '{name}' is continuous: {n_distinct:,} different values in "
            f"{len(typed):,} rows. Use regression."
        )


def _check_classes(name: str, typed: np.ndarray, wanted: str, gone: str) -> None:
    """Refuse classes that cannot be validated on; one with a single row is learnt from only (``splits``)."""
    counts = Counter(typed.tolist())
    single = [label for label, n in counts.items() if n == 1]
    shown = ", ".join(map(_quoted, single[:8])) + (" ..." if len(single) > 8 else "")
    if single and wanted == "auto" and typed.dtype.kind in "iuf":
        raise DataError(
            f"Every class of the target '{name}' must have at least two rows, where classes are inferred; with one: "
            f"{shown}. Say that it is classification, or regression; or add rows, merge or remove these."
        )
    if len(counts) - len(single) < 2:
        may_merge = len(counts) > 2 and len(typed) > 3
        raise DataError(
            f"At least two classes of the target '{name}' must have two rows or more, to learn from one and validate "
            f"on the other; of the {len(typed)} rows, these have one: {shown}. "
            f"Add rows{', or merge classes' if may_merge else ''}.{gone}"
        )


def _finite(
    name: str, values: np.ndarray, where: str, row_numbers: Sequence[int] | None, reading: Written
) -> np.ndarray:
    result, bad = reading.numbers(values)
    wrong = bad if bad >= 0 else int(next(iter(np.flatnonzero(~np.isfinite(result))), -1))
    if wrong >= 0:
        row = wrong + 1 if row_numbers is None else row_numbers[wrong]
        raise DataError(
            f"The target '{name}' of the {where} must be finite numbers; row {row} has "
            f"'{shown(values[wrong])}'. Correct or remove the row."
        )
    largest = float(np.abs(result).max(initial=0))
    if largest and not _SMALLEST < largest < _LARGEST:
        raise DataError(
            f"The largest number of the target '{name}' must be between {_SMALLEST} and {_LARGEST}, so that there are "
            f"squares of errors; in the {where} it is {largest:g}. Multiply or divide it."
        )
    return result
