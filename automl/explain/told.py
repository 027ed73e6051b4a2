"""Rows of a table told again, by what was learnt from them: for whoever looks at single rows without the data file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.schema import numeric_parts
from automl.task import Column, Rows, Schema

# A table with more numbers and codes is not kept beside a run's targets.
MOST_VALUES = 1_000_000
_WORDS = 12  # of a text


@dataclass(frozen=True)
class Told:
    """The columns that are used, and their encoded rows. Of a text there are words, in no order."""

    columns: tuple[Column, ...]
    rows: Rows

    @classmethod
    def of(cls, schema: Schema, rows: Rows) -> "Told | None":
        """Take the rows of a table or of texts; None for arrays, which have no columns."""
        used = tuple(column for column in schema.columns if column.role != "dropped")
        return cls(used, rows) if used else None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def lines(self, at: Sequence[int] | np.ndarray) -> list[list[str]]:
        """Return the values of some rows as texts, a list for each; "" where one is missing or not known."""
        index = np.asarray(at, np.int64)
        return [list(cells) for cells in zip(*self._cells(self.rows.take(index)), strict=True)]

    def _cells(self, rows: Rows) -> list[list[str]]:
        found, numeric, category, term = [], 0, 0, 0
        for column in self.columns:
            if column.role == "categorical":
                assert rows.categories is not None
                codes = rows.categories[:, category].tolist()
                found.append([column.levels[code - 1] if code else "" for code in codes])
                category += 1
            elif column.role == "text":
                found.append(_words(column, rows, term))
                term += len(column.terms)
            else:
                assert rows.numeric is not None
                width = len(numeric_parts(column.to_dict()))
                parts = rows.numeric[:, numeric : numeric + width].astype(np.float64)
                found.append([_value(column, values) for values in parts.tolist()])
                numeric += width
        return found

    def kept(self) -> dict[str, Any] | None:
        """Return plain values and arrays for ``again``; None where there are texts, or too many values to keep."""
        arrays = {name: array for name, array in self.rows.parts().items() if name in ("numeric", "categories")}
        has_texts = any(column.role == "text" for column in self.columns)
        if has_texts or sum(array.size for array in arrays.values()) > MOST_VALUES:
            return None
        return {"columns": [column.to_dict() for column in self.columns], "arrays": arrays}

    @classmethod
    def again(cls, columns: Sequence[dict[str, Any]], arrays: dict[str, Any]) -> "Told":
        """Return what ``kept`` was made of."""
        return cls(tuple(map(_column, columns)), Rows(**arrays))


def _column(written: dict[str, Any]) -> Column:
    parts: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in written.items()}
    return Column(**parts)


def _value(column: Column, values: list[float]) -> str:
    if any(np.isnan(values)):
        return ""
    if column.role == "boolean":
        return str(bool(values[0]))
    if column.role == "datetime":
        part = dict(zip(DATE_PARTS, map(round, values), strict=True))
        day = f"{part['year']:04}-{part['month']:02}-{part['day']:02}"
        clock = f"{part['hour']:02}:{part['minute']:02}:{part['second']:02}"
        return day if clock == "00:00:00" else f"{day} {clock}"
    return " ".join(f"{value / column.factor + column.center:.7g}" for value in values)


def _words(column: Column, rows: Rows, start: int) -> list[str]:
    if rows.sparse is None:
        return [""] * len(rows)
    own = rows.sparse[:, start : start + len(column.terms)].tocsr()
    ends = zip(own.indptr[:-1].tolist(), own.indptr[1:].tolist(), strict=True)
    return [" ".join(column.terms[k] for k in own.indices[a:b][:_WORDS].tolist()) for a, b in ends]
