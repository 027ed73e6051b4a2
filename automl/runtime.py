"""Predict with a model folder: this file, NumPy and onnxruntime are all it takes (Python 3.11 or newer).

    python predict.py data.csv -o predictions.csv

``automl`` copies this file into every model folder as ``predict.py``, and uses it itself to turn raw columns into
arrays when it trains: what a model sees in production is what it saw in training, by construction.

Missing: an empty field, None, NaN, NaT and the strings of ``MISSING``, unless one is a level of its column; in a column
of numbers or dates also what ``says_nothing``. How a column's numbers and dates are written stands in its schema:
``decimal``, ``unit`` and ``scaled``, ``format``. "45%" is 45. Dates with a time zone are taken in UTC.
Text becomes counts of terms, all lower case: ``w:free`` and ``w:free call`` are words and pairs of neighbouring
words; ``c: fre`` are the 3 to 5 neighbouring characters inside a piece of text between spaces, its ends marked
by a space (scikit-learn's ``char_wb``). Where a model reads text in its order, it becomes subwords, see ``Subwords``.
"""

import os
import sys

if __name__ == "__main__":  # nothing that lies beside this file may stand in for a library
    _HERE = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != _HERE]

import argparse
import collections
import contextlib
import csv
import difflib
import functools
import gzip
import hashlib
import io
import itertools
import json
import re
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz")  # of the files that can be read
FORMAT = 2  # of the manifest; a folder of any other is refused
_MISSING_WORDS = "? NA N/A n/a NaN nan -NaN -nan NaT NULL null None <NA> #N/A #NA"
MISSING = frozenset(("", "#N/A N/A", *_MISSING_WORDS.split()))
DATE_PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second", "days")
_TRUTH = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "on": 1.0}
_TRUTH |= {"false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0, "off": 0.0}
_NUMBERS = (int, float, np.number)
_PARTS = ("numeric", "categories", "tokens", "subwords")
MOST_SUBWORDS = 512  # of one text; what comes after them is not read
_CHUNK_VALUES = 8_000_000  # values held at once while predicting
_VALUES_PER_SUBWORD = 128  # what a network has of each of them at once
_LONGEST_SHOWN = 60  # characters of a value or a name in a message
_HARMLESS = "\n\u200c\u200d"  # though they cannot be printed: the last two join letters, or keep them apart
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_SEPARATORS = (",", ";", "\t", "|", "~", "^", "\x01", "\x1f")
_MOST_TITLES = 5  # lines above the header
_RULE = re.compile(r"[\s|:+=-]*(?:---|===)[\s|:+=-]*")  # a line that is drawn
_SEPARATOR_LINE = re.compile(r'"?sep=(\\t|.)"?', re.IGNORECASE)
_FIRST_ROWS = 20
_MENDED_BESIDE = 10  # good characters beyond ASCII for each that is broken: the text is UTF-8 nevertheless
_LOOK = 200_000  # characters in which the separator is looked for
_BYTE_ORDER_MARKS = {  # and the encoding; that of UTF-32 begins like that of UTF-16
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook. Save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook. Save the sheet as CSV",
    b"PAR1": "Parquet. Call it .parquet",
    b"ARROW1": "Feather. Call it .feather",
    b"\x93NUMPY": "a NumPy array. Save it as .npz",
    b"BZh": "compressed by bzip2. Unpack it, or use gzip",
    b"\xfd7zXZ": "compressed by xz. Unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd. Unpack it, or use gzip",
    b"SQLite format 3": "an SQLite database. Write the table as CSV",
    b"\x89HDF": "HDF5. Write the table as CSV",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"<!DOCTYPE": "a web page; the download may have failed",
    b"<html": "a web page; the download may have failed",
}
DRAFT = ".automl-"  # how the names of files begin that are being written
_LARGEST_MANIFEST = 200_000_000  # bytes
_FILE_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", None: "null"}
_SHA256 = re.compile("[0-9a-f]{64}")
_COLUMN = {
    "name": str,
    "role": {"numeric", "categorical", "boolean", "datetime", "text", "dropped"},
    "levels?": [str],
    "format?": (str, [str]),
    "decimal?": str,
    "since?": int,
    "unit?": [str],
    "scaled?": bool,
    "bracketed?": bool,
    "between?": str,
    "several?": int,
    "center?": float,
    "missing?": [str],
    "salt?": str,
    "padded?": bool,
    "terms?": [str],
    "subwords?": [str],
    ...: object,
}
_MANIFEST = {  # of it, what is used here
    "format": int,
    "checksum": _SHA256,
    "onnx": str,
    "decision?": [float],
    "files": {...: _SHA256},
    "schema": {
        "kind": {"table", "image", "sequence", "text"},
        "target": {"binary", "multiclass", "regression", "quantiles"},
        "target_name": str,
        "columns": [_COLUMN],
        "classes": [(str, int, float, bool)],
        "shape": [int],
        "quantiles?": [float],
        ...: object,
    },
    ...: object,
}
_SEVERAL = {  # of the manifest of a folder that holds a model folder for each of several targets
    "format": int,
    "checksum": _SHA256,
    "models": [{"target": str, "folder": str, "manifest": _SHA256}],
    ...: object,
}
_EXTERNAL_DATA = 13  # the field of a tensor that says where it lies
_ONNX = {  # the messages of onnx.proto that may hold tensors: by the number of the field, which message it holds
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_INTEGRAL = re.compile(r"[+-]?\d+\.0*")
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_PADDED = re.compile(r"0\d+")
_EXACT = 2.0**53  # beyond it, float64 does not hold every whole number
_WORD = re.compile(r"\w+")
_SUBWORDS_OF = re.compile(r" ?\w{1,32}| ?[^\w\s]{1,32}")  # what subwords are parts of

# In a column of numbers or dates these say that there is none, in any case; a sign alone ("-", "?") does so too.
_NOTHING_WORDS = (
    "missing|unknown|unk|undefined|unavailable|not available|not applicable|not known|not reported|not recorded|"
    "no data|none|null|nil|nan|nat|na|n/a|n.a.|n.a|n/d|n.d.|nd|n.k.|k.a.|s/d|tbd|tba|t.b.d.|tbc|pending|blank|"
    "(blank)|empty|(null)|\\n|#n/a|#na|<na>|#div/0!|#value!|#ref!|#name?|#num!|#null!|"
    "1.#ind|-1.#ind|1.#qnan|-1.#qnan|1.#inf|-1.#inf|err|error|invalid|"
    "keine angabe|unbekannt|fehlt|n.v.|onbekend|geen|n.v.t.|nvt|inconnu|nc|n.c.|non renseigné|sin dato|sin datos|"
    "desconocido|s.d.|sconosciuto|non disponibile|desconhecido|não informado|sem dados|brak|brak danych|b.d.|"
    "нет данных|неизвестно|нет|н/д|нд|不明|未知|无|無|暂无|なし|없음"
)
_NOTHING = frozenset(_NOTHING_WORDS.split("|"))
_NO_DATE = re.compile(r"(?:0000([-/.])00\1(?:00|0000)|00([-/.])00\2(?:00){1,2})(?:[ T]00:00(?::00)?)?")

Schema = Mapping[str, Any]
Columns = Mapping[str, Any]
Column = Mapping[str, Any]
_ANY: Column = {}  # a column of which nothing is known


class PredictionError(ValueError):
    """The input or the model folder cannot be used; the message says what is wrong and what to do."""


# ---------------------------------------------------------------------------------------------- reading


def ending(path: Path) -> str:
    """Return how the name of a file ends, in small letters: ".csv", or ".csv.gz" where it is compressed."""
    return ("".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix).lower()


class Table(NamedTuple):
    """A file of text: (n,) object arrays of strings by column, the sign between fields, and what there is to say."""

    columns: dict[str, np.ndarray]
    separator: str
    notes: tuple[str, ...]


def read_csv(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the columns of a CSV or TSV file as (n,) object arrays of strings; see ``read_table``."""
    return read_table(path).columns


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV or TSV file, compressed by gzip or not, whatever it is called.

    Its first line, after empty ones, comments ("#") and "sep=;", holds the names of the columns. The separator is the
    one of comma, semicolon, tab and bar that gives the rows as many fields as the header. Raises ``PredictionError``.
    """
    path = Path(path)
    text, notes = read_text(path)
    return table_in(path, text, *beginning(path, text), notes)


def beginning(path: Path, text: str) -> tuple[int, str]:
    """Return where the header of a table of text begins, and the sign between its fields."""
    csv.field_size_limit(2**31 - 1)
    start, separator = _header(path, text)
    if start >= len(text):
        raise PredictionError(f"'{path}' is empty. The first line must hold the names of the columns.")
    if not separator:
        start += _length_of_titles(text, start)
    return start, separator or _separator(path, text, start)


def _length_of_titles(text: str, start: int) -> int:
    """Return the length of the lines above the header that have one field at most: a title, or other comments.

    The separators that a sheet writes behind a title count for nothing, where the names below are all there.
    """
    lines = list(itertools.islice(_lines(text[start : start + _LOOK]), 20))
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


def _n_filled(row: Sequence[str]) -> int:
    return sum(bool(field.strip()) for field in row)


def table_in(path: Path, text: str, start: int, separator: str, notes: tuple[str, ...]) -> Table:
    """Return the table in a text whose header begins at ``start``; ``path``: what errors call it."""
    try:
        columns, said = _parse(path, text, start, separator)
    except csv.Error as error:
        try:
            if '\\"' not in text:
                raise
            columns, said = _parse(path, text, start, separator, escape="\\")  # of a quote inside quotes
        except csv.Error:
            raise PredictionError(f"'{path}', {error}.") from None
    return Table(columns, separator, (*notes, *(f"'{path.name}': {words}" for words in said)))


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a file of text holds, unpacked and decoded, with notes. Raises ``PredictionError`` for others."""
    if not path.is_file():
        raise PredictionError(f"There is no file '{path}'.{_nearest(path.name, _siblings(path))}")
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b" or (path.suffix.lower() == ".gz" and len(raw.splitlines()) < 2):
            raw = gzip.decompress(raw)  # a .gz that a browser has unpacked is read as it is
    except (OSError, EOFError, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None
    other = next((what for magic, what in _NO_TEXT.items() if raw.startswith(magic)), None)
    if other is not None:
        raise PredictionError(f"'{path}' must be a file of text; its content is {other}.")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if raw.startswith(mark)), "") or _unmarked(raw)
    raw = raw.removesuffix(b"\x1a")  # the end of a file, to DOS
    try:
        return _unsigned(path, raw.decode(encoding))
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or b"\0" in raw[:4096]:
            way_out = "It may be a binary file, or text in UTF-16. Save it as UTF-8."
            raise PredictionError(f"'{path}' is no text in UTF-8 ({error.reason}). {way_out}") from None
    mended = raw.decode("utf-8", "replace")
    n_bad = mended.count("\ufffd")
    if sum(not c.isascii() for c in mended) > _MENDED_BESIDE * n_bad:
        return mended, (f"'{path.name}' is UTF-8, but for {n_bad:,} bytes that are none; they were replaced.",)
    with contextlib.suppress(UnicodeDecodeError):
        return raw.decode("cp1252"), (_not_utf8(path, "Windows-1252"),)
    return raw.decode("latin-1"), (_not_utf8(path, "Latin-1"),)


def _unsigned(path: Path, text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without zero characters, and without the byte order marks of files that were put together."""
    n_zeros = text.count("\0")
    notes = (f"'{path.name}' holds {n_zeros:,} zero characters (NUL), which were left out.",) if n_zeros else ()
    return text.replace("\ufeff", "").replace("\0", ""), notes


def _unmarked(raw: bytes) -> str:
    """Return the encoding of a text without a mark: every other byte of UTF-16 is zero in most languages' tables."""
    first = raw[:1000]
    if len(first) > 1 and len(first) % 2 == 0 and first[:2] != b"\0\0":
        return "utf-16-le" if not any(first[1::2]) else "utf-16-be" if not any(first[::2]) else "utf-8"
    return "utf-8"


def _not_utf8(path: Path, encoding: str) -> str:
    return f"'{path.name}' is not UTF-8; it was read as {encoding}. Save it as UTF-8 if letters are wrong."


def _header(path: Path, text: str) -> tuple[int, str]:
    """Return where the header begins, after empty lines and comments, and the separator that a line "sep=;" gives."""
    start, separator, comment = 0, "", -1
    for line in _lines(text):
        given = _SEPARATOR_LINE.fullmatch(line.strip())
        if given is not None and not separator:
            separator = given[1].replace("\\t", "\t")
        elif line.startswith("#"):
            comment = start
        elif line.strip() and not _RULE.fullmatch(line):
            break
        start += len(line)
    if comment >= 0 and text[comment + 1 : comment + 2].strip() and start < len(text):
        # "#name,age" above rows of two fields is a header, not a comment.
        sign = separator or _separator(path, text, start)
        first, second = (next(_records(text, at, sign), []) for at in (comment, start))
        if len(first) == len(second) > 1:
            return comment, separator
    return start, separator


def _lines(text: str) -> Iterator[str]:
    yield from io.StringIO(text, newline="")


def _records(text: str, start: int, separator: str) -> Iterator[list[str]]:
    """Yield the first records of a file, as far as they can be read."""
    lines = io.StringIO(text[start : start + _LOOK], newline="")
    with contextlib.suppress(csv.Error):
        yield from itertools.islice(csv.reader(lines, delimiter=separator, skipinitialspace=True), 20)


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
    """Return a space where it separates the fields, as in tables of a fixed width: always so many, some of numbers."""
    lines = itertools.islice(filter(str.strip, _lines(text[start : start + _LOOK])), _FIRST_ROWS + 1)
    header, *rows = [line.split() for line in lines if not _RULE.fullmatch(line)] or [[]]
    if len(header) < 2 or len(rows) < 2 or any(len(row) != len(header) for row in rows):
        return ""
    return " " if any(all(map(split_number, column)) for column in zip(*rows, strict=True)) else ""


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
        first = list(itertools.islice(numbered, _FIRST_ROWS))
        if first and _RULE.fullmatch("|".join(first[0][1])):
            del first[0]  # the line below the header of Markdown and of a terminal
        filled = [row for _, row in first if row]
        if len(names) > 1 and len(filled) > 1 and all(len(row) == len(names) + 1 for row in filled):
            # Rows are numbered in a column without a name, or end in a sign too many.
            names = ["", *names] if any(row[-1] for row in filled) else [*names, ""]
        header = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
        for line, row in itertools.chain(first, numbered):
            if len(row) == len(header) and not footer:
                rows.append(row)
            elif row and row[0].startswith("#"):
                left_out["begin with #"] += 1
            elif len(row) == 1 and rows:  # below the table: its source, a remark
                footer = footer or above + line
            elif row:  # an empty line is no row
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


def to_columns(schema: Schema, x: Any) -> dict[str, Any]:
    """Return a table as columns by name. ``x``: a mapping of columns, a data frame, a record or a list of records, a
    2-D array with the columns of the training data in their order, or texts where there is a single text column.
    """
    named = named_columns(x)
    if named is not None:
        return named
    if hasattr(x, "toarray"):
        x = x.toarray()
    names = [c["name"] for c in schema["columns"]]
    array = np.asarray(unmasked(x)) if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.ndim == 1 and len(names) == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != len(names):
        raise PredictionError(f"The data must have {len(names)} columns ({_list(names)}); given: shape {array.shape}.")
    return {name: array[:, i] for i, name in enumerate(names)}


def named_columns(x: Any) -> dict[str, Any] | None:
    """Return the columns of a mapping, a data frame, a record or a list of records; None for what has no names."""
    if isinstance(x, np.ndarray) and x.dtype.names:
        return {name: x[name] for name in x.dtype.names}
    if hasattr(x, "column_names"):  # an Arrow table, whose ``columns`` are the arrays
        refuse_repeats(x.column_names)
        return {name: x.column(name) for name in x.column_names}
    if isinstance(x, Mapping) or hasattr(x, "columns"):
        names = list(x if isinstance(x, Mapping) else x.columns)
        refuse_repeats([str(name) for name in names])
        columns = {str(name): x[name] for name in names}
        _refuse_unordered(columns)
        return _one_or_more(columns)
    if isinstance(x, Sequence) and x and all(isinstance(record, Mapping) for record in x):
        keys = dict.fromkeys(key for record in x for key in record)
        return {str(key): [record.get(key) for record in x] for key in keys}
    return None


def refuse_repeats(names: Sequence[str], where: str = "") -> None:
    """Raise ``PredictionError`` for names of columns that are given more than once."""
    twice = sorted(name for name, n in collections.Counter(names).items() if n > 1)
    if twice:
        raise PredictionError(
            f"{where}Column names must differ; given more than once: {_list(twice)}. Rename or drop them."
        )


def _refuse_unordered(columns: Mapping[str, Any]) -> None:
    for name, values in columns.items():
        if isinstance(values, (Mapping, Set)):
            raise PredictionError(
                f"A column must be a list or an array, its values in the order of the rows; '{shown(name)}' is a "
                f"{type(values).__name__}. Give the data frame itself, or frame.to_dict('list')."
            )


def _one_or_more(columns: dict[str, Any]) -> dict[str, Any]:
    """Make one record, whose values are no lists, a table of one row."""
    single = {n: v for n, v in columns.items() if _is_single(v)}
    if single and len(single) < len(columns):
        raise PredictionError(
            f"A mapping must hold a list for every column, or one value for every one; a value: {_list([*single])}. "
            "Write one row as {'a': 1.0, 'b': 'red'}, several as {'a': [1.0, 2.0], 'b': ['red', 'blue']}."
        )
    return {name: [value] for name, value in single.items()} if single else columns


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or getattr(value, "ndim", 1) == 0


# ----------------------------------------------------------------------------------------------- values


def is_missing(value: Any, marks: Collection[str] = MISSING) -> bool:
    """Whether ``value`` counts as missing: a gap of any type, or one of the words ``marks``."""
    if isinstance(value, str):
        return value.strip() in marks
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)) and value != value)


