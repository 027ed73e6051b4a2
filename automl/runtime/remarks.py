"""Rows of a file that are none: a total, a source, units. Training leaves them out, as they have no target."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from automl.runtime.encode import encode, used_columns
from automl.runtime.errors import PredictionError
from automl.runtime.labels import labels
from automl.runtime.model import Model
from automl.runtime.models import Several
from automl.runtime.printable import printable, shown
from automl.runtime.schema import Columns, Schema

_MOST_REMARKS = 20  # where there are more, it is the file that does not fit


def scores_of_file(model: Model | Several, x: Any, lengths: Any = None) -> Any:
    """Return ``model.scores`` of what a file holds; rows that are none have no score, which is said."""
    try:
        return model.scores(x, lengths)
    except PredictionError:
        kept, note = without_remarks(model.schema, x) if isinstance(x, Mapping) else (x, "")
        if not note:
            raise
        print(printable(note), file=sys.stderr)
        return model.scores(kept, lengths)


def without_remarks(schema: Schema, columns: Columns) -> tuple[Columns, str]:
    """Return the columns of a table without the rows that cannot be read and are no rows, and a note on these.

    Such a row has no target, in a file that has the column; or, besides what cannot be read, nothing at all.
    """
    given = used_columns(schema, columns)
    target = columns.get(schema["target_name"])
    filled = np.array([labels(values) != "" for values in given.values()]).sum(axis=0)
    maybe = np.flatnonzero(filled < 2 if len(given) > 1 else filled < 0)
    if target is not None:
        maybe = np.union1d(maybe, np.flatnonzero(labels(target) == ""))
    unread = _unread(schema, given, maybe, _MOST_REMARKS)
    if not 0 < len(unread) <= min(_MOST_REMARKS, len(filled) - 1):
        return columns, ""
    kept = np.delete(np.arange(len(filled)), unread)
    return {name: values[kept] for name, values in columns.items()}, _note_on_remarks(columns, unread)


def _unread(schema: Schema, columns: Columns, rows: np.ndarray, most: int) -> list[int]:
    """Return those of some rows that cannot be read; of more than ``most``, only so many and one."""
    if not len(rows):
        return []
    try:
        encode(schema, {name: values[rows] for name, values in columns.items()}, None, ("numeric", "categories"))
    except PredictionError:
        if len(rows) == 1:
            return rows.tolist()
        found: list[int] = []
        for half in np.array_split(rows, 2):
            found += _unread(schema, columns, half, most - len(found)) if len(found) <= most else []
        return found
    return []


def _note_on_remarks(columns: Columns, rows: Sequence[int]) -> str:
    """Say which rows were left out, and what the first holds."""
    first = ", ".join(shown(text) for text in (labels(values[rows[:1]])[0] for values in columns.values()) if text)
    numbers = ", ".join(str(row + 1) for row in rows)
    what = (
        f"Row {numbers} ({first}) is no row and has"
        if len(rows) == 1
        else f"Rows {numbers} ({first}) are none and have"
    )
    return f"{what} no prediction: there is no target, and the columns cannot be read."
