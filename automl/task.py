"""What a search is about: the rows, the problem they pose, and the splits."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from scipy import sparse as sp

from automl.errors import DataError
from automl.metrics import Metric
from automl.runtime.labels import hashed, padded
from automl.runtime.missing import marks_of
from automl.target import Target, TargetKind

DataKind = Literal["table", "image", "sequence", "text"]
Role = Literal["numeric", "categorical", "boolean", "datetime", "text", "dropped"]
Part = TypeVar("Part")

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
    subwords: (n, longest) int32 CSR, the ids of the subwords of text columns in their order
        (``runtime.subwords.Subwords``), so that memory follows the text
    image: (n, height, width, channels) uint8 or float32, as read
    sequence: (n, steps, channels) float32, zero padded at the end; lengths: (n,) int64
    cardinalities: c numbers, k + 1 for each column of ``categories``
    """

    numeric: np.ndarray | None = None
    categories: np.ndarray | None = None
    sparse: sp.csr_matrix | None = None
    subwords: sp.csr_matrix | None = None
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


def present(part: Part | None) -> Part:
    """Return a part of ``Rows`` that a model cannot do without; raises ``DataError`` where the rows lack it."""
    if part is None:
        raise DataError("The rows lack a part that the model was built for: give rows of the same kind of data.")
    return part


@dataclass(frozen=True)
class Batch:
    """Rows with their target: ``y`` is (n,) int64 class codes, or (n,) float64 values.

    ``weights``: (n,) float64. ``groups``: (n,) int64, rows of one group are never split between training and
    validation. ``order``: (n,) int64 ranks of what the rows are ordered by, such as time. None where there are none.
    """

    x: Rows
    y: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    order: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: np.ndarray | slice) -> "Batch":
        """Return the rows at ``index`` with all that belongs to them."""
        beside = (None if part is None else part[index] for part in (self.weights, self.groups, self.order))
        return Batch(self.x.take(index), self.y[index], *beside)


@dataclass(frozen=True)
class Column:
    """One input column. ``levels``: known categories as strings. ``terms``: the vocabulary of a text column, and
    ``subwords``: that of ``runtime.subwords.Subwords``, in data that is text alone.

    ``format``: how dates are written, or the forms in the order to try them (``runtime.dates.moment``); one of those of
    ``runtime.durations`` for numbers that are seconds. ``decimal``: the mark of numbers that are not written as
    ``float`` takes them; ``unit``: the names of what may stand around them, where they are of one kind those that are
    converted to the first;
    ``scaled``: whether k, M and bn multiply; ``bracketed``: whether all stand in brackets, which then mean nothing;
    ``falling``: whether a triangle before some is a minus, as accountants of Japan write it;
    ``several``: how many numbers each field holds, where it is not one, and ``between``: the sign of
    ``runtime.several.BETWEEN`` between them. ``center``: what is subtracted in float64, because float32 could not hold
    the differences; ``factor``: what the rest is multiplied by then, because float32 could not hold it at all.
    ``since``: the first of the hundred years that two digits mean, where they are not those of
    ``strptime``, from 1969. ``missing``: the words that are missing, where they are not those of
    ``runtime.missing.MISSING``. ``salt``: levels are ``runtime.labels.hashed`` with it; ``padded``: there were codes
    with leading zeros among them. ``reason``: why a column is dropped.
    """

    name: str
    role: Role
    levels: tuple[str, ...] = ()
    format: str | tuple[str, ...] = ""
    terms: tuple[str, ...] = ()
    subwords: tuple[str, ...] = ()
    reason: str = ""
    decimal: str = ""
    unit: tuple[str, ...] = ()
    scaled: bool = False
    bracketed: bool = False
    falling: bool = False
    between: str = ""
    several: int = 0
    center: float = 0.0
    factor: float = 1.0
    since: int = 0
    missing: tuple[str, ...] = ()
    salt: str = ""
    padded: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return name, role and what else there is as plain JSON values."""
        filled = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items() if v}
        if self.factor == 1:
            del filled["factor"]
        return {"name": self.name, **filled}

    def with_hashed_levels(self) -> "Column":
        """Return the column with hashes in place of its levels: what the values are is then not in the model."""
        if self.salt or not self.levels:
            return self
        salt = hashlib.sha256("\0".join(self.levels).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return replace(
            self,
            levels=tuple(hashed(level, salt) for level in self.levels),
            missing=tuple(sorted(marks_of(self.to_dict()))),  # no word that is a level
            salt=salt,
            padded=any(map(padded, self.levels)),
        )


@dataclass(frozen=True)
class Schema:
    """How raw input becomes ``Rows``: all that prediction needs to know about the training data.

    ``classes``: the labels in code order (empty for values). ``quantiles``: those that are asked for, ascending.
    ``shape``: (height, width, channels) of an image, or (steps, channels) of a sequence. ``encoding``: of files of text
    that are not Unicode, as Python calls it ("" where the training data says nothing about it). ``brightest``: the
    greatest value in images. ``centers``, ``factors``: of each channel of images or sequences, what is subtracted, and
    then multiplied by, before they become float32; none where float32 holds them as they are.
    """

    kind: DataKind
    target: TargetKind
    target_name: str
    columns: tuple[Column, ...] = ()
    classes: tuple[Any, ...] = ()
    shape: tuple[int, ...] = ()
    quantiles: tuple[float, ...] = ()
    encoding: str = ""
    brightest: float = 0.0
    centers: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as plain JSON values: the form that ``automl.runtime`` reads."""
        columns = [column.to_dict() for column in self.columns]
        plain = {**vars(self), "columns": columns, "classes": list(self.classes), "shape": list(self.shape)}
        sometimes = {"encoding": self.encoding, "brightest": self.brightest}
        sometimes |= {name: list(getattr(self, name)) for name in ("quantiles", "centers", "factors")}
        return {name: value for name, value in (plain | sometimes).items() if value or name not in sometimes}

    @property
    def what(self) -> Target:
        """What is predicted."""
        return Target(self.target, len(self.classes), self.quantiles)