def says_nothing(text: str) -> bool:
    """Whether a field of a column of numbers or dates only says that there is none: "-", "TBD", "#DIV/0!", "n.a."."""
    plain = text.strip()
    return not any(map(str.isalnum, text)) or plain.casefold() in _NOTHING or _NO_DATE.fullmatch(plain) is not None


def marks_of(column: Column) -> Collection[str]:
    """Return the words that are missing in a column of the schema: its own, or ``MISSING``; no level ever is."""
    marks = column.get("missing") or MISSING
    return marks if column.get("role") != "categorical" else frozenset(marks).difference(column.get("levels", ()))


def label(value: Any, marks: Collection[str] = MISSING) -> str:
    """Return the one way a category is written: 3, 3.0 and "3.0" give "3"; True and "true" give "True"; missing "".

    Dates, and texts that are a date with a time, give "2024-12-31" at midnight and else "2024-12-31 23:59:59", in UTC.
    """
    if is_missing(value, marks):
        return ""
    if isinstance(value, (date, np.datetime64)):
        return _written(value)
    text = _plain(value)
    if text in marks:  # bytes, or a number such as -999
        return ""
    return _written(text) if _DATE_AND_TIME.match(text) else text


def _plain(value: Any) -> str:
    text = value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_UNSEEN)).strip()
    if text.lower() in ("true", "false"):
        return text.capitalize()
    if _INTEGRAL.fullmatch(text):
        text = text[: text.index(".")]
        return "0" if text == "-0" else text
    return text


def _written(when: Any) -> str:
    try:
        return datetime.isoformat(moment(when, "iso"), " ").removesuffix(" 00:00:00")  # type: ignore[arg-type]
    except ValueError:  # such as 2024-99-99 00:00, or a year beyond 9999
        return _plain(when)


def number(value: Any, column: Column = _ANY) -> float:
    """Return a value as a float, NaN where missing, as ``column`` of the schema reads its numbers: less its ``center``.

    Without one, a number is what ``float`` takes. Raises ``ValueError`` or ``TypeError`` where it is none.
    """
    found, center = _number(value, column), column.get("center", 0.0)
    if isinstance(found, int) and abs(center) >= _EXACT:
        return float(found - int(center))
    try:
        return float(found) - center
    except OverflowError:  # a whole number beyond 1e308
        return np.inf if found > 0 else -np.inf


def _number(value: Any, column: Column) -> int | float:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if is_missing(value, marks_of(column)):
        return np.nan
    if isinstance(value, str):
        return _number_in(value.strip(), column) if column else _plain_number(value)
    if isinstance(value, (date, time, np.datetime64)):
        raise ValueError(value)
    if isinstance(value, (timedelta, np.timedelta64)):
        return value / np.timedelta64(1, "s") if isinstance(value, np.timedelta64) else value.total_seconds()
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _plain_number(text: str) -> float:
    if "_" in text:  # Python reads 1_000 as a number
        raise ValueError(text)
    return float(text)


def _number_in(text: str, column: Column) -> int | float:
    if abs(column.get("center", 0.0)) >= _EXACT and _WHOLE.fullmatch(text):
        return int(text)
    if column.get("format") == "duration":
        return duration(text)
    if column.get("decimal") != "," and not is_mixed(column):
        with contextlib.suppress(ValueError):
            return _plain_number(text)
    if says_nothing(text):
        return np.nan
    if not column.get("decimal"):
        raise ValueError(text)
    return sum(_measure_in(part, column) for part in addends(text))


def _measure_in(text: str, column: Column) -> float:
    """Return the value of one number with its unit, in the first of the units of its column."""
    found = split_number(unbracketed(text) if column.get("bracketed") else text)
    if found is None:
        raise ValueError(text)
    scale, unit = split_scale(found.after) if column.get("scaled") else (0, found.after)
    value, known = value_of(found, column["decimal"], scale), column.get("unit", ())
    if known and (converted := conversion(unit_key(unit), known[0])) is not None and not found.before:
        return value * converted[0] + converted[1]
    is_bare = not found.before and not unit
    if (is_bare and is_mixed(column)) or any(u and unit_key(u) not in known for u in (found.before, unit)):
        raise ValueError(text)
    return value


def several(value: Any, column: Column) -> tuple[float, ...]:
    """Return the numbers of a field that holds several, NaN where missing. Raises ``ValueError`` where it does not."""
    if is_missing(value, marks_of(column)) or (isinstance(value, str) and says_nothing(value)):
        return (np.nan,) * column["several"]
    parts = between(_plain(value), column["between"])
    if len(parts) != column["several"]:
        raise ValueError(value)
    return tuple(float(_number(part, column)) for part in parts)


def between(text: str, sign: str) -> list[str]:
    """Return the parts of a field between which one of ``BETWEEN`` stands, as in 120/80 or (52.5, 13.4)."""
    plain = in_ascii(text)
    found = _IN_BRACKETS.fullmatch(plain)
    if sign == "(":
        return BETWEEN[sign].split(plain.rstrip(")]")) if {"(", "["} & set(plain) else [plain]
    return BETWEEN[sign].split(plain if found is None else found["inside"])


def is_mixed(column: Column) -> bool:
    """Whether a column has several units of one kind, such as kg and g: a number without one could be of any."""
    known = column.get("unit", ())
    return len(known) > 1 and all(conversion(unit, known[0]) is not None for unit in known)


def duration(value: Any) -> float:
    """Return how many seconds "1 day, 2:03:04.5", "26:03:04.5", "-1 days 02:03:04", "P1DT2H3M4.5S" or "1h 5m" are.

    A month is a twelfth of a year, and that 365.25 days.
    """
    text = unquoted(in_ascii(str(value)))
    if says_nothing(text):
        return np.nan
    found = _CLOCK.fullmatch(text)
    if found is None or not any(found.group("days", "hours", "minutes", "seconds")):
        return _spelled(text)
    days, hours, minutes, seconds = (float(part or 0) for part in found.group("days", "hours", "minutes", "seconds"))
    sign = -1.0 if found["sign"] else 1.0
    within = sign * (hours * 3_600 + minutes * 60 + seconds)  # of "-1 days +02:00:00", 22 hours before, it is positive
    return within + days * 86_400


