"""Raw columns as the inputs of a model."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from automl.runtime.arrays import FLOAT32_MAX, as_array
from automl.runtime.date_parts import date_parts
from automl.runtime.dates import dates
from automl.runtime.durations import DURATION, MINUTES_FIRST
from automl.runtime.each import Memo, each
from automl.runtime.errors import NO_ROWS, PredictionError, listed, nearest, row_number
from automl.runtime.labels import hashed, labels, padded
from automl.runtime.missing import marks_of
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from automl.runtime.schema import Column, Columns, Schema, numeric_names
from automl.runtime.several import several
from automl.runtime.tokens import TextReaders, padded_ids, text_readers, tokenize
from automl.runtime.truth import truth

_NUMBERS = (int, float, np.number)
_INPUTS = ("numeric", "categories", "tokens", "subwords")


def encode(
    schema: Schema,
    columns: Columns,
    row_numbers: Sequence[int] | None = None,
    wanted: Collection[str] = _INPUTS,
    read: TextReaders | None = None,
) -> dict[str, np.ndarray]:
    """Turn raw columns into the inputs of a model; columns that the model does not know are ignored.

    Returns those of ``wanted`` that the schema has: ``numeric`` (n, p) float32, NaN where missing, in the order of
    ``numeric_names``; ``categories`` (n, c) object, the ``label`` of each value; ``tokens`` (n, longest) int64, for
    each term of the text its position in the ``terms`` of all text columns put together, padded with -1; ``subwords``
    (n, longest) int64, see ``Subwords``, padded with 0. ``row_numbers``: how error messages call the rows (default: 1,
    2, ...). ``read``: the ``text_readers`` of the schema, where they are there already. Raises ``PredictionError``.
    """
    given = used_columns(schema, columns)
    roles = {c["name"]: c["role"] for c in schema["columns"]}
    parts: dict[str, np.ndarray] = {}
    if "numeric" in wanted and numeric_names(schema):
        blocks = [_numeric(c, given[c["name"]], row_numbers) for c in schema["columns"] if c["name"] in given]
        parts["numeric"] = np.column_stack([b for b in blocks if b is not None])
    if "categories" in wanted and "categorical" in roles.values():
        chosen = [
            _categories(c, given[c["name"]], row_numbers) for c in schema["columns"] if c["role"] == "categorical"
        ]
        parts["categories"] = np.column_stack(chosen)
    if "text" in roles.values() and not {"tokens", "subwords"}.isdisjoint(wanted):
        for name, readers in (text_readers(schema) if read is None else read).items():
            if name in wanted and readers:
                parts[name] = padded_ids(name, *tokenize(readers, columns))
    return parts


def used_columns(schema: Schema, columns: Columns) -> dict[str, np.ndarray]:
    """Return the columns that the schema uses, checked: none is missing, all have the same number of rows."""
    names = [c["name"] for c in schema["columns"] if c["role"] != "dropped"]
    absent = [name for name in names if name not in columns]
    if absent:
        used = {*(c["name"] for c in schema["columns"]), schema.get("target_name")}
        known = [str(name) for name in columns if name not in used]
        hints = {name: nearest(name, known).strip() for name in absent[:8]}
        listing = ", ".join(f"'{name}'" + (f" ({hint})" if hint else "") for name, hint in hints.items())
        more = f" and {len(absent) - 8} more" if len(absent) > 8 else ""
        raise PredictionError(f"The data must have every column the model was trained on. Missing: {listing}{more}.")
    given = {name: as_array(columns[name]) for name in names}
    wrong = [name for name, values in given.items() if values.ndim != 1 or len(values) != len(given[names[0]])]
    if wrong:
        raise PredictionError(
            f"All columns must have the same number of rows; {listed(wrong)} differ from '{names[0]}'."
        )
    if not len(given[names[0]]):
        raise PredictionError(NO_ROWS)
    return given


def _numeric(column: Mapping[str, Any], values: np.ndarray, row_numbers: Sequence[int] | None) -> np.ndarray | None:
    name, role = column["name"], column["role"]
    if role == "datetime":
        when, bad = dates(values, column.get("format") or "iso", column)
        _refuse(name, values, bad, row_numbers, _rule(column))
        return date_parts(when, column.get("center", 0.0))
    if role not in ("numeric", "boolean"):
        return None
    if column.get("several"):
        parts, bad = each(values, lambda value: several(value, column))
        result = np.array(parts, np.float64)
    elif role == "boolean" and values.dtype.kind != "b":
        found, bad = each(values, lambda value: truth(value, column))
        result = np.array(found, np.float64)
    else:
        result, bad = numbers(values, column)
    _refuse(name, values, bad, row_numbers, _rule(column))
    with np.errstate(invalid="ignore"):
        endless = np.flatnonzero((np.abs(result) > FLOAT32_MAX).reshape(len(result), -1).any(axis=1))
    _refuse(name, values, int(endless[0]) if endless.size else -1, row_numbers, f"a number between ±{FLOAT32_MAX:.1e}")
    return result.astype(np.float32)


def _rule(column: Column) -> str:
    """Say what a column of the schema holds."""
    role, form = column["role"], column.get("format") or "iso"
    if role == "boolean":
        return "true or false"
    if role == "datetime":
        forms = [form] if isinstance(form, str) else list(form)
        written = "a date like 2024-12-31 or 2024-12-31 23:59:59" if "iso" in forms else "a date"
        others = [f for f in forms if f != "iso"]
        return written + (f"{' or' if 'iso' in forms else ''} written as {' or '.join(others)}" if others else "")
    if form in (DURATION, MINUTES_FIRST):
        return "a duration like 26:03:04, 1h 5m or 1 day, 2:03:04"
    marks = [f"the decimal mark '{column['decimal']}'"] if column.get("decimal") else []
    marks += [f"the unit {' and '.join(map(repr, column['unit']))}"] if column.get("unit") else []
    marks += [f"'{column['between'].strip() or ' '}' between them"] if column.get("several") else []
    what = f"{column['several']} numbers" if column.get("several") else "a number"
    return f"{what} with {' and '.join(marks)}" if marks else what


def _categories(column: Mapping[str, Any], values: np.ndarray, row_numbers: Sequence[int] | None) -> np.ndarray:
    """Return labels. As numbers, codes lose their zeros: 02139 as 2139 would silently be none of the known ones."""
    given = values.tolist()
    if any(issubclass(kind, _NUMBERS) for kind in set(map(type, given))):
        code = "007" if column.get("padded") else next(filter(padded, column.get("levels", ())), None)
        bad = -1 if code is None else next((i for i, v in enumerate(given) if isinstance(v, _NUMBERS) and v == v), -1)
        rule = f"codes such as {code} as text, not as numbers (read the column with dtype=str)"
        _refuse(column["name"], values, bad, row_numbers, rule)
    found = labels(values, marks_of(column))
    if not column.get("salt"):
        return found
    memo = Memo(lambda text: hashed(text, column["salt"]))
    return np.array([memo[text] for text in found.tolist()], dtype=object)


def _refuse(name: str, values: np.ndarray, position: int, row_numbers: Sequence[int] | None, rule: str) -> None:
    if position >= 0:
        raise PredictionError(
            f"Column '{name}' must hold {rule} in every row; row {row_number(position, row_numbers)} has "
            f"'{shown(values[position])}'. Correct it, or leave it empty if it is missing."
        )
