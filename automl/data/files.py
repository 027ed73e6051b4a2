"""Files -> ``Source``: CSV, TSV, Parquet, Feather, JSON lines, npz archives, and folders of images."""

import csv
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.data import source
from automl.data.images import IMAGE_ENDINGS, image_folder, is_image, open_image, pixels
from automl.data.lines import Lines
from automl.data.records import objects, of_records
from automl.data.sampling import Keys, Sampling
from automl.data.source import Source, data_errors
from automl.errors import DataError, nearest
from automl.runtime.columns import refuse_repeats
from automl.runtime.errors import listed
from automl.runtime.layout import beginning
from automl.runtime.read_input import ENDINGS, read_input
from automl.runtime.schema import takes
from automl.runtime.table import Table, table_in
from automl.runtime.text_file import ending, read_text, refuse_absent
from automl.task import Role


def read(
    path: str | Path, kind: str = "auto", sampling: Sampling | None = None, encoding: str = ""
) -> tuple[Source, Source | None]:
    """Read a file or a folder of images; the second part is the test data that an npz archive may hold.

    ``sampling``: how many of its rows (default: all). ``encoding``: of text that is not Unicode (default: the most
    likely one). Raises ``DataError`` that says what to change.
    """
    path = there(path)
    sampling = sampling or Sampling("all")
    if path.is_dir():
        return image_folder(path, sampling), None
    with data_errors():
        refuse_absent(path)
    kind_of_file = ending(path)
    if kind_of_file == ".npz":
        return _npz(path, kind)
    if kind_of_file not in _READERS:
        raise DataError(
            f"'{path}' must end with one of {', '.join(_READERS)} or .npz, "
            "or be a folder with one folder of images per class."
        )
    if not path.stat().st_size:
        raise DataError(f"'{path}' is empty.")
    return _READERS[kind_of_file](path, sampling, encoding), None


def there(path: str | Path) -> Path:
    """Return the path of a file or folder. Raises ``DataError`` with the nearest name where there is none."""
    path = Path(path).expanduser()
    if not path.exists():
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"There is no file or folder '{path}'.{nearest(path.name, names)}")
    return path


def is_hidden(path: Path) -> bool:
    """Whether a path lies in a hidden folder, such as .ipynb_checkpoints."""
    return any(part.startswith(".") for part in path.parts)