def _spelled(text: str) -> float:
    """Return the seconds of a duration in units, the largest first: "P1DT2H", "2 years 3 months", "1h 5m"."""
    iso = _ISO_DURATION.fullmatch(text)
    if iso is not None and any(iso.groups()[1:]):
        parts = [(amount, size) for amount, size in zip(iso.groups()[1:], _TIMES, strict=True) if amount]
    elif _SPELLED.fullmatch(text):
        parts = [(amount, SECONDS_OF.get(unit_key(name), 0.0)) for amount, name in _AMOUNT.findall(text)]
        if len(parts) > 1 and parts[0][1] == SECONDS_OF["y"] and parts[1][1] == SECONDS_OF["m"]:
            parts[1] = parts[1][0], SECONDS_OF["month"]  # "10y 3m"
    else:
        raise ValueError(text)
    sizes = [size for _, size in parts]
    if not all(sizes) or sizes != sorted(set(sizes), reverse=True):
        raise ValueError(text)
    total = sum(float(amount.replace(",", ".")) * size for amount, size in parts)
    return -total if text.startswith("-") else total


def truth(value: Any, column: Column = _ANY) -> float:
    """Return 1.0 for true, yes, on, 1 and 0.0 for their opposites (any case), NaN where missing."""
    text = label(value, marks_of(column))
    if not text or (column and says_nothing(text)):
        return np.nan
    try:
        return _TRUTH[text.lower()]
    except KeyError:
        raise ValueError(value) from None


def moment(value: Any, formats: str | Sequence[str], column: Column = _ANY) -> datetime | None:
    """Return a date without time zone, None where missing.

    ``formats``, tried in their order: "iso", "time" (10:30), "quarter" (2016-Q2), "week" (W05 2016), "epoch s" (also
    ms, us, ns), "sheet days" (since 1899-12-30), or one of ``datetime.strptime``, which takes ``tidy`` text. Raises
    ``ValueError`` for what is in none of them.
    """
    if is_missing(value, marks_of(column)):
        return None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if hasattr(value, "to_timestamp"):  # a period of pandas
        value = value.to_timestamp()
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, time):
        return datetime.combine(_FIRST_DAY, value.replace(tzinfo=None))
    text, later = _within_days(plain_date(_plain(value)))
    for pattern in (formats,) if isinstance(formats, str) else formats:
        with contextlib.suppress(ValueError, OverflowError):
            return _utc(_in_century(_parsed(text, pattern), pattern, column.get("since", 0)) + later)
    if column and says_nothing(text):
        return None
    raise ValueError(value)


def _utc(when: datetime) -> datetime:
    if when.tzinfo is not None:
        # Left as it is: a sentinel such as 9999-12-31T23:59:59-05:00, in UTC in the year 10000.
        with contextlib.suppress(OverflowError):
            when = when.astimezone(timezone.utc)  # noqa: UP017
    return when.replace(tzinfo=None)


def _within_days(text: str) -> tuple[str, timedelta]:
    """Return a text without the end of a day, 24:00, or a leap second, and what is to be added for it."""
    if _MIDNIGHT.search(text):
        return _MIDNIGHT.sub("00:00", text), timedelta(days=1)
    return (_LEAP_SECOND.sub(":59", text), timedelta(seconds=1)) if _LEAP_SECOND.search(text) else (text, timedelta(0))


def _in_century(when: datetime, pattern: str, since: int) -> datetime:
    """Return a date whose year has two digits as the one of the hundred years from ``since`` on."""
    return when.replace(year=since + (when.year - since) % 100) if since and "%y" in pattern else when


def _parsed(text: str, pattern: str) -> datetime:
    if pattern in _PERIODS:
        return _first_day(text, pattern)
    if pattern == "iso":
        if not _ISO.match(text):  # fromisoformat takes any sign between date and time, and 12345-6789 for a time
            raise ValueError(text)
        return datetime.fromisoformat(_SPACED_OFFSET.sub("", text))
    if pattern == "time" and text[2:3] == ":":
        return datetime.combine(_FIRST_DAY, time.fromisoformat(text).replace(tzinfo=None))
    if pattern in _TICKS:
        return _EPOCH + timedelta(seconds=float(text) / _TICKS[pattern])
    if pattern == "sheet days":
        return _SHEET_EPOCH + timedelta(days=float(text))
    if _ONE_DIGIT.search(text):  # 4:3 is no time of a day, though strptime takes it
        raise ValueError(text)
    if text.isdecimal() != (pattern in _DIGITS_OF) or len(text) != _DIGITS_OF.get(pattern, len(text)):
        raise ValueError(text)
    return datetime.strptime(tidy(text), pattern.replace("%B", "%b"))


def _first_day(text: str, period: str) -> datetime:
    """Return the day on which a quarter or a week begins: "Q2 2016", "2016-W05"."""
    found = next(filter(None, (form.fullmatch(text) for form in _PERIODS[period])), None)
    if found is None:
        raise ValueError(text)
    year, part = int(found["year"]), int(found["part"])
    if period == "week":
        return datetime.fromisocalendar(year, part, 1)
    return datetime(year if year > 99 else year + (2000 if year < 69 else 1900), 3 * part - 2, 1)


def _as_offset(zone: re.Match[str]) -> str:
    return _ZONES.get(zone["name"] or "", "")


def plain_date(text: str) -> str:
    """Return a date in ASCII, without quotes, a known time zone as its offset."""
    return _NAMED_ZONE.sub(_as_offset, unquoted(in_ascii(text)))


def tidy(text: str) -> str:
    """Return a date without its day of the week, "th" and the like, its month in English: a form of ``strptime``."""
    if _PLAIN_DATE.fullmatch(text):
        return text
    for pattern, plain in _TIDY:
        text = pattern.sub(plain, text)
    return text


class _Memo(dict[Any, Any]):
    """Remembers what a function gave, because columns repeat their values."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, value: Any) -> Any:
        self[value] = result = self.function(value)
        return result


# True equals 1 as the key of a dictionary, so only these may share one.
_SAFE_TOGETHER = {str, float, int, type(None)}


def _each(array: np.ndarray, function: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """Apply ``function`` to each value; also return the position of the first that it refuses, or -1."""
    values = array.tolist() if array.dtype.kind in "Oiuf" else list(array)
    lookup = _Memo(function).__getitem__ if set(map(type, values)) <= _SAFE_TOGETHER else function
    results: list[Any] = []
    try:
        results.extend(map(lookup, values))  # what came before a refusal stays in the list
    except (ValueError, TypeError):
        return results, len(results)
    return results, -1


def as_array(values: Any) -> np.ndarray:
    """Return a column (list, array of NumPy or Arrow, Series, ...) as an (n,) array; strings as objects."""
    if hasattr(values, "null_count") and (hasattr(values, "to_pylist") or hasattr(values, "to_list")):
        array = _from_arrow(values)
    elif str(getattr(values, "dtype", "")) in _LONG_WITH_GAPS and values.isna().any():
        array = values.to_numpy(dtype=object, na_value=None)
    elif isinstance(values, np.ndarray) or hasattr(values, "to_numpy"):
        array = unmasked(values if isinstance(values, np.ndarray) else values.to_numpy())
    else:
        array = _objects(list(values))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind in "UT":
        array = array.astype(object)
    return array


_LONG_WITH_GAPS = ("Int64", "UInt64", "int64[pyarrow]", "uint64[pyarrow]")  # of pandas: NumPy would make them floats


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def unmasked(array: Any) -> Any:
    """Return an array whose masked values are gaps: NaN among floats, else None."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if not np.ma.getmaskarray(array).any():
        return array.data
    masked: Any = array if array.dtype.kind == "f" else array.astype(object)
    return masked.filled(np.nan if array.dtype.kind == "f" else None)


def _from_arrow(values: Any) -> np.ndarray:
    """Return a column of Arrow or polars; as objects where NumPy has no such type, or where a gap would cost digits."""
    n_gaps = values.null_count() if callable(values.null_count) else values.null_count
    kind = str(getattr(values, "type", None) or values.dtype).lower()
    if kind.startswith(("dictionary", "decimal", "int128")) or (n_gaps and kind in ("int64", "uint64")):
        return _objects(values.to_pylist() if hasattr(values, "to_pylist") else values.to_list())
    is_array = hasattr(values, "to_pylist") and not hasattr(values, "num_chunks")
    return values.to_numpy(zero_copy_only=False) if is_array else values.to_numpy()


def labels(values: Any, marks: Collection[str] = MISSING) -> np.ndarray:
    """Return the ``label`` of each value, (n,) object."""
    array = as_array(values)
    if array.dtype.kind in "biufM":
        distinct, inverse = np.unique(array, return_inverse=True)
        return np.array([label(v, marks) for v in distinct], dtype=object)[inverse]
    return np.array(_each(array, lambda value: label(value, marks))[0], dtype=object)


def numbers(values: Any, column: Column = _ANY) -> tuple[np.ndarray, int]:
    """Return (n,) float64, NaN where missing, and the position of the first value that is no number, or -1.

    ``column``: of the schema, see ``number``; its ``center`` is subtracted, before digits are lost.
    """
    array = as_array(values)
    center = column.get("center", 0.0)
    bad = -1
    if array.dtype.kind in "biuf":
        result = _difference(array, center)
    elif array.dtype.kind == "m":
        result = array / np.timedelta64(1, "s") - center
    else:
        is_plain = array.dtype == object and column.get("decimal") != "," and not column.get("format")
        is_plain = is_plain and not is_mixed(column)
        fast = _strings_to_floats(array) if is_plain and abs(center) < _EXACT else None
        if fast is None:
            found, bad = _each(array, lambda value: number(value, column))
            result = np.array(found, dtype=np.float64)
        else:
            result = fast - center if center else fast
    return _without(result, column, center), bad


def _difference(array: np.ndarray, center: float) -> np.ndarray:
    """Return numbers less ``center``; between very long whole ones it is taken before they become float64."""
    rough = array.astype(np.float64) - center
    if array.dtype.kind not in "iu" or abs(center) < _EXACT:
        return rough
    # Modulo 2**64 it is right wherever it fits into 63 bits.
    wide = array.astype(np.uint64 if array.dtype.kind == "u" else np.int64)
    exact = (wide - np.array(int(center)).astype(wide.dtype)).view(np.int64)
    return np.where(np.abs(rough) < _EXACT, exact, rough)


def _without(result: np.ndarray, column: Column, center: float) -> np.ndarray:
    """Make the marks that are numbers, such as -999, missing."""
    for mark in column.get("missing", ()):
        with contextlib.suppress(ValueError):
            result[result == float(mark) - center] = np.nan
    return result


def _strings_to_floats(array: np.ndarray) -> np.ndarray | None:
    try:
        result = np.fromiter(map(float, [v or "nan" for v in array.tolist()]), np.float64, len(array))
        return None if "_" in "".join(array) else result  # Python reads 1_000 as a number
    except (TypeError, ValueError, OverflowError):
        return None


def dates(values: Any, formats: str | Sequence[str], column: Column = _ANY) -> tuple[np.ndarray, int]:
    """Return (n,) datetime64[us], NaT where missing, and the position of the first value that is no date, or -1."""
    array = as_array(values)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]"), -1
    result, bad = _each(array, lambda value: moment(value, formats, column))
    return np.array(result, dtype="datetime64[us]"), bad


# --------------------------------------------------------------------------- numbers as people write them


class Number(NamedTuple):
    """A number in its parts: "-$1,234.5e2 kg" has the digits "1,234.5", and stands between "$" and "kg".

    ``fraction``: of "2½" and "2 1/2", what is added to the digits.
    """

    negative: bool
    digits: str
    exponent: int
    before: str
    after: str
    fraction: float = 0.0


