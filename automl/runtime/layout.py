"""Where a table of text begins, and the sign between its fields."""

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from automl.runtime.errors import PredictionError
from automl.runtime.missing import says_nothing
from automl.runtime.text_file import ending
from automl.runtime.written import split_number

DRAWN_LINE = re.compile(r"[\s|:+=-]*(?:---|===)[\s|:+=-]*")  # a line that is drawn
FIRST_ROWS = 20  # and lines, which tell how a table is laid out
_SEPARATORS = (",", ";", "\t", "|", "~", "^", "\x01", "\x1f")
_MOST_TITLES, _MOST_ABOVE = 5, 12  # lines above the header: of one field, and of some
_SEPARATOR_LINE = re.compile(r'"?sep=(\\t|.)"?', re.IGNORECASE)
_NO_TABLE = {
    re.compile(
        r"\s*<(?:!doctype|\?xml|html|head|body|table|div)\b", re.IGNORECASE
    ): "HTML or XML. Write the table as CSV; a download may have failed",
    re.compile(r"\s*\[\s*[\[{]"): "JSON, one list of rows. Write each row as one line, and call it .jsonl",
    re.compile(r'\s*\{\s*(?:"[^"\n]*"\s*:|\})'): "JSON. If each line is one object, call it .jsonl",
}
_ROWS_TO_TELL = 100  # units and types from words for nothing
_LOOK = 200_000  # characters in which the separator is looked for


def beginning(path: Path, text: str) -> tuple[int, str]:
    """Return where the header of a table of text begins, and the sign between its fields."""
    csv.field_size_limit(2**31 - 1)
    other = next((what for pattern, what in _NO_TABLE.items() if pattern.match(text)), None)
    if other is not None:
        raise PredictionError(f"'{path}' must be a table of text; its content is {other}.")
    start, separator = _header(path, text)
    if start >= len(text):
        raise PredictionError(f"'{path}' is empty. The first line must hold the names of the columns.")
    if not separator:
        start += _length_of_titles(text, start) or _length_of_preamble(text, start)
    return start, separator or _separator(path, text, start)


def _length_of_titles(text: str, start: int) -> int:
    """Return the length of the lines above the header that have one field at most: a title, or other comments.

    The separators that a sheet writes behind a title count for nothing, where the names below are all there.
    """
    lines = list(itertools.islice(_lines(text[start : start + _LOOK]), FIRST_ROWS))
    of_each = [[next(csv.reader([line], delimiter=sign), []) for line in lines] for sign in _SEPARATORS]
    for rows in of_each if all(_n_filled(rows[0]) < 2 for rows in of_each) else ():
        at = next((i for i, row in enumerate(rows) if _n_filled(row) > 1), 0)
        titles = [row for row in rows[:at] if row]
        below = {len(row) for row in rows[at:-1] if row}
        is_padded = any(len(row) > 1 for row in titles)
        are_names = not is_padded or all(name.strip() and split_number(name) is None for name in rows[at])
        if 0 < len(titles) <= _MOST_TITLES and len(rows) - at > 2 and len(below) == 1 and are_names:
            return sum(map(len, lines[:at]))
    return 0


def _length_of_preamble(text: str, start: int) -> int:
    """Return the length of the lines above the header that have several fields, but fewer: "Exported by;Jane"."""
    lines = list(itertools.islice(_lines(text[start : start + _LOOK]), 20))
    for sign in _SEPARATORS:
        rows = [next(csv.reader([line], delimiter=sign), []) for line in lines]
        width = max(map(len, rows), default=0)
        at = next((i for i, row in enumerate(rows) if _n_filled(row) == len(row) == width), 0)
        is_above = 0 < at <= _MOST_ABOVE and all(_n_filled(row) < width for row in rows[:at])
        if is_above and all(len(row) in (0, width) for row in rows[at:-1]) and _are_names(rows[at], rows[at + 1 : -1]):
            return sum(map(len, lines[:at]))
    return 0


