"""What a search is about: the rows, the target, the metric and the splits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from scipy import sparse as sp

from automl.metrics import Metric

DataKind = Literal["table", "image", "sequence", "text"]
TargetKind = Literal["binary", "multiclass", "regression"]
Role = Literal["numeric", "categorical", "boolean", "datetime", "text", "dropped"]

# The folder of search_spaces/ that holds the families of each kind of data.
FAMILY_FOLDER: dict[DataKind, str] = {"table": "tables", "image": "images", "sequence": "sequences", "text": "text"}


@dataclass(frozen=True)
class Rows:
    """n rows as typed arrays; a field is None where the data has no such part.

    Shape
    -----
    numeric: (n, p) float32, NaN where missing (numbers, booleans as 0 and 1, parts of dates)
    categories: (n, c) int32 codes; 0 is missing or unseen, known levels are 1..k
    sparse: (n, v) float32 CSR, counts of the terms in text columns
    image: (n, height, width, channels) uint8 or float32, as read
    sequence: (n, steps, channels) float32, zero padded at the end; lengths: (n,) int64
    cardinalities: c numbers, k + 1 for each column of ``categories``
    """

    numeric: np.ndarray | None = None
    categories: np.ndarray | None = None
    sparse: sp.csr_matrix | None = None
    image: np.ndarray | None = None
    sequence: np.ndarray | None = None
    lengths: np.ndarray | None = None
    cardinalities: tuple[int, ...] = ()

    def __len__(self) -> int:
        return next((int(value.shape[0]) for value in self.parts().values()), 0)

    def parts(self) -> dict[str, Any]:
        """Return the arrays that are there, by field name."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "cardinalities"}
        return {name: value for name, value in named.items() if value is not None}

    def take(self, index: np.ndarray | slice) -> "Rows":
        """Return the rows at ``index``."""
        return replace(self, **{name: value[index] for name, value in self.parts().items()})


@dataclass(frozen=True)
class Batch:
    """Rows with their target: ``y`` is (n,) int64 class codes, or (n,) float64 values.

    ``weights``: (n,) float64 or None.
    """

    x: Rows
    y: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: np.ndarray | slice) -> "Batch":
        """Return the rows at ``index`` with their target and weights."""
        return Batch(self.x.take(index), self.y[index], None if self.weights is None else self.weights[index])


@dataclass(frozen=True)
class Column:
    """One input column. ``levels``: known categories as strings. ``terms``: the vocabulary of a text column.

    ``format``: how dates are written, or the forms in the order to try them (``runtime.moment``); "duration" for
    numbers that are seconds. ``decimal``: the mark of numbers that are not written as ``float`` takes them; ``unit``:
    the names of what may stand around them; ``scaled``: whether k, M and bn multiply. ``center``: what is subtracted
    in float64, because float32 could not hold the differences. ``missing``: the words that are missing, where they
    are not those of ``runtime.MISSING``. ``reason``: why a column is dropped.
    """

    name: str
    role: Role
    levels: tuple[str, ...] = ()
    format: str | tuple[str, ...] = ""
    terms: tuple[str, ...] = ()
    reason: str = ""
    decimal: str = ""
    unit: tuple[str, ...] = ()
    scaled: bool = False
    center: float = 0.0
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return name, role and what else there is as plain JSON values."""
        filled = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items() if v}
        return {"name": self.name, **filled}


@dataclass(frozen=True)
class Schema:
    """How raw input becomes ``Rows``: all that prediction needs to know about the training data.

    ``classes``: the labels in code order (empty for regression). ``shape``: (height, width,
    channels) of an image, or (steps, channels) of a sequence.
    """

    kind: DataKind
    target: TargetKind
    target_name: str
    columns: tuple[Column, ...] = ()
    classes: tuple[Any, ...] = ()
    shape: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as plain JSON values: the form that ``automl.runtime`` reads."""
        columns = [column.to_dict() for column in self.columns]
        return {**vars(self), "columns": columns, "classes": list(self.classes), "shape": list(self.shape)}


@dataclass(frozen=True)
class Task:
    """Everything a trial needs. ``splits``: (train rows, valid rows) index pairs, one per fold.

    ``test``: rows that were locked away; scored once, at the end. ``notes``: what was inferred,
    dropped or counted, in words for a person. ``fingerprint``: a hash of the data and the
    splits: where it is equal, scores can be compared. ``threads``: how many cores one fit may use.
    ``sample``: some raw rows as a person would give them (columns by name, or arrays ``x`` and
    ``lengths``), ``sample_index``: which rows of ``data`` they are; an export is replayed on them.
    """

    schema: Schema
    data: Batch
    metric: Metric
    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    seed: int = 0
    test: Batch | None = None
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    threads: int = 1
    sample: Mapping[str, np.ndarray] = field(default_factory=dict)
    sample_index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def kind(self) -> DataKind:
        """The kind of data."""
        return self.schema.kind

    @property
    def target(self) -> TargetKind:
        """The kind of target."""
        return self.schema.target

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.target != "regression"

    @property
    def n_classes(self) -> int:
        """The number of classes; 0 for regression."""
        return len(self.schema.classes)

    @property
    def n_outputs(self) -> int:
        """The width of a prediction: the number of classes, or 1."""
        return self.n_classes or 1

    @property
    def n_rows(self) -> int:
        """The number of rows that are searched on."""
        return len(self.data)

    @property
    def valid_rows(self) -> list[np.ndarray]:
        """The validation rows of each fold."""
        return [valid for _, valid in self.splits]

    def fold(self, i: int) -> tuple[Batch, Batch]:
        """Return the training and the validation part of fold ``i``."""
        train, valid = self.splits[i]
        return self.data.take(train), self.data.take(valid)