def split_number(text: str) -> Number | None:
    """Take a number apart, whatever its decimal mark; None where it is none. Accounting's (5) and 5- are -5.

    What bounds or blurs it, as in "<0.5" below what can be measured, "~12", "90+" or "12 ± 1", is left out, and so are
    marks of a footnote, a "#", quotes around it and the "nd" of an ordinal.
    """
    if len(text) > _LONGEST_NUMBER:
        return None
    text = BOUND.sub("", unquoted(in_ascii(text)))
    if not text.isascii():
        text = _SUPERSCRIPTS.sub(lambda power: f"10^{in_ascii(unicodedata.normalize('NFKC', power[1]))}", text)
        text = _VULGAR.sub(_in_digits, text)
    text = _ORDINAL.sub("", _FOOTNOTE.sub("", BLUR.sub("", text)))
    in_parentheses = _ACCOUNTING.fullmatch(text)
    if in_parentheses is not None:
        text = "".join(in_parentheses.groups())
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    signs = [sign for sign in found.group("sign", "inner", "last") if sign]
    if len(signs) + (in_parentheses is not None) > 1:
        return None
    before, after = (part.strip() for part in found.group("before", "after"))
    is_negative = in_parentheses is not None or "-" in signs
    exponent = int(found["exponent"] or found["power"] or 0)
    above, below = int(found["above"] or 0), int(found["below"] or 1)
    if above > 0 and (above >= below or exponent):  # "5 9/2" is no number
        return None
    if after[:1] == "\N{DEGREE SIGN}" and after[1:].strip() in _HEMISPHERES:
        is_negative, after = is_negative != (after[-1] in "SW"), after[0]
    return Number(is_negative, found["digits"], exponent, before, after, above / below)


def in_ascii(text: str) -> str:
    """Return a text with the digits, spaces and dashes of other scripts as those of ASCII, without what is not seen."""
    if text.isascii():
        return text.strip()
    return re.sub(r"\d", lambda digit: str(int(digit[0])), text.translate(_SIGNS).strip())


def unquoted(text: str) -> str:
    """Return a number or date without quotes around it, as in ="5", or the apostrophe that makes it text in a sheet."""
    found = _QUOTED.fullmatch(text)
    return text if found is None else (found["quoted"] or found["text"] or "").strip()


def unbracketed(text: str) -> str:
    """Return a number without the brackets around it, as in (3,257), [12] or $(5)."""
    found = _BRACKETED.fullmatch(in_ascii(text))
    return text if found is None else "".join(found.groups())


def _in_digits(found: re.Match[str]) -> str:
    above, below = unicodedata.normalize("NFKC", found[2]).split("\N{FRACTION SLASH}")
    return f"{found[1] or '0'} {above}/{below}"


def value_of(found: Number, decimal: str, scale: int = 0) -> float:
    """Return the value of a number whose decimal mark is ``decimal``, times ten to the ``scale``.

    Raises ``ValueError`` where its digits are not grouped as that asks: by three, or as in 12,34,567.
    """
    if not GROUPED[decimal].fullmatch(found.digits):
        raise ValueError(found.digits)
    digits = "".join(c for c in found.digits if c.isdecimal() or c == decimal).replace(decimal, ".")
    value = float(f"{digits}e{found.exponent + scale}")
    if found.fraction:
        value += found.fraction * 10.0**scale
    return -value if found.negative else value


def split_scale(after: str) -> tuple[int, str]:
    """Split what follows a number, "M USD", into the power of ten that it stands for and the unit: (6, "USD")."""
    head = _SCALE.match(after)
    return (0, after) if head is None else (SCALES[head[0].lower().rstrip(".")], after[head.end() :].strip())


def unit_key(unit: str) -> str:
    """Return the one name of a unit: "$" and "US$" are "usd", "Years" is "year", "percent" is "%"."""
    key = re.sub(r"[\s.^]", "", unit)
    if not (len(key) == 2 and key[0] in "mM"):  # mW is not MW
        key = key.casefold()
    if len(key) > 2 and key[-1] == "s" and key[:-1].isalpha():
        key = key[:-1]
    return _UNIT_NAMES.get(key, key.replace("outof", "/"))


def addends(text: str) -> list[str]:
    """Return what a number in several units is the sum of, as 5' 11", 8 lb 3 oz or 52°31'12"N; else the text alone."""
    found = _IN_SEVERAL_UNITS.fullmatch(in_ascii(text).replace("''", '"'))
    parts = [] if found is None else _MEASURE.findall(found["parts"])
    if found is not None and found["last"]:
        parts.append((found["last"], _NEXT_UNIT.get(unit_key(parts[-1][1]), "")))
    keys = [unit_key(unit) for _, unit in parts]
    factors = [converted[0] if (converted := conversion(key, keys[0])) else 0.0 for key in keys]
    is_sum = len(keys) > 1 and min(factors) > 0 and factors == sorted(set(factors), reverse=True)
    if found is None or not is_sum or keys[0] in _TEMPERATURES:
        return [text]
    sign = "-" if found["sign"] or (found["hemisphere"] or "N") in "SW" else ""
    return [f"{sign}{amount} {unit}" for amount, unit in parts]


@functools.cache
def conversion(unit: str, to: str) -> tuple[float, float] | None:
    """Return the factor of a unit and what is added then, in another one; None where they measure different things."""
    if unit == to:
        return 1.0, 0.0
    if unit in _TEMPERATURES and to in _TEMPERATURES:
        (factor, zero), (other, other_zero) = _TEMPERATURES[unit], _TEMPERATURES[to]
        return factor / other, (zero - other_zero) / other
    here, there = sizes(unit), sizes(to)
    kind = next((kind for kind in here if kind in there), None)
    return None if kind is None else (here[kind] / there[kind], 0.0)


@functools.cache
def sizes(unit: str) -> dict[str, float]:
    """Return how large a unit is, by what it may measure: {"length": 0.01}, of "mg/dl" {"mass/volume": 0.01}."""
    above, per, below = _RATES.get(unit, unit).partition("/")
    if per:
        pairs = itertools.product(sizes(above).items(), [*sizes(below).items(), ("time", SECONDS_OF.get(below, 0.0))])
        return {f"{a}/{b}": size / other for (a, size), (b, other) in pairs if other}
    return {kind: size for kind, known in MEASURES.items() for name, size in known.items() if name == above}


