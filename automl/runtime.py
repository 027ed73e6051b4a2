"""Predict with a model folder: this file, NumPy and onnxruntime are all it takes (Python 3.11 or newer).

    python predict.py data.csv -o predictions.csv

``automl`` copies this file into every model folder as ``predict.py``, and uses it itself to turn raw columns into
arrays when it trains: what a model sees in production is what it saw in training, by construction.

Missing: an empty field, None, NaN, NaT and the strings of ``MISSING``. Dates with a time zone are taken in UTC.
Text becomes counts of terms, all lower case: ``w:free`` and ``w:free call`` are words and pairs of neighbouring
words; ``c: fre`` are the 3 to 5 neighbouring characters inside a piece of text between spaces, its ends marked
by a space (scikit-learn's ``char_wb``).
"""

import argparse
import collections
import contextlib
import csv
import difflib
import gzip
import hashlib
import io
import itertools
import json
import os
import re
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".npz")  # of the files that can be read
FORMAT = 1  # of the manifest; a folder of a newer one is refused
_MISSING_WORDS = "? NA N/A n/a NaN nan -NaN -nan NaT NULL null None <NA> #N/A #NA"
MISSING = frozenset(("", "#N/A N/A", *_MISSING_WORDS.split()))
DATE_PARTS = ("year", "month", "day", "weekday", "day_of_year", "hour", "minute", "days")
_TRUTH = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "on": 1.0}
_TRUTH |= {"false": 0.0, "f": 0.0, "no": 0.0, "n": 0.0, "0": 0.0, "off": 0.0}
_NUMBERS = (int, float, np.number)
_PARTS = ("numeric", "categories", "tokens")
_CHUNK_VALUES = 8_000_000  # values held at once while predicting
_LONGEST_SHOWN = 60  # characters of a value or a name in a message
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_INTEGRAL = re.compile(r"[+-]?\d+\.0*")
_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_PADDED = re.compile(r"0\d+")
_WORD = re.compile(r"\w+")

Schema = Mapping[str, Any]
Columns = Mapping[str, Any]


class PredictionError(ValueError):
    """The input or the model folder cannot be used; the message says what is wrong and what to do."""


# ---------------------------------------------------------------------------------------------- reading


def ending(path: Path) -> str:
    """Return how the name of a file ends: ".csv", or ".csv.gz" where it is compressed."""
    return "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix


