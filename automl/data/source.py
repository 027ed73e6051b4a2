"""Raw data before anything is inferred from it: what files, frames and arrays are read into."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from automl.errors import ConfigError, DataError, unknown_name
from automl.runtime.arrays import as_array, unmasked
from automl.runtime.columns import named_columns as columns_by_name
from automl.runtime.errors import PredictionError
from automl.task import DataKind, Role

MAX_DENSE_VALUES = 200_000_000  # what a sparse matrix may have once it is dense: 0.8 GB as float32
_CHANNELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Source:
    """A table (``columns``) or an array of images or sequences, with what came along.

    ``columns``: (n,) arrays by name. ``array``: (n, height, width[, channels]) or (n, steps, channels);
    ``lengths``: (n,) steps of each sequence. ``y``: (n,) target, None while it is one of the columns.
    ``hints``: roles that the types of a frame or file declare. ``notes``: what was done while reading.
    ``row_numbers``: (n,) positions in the file, from 1, where rows were left out. ``untyped``: every value is text, as
    in a CSV file; ``separator``: the sign between its fields. ``encoding``: that of a file of text, "" for Unicode.
    """

    columns: Mapping[str, np.ndarray] | None = None
    array: np.ndarray | None = None
    kind: DataKind = "table"
    lengths: np.ndarray | None = None
    y: np.ndarray | None = None
    target_name: str = "target"
    hints: Mapping[str, Role] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    row_numbers: Sequence[int] | None = None
    untyped: bool = False
    separator: str = ""
    encoding: str = ""

    def __len__(self) -> int:
        if self.array is not None:
            return len(self.array)
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def x(self) -> Any:
        """The columns or the array: what ``encode.rows`` takes."""
        return self.columns if self.array is None else self.array

    def take(self, index: np.ndarray) -> "Source":
        """Return the rows at ``index``."""
        if len(index) == len(self) and np.array_equal(index, np.arange(len(self))):
            return self
        columns = None if self.columns is None else {name: values[index] for name, values in self.columns.items()}
        array, lengths, y = (None if v is None else v[index] for v in (self.array, self.lengths, self.y))
        numbers = (index + 1 if self.row_numbers is None else np.asarray(self.row_numbers)[index]).tolist()
        return replace(self, columns=columns, array=array, lengths=lengths, y=y, row_numbers=numbers)


def joined(first: Source, second: Source, what: str) -> Source:
    """Return the rows of two sources, one after the other; ``what``: how errors call the second.

    Raises ``DataError`` where they do not have the same columns or shape.
    """
    if (first.array is None) != (second.array is None) or first.kind != second.kind:
        raise DataError(f"The {what} must be of the same kind as the others; given: {second.kind} and {first.kind}.")
    if first.array is not None and second.array is not None and first.array.shape[1:] != second.array.shape[1:]:
        raise DataError(
            f"The {what} must have the shape of the others, (n, {', '.join(map(str, first.array.shape[1:]))}); given: "
            f"{second.array.shape}."
        )
    columns = None
    if first.columns is not None and second.columns is not None:
        for name in first.columns:
            if name not in second.columns:
                raise unknown_name(f"column in the {what}:", name, second.columns)
        columns = {name: _after(values, second.columns[name]) for name, values in first.columns.items()}
    numbers = [*(first.row_numbers or range(1, len(first) + 1)), *(second.row_numbers or range(1, len(second) + 1))]
    return replace(
        first,
        columns=columns,
        array=_after(first.array, second.array),
        lengths=_after(first.lengths, second.lengths),
        y=_after(first.y, second.y),
        notes=(*first.notes, *second.notes),
        encoding=first.encoding or second.encoding,
        row_numbers=numbers,
    )


def _after(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return None
    alike = first.dtype.kind == second.dtype.kind or {first.dtype.kind, second.dtype.kind} <= set("biuf")
    return np.concatenate([first, second] if alike else [first.astype(object), second.astype(object)])


@contextmanager
def data_errors() -> Iterator[None]:
    """Raise what the runtime refuses inside as ``DataError``."""
    try:
        yield
    except PredictionError as error:
        raise DataError(str(error)) from None


def from_x(x: Any, kind: str = "auto", lengths: Any = None) -> Source:
    """Read a data frame, a mapping of columns, a NumPy array or a SciPy matrix.

    A 2-D array is a table whose columns are called x0, x1, ...; a 4-D one (n, height, width, channels) is images. A 3-D
    one with ``lengths`` is sequences (n, steps, channels); without, it is images (n, height, width) where it is uint8
    or square, else sequences. ``kind`` decides instead, where it is not "auto".
    """
    if _has_names(x):
        if kind in ("image", "sequence"):
            raise ConfigError(f"The kind '{kind}' needs a NumPy array (n, ...); given: a table. Use kind=table.")
        _refuse(lengths, "a table")
        return _from_table(x)
    if hasattr(x, "toarray"):
        x = _dense(x)
    array = to_array(x)
    if array.ndim == 2 and kind not in ("image", "sequence"):
        if not array.shape[1]:
            raise DataError(
                f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required. Give a column."
            )
        _refuse(lengths, "a table")
        return _from_table({f"x{i}": array[:, i] for i in range(array.shape[1])})
    return _from_array(array, kind, lengths)


def _has_names(x: Any) -> bool:
    if hasattr(x, "toarray"):  # a sparse matrix, though one of their formats is a mapping
        return False
    if isinstance(x, Mapping) or hasattr(x, "columns") or hasattr(x, "column_names"):
        return True
    is_records = isinstance(x, Sequence) and len(x) > 0 and all(isinstance(record, Mapping) for record in x)
    return is_records or bool(getattr(getattr(x, "dtype", None), "names", None))


def to_array(x: Any) -> np.ndarray:
    """Return lists or the like as an array; texts as one column, (n, 1)."""
    try:
        array = np.asarray(unmasked(x))
    except ValueError as error:
        raise DataError(f"The data must be one array in which all rows have one shape ({error}).") from None
    except (TypeError, RuntimeError) as error:  # a tensor on a GPU, or one that requires gradients
        raise DataError(f"The data must be what NumPy can make an array of ({error}).") from None
    return array[:, None] if array.ndim == 1 and array.dtype.kind in "OUST" else array


def _from_table(table: Any) -> Source:
    columns = named_columns(table)
    hints: dict[str, Role] = {
        name: "categorical"
        for name, values in columns.items()
        if _type_name(values).startswith(("category", "Categorical", "dictionary"))
    }
    arrays = {name: _any_column(name, values) for name, values in columns.items()}
    sizes = {len(values) for values in arrays.values()}
    if len(sizes) > 1:
        raise DataError(f"All columns must have the same number of rows; given: {sorted(sizes)}.")
    if not sizes or not sizes.pop():
        raise DataError("The data has no rows. Give at least some.")
    return Source(columns=arrays, hints=hints)


def named_columns(table: Any) -> dict[str, Any]:
    """Return the columns of a data frame or a mapping. Raises ``DataError`` for names that repeat."""
    with data_errors():
        return columns_by_name(table) or {}


def _type_name(values: Any) -> str:
    return str(getattr(values, "dtype", getattr(values, "type", "")))  # Arrow's columns have a type


def one_column(name: str, values: Any) -> np.ndarray:
    """Return a column as an (n,) array. Raises ``DataError`` for what no column may hold."""
    array = _any_column(name, values)
    refuse_nested(name, array)
    return array


def refuse_nested(name: str, array: np.ndarray) -> None:
    """Raise ``DataError`` for a column of lists or the like, which may be there as long as nobody uses it."""
    kinds = set(map(type, array.tolist())) if array.dtype == object else set()
    nested = next((kind for kind in kinds if _is_nested(kind)), None)
    if nested is not None:
        raise DataError(
            f"Column '{name}' holds a {nested.__name__} in a field. Flatten it into columns, or leave it out: "
            f"drop=['{name}']."
        )


def _any_column(name: str, values: Any) -> np.ndarray:
    array = as_array(values)
    kinds = set(map(type, array.tolist())) if array.dtype == object else set()
    if array.ndim != 1:
        raise DataError(f"Column '{name}' must have one value in each row; its shape is {array.shape}.")
    if array.dtype.kind == "c" or any(issubclass(kind, (complex, np.complexfloating)) for kind in kinds):
        raise DataError(
            f"Complex data not supported: column '{name}' holds {array.dtype}. "
            "Give its real and its imaginary part as two columns."
        )
    if array.dtype.kind == "V":
        raise DataError(
            f"Column '{name}' holds {array.dtype}, which has no meaning for a model. Turn its fields into columns."
        )
    return array


def _is_nested(kind: type) -> bool:
    """Whether values of a type are lists or the like; the metaclass of an enumeration has a length, its values none."""
    has_length = any("__len__" in base.__dict__ for base in kind.__mro__)
    return has_length and not issubclass(kind, (str, bytes))


def _dense(matrix: Any) -> np.ndarray:
    n_values = int(np.prod(matrix.shape))
    if n_values > MAX_DENSE_VALUES:
        raise DataError(
            f"A sparse matrix is made dense and may have up to {MAX_DENSE_VALUES:,} values; this one has {n_values:,} "
            f"({matrix.shape[0]:,} x {matrix.shape[1]:,}). Select columns or reduce it first."
        )
    return matrix.astype(np.float32).toarray()


def _refuse(lengths: Any, what: str) -> None:
    if lengths is not None:
        raise ConfigError(f"Lengths are for sequences; this data is {what}. Leave them out or use kind=sequence.")


def _from_array(array: np.ndarray, kind: str, lengths: Any) -> Source:
    shape, why = array.shape, ""
    if kind == "auto":
        kind, why = _kind_of(array, lengths is not None)
    fits = {"image": (3, 4), "sequence": (3,)}.get(kind, (2,))
    if array.ndim not in fits or 0 in shape:
        shapes = {"image": "(n, height, width[, channels])", "sequence": "(n, steps, channels)"}.get(
            kind, "(n, columns)"
        )
        raise DataError(f"The kind '{kind}' needs an array {shapes}; given: shape {shape}.")
    if array.dtype.kind not in "biuf":
        raise DataError(f"Images and sequences must be numbers; the array's type is {array.dtype}.")
    note = f"The array of shape {shape} was read as {kind}s{why}."
    if kind == "sequence":
        lengths = None if lengths is None else np.asarray(lengths)
        if lengths is not None and lengths.shape != shape[:1]:
            raise DataError(f"The lengths must be one for each of the {len(array)} rows; given: {lengths.shape}.")
        return Source(array=array, kind="sequence", lengths=lengths, notes=(note,))
    array = array if array.ndim == 4 else array[..., None]
    if array.shape[3] not in _CHANNELS and array.shape[1] in _CHANNELS:
        raise DataError(
            f"Images must have their channels last; the shape is {array.shape}. Use x.transpose(0, 2, 3, 1)."
        )
    _refuse(lengths, "images")
    return Source(array=array, kind="image", notes=(note,))


def _kind_of(array: np.ndarray, has_lengths: bool) -> tuple[str, str]:
    """Return what an array holds and, where that is a guess, why, and how to say otherwise."""
    if array.ndim != 3:
        return "image" if array.ndim == 4 else "table", ""
    if has_lengths:
        return "sequence", ", because lengths came with it"
    is_image = array.dtype == np.uint8 or array.shape[1] == array.shape[2]
    kind, other = ("image", "sequence") if is_image else ("sequence", "image")
    why = (
        "uint8" if array.dtype == np.uint8 else "square" if is_image else "neither square nor uint8, and has no lengths"
    )
    return kind, f', because it is {why}. If it holds {other}s, say data.kind={other} (in Python: kind="{other}")'