# What is not seen between letters, and joins none: zero-width spaces, soft hyphens, marks of the direction.
_UNSEEN = dict.fromkeys((0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF))
# Unicode's spaces, minus signs, apostrophes and full-width characters, as those that are read; others are not seen.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
        **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-"),
        **dict.fromkeys((0x2018, 0x2019, 0x2BC, 0xB4, 0x60, 0x66C), "'"),
        **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        **dict.fromkeys((*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF, 0xAD, 0x61C)),
        **dict.fromkeys((0x2033, 0x201C, 0x201D), '"'),
        0x2032: "'",
        0xBA: "°",
        0x2103: "°C",
        0x2109: "°F",
        0x66A: "%",  # Arabic
        0x66B: ".",
    }
)
_BLURRED = r"(?i:(?:ca|circa|approx|approximately|about|around|etwa|env|environ)\b\.?|c\.)"
BOUND = re.compile(
    rf"^(?:[<>]=?|[≤≥~≈±]|\+/-|{_BLURRED}(?=\s*[-\d]))\s*(?=[^\s<>=≤≥~≈])"
)  # what bounds or blurs a number
BLUR = re.compile(r"(?<=[\d.,])\s*(?:±|\+/?-)\s*\d[\d.,]*|(?<=\d)\s?\+(?=$|\s*[^\W\d_]+$)")  # what follows it
_FOOTNOTE = re.compile(r"(?<=\d)\s?(?:[*†‡§]{1,4}|\[\w{1,3}\]|\([^\W\d_]{1,2}\))$|^[#№]\s?(?=\d)")
_ORDINAL = re.compile(
    r"(?<=\d)(?:(?i:(?<!1\d)(?:(?<=1)st|(?<=2)nd|(?<=3)rd)|th)|(?<=1)(?:er|re|ère)|ème|eme|e)(?=$|\s)"
)
_QUOTED = re.compile(r"""=?(?P<mark>["'])(?P<quoted>[^"']*)(?P=mark)|'(?P<text>[^"']*)""")
_SUPERSCRIPTS = re.compile("(?<=[x×*·\\s])10([⁺⁻]?[⁰¹²³⁴-⁹]+)")
_VULGAR = re.compile("(\\d?)\\s?([¼-¾⅐-⅞])")
_HEMISPHERES = frozenset("NSEW")
_AROUND = r"[^\d\s.,()+'_:;=<>?!&@~^|\\\[\]{}#*-]"  # what the name of a unit begins with
_LONGEST_NUMBER = 80  # characters
_NUMBER = re.compile(
    rf"(?P<sign>[+-])?\s*(?P<before>(?:{_AROUND}(?:[^\d.,()+'_-]|(?<=[^\W\d_])\.)*?)?)\s*(?P<inner>[+-])?\s*"
    r"(?P<digits>(?:\d[\d.,' _]*\d|\d|(?<![^\W\d_])[.,]\d+)(?:[.,](?=-{0,2}(?:\s|$)))?)"
    r"(?:(?<=[.,])-{1,2}|[:/]-(?=\s|$))?(?:\s(?P<above>\d{1,2})/(?P<below>\d{1,2}))?"
    r"(?:(?:[eE]|[dD](?=[+-]))(?P<exponent>[+-]?\d{1,3})|(?:\s?[x×*·]\s?|(?<=\d)\s)10(?:\^|\*\*?)(?P<power>[+-]?\d{1,3}))?"
    rf"(?P<last>-(?=\s*[^\w\s]?$))?\s*(?P<after>(?:{_AROUND}(?:[^\d()]{{0,30}}[^\d()\s])?(?:(?<=[^\W\d_])\^?[23])?"
    r"|(?:(?<!\s\d)(?<!\s\d\d)/|out of)\s?[1-9]\d{0,2}(?:\s[^\W\d_]+)?|(?:per|/)\s?10+(?:[,. ]000)*|'(?=$))?)"
)
_BETWEEN = {  # what may stand between the numbers of a field, in the order to try them
    ";": r"\s*;\s*",
    "|": r"\s*\|\s*",
    ", ": r"\s*,\s+",
    ",": r"\s*,\s*",
    "/": r"\s*/\s*",
    "x": r"(?<=[^\s(])\s*(?:[x×*]|\bby\b)\s*(?=[^\s)])",
    ":": r"\s*:\s*",
    "@": r"\s*@\s*",
    "+": r"(?<=\d)\s*\+\s*(?=\d)",
    "in": r"\s+(?:in|of|out of)\s+",
    "-": r"(?<=[^\s(])\s*(?:-|\.\.|\bto\b)\s*(?=[^\s)])",
    "(": r"\s*[(\[]\s*|(?<=[\d%])\s*(?:;|,\s|-|\bto\b)\s*",
    " ": r"\s+",
}
BETWEEN = {sign: re.compile(pattern, re.IGNORECASE) for sign, pattern in _BETWEEN.items()}
_IN_BRACKETS = re.compile(r"(?i)(?:(?:SRID=\d+;\s*)?POINT\s*Z?\s*)?[(\[](?P<inside>[^()\[\]]*)[)\]]")
_ACCOUNTING = re.compile(r"([^\W\d_]{0,3}[^\w\s()+-]?\s*)\(\s*([^()+-]*\d[^()]*?)\s*\)(\s*[^\W\d_]{0,3}[^\w\s()+-]?)")
_BRACKETED = re.compile(r"([^\d()\[\]{}]*)[(\[{]([^()\[\]{}]+)[)\]}]([^\d()\[\]{}]*)")
GROUPED = {
    ".": re.compile(r"(?:\d+|[1-9]\d{0,2}([,' _])\d{3}(?:\1\d{3})*|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d*)?|\.\d+"),
    ",": re.compile(r"(?:\d+|[1-9]\d{0,2}([.' _])\d{3}(?:\1\d{3})*)(?:,\d*)?|,\d+"),
}
SCALES = {
    "k": 3, "tsd": 3, "thousand": 3, "lakh": 5, "lac": 5, "m": 6, "mm": 6, "mn": 6, "mln": 6, "mio": 6, "million": 6,
    "millions": 6, "cr": 7, "crore": 7, "b": 9, "bn": 9, "bln": 9, "mrd": 9, "billion": 9, "billions": 9, "t": 12,
    "tn": 12, "trn": 12, "trillion": 12,
}  # fmt: skip
_SCALE = re.compile(rf"(?i:{'|'.join(sorted(SCALES, key=len, reverse=True))})(?![^\W\d_])\.?")
_UNIT_NAMES = {
    "pct": "%", "percent": "%", "prozent": "%", "$": "usd", "us$": "usd", "€": "eur", "euro": "eur", "£": "gbp",
    "₹": "inr", "rs": "inr",
}  # fmt: skip
# What units measure, and how large each is; by ``unit_key``. The others of a column tell what " stands for.
_SIZES: dict[str, dict[float, str]] = {
    "length": {
        1e-9: "nm", 1e-6: "μm um micron", 1e-3: "mm millimeter millimetre", 0.01: "cm centimeter centimetre",
        0.1: "dm", 1: "m meter metre mtr", 1e3: "km kilometer kilometre", 0.0254: "in inch inche \"",
        0.3048: "ft foot feet '", 0.9144: "yd yard", 1609.344: "mi mile", 1852: "nmi",
    },
    "mass": {
        1e-9: "ng", 1e-6: "μg ug mcg", 1e-3: "mg MG milligram", 1: "g gr gm gram gramme", 1e3: "kg kilo kilogram",
        1e6: "t ton tonne", 28.349523125: "oz ounce", 453.59237: "lb pound", 6350.29318: "st stone",
    },
    "volume": {
        1e-6: "μl ul", 1e-3: "ml mL ML cc cm3 cm³", 0.01: "cl", 0.1: "dl", 1: "l liter litre ltr dm3 dm³", 100: "hl",
        1e3: "m3 m³", 0.0295735295625: "floz", 3.785411784: "gal gallon",
    },
    "area": {
        1e-6: "mm2 mm²", 1e-4: "cm2 cm²", 1: "m2 m² sqm qm", 1e4: "ha hectare", 1e6: "km2 km² sqkm",
        0.09290304: "ft2 ft² sqft sf", 0.83612736: "yd2 sqyd", 4046.8564224: "ac acre", 2589988.110336: "mi2 sqmi",
    },
    "energy": {
        1: "j", 1e3: "kj", 1e6: "MJ", 4.184: "cal", 4184: "kcal", 3600: "wh", 3.6e6: "kwh", 3.6e9: "mwh",
        3.6e12: "gwh",
    },
    "power": {1e-3: "mW", 1: "w watt", 1e3: "kw", 1e6: "MW", 1e9: "gw", 745.69987158: "hp", 735.49875: "ps"},
    "pressure": {
        1: "pa", 100: "hpa mbar", 1e3: "kpa", 1e6: "mpa", 1e5: "bar", 6894.757293: "psi", 133.322387: "mmhg torr",
        3386.389: "inhg", 101325: "atm",
    },
    "frequency": {1: "hz", 1e3: "khz", 1e6: "mhz", 1e9: "ghz"},
    "data": {
        0.125: "bit", 1: "byte", 1e3: "kb", 1e6: "mb Mb MB", 1e9: "gb", 1e12: "tb", 1e15: "pb", 2**10: "kib",
        2**20: "mib", 2**30: "gib", 2**40: "tib",
    },
    "current": {1e-6: "μa ua", 1e-3: "mA ma", 1: "a amp ampere"},
    "voltage": {1e-6: "μv uv", 1e-3: "mV mv", 1: "v volt", 1e3: "kv"},
    "resistance": {1: "ω ohm", 1e3: "kω kohm", 1e6: "MΩ"},
    "share": {0.01: "%", 1e-3: "‰", 1e-6: "ppm", 1e-9: "ppb"},
    "amount": {1: "mol", 1e-3: "mmol", 1e-6: "μmol umol", 1e-9: "nmol", 1e-12: "pmol"},
    "latitude": {1: "n", -1: "s"},
    "longitude": {1: "e", -1: "w"},
    "angle": {1: "°", 1 / 60: "'", 1 / 3600: '"'},
}  # fmt: skip
MEASURES = {
    kind: {name: size for size, names in known.items() for name in names.split()} for kind, known in _SIZES.items()
}
_RATES = {"kmh": "km/h", "kph": "km/h", "mph": "mi/h", "kn": "nmi/h", "knot": "nmi/h", "kt": "nmi/h"}
_TEMPERATURES = {  # in degrees Celsius: the factor, and what is added then
    **dict.fromkeys(("°c", "c", "degc", "celsiu"), (1.0, 0.0)),
    **dict.fromkeys(("°f", "f", "degf", "fahrenheit"), (5 / 9, -160 / 9)),
    **dict.fromkeys(("k", "kelvin"), (1.0, -273.15)),
}
_NEXT_UNIT = {"'": '"', "ft": "in", "m": "cm", "st": "lb", "lb": "oz", "°": "'"}  # of 6'2, 12st4 or 1m80
_MEASURE = re.compile(r"(\d+(?:[.,]\d+)?(?:\s?[¼-¾⅐-⅞]|\s\d/\d\d?)?)\s*([^\W\d_]{1,10}\.?|['\"°])")
# Its unit goes without saying; "5 m2" is an area.
_LAST_MEASURE = re.compile(r"(?:(?<=['°\s])|(?=\d\d))\d\d?(?:[.,]\d+)?(?:\s?[¼-¾⅐-⅞]|\s\d/\d\d?)?")
_IN_SEVERAL_UNITS = re.compile(
    rf"(?P<sign>-)?(?P<parts>{_MEASURE.pattern}(?:\s*(?:,|&|and)?\s*{_MEASURE.pattern})*)"
    rf"(?:\s*(?P<last>{_LAST_MEASURE.pattern}))?\s*(?P<hemisphere>(?<=[\s'\"])[NSEW])?"
)
_CLOCK = re.compile(
    r"(?:(?P<days>-?\d+) days?,?\s*\+?)?"
    r"(?:(?P<sign>-)?(?P<hours>\d+)[:h](?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d+)?))?)?"
)
# By ``unit_key``: without the "s" of a plural.
_TIMES = {
    365.25 * 86_400: "y yr year jahr jahre jahren an année año ano anno anni",
    365.25 * 86_400 / 12: "mo mon mth month monat monate monaten moi mese mesi mê",
    7 * 86_400: "w wk week woche wochen semaine semana settimana settimane",
    86_400: "d day tag tage tagen jour día dia giorno giorni",
    3_600: "h hr hour std stunde stunden heure hora ora ore",
    60: "m min minute minuten minuto minuti",
    1: "s sec second sek sekunde sekunden seconde segundo secondo secondi",
}
SECONDS_OF = {name: float(size) for size, names in _TIMES.items() for name in names.split()}
SECONDS_OF |= {"ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "μs": 1e-6, "microsecond": 1e-6, "ns": 1e-9}
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+)")
_SPELLED = re.compile(rf"-?{_AMOUNT.pattern}\.?(?:(?:\s*(?:,|&|and|und|et))?\s*{_AMOUNT.pattern}\.?)*")
_ISO_DURATION = re.compile(
    "(-)?P" + "".join(rf"(?:(\d+){unit})?" for unit in "YMWD") + r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?"
)
_WHOLE = re.compile(r"[+-]?\d+")
_FIRST_DAY = date(1900, 1, 1)  # strptime's, where only a time is given
_EPOCH = datetime(1970, 1, 1)
_SHEET_EPOCH = datetime(1899, 12, 30)
_TICKS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_DIGITS_OF = {
    "%Y": 4,
    "%Y%m": 6,
    "%Y%m%d": 8,
    "%d%m%Y": 8,
    "%m%d%Y": 8,
    "%Y%m%d%H%M": 12,
    "%Y%m%d%H%M%S": 14,
}  # forms without a mark, and their length
_ISO = re.compile(r"\d{4}-(?:\d\d-\d\d|W\d\d(?:-\d)?)(?:$|[T ]\d)|\d{8}(?:$|T\d)")
_ONE_DIGIT = re.compile(r":\d(?!\d)")
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_ZONES = {  # that mean one thing
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), "+00:00"), **dict.fromkeys(("CET", "MEZ", "BST", "WEST"), "+01:00"),
    **dict.fromkeys(("CEST", "MESZ", "EET"), "+02:00"), **dict.fromkeys(("EEST", "MSK"), "+03:00"), "JST": "+09:00",
    "KST": "+09:00", "AEST": "+10:00", "AEDT": "+11:00", "EDT": "-04:00", "EST": "-05:00", "CDT": "-05:00",
    "CST": "-06:00", "MDT": "-06:00", "MST": "-07:00", "PDT": "-07:00", "PST": "-08:00",
}  # fmt: skip
_ZONES = {name: f" {offset}" for name, offset in _ZONES.items()}
_NAMED_ZONE = re.compile(rf"(?<=[\dMm.])\s*(?P<name>{'|'.join(_ZONES)})$|\[[\w/+-]+\]$")
_MIDNIGHT = re.compile(r"(?<=[\dT] )24:00(?::00(?:\.0+)?)?|(?<=\dT)24:00(?::00(?:\.0+)?)?")
_LEAP_SECOND = re.compile(r"(?<=:59):60\b")
_YEAR, _SIGN = r"(?P<year>\d{4}|\d\d)", r"[\s./_'-]*"
_PERIODS = {
    "quarter": (
        re.compile(rf"(?i)(?P<year>\d{{4}}){_SIGN}Q(?P<part>[1-4])"),
        re.compile(rf"(?i)[QT](?P<part>[1-4]){_SIGN}{_YEAR}"),
        re.compile(
            rf"(?i)(?P<part>[1-4])(?:st|nd|rd|th|er|e|º|\.)?\s*(?:Q|qtr|quarter|quartal|trimestre){_SIGN}{_YEAR}"
        ),
    ),
    "week": (
        re.compile(rf"(?i)(?P<year>\d{{4}}){_SIGN}(?:W|KW|week)\s?(?P<part>\d{{1,2}})"),
        re.compile(rf"(?i)(?:W|KW|CW|wk|week)\s?(?P<part>\d{{1,2}}),?{_SIGN}(?P<year>\d{{4}})"),
    ),
}
_WORDS_OF_DATES = re.compile(r"([^\W\d_]{2,})\.?(?=\W|\d|$)")
_MONTHS = {
    "Jan": "january jan januar januari januaro janvier janv enero ene gennaio gen janeiro jänner jän",
    "Feb": "february feb februar februari février fevrier févr fév fevr febrero febbraio fevereiro fev feber",
    "Mar": "march mar märz mär mrz mars marzo março marco maart mrt marts",
    "Apr": "april apr avril avr abril abr aprile",
    "May": "may mai mayo maggio mag maio mei maj",
    "Jun": "june jun juni juin junio giugno giu junho",
    "Jul": "july jul juli juillet juil julio luglio lug julho",
    "Aug": "august aug août aout agosto ago augustus augusti",
    "Sep": "september sept sep septembre septiembre settembre set setembro",
    "Oct": "october oct oktober okt octobre octubre ottobre ott outubro out",
    "Nov": "november nov novembre noviembre novembro",
    "Dec": "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro",
}
_PLAIN_WORDS = {name: month for month, names in _MONTHS.items() for name in names.split()}
_LEFT_OUT = (  # days of the week, and small words
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so "
    "lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles miercoles jueves viernes sábado sabado "
    "domingo lunedì martedì mercoledì giovedì venerdì sabato domenica maandag dinsdag woensdag donderdag vrijdag "
    "zaterdag zondag segunda terça quarta quinta sexta feira de del of the at um à den uhr"
)
_PLAIN_WORDS |= dict.fromkeys(_LEFT_OUT.split(), "")


def _plain_word(found: re.Match[str]) -> str:
    return _PLAIN_WORDS.get(found[1].casefold(), found[0])


_PLAIN_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?: \d\d:\d\d(?::\d\d)?)?")
_TIDY: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"(?i)(?<=\d)(?:st|nd|rd|th|er|º|°)\b"), ""),
    (re.compile(r"(?i)(?<=\d)\s*([ap])\.?m\.?(?=\s|$)"), r" \1m"),
    (_WORDS_OF_DATES, _plain_word),
    (re.compile("[年년月월](?=\\s*\\d)\\s*"), "-"),
    (re.compile("[年년月월日일]"), ""),
    (re.compile(r"(?<=\d{4}):(?=\d\d:\d\d)|,?\s+(?=\d{1,2}:\d\d)"), " "),
    (re.compile(r"(?<=\d)\.\s+(?=\d)"), "."),
    (re.compile(r"(?<=\d)h(?=\d\d)"), ":"),
    (re.compile(r"(?<=\d{4}\s)\d\d\.\d\d(?:\.\d\d)?$"), lambda clock: clock[0].replace(".", ":")),
    (re.compile(r"(?<=[^\W\d_])'(?=\d\d$)|\s+"), " "),
    (re.compile(r"^[\s,-]+|[\s,.]+$"), ""),
)