def _are_names(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether there are numbers in a column below, and none among the names."""
    columns = zip(*filter(None, rows), strict=True)
    return not any(map(split_number, names)) and any(all(map(split_number, column)) for column in columns)


def _n_filled(row: Sequence[str]) -> int:
    return sum(bool(field.strip()) for field in row)


def _header(path: Path, text: str) -> tuple[int, str]:
    """Return where the header begins, after empty lines and comments, and the separator that a line "sep=;" gives."""
    start, separator, comment = 0, "", -1
    for line in _lines(text):
        given = _SEPARATOR_LINE.fullmatch(line.strip())
        if given is not None and not separator:
            separator = given[1].replace("\\t", "\t")
        elif line.startswith("#"):
            comment = start
        elif line.strip() and not DRAWN_LINE.fullmatch(line):
            break
        start += len(line)
    if comment >= 0 and start < len(text):
        names = _names_in_comment(text, comment, start, separator or _separator(path, text, start))
        return (start if names < 0 else names), separator
    return start, separator


def _names_in_comment(text: str, comment: int, start: int, separator: str) -> int:
    """Return where the header begins that stands in the comment above the rows, behind its "#"; -1 if none does.

    "#name,age" above rows of two fields is one, and "# name,age" above a row of numbers, as ``numpy.savetxt`` writes
    it. In "#,name", the first column is called "#".
    """
    behind = comment + 1
    at = behind + len(text[behind:start]) - len(text[behind:start].lstrip(" "))
    names, row = (next(_records(text, place, separator), []) for place in (at, start))
    is_header = at == behind or (all(map(_may_be_number, row)) and not any(map(split_number, names)))
    if not len(names) == len(row) > 1 or not is_header:
        return -1
    return at if names[0].strip() else comment


def _lines(text: str) -> Iterator[str]:
    yield from io.StringIO(text, newline="")


def _records(text: str, start: int, separator: str) -> Iterator[list[str]]:
    """Yield the first records of a file, as far as they can be read."""
    lines = io.StringIO(text[start : start + _LOOK], newline="")
    with contextlib.suppress(csv.Error):
        yield from itertools.islice(csv.reader(lines, delimiter=separator, skipinitialspace=True), FIRST_ROWS)


def _separator(path: Path, text: str, start: int) -> str:
    found: list[tuple[float, int, str]] = []
    for separator in _SEPARATORS:
        header, *rows = [r for r in _records(text, start, separator) if r] or [[]]
        rows = [row for row in rows if not row[0].startswith("#")]
        if separator == "\t" and ending(path).startswith(".tsv") and len(header) > 1:
            return separator
        fitting = sum(len(row) == len(header) for row in rows) / len(rows) if rows else 1.0
        if len(header) > 1:
            found.append((round(fitting, 1), len(header), separator))
    # Of equals not the comma, which also stands in names and numbers.
    return max(found, key=lambda one: (*one[:2], one[2] != ","))[2] if found else _space(text, start) or ","


def _space(text: str, start: int) -> str:
    """Return a space where it separates the fields, as in tables of a fixed width: always so many, some of numbers.

    Rows may have their number, or name, before them.
    """
    lines = filter(str.strip, _lines(text[start : start + _LOOK]))
    first = [line.strip() for line in itertools.islice(lines, FIRST_ROWS + 1) if not DRAWN_LINE.fullmatch(line)]
    header, *rows = list(csv.reader(first, delimiter=" ", skipinitialspace=True)) or [[]]
    sizes = set(map(len, rows))
    if len(header) < 2 or len(rows) < 2 or len(sizes) > 1 or not sizes & {len(header), len(header) + 1}:
        return ""
    return " " if any(all(map(split_number, column)) for column in zip(*rows, strict=True)) else ""


def is_second_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has units, types or questions: words in all the columns, two or more, of numbers alone."""
    first, *others = rows[:_ROWS_TO_TELL]
    if len(others) < FIRST_ROWS // 2:
        return False
    words = [i for i, text in enumerate(first) if not _may_be_number(text)]
    told = [i for i in range(len(first)) if all(_may_be_number(row[i]) for row in others)]
    of_numbers = [i for i in told if any(split_number(row[i]) is not None for row in others)]
    return len(set(words).intersection(of_numbers)) > 1 and all(i in words or not first[i].strip() for i in of_numbers)


def _may_be_number(text: str) -> bool:
    return says_nothing(text) or split_number(text) is not None
