"""Columns whose role is declared: how they hold what they are said to hold."""

from collections import Counter
from dataclasses import replace
from typing import NoReturn

import numpy as np

from automl.data import dates, durations, several, written
from automl.data.codes import may_be_more
from automl.data.findings import Findings
from automl.data.levels import apart, categorical
from automl.data.offsets import centred, dated, less_center
from automl.data.vocabulary import build_vocabulary
from automl.errors import DataError
from automl.runtime.missing import is_missing
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from automl.task import Column, Role


def declared(name: str, values: np.ndarray, role: Role, findings: Findings) -> Column:
    """Return a column of the ``role`` that it is declared to have. Raises ``DataError`` for dates in no known form."""
    if role == "dropped":
        return Column(name, "dropped", reason="declared so")
    if role == "categorical":
        return categorical(name, values, *apart(name, values, findings), findings)
    if role == "text":
        return Column(name, "text", terms=build_vocabulary(values, findings.seed))
    if role == "datetime":
        return dated(
            Column(name, role, missing=findings.declared), values, _declared_dates(name, values, findings), findings
        )
    if role == "numeric":
        return _declared_number(name, values, findings)
    return Column(name, role)  # encoding names the value that is not true or false


def _declared_number(name: str, values: np.ndarray, findings: Findings) -> Column:
    column = Column(name, "numeric", missing=findings.declared)
    is_plain = values.dtype.kind in "biufm" or (numbers(values)[1] < 0 and not may_be_more(name, values, findings))
    if not is_plain:
        counts, _ = apart(name, values, findings)
        column = replace(_as_written(name, counts, findings) or column, missing=findings.declared)
    if column.several:
        return column
    parsed, center, bad = less_center(values, column)
    # Encoding names the value that is no number.
    return column if bad >= 0 or not np.isfinite(parsed).any() else centred(column, parsed, center)


def _as_written(name: str, counts: Counter[str], findings: Findings) -> Column | None:
    """Return a column of numbers or durations with a note on how they are read, None for one of something else.

    Its fields may hold several numbers each.
    """
    column = written.read(name, counts, findings.decimals)
    if column is None and durations.are_durations(counts):
        return Column(name, "numeric", format=durations.form_of_durations(counts))
    if column is not None and (note := written.note(column, counts)):
        findings.notes.append(note)
    if column is None and (column := several.read(name, counts, findings.decimals)) is not None:
        findings.notes.append(several.note(column, counts))
    return column


def _declared_dates(name: str, values: np.ndarray, findings: Findings) -> str | tuple[str, ...]:
    if values.dtype.kind == "M":
        return "iso"
    parsed, bad = numbers(values)
    if bad < 0:
        form = dates.of_numbers(name, parsed, declared=True)
        # 20240131 in words is also an ISO date.
        return "iso" if form == "%Y%m%d" and values.dtype == object else form or _refuse_dates(name, values)
    forms = dates.of_texts(name, apart(name, values, findings)[0])
    return forms or _refuse_dates(name, values)


def _refuse_dates(name: str, values: np.ndarray) -> NoReturn:
    example = next((v for v in values.tolist() if not is_missing(v)), "")
    raise DataError(
        f"Column '{name}' is declared datetime, but values like '{shown(example)}' are in none of the known "
        f"forms ({', '.join(dates.SHOWN)}, seconds since 1970). Write its dates as 2024-12-31, or declare it text or "
        "categorical."
    )