# --------------------------------------------------------------------------------------------- encoding


def numeric_names(schema: Schema) -> tuple[str, ...]:
    """Return the names of the columns of ``numeric``: a column's own, or ``column.year`` for a part of it."""
    return tuple(f"{column['name']}{part}" for column in schema["columns"] for part in numeric_parts(column))


def numeric_parts(column: Column) -> tuple[str, ...]:
    """Return what follows the name of a column in those of its numbers: nothing, or .year and so on; or .1, .2, ..."""
    if column["role"] == "datetime":
        return tuple(f".{part}" for part in DATE_PARTS)
    if column.get("several"):
        return tuple(f".{i}" for i in range(1, column["several"] + 1))
    return ("",) if column["role"] in ("numeric", "boolean") else ()


def encode(
    schema: Schema,
    columns: Columns,
    row_numbers: Sequence[int] | None = None,
    wanted: Collection[str] = _PARTS,
    read: "TextReaders | None" = None,
) -> dict[str, np.ndarray]:
    """Turn raw columns into the inputs of a model; columns that the model does not know are ignored.

    Returns those of ``wanted`` that the schema has: ``numeric`` (n, p) float32, NaN where missing, in the order of
    ``numeric_names``; ``categories`` (n, c) object, the ``label`` of each value; ``tokens`` (n, longest) int64, for
    each term of the text its position in the ``terms`` of all text columns put together, padded with -1; ``subwords``
    (n, longest) int64, see ``Subwords``, padded with 0. ``row_numbers``: how error messages call the rows (default: 1,
    2, ...). ``read``: the ``text_readers`` of the schema, where they are there already. Raises ``PredictionError``.
    """
    given = _select(schema, columns)
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