def read_csv(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the columns of a CSV or TSV file (also .gz) as (n,) object arrays of strings.

    UTF-8, a header row; the separator is the comma, or the semicolon or tab where the header has no comma.
    """
    path = Path(path)
    if not path.is_file():
        raise PredictionError(f"There is no file '{path}'.{_nearest(path.name, _siblings(path))}")
    csv.field_size_limit(2**31 - 1)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            return _parse(path, file)
    except UnicodeDecodeError as error:
        raise PredictionError(f"'{path}' is not UTF-8 ({error.reason}). Save it as UTF-8.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None


def _parse(path: Path, file: Iterable[str]) -> dict[str, np.ndarray]:
    lines = iter(file)
    first = next(lines, "")
    if not first.strip():
        raise PredictionError(f"'{path}' is empty. The first line must hold the names of the columns.")
    separator = next((s for s in ("\t" if ending(path).startswith(".tsv") else ",", ";", "\t") if s in first), ",")
    reader = csv.reader(itertools.chain([first], lines), delimiter=separator, strict=True)
    try:
        header = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(next(reader))]
        rows = []
        for row in reader:
            if len(row) == len(header):
                rows.append(row)
            elif row:  # an empty line is no row
                raise PredictionError(
                    f"'{path}', line {reader.line_num}: every row must have {len(header)} fields like the header; "
                    f"this one has {len(row)}. Put values that contain '{separator}' in double quotes."
                )
    except csv.Error as error:
        raise PredictionError(f"'{path}', line {reader.line_num}: {error}.") from None
    refuse_repeats(header, f"'{path}': ")
    if not rows:
        raise PredictionError(f"'{path}' has a header but no rows.")
    return {name: _interned(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}


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
    array = x if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.ndim == 1 and len(names) == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != len(names):
        raise PredictionError(f"The data must have {len(names)} columns ({_list(names)}); given: shape {array.shape}.")
    return {name: array[:, i] for i, name in enumerate(names)}


def named_columns(x: Any) -> dict[str, Any] | None:
    """Return the columns of a mapping, a data frame, a record or a list of records; None for what has no names."""
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


def is_missing(value: Any) -> bool:
    """Whether ``value`` counts as missing."""
    if isinstance(value, str):
        return value.strip() in MISSING
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(isinstance(value, (float, np.floating, np.datetime64)) and value != value)


def label(value: Any) -> str:
    """Return the one way a category is written: 3, 3.0 and "3.0" give "3"; True and "true" give "True"; missing "".

    Dates, and texts that are a date with a time, give "2024-12-31" at midnight and else "2024-12-31 23:59:59", in UTC.
    """
    if is_missing(value):
        return ""
    if isinstance(value, (date, np.datetime64)):
        return _written(value)
    text = _plain(value)
    return _written(text) if _DATE_AND_TIME.match(text) else text


def _plain(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value).strip()
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


def number(value: Any) -> float:
    """Return a value as a float, NaN where missing. Raises ``ValueError`` or ``TypeError`` where it is none."""
    if is_missing(value):
        return np.nan
    if isinstance(value, (datetime, date, np.datetime64)) or (isinstance(value, str) and "_" in value):
        raise ValueError(value)
    try:
        return float(value)
    except OverflowError:  # a whole number beyond 1e308
        return np.inf if value > 0 else -np.inf


def truth(value: Any) -> float:
    """Return 1.0 for true, yes, on, 1 and 0.0 for their opposites (any case), NaN where missing."""
    if is_missing(value):
        return np.nan
    try:
        return _TRUTH[label(value).lower()]
    except KeyError:
        raise ValueError(value) from None


def moment(value: Any, pattern: str) -> datetime | None:
    """Return a date without time zone, None where missing. ``pattern``: "iso", or one of ``datetime.strptime``."""
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        when = value
    elif isinstance(value, date):
        when = datetime(value.year, value.month, value.day)
    else:
        text = _plain(value)
        when = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)
    if when.tzinfo is not None:
        # Left as it is: a sentinel such as 9999-12-31T23:59:59-05:00, in UTC in the year 10000.
        with contextlib.suppress(OverflowError):
            when = when.astimezone(timezone.utc)  # noqa: UP017
    return when.replace(tzinfo=None)


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
    values = array.tolist() if array.dtype == object else list(array)
    lookup = _Memo(function).__getitem__ if set(map(type, values)) <= _SAFE_TOGETHER else function
    results: list[Any] = []
    try:
        results.extend(map(lookup, values))  # what came before a refusal stays in the list
    except (ValueError, TypeError):
        return results, len(results)
    return results, -1


def as_array(values: Any) -> np.ndarray:
    """Return a column (array, list, pandas Series, ...) as an (n,) array; strings as objects."""
    array = values if isinstance(values, np.ndarray) else values.to_numpy() if hasattr(values, "to_numpy") else None
    if array is None:
        array = np.empty(len(values), dtype=object)
        array[:] = list(values)
    if array.dtype.kind in "SU":
        array = array.astype(object)
    return array


def labels(values: Any) -> np.ndarray:
    """Return the ``label`` of each value, (n,) object."""
    array = as_array(values)
    if array.dtype.kind in "biufM":
        distinct, inverse = np.unique(array, return_inverse=True)
        return np.array([label(v) for v in distinct], dtype=object)[inverse]
    return np.array(_each(array, label)[0], dtype=object)


def numbers(values: Any) -> tuple[np.ndarray, int]:
    """Return (n,) float64, NaN where missing, and the position of the first value that is no number, or -1."""
    array = as_array(values)
    if array.dtype.kind in "biuf":
        return array.astype(np.float64), -1
    fast = _strings_to_floats(array) if array.dtype == object else None
    if fast is not None:
        return fast, -1
    result, bad = _each(array, number)
    return np.array(result, dtype=np.float64), bad


def _strings_to_floats(array: np.ndarray) -> np.ndarray | None:
    try:
        result = np.fromiter(map(float, [v or "nan" for v in array.tolist()]), np.float64, len(array))
        return None if "_" in "".join(array) else result  # Python reads 1_000 as a number
    except (TypeError, ValueError, OverflowError):
        return None


def dates(values: Any, pattern: str) -> tuple[np.ndarray, int]:
    """Return (n,) datetime64[us], NaT where missing, and the position of the first value that is no date, or -1."""
    array = as_array(values)
    if array.dtype.kind == "M":
        return array.astype("datetime64[us]"), -1
    result, bad = _each(array, lambda value: moment(value, pattern))
    return np.array(result, dtype="datetime64[us]"), bad


# --------------------------------------------------------------------------------------------- encoding


def numeric_names(schema: Schema) -> tuple[str, ...]:
    """Return the names of the columns of ``numeric``: a column's own, or ``column.year`` for a part of a date."""
    names: list[str] = []
    for column in schema["columns"]:
        if column["role"] in ("numeric", "boolean"):
            names.append(column["name"])
        elif column["role"] == "datetime":
            names += [f"{column['name']}.{part}" for part in DATE_PARTS]
    return tuple(names)


def encode(
    schema: Schema,
    columns: Columns,
    row_numbers: Sequence[int] | None = None,
    wanted: Collection[str] = _PARTS,
    terms: Mapping[str, "Terms"] | None = None,
) -> dict[str, np.ndarray]:
    """Turn raw columns into the inputs of a model; columns that the model does not know are ignored.

    Returns those of ``wanted`` that the schema has: ``numeric`` (n, p) float32, NaN where missing, in the order of
    ``numeric_names``; ``categories`` (n, c) object, the ``label`` of each value; ``tokens`` (n, longest) int64, for
    each term of the text its position in the ``terms`` of all text columns put together, padded with -1.
    ``row_numbers``: how error messages call the rows (default: 1, 2, ...). ``terms``: the ``text_terms`` of the schema,
    where they are there already. Raises ``PredictionError``.
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
    if "tokens" in wanted and "text" in roles.values():
        ids, counts = tokenize(text_terms(schema) if terms is None else terms, columns)
        parts["tokens"] = np.full((len(counts), max(1, int(counts.max()))), -1, np.int64)
        parts["tokens"][np.arange(parts["tokens"].shape[1]) < counts[:, None]] = ids
    return parts


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
        pattern = column.get("format") or "iso"
        when, bad = dates(values, pattern)
        rule = "a date like 2024-12-31 or 2024-12-31 23:59:59" if pattern == "iso" else f"a date written as {pattern}"
        _refuse(name, values, bad, row_numbers, rule)
        return _date_parts(when)
    if role not in ("numeric", "boolean"):
        return None
    if role == "boolean" and values.dtype.kind != "b":
        found, bad = _each(values, truth)
        result = np.array(found, np.float64)
    else:
        result, bad = numbers(values)
    _refuse(name, values, bad, row_numbers, "a number" if role == "numeric" else "true or false")
    with np.errstate(invalid="ignore"):
        endless = np.flatnonzero(np.abs(result) > _FLOAT32_MAX)
    _refuse(name, values, int(endless[0]) if endless.size else -1, row_numbers, f"a number between ±{_FLOAT32_MAX:.1e}")
    return result.astype(np.float32)


def _categories(column: Mapping[str, Any], values: np.ndarray, row_numbers: Sequence[int] | None) -> np.ndarray:
    """Return labels. As numbers, codes lose their zeros: 02139 as 2139 would silently be none of the known ones."""
    given = values.tolist()
    if any(issubclass(kind, _NUMBERS) for kind in set(map(type, given))):
        code = next(filter(_PADDED.fullmatch, column.get("levels", ())), None)
        bad = -1 if code is None else next((i for i, v in enumerate(given) if isinstance(v, _NUMBERS) and v == v), -1)
        rule = f"codes such as {code} as text, not as numbers (read the column with dtype=str)"
        _refuse(column["name"], values, bad, row_numbers, rule)
    return labels(values)


def _refuse(name: str, values: np.ndarray, position: int, row_numbers: Sequence[int] | None, rule: str) -> None:
    if position >= 0:
        raise PredictionError(
            f"Column '{name}' must hold {rule} in every row; row {_row(position, row_numbers)} has "
            f"'{shown(values[position])}'. Correct it, or leave it empty if it is missing."
        )


def _row(position: int, row_numbers: Sequence[int] | None) -> int:
    return position + 1 if row_numbers is None else row_numbers[position]


def _date_parts(when: np.ndarray) -> np.ndarray:
    """Return (n, len(DATE_PARTS)) float32; weekday 0 is Monday, ``days`` counts from 1970-01-01."""
    year, month, day = (when.astype(f"datetime64[{unit}]") for unit in "YMD")
    minutes = (when - day).astype("timedelta64[m]").astype(np.int64)
    parts = [
        year.astype(np.int64) + 1970,
        month.astype(np.int64) % 12 + 1,
        (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
        (day.astype(np.int64) + 3) % 7,
        (day - year.astype("datetime64[D]")).astype(np.int64) + 1,
        minutes // 60,
        minutes % 60,
        when.astype(np.int64) / 86_400e6,
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


def text_terms(schema: Schema) -> dict[str, Terms]:
    """Return what finds the terms of each text column, by its name. Vocabularies are large: keep it between calls."""
    terms: dict[str, Terms] = {}
    offset = 0
    for column in schema["columns"]:
        if column["role"] == "text":
            vocabulary = column.get("terms", ())
            terms[column["name"]] = Terms({term: i + offset for i, term in enumerate(vocabulary)})
            offset += len(vocabulary)
    return terms


def tokenize(terms: Mapping[str, Terms], columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Return the term ids of all rows one after the other, (m,) int64, and how many each row has, (n,) int64."""
    rows: list[list[int]] = []
    for name, known in terms.items():
        own = [known.of(text) for text in as_array(columns[name]).tolist()]
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

    Raises ``PredictionError`` for a folder that is damaged, incomplete or made by a newer version.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = _read_manifest(self.folder)
        self.schema: dict[str, Any] = self.manifest["schema"]
        self.classes: list[Any] = self.schema["classes"]
        contents = {name: _read_checked(self.folder, name, digest) for name, digest in self.manifest["files"].items()}
        if self.manifest["onnx"] not in contents:
            raise PredictionError(f"'{self.folder}' is damaged: its manifest does not list '{self.manifest['onnx']}'.")
        self._terms = text_terms(self.schema)
        self._session = _open_session(contents[self.manifest["onnx"]], threads)
        self._inputs = {i.name for i in self._session.get_inputs()}

    def predict(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n,) classes as they were in the training data, or (n,) float64 values of a regression.

        ``x``: a table (see ``to_columns``), images (n, height, width[, channels]), or sequences (n, steps, channels)
        with ``lengths`` (n,), how many steps of each count (default: all).
        """
        scores = self.scores(x, lengths)
        return self.labels()[scores.argmax(axis=1)] if self.classes else scores[:, 0]

    def predict_proba(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, n_classes) float32 probabilities, in the order of ``classes``."""
        if not self.classes:
            raise PredictionError("A regression has no probabilities. Use predict().")
        return self.scores(x, lengths)

    def scores(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return what the graph gives: (n, n_classes) float32 probabilities or (n, 1) float64 values."""
        feeds = self._feeds(x, lengths)
        return np.concatenate([self._session.run(["prediction"], feed)[0] for feed in feeds])

    def labels(self) -> np.ndarray:
        """Return (n_classes,) ``classes`` as an array; of objects, unless all are numbers or all are truth values."""
        found = np.array(self.classes)
        exact = [(type(c), c) for c in found.tolist()] == [(type(c), c) for c in self.classes]
        return found if exact and found.dtype.kind != "U" else np.array(self.classes, dtype=object)

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
            yield encode(self.schema, chunk, range(start + 1, start + step + 1), self._inputs, self._terms)


def _rows_at_once(values_per_row: int) -> int:
    return min(4_096, max(16, _CHUNK_VALUES // max(1, values_per_row)))


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.is_file() or path.is_symlink():
        raise PredictionError(f"'{folder}' is not a model folder: it has no file manifest.json.")
    damaged = PredictionError(f"'{path}' is damaged. Export the model again.")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version = int(manifest["format"])
    except (KeyError, TypeError, ValueError, OverflowError):  # ValueError: no UTF-8, no JSON, or no number
        raise damaged from None
    if version > FORMAT:
        raise PredictionError(
            f"'{folder}' has format {version}; this program reads up to {FORMAT}. Use the predict.py inside the folder."
        )
    files, onnx, schema = (manifest.get(name) for name in ("files", "onnx", "schema"))
    if not (isinstance(files, dict) and isinstance(onnx, str) and isinstance(schema, dict)):
        raise damaged
    if not {"kind", "columns", "classes", "shape"} <= schema.keys():
        raise damaged
    return manifest


def _read_checked(folder: Path, name: str, digest: str) -> bytes:
    """Return a file's content after comparing its SHA-256 with the manifest."""
    path = folder / name
    inside = not os.path.isabs(name) and ".." not in Path(name).parts
    if not inside or any(p.is_symlink() for p in (path, *path.parents) if p not in (folder, *folder.parents)):
        raise PredictionError(f"'{name}' in the manifest of '{folder}' must be a plain file inside the folder.")
    try:
        content = path.read_bytes()
    except OSError:
        raise PredictionError(
            f"'{folder}' is incomplete: the file '{name}' is missing. Copy the whole folder again."
        ) from None
    if hashlib.sha256(content).hexdigest() != digest:
        raise PredictionError(f"'{path}' is damaged: its SHA-256 differs from the manifest. Copy the folder again.")
    return content


def _open_session(model: bytes, threads: int) -> Any:
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
    text = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _list(names: Sequence[Any], most: int = 8) -> str:
    first = ", ".join(f"'{shown(name)}'" for name in names[:most])
    return first + (f" and {len(names) - most} more" if len(names) > most else "")


# --------------------------------------------------------------------------------------- command line


def read_input(path: Path) -> tuple[Any, Any]:
    """Return (x, lengths) of a CSV, TSV or npz file."""
    if ending(path) not in ENDINGS:
        raise PredictionError(f"'{path}' must be a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file.")
    if path.suffix != ".npz":
        return read_csv(path), None
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


def _write(model: Model, scores: np.ndarray, output: io.TextIOBase) -> None:
    writer = csv.writer(output, lineterminator="\n")
    classes = model.classes
    writer.writerow(["prediction", *(f"probability_{c}" for c in classes)])
    best = scores.argmax(axis=1) if classes else None
    for i, row in enumerate(scores.tolist()):
        numbers_ = [f"{value:.9g}" for value in row]  # nine digits give the same float32 again
        writer.writerow(numbers_ if best is None else [classes[best[i]], *numbers_])


def write_predictions(model: Model, scores: np.ndarray, output: str) -> None:
    """Write predictions as CSV to the file ``output``, or to standard output for "-"; a link is followed."""
    path = Path(output)
    if output == "-":
        _write(model, scores, sys.stdout)  # type: ignore[arg-type]
    elif path.exists() and not path.is_file():  # a pipe or a device is written to, never replaced
        with path.open("w", encoding="utf-8", newline="") as file:
            _write(model, scores, file)
    else:
        _save(model, scores, path.resolve())


def _save(model: Model, scores: np.ndarray, path: Path) -> None:
    """Write beside the target and rename, so that a failure leaves no half file and no lost old one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            _write(model, scores, file)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 after an error, which is printed on stderr."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Predict with this model folder.")
    parser.add_argument("data", type=Path, help="a .csv, .tsv (also .gz) or .npz file")
    parser.add_argument("-o", "--output", default="-", help="the CSV to write; - is the screen (default)")
    parser.add_argument(
        "--model", type=Path, default=Path(__file__).parent, help="the model folder (default: this one)"
    )
    parser.add_argument("--threads", type=int, default=0, help="cores to use (default: all)")
    options = parser.parse_args(argv)
    try:
        model = Model(options.model, options.threads)
        scores = model.scores(*read_input(options.data))
        write_predictions(model, scores, options.output)
    except (PredictionError, OSError) as error:
        print(f"predict.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