@dataclass(frozen=True)
class Summaries:
    """What is known of some rows before a model is fitted to them.

    ``cardinalities``: of the columns of categories, as in ``Rows``. ``n_terms``: of all columns of text.
    ``class_counts``: the rows of each class; none for values. ``target_range``: the least and the greatest target;
    ``target_moments``: the mean and the deviation.
    """

    n_rows: int
    n_numeric: int
    cardinalities: tuple[int, ...]
    n_terms: int
    class_counts: tuple[int, ...]
    target_range: tuple[float, float]
    target_moments: tuple[float, float]

    @classmethod
    def of(cls, rows: Batch, target: Target) -> "Summaries":
        """Summarise one row or more."""
        numeric, sparse = rows.x.numeric, rows.x.sparse
        weights, y = rows.weights, rows.y
        counts = np.bincount(y, minlength=target.n_classes) if target.is_classification else np.zeros(0, int)
        mean = float(np.average(y, weights=weights))
        deviation = float(np.sqrt(np.average(np.square(y - mean), weights=weights)))
        return cls(
            n_rows=len(rows),
            n_numeric=0 if numeric is None else numeric.shape[1],
            cardinalities=rows.x.cardinalities,
            n_terms=0 if sparse is None else sparse.shape[1],
            class_counts=tuple(counts.tolist()),
            target_range=(float(y.min()), float(y.max())),
            target_moments=(mean, deviation),
        )


@dataclass(frozen=True)
class Problem:
    """What models are built for: all that an option sees before it is fitted to rows.

    ``threads``: how many cores one fit may use. ``summaries``: of the rows that are searched on, or of those that a
    part of a model, such as a loss, is about. ``fit_seconds``: how long the fit of one fold may take, for families
    that can do with less than a whole training; None for as long as it takes. ``stretch``: by how much networks may
    exceed their epochs where these seconds suffice for more. ``limits``: the largest allowed values of trials, by
    name; what is known of a network before it is trained (``training.sizes``) is held to them.
    """

    schema: Schema
    metric: Metric
    summaries: Summaries
    seed: int = 0
    threads: int = 1
    fit_seconds: float | None = None
    stretch: float = 1.0
    limits: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema, metric: Metric, rows: Batch, seed: int = 0) -> "Problem":
        """Return the problem that ``rows`` pose."""
        return cls(schema, metric, Summaries.of(rows, schema.what), seed)

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.schema.what

    def on(self, rows: Batch) -> "Problem":
        """Return the same problem with the summaries of ``rows``."""
        return replace(self, summaries=Summaries.of(rows, self.target))


# A model is better than a constant where its mean gain over the folds is more than so many of the gain's deviations.
CLEARLY_BETTER = 2.0