def padded_ids(name: str, ids: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return what ``tokenize`` gives as (n, longest) int64: the input ``tokens`` or ``subwords`` of a graph."""
    tokens = np.full((len(counts), max(1, int(counts.max(initial=0)))), 0 if name == "subwords" else -1, np.int64)
    tokens[np.arange(tokens.shape[1]) < counts[:, None]] = ids
    return tokens


def even_spans(counts: np.ndarray, most: int = _CHUNK_VALUES) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of rows that padded to the longest of them have up to ``most`` values, or are one row."""
    start = longest = 0
    for end, count in enumerate(counts.tolist()):
        longest = max(longest, count)
        if end > start and longest * (end + 1 - start) > most:
            yield start, end
            start, longest = end, count
    yield start, len(counts)


def _select(schema: Schema, columns: Columns) -> dict[str, np.ndarray]:
    """Return the columns that the schema uses, checked: none is missing, all have the same number of rows."""
    names = [c["name"] for c in schema["columns"] if c["role"] != "dropped"]
    absent = [name for name in names if name not in columns]
    if absent:
        used = {*(c["name"] for c in schema["columns"]), schema.get("target_name")}
        known = [str(name) for name in columns if name not in used]
        hints = "; ".join(f"'{name}'{_nearest(name, known)}" for name in absent[:8])
        more = f"; and {len(absent) - 8} more" if len(absent) > 8 else ""
        raise PredictionError(f"The data must have every column the model was trained on. Missing: {hints}{more}")
    given = {name: as_array(columns[name]) for name in names}
    wrong = [name for name, values in given.items() if values.ndim != 1 or len(values) != len(given[names[0]])]
    if wrong:
        raise PredictionError(
            f"All columns must have the same number of rows; {_list(wrong)} differ from '{names[0]}'."
        )
    if not len(given[names[0]]):
        raise PredictionError("There are no rows to predict. Give at least one.")
    return given


def _numeric(column: Mapping[str, Any], values: np.ndarray, row_numbers: Sequence[int] | None) -> np.ndarray | None:
    name, role = column["name"], column["role"]
    if role == "datetime":
        when, bad = dates(values, column.get("format") or "iso", column)
        _refuse(name, values, bad, row_numbers, _rule(column))
        return _date_parts(when, column.get("center", 0.0))
    if role not in ("numeric", "boolean"):
        return None
    if column.get("several"):
        parts, bad = _each(values, lambda value: several(value, column))
        result = np.array(parts, np.float64)
    elif role == "boolean" and values.dtype.kind != "b":
        found, bad = _each(values, lambda value: truth(value, column))
        result = np.array(found, np.float64)
    else:
        result, bad = numbers(values, column)
    _refuse(name, values, bad, row_numbers, _rule(column))
    with np.errstate(invalid="ignore"):
        endless = np.flatnonzero((np.abs(result) > _FLOAT32_MAX).reshape(len(result), -1).any(axis=1))
    _refuse(name, values, int(endless[0]) if endless.size else -1, row_numbers, f"a number between ±{_FLOAT32_MAX:.1e}")
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
    if form == "duration":
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
    memo = _Memo(lambda text: hashed(text, column["salt"]))
    return np.array([memo[text] for text in found.tolist()], dtype=object)


def hashed(level: str, salt: str) -> str:
    """Return what stands for a level where the model does not keep the values themselves; a gap stays a gap."""
    return hashlib.sha256(f"{salt}{level}".encode("utf-8", "surrogatepass")).hexdigest()[:16] if level else ""


def padded(level: str) -> bool:
    """Whether a level is a code with leading zeros, such as 02139."""
    return _PADDED.fullmatch(level) is not None


def _refuse(name: str, values: np.ndarray, position: int, row_numbers: Sequence[int] | None, rule: str) -> None:
    if position >= 0:
        raise PredictionError(
            f"Column '{name}' must hold {rule} in every row; row {_row(position, row_numbers)} has "
            f"'{shown(values[position])}'. Correct it, or leave it empty if it is missing."
        )


def _row(position: int, row_numbers: Sequence[int] | None) -> int:
    return position + 1 if row_numbers is None else row_numbers[position]


def _date_parts(when: np.ndarray, center: float) -> np.ndarray:
    """Return (n, len(DATE_PARTS)) float32; weekday 0 is Monday, ``days`` counts from ``center`` days after 1970."""
    year, month, day = (when.astype(f"datetime64[{unit}]") for unit in "YMD")
    seconds = (when - day).astype("timedelta64[s]").astype(np.int64)
    parts = [
        year.astype(np.int64) + 1970,
        month.astype(np.int64) % 12 + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        (day.astype(np.int64) + 3) % 7,
        (day - year.astype("datetime64[D]")).astype(np.int64) + 1,
        seconds // 3_600,
        seconds // 60 % 60,
        seconds % 60,
        when.astype(np.int64) / 86_400e6 - center,
    ]
    result = np.column_stack(parts).astype(np.float32)
    result[np.isnat(when)] = np.nan
    return result


class Terms(dict[str, tuple[list[Any], list[str]]]):
    """The terms of texts. ``ids`` maps the terms that count to what stands for them; None keeps all as they are."""

    _LIMIT = 50_000  # pieces remembered, about 15 MB: repeated words are analysed once, new ones do not fill the memory

    def __init__(self, ids: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.ids = ids

    def __missing__(self, piece: str) -> tuple[list[Any], list[str]]:
        words = _WORD.findall(piece)
        found: list[Any] = [f"w:{word}" for word in words]
        padded = f" {piece} "
        for size in (3, 4, 5):
            found += [f"c:{padded[i : i + size]}" for i in range(max(1, len(padded) - size + 1))]
            if len(padded) <= size:
                break
        if self.ids is not None:
            found = [self.ids[term] for term in found if term in self.ids]
        if len(self) >= self._LIMIT:
            self.clear()
        self[piece] = found, words
        return found, words

    def of(self, text: Any) -> list[Any]:
        """Return the terms of one text, with repeats."""
        found: list[Any] = []
        words: list[str] = []
        for piece in "" if is_missing(text) else str(text).lower().split():
            terms, own = self[piece]
            found += terms
            words += own
        pairs = [f"w:{a} {b}" for a, b in itertools.pairwise(words)]
        return found + (pairs if self.ids is None else [self.ids[p] for p in pairs if p in self.ids])


class Subwords(dict[str, list[int]]):
    """Subwords of texts, in their order, by byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909), of characters.

    A word, with the space before it, begins as its characters; of two neighbours that make a known subword, those that
    make the earliest one are joined, until none do. ``vocabulary``: the known ones, in the order in which they were
    learned. Their ids are their positions from ``first`` on, and 1 for a character that is not known; 0 is padding.
    """

    _LIMIT = 50_000  # words remembered, as of ``Terms``

    def __init__(self, vocabulary: Sequence[str], first: int = 2) -> None:
        super().__init__()
        self.ids = {subword: i for i, subword in enumerate(vocabulary, first)}

    def __missing__(self, word: str) -> list[int]:
        parts, never = list(word), sys.maxsize
        while len(parts) > 1:
            ranks = [self.ids.get(a + b, never) for a, b in itertools.pairwise(parts)]
            at = ranks.index(min(ranks))
            if ranks[at] == never:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(self) >= self._LIMIT:
            self.clear()
        self[word] = found = [self.ids.get(part, 1) for part in parts]
        return found

    def of(self, text: Any) -> list[int]:
        """Return the ids of one text, up to ``MOST_SUBWORDS``."""
        found: list[int] = []
        for word in subword_words(text):
            found += self[word]
            if len(found) >= MOST_SUBWORDS:
                break
        return found[:MOST_SUBWORDS]


def subword_words(text: Any) -> Iterator[str]:
    """Yield what the subwords of a text are parts of: words and signs, all lower case, with the space before them."""
    plain = "" if is_missing(text) else " " + " ".join(str(text).lower().split())
    return (found.group() for found in _SUBWORDS_OF.finditer(plain))


TextReaders = Mapping[str, Mapping[str, Any]]


def text_readers(schema: Schema) -> TextReaders:
    """Return what reads each text column, by its name, for the inputs ``tokens`` and ``subwords``.

    Vocabularies are large: keep it between calls.
    """
    terms: dict[str, Terms] = {}
    subwords: dict[str, Subwords] = {}
    n_terms, first = 0, 2
    for column in schema["columns"]:
        if column["role"] == "text":
            vocabulary, known = column.get("terms", ()), column.get("subwords", ())
            terms[column["name"]] = Terms({term: i + n_terms for i, term in enumerate(vocabulary)})
            if known:
                subwords[column["name"]] = Subwords(known, first)
            n_terms, first = n_terms + len(vocabulary), first + len(known)
    return {"tokens": terms, "subwords": subwords}


def tokenize(readers: Mapping[str, Any], columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of all rows one after the other, (m,) int64, and how many each row has, (n,) int64."""
    rows: list[list[int]] = []
    for name, reader in readers.items():
        own = [reader.of(text) for text in as_array(columns[name]).tolist()]
        rows = [a + b for a, b in zip(rows, own, strict=True)] if rows else own
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    return np.fromiter(itertools.chain.from_iterable(rows), np.int64, int(counts.sum())), counts


def takes(schema: Schema) -> str:
    """Say what a model takes, for people."""
    if schema["kind"] in ("image", "sequence"):
        return f"{schema['kind']}s, an array of shape {_shape(schema)}, as in an .npz file"
    return f"a table with the columns {_list([c['name'] for c in schema['columns'] if c['role'] != 'dropped'])}"


def _shape(schema: Schema) -> str:
    first = "(n, steps, " if schema["kind"] == "sequence" else "(n, "
    sizes = schema["shape"][1:] if schema["kind"] == "sequence" else schema["shape"]
    return first + ", ".join(map(str, sizes)) + ")"


def encode_array(
    schema: Schema, x: Any, lengths: Any = None, row_numbers: Sequence[int] | None = None
) -> dict[str, np.ndarray]:
    """Check images or sequences against the schema.

    Returns ``image`` (n, height, width, channels) uint8 or float32; or ``sequence`` (n, steps, channels) float32,
    zero padded or cut to the schema's steps, with ``lengths`` (n,) int64 in [1, steps]. ``row_numbers``: how error
    messages call the rows (default: 1, 2, ...).
    """
    named = named_columns(x)
    if named is not None:
        raise PredictionError(f"The model takes {takes(schema)}; given: a table with the columns {_list([*named])}.")
    try:
        x = np.asarray(x)
    except ValueError as error:  # rows of different shapes
        raise PredictionError(f"The data must be one array in which all rows have one shape ({error}).") from None
    shape = tuple(schema["shape"])
    if x.dtype.kind not in "biuf":
        raise PredictionError(f"The data must be an array of numbers; its type is {x.dtype}.")
    if x.ndim == len(shape) and shape[-1] == 1:
        x = x[..., None]
    kind = schema["kind"]
    fits = x.ndim == len(shape) + 1 and (x.shape[1:] == shape if kind == "image" else x.shape[-1] == shape[-1])
    if not fits:
        raise PredictionError(f"The {kind}s must have the shape {_shape(schema)}; given: {x.shape}. Resize them first.")
    if not len(x) or not x.shape[1]:
        raise PredictionError("There are no rows to predict. Give at least one.")
    if x.dtype.kind == "f":
        bad = np.flatnonzero(~np.isfinite(x).reshape(len(x), -1).all(axis=1))
        if bad.size:
            row = _row(int(bad[0]), row_numbers)
            raise PredictionError(f"The {kind}s must hold finite numbers; row {row} does not. Replace them.")
    if kind == "image":
        if lengths is not None:
            raise PredictionError("Lengths are for sequences; the model takes images. Leave the lengths out.")
        return {"image": x if x.dtype == np.uint8 else x.astype(np.float32)}
    return _sequence(x, lengths, shape[0], row_numbers)


def _sequence(x: np.ndarray, lengths: Any, steps: int, row_numbers: Sequence[int] | None) -> dict[str, np.ndarray]:
    lengths = np.full(len(x), x.shape[1]) if lengths is None else np.asarray(lengths).reshape(-1)
    if len(lengths) != len(x) or lengths.dtype.kind not in "biu":
        raise PredictionError(
            f"The lengths must be {len(x)} whole numbers, one for each sequence; "
            f"given: {len(lengths)} of type {lengths.dtype}."
        )
    wrong = np.flatnonzero((lengths < 1) | (lengths > x.shape[1]))
    if wrong.size:
        raise PredictionError(
            f"The length of a sequence must be from 1 to {x.shape[1]}, the steps of the array; "
            f"row {_row(int(wrong[0]), row_numbers)} has {lengths[wrong[0]]}. Correct it, or leave the row out."
        )
    lengths = np.minimum(lengths, steps).astype(np.int64)  # beyond the steps of training nothing is read
    result = np.zeros((len(x), steps, x.shape[2]), np.float32)
    result[:, : x.shape[1]] = x[:, :steps]
    result[np.arange(steps) >= lengths[:, None]] = 0.0
    return {"sequence": result, "lengths": lengths}


# -------------------------------------------------------------------------------------------- the model


class Model:
    """A model folder, opened. ``threads``: cores used for one prediction (0: all).

    Raises ``PredictionError`` for a folder that is damaged, incomplete or made by another version: before the model
    itself is opened, the manifest and every file that it lists are checked. Other files change nothing.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        if "models" in self.manifest:
            raise PredictionError(
                f"'{self.folder}' holds a model for each of several targets: "
                f"{_list([one['target'] for one in self.manifest['models']])}. Give the folder of one; "
                "predict.py, `automl predict` and open_model answer all."
            )
        self.schema: dict[str, Any] = self.manifest["schema"]
        self.classes: list[Any] = self.schema["classes"]
        self.quantiles: list[float] = self.schema.get("quantiles", [])
        contents = {name: _read_checked(self.folder, name, digest) for name, digest in self.manifest["files"].items()}
        if _has_external_data(contents[self.manifest["onnx"]]):
            raise PredictionError(
                f"The model in '{self.folder}' is damaged, or asks for files outside itself. Export it again."
            )
        self._read = text_readers(self.schema)
        self._session = _open_session(contents[self.manifest["onnx"]], threads)
        self._inputs = {i.name for i in self._session.get_inputs()}

    def predict(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n,) classes as they were in the training data, (n,) float64 values of a regression, or
        (n, n_quantiles) float64, ascending in each row.

        ``x``: a table (see ``to_columns``), images (n, height, width[, channels]), or sequences (n, steps, channels)
        with ``lengths`` (n,), how many steps of each count (default: all).
        """
        scores = self.scores(x, lengths)
        if self.quantiles:
            return scores
        return self.labels()[self.codes(scores)] if self.classes else scores[:, 0]

    def codes(self, scores: np.ndarray) -> np.ndarray:
        """Return the position of the class (n,) that probabilities (n, n_classes) decide for.

        That is the greatest one times the weight of its class: metrics of labels, such as F1, ask for other thresholds
        than a half (``decision`` of the manifest; without it all classes weigh the same).
        """
        return (scores * np.array(self.manifest.get("decision", 1.0), np.float64)).argmax(axis=1)

    def predict_proba(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, n_classes) float32 probabilities, in the order of ``classes``."""
        if not self.classes:
            raise PredictionError("A model of values has no probabilities. Use predict().")
        return self.scores(x, lengths)

    def scores(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return what the graph gives, finite: (n, n_classes) float32 probabilities, (n, 1) float64 values, or
        (n, n_quantiles).
        """
        scores = np.concatenate([self._run(feed) for feed in self._feeds(x, lengths)])
        if self.quantiles:  # averages of sorted rows are sorted but for their rounding
            scores.sort(axis=1)
        endless = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if endless.size:
            raise PredictionError(
                f"The model has no finite answer for row {endless[0] + 1}; its values may be far beyond those of the "
                "training data. Correct them, or leave the row out."
            )
        return scores

    def graph(self) -> bytes:
        """Return the ONNX model, read and checked again."""
        name = self.manifest["onnx"]
        return _read_checked(self.folder, name, self.manifest["files"][name])

    def labels(self) -> np.ndarray:
        """Return (n_classes,) ``classes`` as an array; of objects, unless all are numbers or all are truth values."""
        found = np.array(self.classes)
        exact = [(type(c), c) for c in found.tolist()] == [(type(c), c) for c in self.classes]
        return found if exact and found.dtype.kind != "U" else np.array(self.classes, dtype=object)

    def _run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        try:
            found = self._session.run(["prediction"], feed)[0]
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise PredictionError(f"The model in '{self.folder}' does not run: {shown(error)}") from None
        expected = (len(next(iter(feed.values()))), len(self.classes) or len(self.quantiles) or 1)
        if found.shape != expected:
            raise PredictionError(f"The model in '{self.folder}' answers {found.shape}, and not {expected}.")
        return found

    def _feeds(self, x: Any, lengths: Any) -> Iterator[dict[str, np.ndarray]]:
        """Yield the inputs of the graph for some rows at a time, so that memory stays bounded."""
        if self.schema["kind"] in ("image", "sequence"):
            parts = encode_array(self.schema, x, lengths)
            # A network's inner layers are wider than its input.
            step = _rows_at_once(32 * int(np.prod(self.schema["shape"])))
            for start in range(0, len(next(iter(parts.values()))), step):
                chunk = {name: v[start : start + step] for name, v in parts.items() if name in self._inputs}
                yield {n: v.astype(np.float32) if n == "image" else v for n, v in chunk.items()}
            return
        columns = to_columns(self.schema, x)
        given = _select(self.schema, columns)
        step = _rows_at_once(sum(1 + len(c.get("terms", ())) for c in self.schema["columns"]))
        for start in range(0, len(next(iter(given.values()))), step):
            chunk = {name: values[start : start + step] for name, values in given.items()}
            numbers_ = range(start + 1, start + step + 1)
            parts = encode(self.schema, chunk, numbers_, self._inputs - set(self._read), self._read)
            ids = {name: tokenize(read, chunk) for name, read in self._read.items() if name in self._inputs}
            if not ids:
                yield parts
                continue
            for a, b in even_spans(ids_per_row({name: counts for name, (_, counts) in ids.items()}), _CHUNK_VALUES):
                texts = {name: padded_ids(name, *_of_rows(*found, a, b)) for name, found in ids.items()}
                yield {name: values[a:b] for name, values in parts.items()} | texts


class Several:
    """A folder with a model for each of several targets, opened; see ``Model``.

    ``models``: by the name of the target, in the order in which they were asked for.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        self.models: dict[str, Model] = {}
        for one in self.manifest["models"]:
            _read_checked(self.folder / one["folder"], "manifest.json", one["manifest"])
            self.models[one["target"]] = Model(self.folder / one["folder"], threads)

    @property
    def schema(self) -> dict[str, Any]:
        """How the raw input of the first model becomes rows; the others read the same files."""
        return next(iter(self.models.values())).schema

    def predict(self, x: Any, lengths: Any = None) -> dict[str, np.ndarray]:
        """Return what each model predicts, by the name of its target."""
        return {target: model.predict(x, lengths) for target, model in self.models.items()}

    def scores(self, x: Any, lengths: Any = None) -> dict[str, np.ndarray]:
        """Return what each model's graph gives, by the name of its target."""
        return {target: model.scores(x, lengths) for target, model in self.models.items()}


def open_model(folder: str | os.PathLike[str], threads: int = 0) -> "Model | Several":
    """Open a folder with one model, or with one for each of several targets. Raises ``PredictionError``."""
    return (Several if "models" in _read_manifest(Path(folder)) else Model)(folder, threads)


def ids_per_row(counts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what the texts of rows take, (n,), as ``even_spans`` wants it: one long text must not widen others.

    ``counts``: of each input of text, how many ids each row has, (n,).
    """
    weights = {"tokens": 1, "subwords": _VALUES_PER_SUBWORD}
    return np.max([counts[name] * weights[name] for name in counts], axis=0)


def _of_rows(ids: np.ndarray, counts: np.ndarray, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what ``tokenize`` gave for the rows from ``a`` to ``b``."""
    start = int(counts[:a].sum())
    return ids[start : start + int(counts[a:b].sum())], counts[a:b]


def _rows_at_once(values_per_row: int) -> int:
    return min(4_096, max(16, _CHUNK_VALUES // max(1, values_per_row)))


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest: its format, its checksum, and that it holds all that is used of it."""
    path = folder / "manifest.json"
    if not path.is_file() or path.is_symlink():
        raise PredictionError(f"'{folder}' is not a model folder: it has no file manifest.json.")
    manifest, wrong = _manifest_of(path)
    wrong = wrong or fault(manifest, {"format": int, ...: object})
    if not wrong and manifest["format"] != FORMAT:
        raise PredictionError(
            f"'{folder}' has format {shown(manifest['format'])}; this program reads format {FORMAT}. "
            "Use the predict.py inside the folder, or export the model again."
        )
    if not wrong and manifest.get("checksum") != checksum(manifest):
        wrong = "its checksum is not that of its content"
    if not wrong and "models" in manifest:
        wrong = fault(manifest, _SEVERAL) or _contradiction_of_several(manifest)
    else:
        wrong = wrong or fault(manifest, _MANIFEST) or _contradiction(manifest)
    if wrong:
        raise PredictionError(f"'{path}' is damaged: {wrong}. Copy the whole folder again, or export the model again.")
    return manifest


def _manifest_of(path: Path) -> tuple[Any, str]:
    """Return what a JSON file holds, and what is wrong with it."""
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            return None, f"it is larger than {_LARGEST_MANIFEST:,} bytes"
        return json.loads(path.read_text(encoding="utf-8")), ""
    except OSError as error:
        return None, f"it cannot be read ({error.strerror})"
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or lists in lists without end
        return None, f"it is no JSON ({shown(error)})"


def checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything in a manifest but its field ``checksum``, however it is laid out."""
    rest = {name: value for name, value in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def fault(value: Any, shape: Any, path: str = "") -> str:
    """Return the first thing in a value of JSON or YAML that is not as ``shape`` says, in words; "" if there is none.

    A shape is a type (``int`` is no truth value, ``float`` any number, ``object`` anything), None, a set of the values
    there are, a pattern that a whole text matches, a tuple of shapes of which one fits, a list of one shape, or a
    mapping: a name that ends in "?" may be absent, and ``...`` stands for names of any kind. ``path``: of the value,
    like "schema.columns[0]".
    """
    if isinstance(shape, dict) and isinstance(value, dict):
        return _fault_in_mapping(value, shape, path)
    if isinstance(shape, list) and isinstance(value, list):
        return next(filter(None, (fault(v, shape[0], f"{path}[{i}]") for i, v in enumerate(value))), "")
    alternatives = shape if isinstance(shape, tuple) else (shape,)
    nested = next((one for one in alternatives if isinstance(one, (dict, list)) and isinstance(value, type(one))), None)
    if nested is not None:
        return fault(value, nested, path)
    if any(_fits(value, one) for one in alternatives):
        return ""
    return f"{_called(path)} must be {' or '.join(map(_wanted, alternatives))}, and is {_what(value)}"


def _fault_in_mapping(value: Mapping[Any, Any], shape: Mapping[Any, Any], path: str) -> str:
    known = {name.removesuffix("?"): one for name, one in shape.items() if name is not ...}
    absent = next((name for name in shape if name in known and name not in value), None)
    if absent is not None:
        return f"{_called(path)} lacks '{absent}'"
    for name, inner in value.items():
        if name not in known and ... not in shape:
            return f"{_called(path)} has the unknown name '{shown(name)}'.{_nearest(str(name), known)}"
        wrong = fault(inner, known.get(name, shape.get(...)), f"{path}.{shown(name)}" if path else shown(name))
        if wrong:
            return wrong
    return ""


def _called(path: str) -> str:
    return f"'{path}'" if path else "it"


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, (set, frozenset)):
        return isinstance(value, str) and value in shape
    if isinstance(shape, (dict, list)):
        return False
    if shape is None or shape is bool or shape is object:
        return value is None if shape is None else isinstance(value, shape)
    return isinstance(value, (int, float) if shape is float else shape) and not isinstance(value, bool)


def _wanted(shape: Any) -> str:
    if isinstance(shape, re.Pattern):
        return f"a text like {shape.pattern}"
    if isinstance(shape, (set, frozenset)):
        return f"one of {', '.join(sorted(shape))}"
    if isinstance(shape, (dict, list)):
        return "a mapping" if isinstance(shape, dict) else "a list"
    return _WORDS.get(shape, "null")


def _what(value: Any) -> str:
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else f"{shown(repr(value))}"


def _contradiction(manifest: Mapping[str, Any]) -> str:
    """Return what in a manifest of the right shape cannot be so; "" if there is nothing."""
    schema = manifest["schema"]
    names = [column["name"] for column in schema["columns"]]
    classes = [(isinstance(c, bool), c) for c in schema["classes"]]
    quantiles = schema.get("quantiles", [])
    n_sizes = {"image": 3, "sequence": 2}.get(schema["kind"], 0)
    impossible = {
        f"it does not list '{manifest['onnx']}'": manifest["onnx"] not in manifest["files"],
        "its columns are none, or repeat": not n_sizes and (not names or len(set(names)) < len(names)),
        "its classes do not fit the target": bool(classes) != (schema["target"] in ("binary", "multiclass")),
        "its quantiles do not fit the target": bool(quantiles) != (schema["target"] == "quantiles"),
        "its quantiles are not ascending between 0 and 1": any(
            not a < b for a, b in zip([0, *quantiles], [*quantiles, 1], strict=True)
        ),
        "its classes repeat": len(set(classes)) < len(classes),
        "its decision does not fit the classes": "decision" in manifest
        and (len(manifest["decision"]) != len(classes) or not all(0 <= w < np.inf for w in manifest["decision"])),
        "its shape does not fit the data": len(schema["shape"]) != n_sizes or min(schema["shape"], default=1) < 1,
    }
    return next((words for words, holds in impossible.items() if holds), "")


def _contradiction_of_several(manifest: Mapping[str, Any]) -> str:
    """Return what in a manifest of several models cannot be so; "" if there is nothing."""
    models = manifest["models"]
    names = [one["target"] for one in models]
    if not models or len(set(names)) < len(names):
        return "its targets are none, or repeat"
    outside = next((one["folder"] for one in models if not _FILE_NAME.fullmatch(one["folder"])), None)
    return "" if outside is None else f"'{shown(outside)}' is no folder inside it"


def _read_checked(folder: Path, name: str, digest: str) -> bytes:
    """Return a file's content after comparing its SHA-256 with the manifest."""
    path = folder / name
    if not _FILE_NAME.fullmatch(name) or path.is_symlink():
        raise PredictionError(f"'{shown(name)}' in the manifest of '{folder}' must be a plain file inside the folder.")
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise PredictionError(f"'{path}' cannot be read ({error.strerror}).") from None
    if content is None:
        raise PredictionError(f"'{folder}' is incomplete: the file '{name}' is missing. Copy the whole folder again.")
    if hashlib.sha256(content).hexdigest() != digest:
        raise PredictionError(f"'{path}' is damaged: its SHA-256 differs from the manifest. Copy the folder again.")
    return content


def _has_external_data(model: bytes) -> bool:
    """Whether a tensor of an ONNX model lies in a file of its own, which could be any file of this machine."""
    if b"location" not in model:  # the key that names the file
        return False
    pending: list[tuple[str, memoryview]] = [("model", memoryview(model))]
    try:
        while pending:
            message, content = pending.pop()
            for number_, value in _protobuf_fields(content):
                if message == "tensor" and number_ == _EXTERNAL_DATA:
                    return True
                if number_ in _ONNX[message] and isinstance(value, memoryview):
                    pending.append((_ONNX[message][number_], value))
    except (IndexError, ValueError):  # a message that others may read in another way is not trusted
        return True
    return False


def _protobuf_fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field of a message: bytes where it has a length, else None.

    https://protobuf.dev/programming-guides/encoding
    """
    position = 0

    def varint() -> int:
        nonlocal position
        result = shift = 0
        while True:
            byte = content[position]
            position += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while position < len(content):
        number_, kind = divmod(varint(), 8)
        if kind == 0:
            varint()
            yield number_, None
            continue
        size = {1: 8, 5: 4}.get(kind) if kind != 2 else varint()
        if size is None or position + size > len(content):
            raise ValueError("no protobuf")
        yield number_, content[position : position + size] if kind == 2 else None
        position += size


def _open_session(model: bytes, threads: int) -> Any:
    # It would send what it measures to its maker, and keep a file for that where temporary ones go.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime as ort
    except ImportError:
        raise PredictionError("The package onnxruntime is missing. Install it: pip install onnxruntime") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise PredictionError(
            f"onnxruntime {ort.__version__} cannot open the model, which needs 1.21 or newer: {error}"
        ) from None


# --------------------------------------------------------------------------------------------- messages


def _nearest(name: str, known: Iterable[str]) -> str:
    by_lower = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""


def _siblings(path: Path) -> list[str]:
    return [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []


def shown(value: Any) -> str:
    """Return a value as it is put into a message: on one line, and not too long."""
    text = str(value)
    return printable(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...").replace("\n", "\\n")


def printable(text: str) -> str:
    """Return a text as it may reach a terminal: its lines stay lines, but what would steer the terminal is spelled out.

    That is every control character, escape sequence and mark that turns the direction of writing.
    """
    return "".join(c if c.isprintable() or c in _HARMLESS else repr(c)[1:-1] for c in text)


def defused(cell: Any) -> Any:
    """Return a cell of a CSV file with an apostrophe before what a spreadsheet would run as a formula.

    Numbers, and texts that are numbers, stay as they are.
    """
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _list(names: Sequence[Any], most: int = 8) -> str:
    first = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return first + (f" and {len(names) - most} more" if len(names) > most else "")


# --------------------------------------------------------------------------------------- command line


def read_input(path: Path) -> tuple[Any, Any]:
    """Return (x, lengths) of a CSV, TSV or npz file."""
    if ending(path) not in ENDINGS:
        raise PredictionError(f"'{path}' must be a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file.")
    if ending(path) != ".npz":
        table = read_table(path)
        for note in table.notes:
            print(note, file=sys.stderr)
        return table.columns, None
    if not path.is_file():
        raise PredictionError(f"There is no file '{path}'.{_nearest(path.name, _siblings(path))}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x = next((arrays[name] for name in ("x", "x_test") if name in arrays), None)
            lengths = next((arrays[name] for name in ("len", "len_test") if name in arrays), None)
            names = list(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None
    if x is None:
        raise PredictionError(f"'{path}' must hold an array 'x' or 'x_test'; it has {_list(names) or 'none'}.")
    return x, lengths


def _columns_of(
    model: Model, scores: np.ndarray, target: str | None, cell: Callable[[Any], Any]
) -> tuple[list[str], Iterator[list[Any]]]:
    """Return what is written of a model's predictions: the names of the columns, and their values row by row.

    ``target``: how the columns are called; None where it is the only one, whose column is "prediction". ``cell``: makes
    a text what may be written.
    """
    rows, classes = scores.tolist(), list(map(cell, model.classes))
    if model.quantiles:
        name = target or model.schema["target_name"]
        return [cell(f"{name}_q{q:g}") for q in model.quantiles], iter(rows)
    name, behind = ("prediction", "") if target is None else (target, f"{target}_")
    if not classes:
        return [cell(name)], iter(rows)
    columns = [cell(name), *(cell(f"{behind}probability_{c}") for c in classes)]
    called = model.codes(scores).tolist()
    # The text gives the same number again: nine digits do for a float32 probability.
    return columns, ([classes[k], *(f"{p:.9g}" for p in row)] for k, row in zip(called, rows, strict=True))


def _write(model: Model | Several, scores: Any, output: IO[str], spreadsheet: bool) -> None:
    def cell(value: Any) -> Any:
        value = defused(value) if spreadsheet else value
        return printable(value) if isinstance(value, str) and output.isatty() else value

    if isinstance(model, Several):
        parts = [_columns_of(one, scores[target], target, cell) for target, one in model.models.items()]
    else:
        parts = [_columns_of(model, scores, None, cell)]
    columns = [name for names, _ in parts for name in names]
    # Python before 3.13 quotes no carriage return by itself, which readers take for the end of a row.
    returns = any("\r" in name for name in columns)  # those of classes have these in them
    writer = csv.writer(output, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    for row in zip(*(rows for _, rows in parts), strict=True):
        writer.writerow([value for part in row for value in part])


def write_predictions(model: Model | Several, scores: Any, output: str, spreadsheet: bool = False) -> None:
    """Write predictions as CSV to the file ``output``, or to standard output for "-"; a link is followed.

    ``scores``: as ``model.scores`` gives them. ``spreadsheet``: texts are ``defused``; otherwise they are exactly the
    classes. Raises ``PredictionError`` where ``output`` cannot be written, and leaves what was there.
    """
    path = Path(output)
    try:
        if output == "-":
            _write(model, scores, sys.stdout, spreadsheet)
            sys.stdout.flush()
        elif path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced
            with path.open("w", encoding="utf-8", newline="") as file:
                _write(model, scores, file, spreadsheet)
        else:
            with whole(path.resolve()) as file:
                _write(model, scores, file, spreadsheet)
    except BrokenPipeError:  # its reader has seen enough
        raise
    except (OSError, UnicodeEncodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise PredictionError(f"The predictions cannot be written to '{output}' ({why}); choose another -o.") from None


@contextlib.contextmanager
def whole(path: Path, permissions: int = 0o644, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file to write that stands at ``path`` when the block ends, complete and on the disk, or not at all.

    It is written beside its place and renamed: a failure leaves no half file and no lost old one.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    as_text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with open(handle, mode, **as_text) as file:
            yield file
            file.flush()
            os.fsync(handle)
        os.chmod(draft, permissions)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 after an error, which is printed on stderr."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Predict with this model folder.")
    parser.add_argument("data", type=Path, help="a .csv, .tsv (also .gz) or .npz file")
    parser.add_argument("-o", "--output", default="-", help="the CSV to write; - is the screen (default)")
    parser.add_argument("--spreadsheet", action="store_true", help="defuse texts that a spreadsheet takes for formulas")
    parser.add_argument(
        "--model", type=Path, default=Path(__file__).parent, help="the model folder (default: this one)"
    )
    parser.add_argument("--threads", type=int, default=0, help="cores to use (default: all)")
    options = parser.parse_args(argv)
    try:
        model = open_model(options.model, options.threads)
        scores = model.scores(*read_input(options.data))
        write_predictions(model, scores, options.output, options.spreadsheet)
    except (PredictionError, OSError, MemoryError) as error:
        print(f"predict.py: {printable(str(error) or 'the memory does not suffice')}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
