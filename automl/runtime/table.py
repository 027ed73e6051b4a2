"""Tables of text, read from files."""

import collections
import csv
import io
import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from automl.runtime.columns import refuse_repeats
from automl.runtime.errors import PredictionError, listed
from automl.runtime.layout import DRAWN_LINE, FIRST_ROWS, beginning, is_second_header
from automl.runtime.text_file import Text, read_text


class Table(NamedTuple):
    """A file of text: (n,) object arrays of strings by column, the sign between fields, what there is to say, and the
    encoding (see ``text_file.Text``).
    """

    columns: dict[str, np.ndarray]
    separator: str
    notes: tuple[str, ...]
    encoding: str


def read_csv(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the columns of a CSV or TSV file as (n,) object arrays of strings; see ``read_table``."""
    return read_table(path).columns


def read_table(path: str | os.PathLike[str], encoding: str = "") -> Table:
    """Read a CSV or TSV file, compressed by gzip or not, whatever it is called.

    Its first line, after empty ones, comments ("#") and "sep=;", holds the names of the columns. The separator is the
    one of comma, semicolon, tab and bar that gives the rows as many fields as the header. ``encoding``: of what is not
    Unicode ("" for the most likely one). Raises ``PredictionError``.
    """
    path = Path(path)
    text = read_text(path, encoding)
    return table_in(path, text, *beginning(path, text.content))


def table_in(path: Path, text: Text, start: int, separator: str) -> Table:
    """Return the table in a text whose header begins at ``start``; ``path``: what errors call it."""
    try:
        columns, said = _parse(path, text.content, start, separator)
    except csv.Error as error:
        try:
            if '\\"' not in text.content:
                raise
            columns, said = _parse(path, text.content, start, separator, escape="\\")  # of a quote inside quotes
        except csv.Error:
            raise PredictionError(f"'{path}', {error}.") from None
    notes = (*text.notes, *(f"'{path.name}': {words}" for words in said))
    return Table(columns, separator, notes, text.encoding)


def _parse(
    path: Path, text: str, start: int, separator: str, escape: str | None = None
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the columns of a table of text, and what was left out. Raises ``csv.Error`` with the line."""
    file = io.StringIO(text, newline="")
    file.seek(start)
    lines: Iterable[str] = map(str.strip, file) if separator == " " else file
    above = text.count("\n", 0, start)  # lines
    reader = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True, escapechar=escape)
    rows: list[list[str]] = []
    left_out: collections.Counter[str] = collections.Counter()
    footer = 0
    try:
        names = [name.strip() for name in next(reader)]
        numbered = ((reader.line_num, row) for row in reader)
        first = list(itertools.islice(numbered, FIRST_ROWS))
        if first and DRAWN_LINE.fullmatch("|".join(first[0][1])):
            del first[0]  # the line below the header of Markdown and of a terminal
        filled = [row for _, row in first if row]
        if len(names) > 1 and len(filled) > 1 and all(len(row) == len(names) + 1 for row in filled):
            # Rows are numbered in a column without a name, or end in a sign too many.
            names = ["", *names] if any(row[-1] for row in filled) else [*names, ""]
        header = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
        n_empty = n_gaps = 0
        for line, row in itertools.chain(first, numbered):
            if len(row) == len(header) and not footer:
                if len(header) == 1 and n_empty:  # of a single column, an empty line is an empty field
                    rows += [[""]] * n_empty
                    n_gaps, n_empty = n_gaps + n_empty, 0
                rows.append(row)
            elif row and row[0].startswith("#"):
                left_out["begin with #"] += 1
            elif len(row) == 1 and rows:  # below the table: its source, a remark
                footer = footer or above + line
            elif not row:  # no row, but of a single column
                n_empty += 1
            else:
                raise _wrong_size(path, separator, len(header), *((footer, 1) if footer else (above + line, len(row))))
    except csv.Error as error:
        what = "a double quote is opened, and never closed" if "end of data" in str(error) else error
        raise csv.Error(f"line {above + reader.line_num}: {what}") from None
    refuse_repeats(header, f"'{path}': ")
    if not rows:
        raise PredictionError(f"'{path}' has a header but no rows.")
    n_rows, heading = len(rows), set(filter(None, names))
    if len(heading) > 1:  # of files that were put together
        rows = [row for row in rows if row[-1].strip() != names[-1] or [field.strip() for field in row] != names]
        left_out["repeat the header"] = n_rows - len(rows)
    said = [f"lines that {what} were left out: {n:,}." for what, n in left_out.items() if n]
    if is_second_header(rows):
        said.append(f"the row below the names is no row, and was left out: {listed(list(filter(None, rows.pop(0))))}.")
    said += [f"empty lines between rows are missing values: {n_gaps:,}."] if n_gaps else []
    said += [f"line {footer:,} and what follows have one field, and were left out."] if footer else []
    columns = {name: _interned(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}
    return columns, said


def _wrong_size(path: Path, separator: str, n_fields: int, line: int, size: int) -> PredictionError:
    fewer = "Empty fields at the end need their separators, a line break inside a value double quotes around it."
    way_out = f"Put values that contain '{separator}' in double quotes." if size > n_fields or size < 2 else fewer
    return PredictionError(
        f"'{path}', line {line}: every row must have {n_fields} fields like the header; this one has {size}. {way_out}"
    )


def _interned(column: Sequence[str]) -> np.ndarray:
    """Keep one string object per distinct value: less memory, and everything after it is faster."""
    first: dict[str, str] = {}
    return np.array(list(map(first.setdefault, column, column)), dtype=object)