@dataclass(frozen=True)
class Baseline:
    """What a model has to beat: the best constant of each fold's training part, scored on its validation part.

    Scores are "greater is better". ``perfect``: that of the truth itself. ``test``: the constant's on the rows that are
    locked away, if there are any.
    """

    score: float
    fold_scores: tuple[float, ...]
    perfect: float
    test: float | None = None

    def verdict(self, score: float, fold_scores: Sequence[float], metric: Metric) -> str:
        """Say that a model with these scores is no better than the constant prediction; "" where it is."""
        against = f"{metric.name} {metric.shown(score):.5g} against {metric.shown(self.score):.5g}"
        if score <= self.score:
            return f"The model does not beat the constant prediction: {against}."
        pairs = list(zip(fold_scores, self.fold_scores, strict=False))
        gains = np.array([own - base for own, base in pairs if np.isfinite(own) and np.isfinite(base)])
        if len(gains) > 1 and gains.mean() < CLEARLY_BETTER * gains.std(ddof=1) / np.sqrt(len(gains)):
            return f"The model does not clearly beat the constant prediction: {against}, which may be chance."
        return ""

    def skill(self, score: float) -> float:
        """Return where between the constant (0) and the truth (1) a score lies."""
        room = self.perfect - self.score
        return (score - self.score) / room if 0 < room < np.inf else 0.0


@dataclass(frozen=True)
class Task:
    """Everything a trial needs: a problem and its rows. ``splits``: (train rows, valid rows) index pairs, one per fold.

    ``test``: rows that were locked away; scored once, at the end. ``notes``: what was inferred,
    dropped or counted, in words for a person. ``fingerprint``: a hash of the data and the
    splits: where it is equal, scores can be compared.
    ``sample``: some raw rows as a person would give them (columns by name, or arrays ``x`` and
    ``lengths``), ``sample_index``: which rows of ``data`` they are; an export is replayed on them.
    ``test_sample``, ``test_sample_index``: likewise, of ``test``; they are explained.
    ``baseline``: of the constant prediction; None where the metric has no value for one. ``echoes``: columns that are
    the target in another form. ``suspects``: columns that look like identifiers of what several rows belong to.
    ``sampled``: how many rows were chosen, where it was not all.
    """

    problem: Problem
    data: Batch
    splits: tuple[tuple[np.ndarray, np.ndarray], ...]
    test: Batch | None = None
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    sample: Mapping[str, np.ndarray] = field(default_factory=dict)
    sample_index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    baseline: Baseline | None = None
    echoes: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    sampled: int | None = None
    test_sample: Mapping[str, np.ndarray] = field(default_factory=dict)
    test_sample_index: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def kind(self) -> DataKind:
        """The kind of data."""
        return self.problem.schema.kind

    @property
    def schema(self) -> Schema:
        """How raw input becomes rows."""
        return self.problem.schema

    @property
    def target(self) -> Target:
        """What is predicted."""
        return self.problem.target

    @property
    def metric(self) -> Metric:
        """How predictions are judged."""
        return self.problem.metric

    @property
    def seed(self) -> int:
        """The seed of everything random."""
        return self.problem.seed

    @property
    def n_rows(self) -> int:
        """The number of rows that are searched on."""
        return len(self.data)

    @property
    def n_test(self) -> int:
        """The number of rows that are locked away."""
        return 0 if self.test is None else len(self.test)

    @property
    def valid_rows(self) -> list[np.ndarray]:
        """The validation rows of each fold."""
        return [valid for _, valid in self.splits]

    @cached_property
    def training_rows(self) -> np.ndarray:
        """The rows that the models of any fold are trained on, as sorted indices."""
        return np.unique(np.concatenate([train for train, _ in self.splits]))

    @property
    def training_data(self) -> Batch:
        """All the rows that the models of any fold are trained on."""
        return self.data if len(self.training_rows) == self.n_rows else self.data.take(self.training_rows)

    @property
    def has_rows(self) -> bool:
        """Whether all rows are there; see ``without_rows``."""
        return len(self.data.x) == len(self.data)

    def without_rows(self) -> "Task":
        """Return what predicting, scoring and exporting take: of the rows only those of the sample, and the targets."""
        data = Batch(self.data.x.take(self.sample_index), self.data.y, self.data.weights)
        splits = tuple((np.zeros(0, np.int64), valid) for valid in self.valid_rows)
        sample, none = np.arange(len(self.sample_index)), np.zeros(0, np.int64)
        kept = replace(self, data=data, splits=splits, sample_index=sample)
        return replace(kept, test=None, test_sample={}, test_sample_index=none)

    def fold(self, i: int) -> tuple[Batch, Batch]:
        """Return the training and the validation part of fold ``i``."""
        train, valid = self.splits[i]
        return self.data.take(train), self.data.take(valid)

    def on_threads(self, threads: int) -> "Task":
        """Return the task for fits that use so many cores."""
        return replace(self, problem=replace(self.problem, threads=threads))