def read_features(path: str | Path, schema: Mapping[str, Any]) -> tuple[Any, np.ndarray | None]:
    """Return (x, lengths) to predict on: whatever file ``read`` takes, with or without a target.

    A folder of images may hold them directly or in folders; they are read in the order of their names.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        if schema["kind"] != "image":
            raise DataError(f"The model takes {takes(schema)}; given: the folder '{path}'.")
        files = sorted(f for f in path.rglob("*") if is_image(f) and not is_hidden(f.relative_to(path)))
        if not files:
            raise DataError(f"'{path}' holds no images ({', '.join(sorted(IMAGE_ENDINGS))}).")
        height, width, channels = schema["shape"]
        mode = "L" if channels == 1 else "RGB"
        images = np.stack([open_image(f, lambda image: pixels(image, mode, (width, height))) for f in files])
        return images if images.ndim == 4 else images[..., None], None
    if ending(path) in ENDINGS:
        with data_errors():
            return read_input(path, schema)
    return read(path, encoding=schema.get("encoding", ""))[0].x, None


def _text_table(path: Path, sampling: Sampling, encoding: str) -> Source:
    with data_errors():
        if sampling.may_choose:
            lines = Lines.of_table(path, encoding)
            nothing = np.array([], np.int64)
            names = [name.strip() for name in _fields(lines.text(nothing).content, lines.separator)]

            def part(index: np.ndarray) -> Source:
                table = table_in(path, lines.text(index), 0, lines.separator)
                return replace(_untyped(table), row_numbers=(index + 1).tolist())

            def column(name: str, index: np.ndarray) -> np.ndarray | None:
                return _column_in(lines, index, names.index(name), len(names)) if name in names else None

            found = _chosen(lines, sampling, part, column)
            if found is not None:
                return found
        text = read_text(path, encoding)
        return _untyped(table_in(path, text, *beginning(path, text.content)))


def _chosen(
    lines: Lines,
    sampling: Sampling,
    part: Callable[[np.ndarray], Source],
    column: Callable[[str, np.ndarray], np.ndarray | None],
) -> Source | None:
    """Return the rows of a file of text that are to be read, None for all.

    ``part``: reads those at given positions. ``column``: returns one by its name, None where there is none.
    """

    def keys(index: np.ndarray) -> Keys:
        return sampling.by_names(lambda name: column(name, index))

    index, said = sampling.choose(len(lines), len(lines.raw), part, keys, f"'{lines.path.name}'")
    if index is None:
        return None
    found = part(index)
    return replace(found, notes=(*found.notes, *said))


def _untyped(table: Table) -> Source:
    found = source.from_x(table.columns)
    return replace(found, untyped=True, separator=table.separator, notes=table.notes, encoding=table.encoding)


def _column_in(lines: Lines, index: np.ndarray, position: int, n_columns: int) -> np.ndarray:
    """Return one field of some rows of a table of text; where no quotes are, without looking at most of the others."""
    after, separator = n_columns - 1 - position, lines.separator

    def field(row: str) -> str:
        if '"' in row or separator == " ":
            fields = _fields(row, separator)
            return fields[position] if position < len(fields) else ""
        if position <= after:
            return (row.split(separator, position + 1) + [""] * position)[position]
        # A row of too few fields, such as a footer, is named, or left out, where it is read.
        return ([""] * after + row.rsplit(separator, after + 1))[-after - 1]

    return np.array([field(row).strip() for row in lines.each(index)], dtype=object)


def _fields(row: str, separator: str) -> list[str]:
    return next(csv.reader([row], delimiter=separator, skipinitialspace=True), [])


def _json_lines(path: Path, sampling: Sampling, encoding: str) -> Source:
    with data_errors():
        if sampling.may_choose:
            lines = Lines.of_json(path, encoding)

            def part(index: np.ndarray) -> Source:
                some = lines.text(index)
                numbered = list(zip(lines.numbers[index].tolist(), some.content.split("\n"), strict=False))
                found = of_records(path, numbered)
                return replace(found, notes=some.notes, encoding=some.encoding, row_numbers=(index + 1).tolist())

            def column(name: str, index: np.ndarray) -> np.ndarray | None:
                numbered = list(zip(lines.numbers[index].tolist(), lines.each(index), strict=True))
                values = [record.get(name) for record in objects(path, numbered)]
                return None if all(value is None for value in values) else _key(name, values)

            found = _chosen(lines, sampling, part, column)
            if found is not None:
                return found
        text = read_text(path, encoding)
    every = [(i, line) for i, line in enumerate(io.StringIO(text.content), 1) if line.strip()]
    return replace(of_records(path, every), notes=text.notes, encoding=text.encoding)


def _key(name: str, values: Any) -> np.ndarray | None:
    """Return a column that a sample respects. Raises ``DataError`` for what no column may hold, such as lists."""
    return source.one_column(name, values)


def _parquet(path: Path, sampling: Sampling, _: str) -> Source:
    from pyarrow import parquet

    return _arrow(path, lambda: parquet.ParquetFile(path).read(), sampling)


def _feather(path: Path, sampling: Sampling, _: str) -> Source:
    from pyarrow import feather

    return _arrow(path, lambda: feather.read_table(path), sampling)


def _arrow(path: Path, read_table: Callable[[], Any], sampling: Sampling) -> Source:
    import pyarrow as pa

    try:
        table = read_table()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {str(error).rstrip('.')}.") from None
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    with data_errors():
        refuse_repeats(names, f"'{path}': ")

    def part(index: np.ndarray) -> Source:
        return replace(_of_arrow(table.take(pa.array(index)), names), row_numbers=(index + 1).tolist())

    def keys(index: np.ndarray) -> Keys:
        some = lambda name: _key(name, table.column(name).take(index)) if name in names else None  # noqa: E731
        return sampling.by_names(some)

    index, said = sampling.choose(table.num_rows, table.nbytes, part, keys, f"'{path.name}'")
    return replace(_of_arrow(table, names) if index is None else part(index), notes=said)


def _of_arrow(table: Any, names: Sequence[str]) -> Source:
    import pyarrow as pa

    # Parquet forgets that numbers were categories; the note that pandas leaves in the file remembers.
    described = (table.schema.pandas_metadata or {}).get("columns", ())
    hints: dict[str, Role] = {c["name"]: "categorical" for c in described if c["pandas_type"] == "categorical"}
    columns: dict[str, Any] = {}
    for name in names:
        column = table.column(name)
        if pa.types.is_dictionary(column.type):
            hints[name] = "categorical"
            column = column.cast(column.type.value_type)
        columns[name] = column
    return replace(source.from_x(columns), hints=hints)


_READERS: dict[str, Callable[[Path, Sampling, str], Source]] = {
    ".csv": _text_table,
    ".csv.gz": _text_table,
    ".tsv": _text_table,
    ".tsv.gz": _text_table,
    ".parquet": _parquet,
    ".feather": _feather,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
}


def _npz(path: Path, kind: str) -> tuple[Source, Source | None]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read: {str(error).rstrip('.')}.") from None
    if {"x_train", "y_train"} - arrays.keys():
        if {"x_test", "y_test"} <= arrays.keys():
            return _npz_part(path, arrays, "test", kind), None
        found = ", ".join(arrays) or "none"
        raise DataError(
            f"'{path}' must hold the arrays x_train and y_train (and may hold x_test, y_test, len_train, len_test); "
            f"it has: {found}."
        )
    has_test = {"x_test", "y_test"} <= arrays.keys()
    used = {f"{name}_{part}" for name in ("x", "y", "len") for part in (("train", "test") if has_test else ("train",))}
    rest = sorted(arrays.keys() - used)
    note = f"Not read of '{path.name}', as test data is x_test with y_test: {listed(rest)}."
    train = _npz_part(path, arrays, "train", kind)
    train = replace(train, notes=(*train.notes, *([note] if rest else ())))
    return train, _npz_part(path, arrays, "test", kind) if has_test else None


def _npz_part(path: Path, arrays: dict[str, np.ndarray], part: str, kind: str) -> Source:
    x, y, lengths = (arrays.get(f"{name}_{part}") for name in ("x", "y", "len"))
    assert x is not None
    assert y is not None
    for name, array in (("y", y), ("len", lengths)):
        if array is not None and (array.shape[:1] != x.shape[:1] or array.size != len(array)):
            raise DataError(
                f"'{path}': {name}_{part} must have one value for each of the {x.shape[0] if x.ndim else 0} rows of "
                f"x_{part}; its shape is {array.shape}."
            )
    return replace(source.from_x(x, kind, lengths), y=y.reshape(-1))
