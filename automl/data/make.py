"""Paths, frames and arrays -> ``Task``: every way in ends in ``build``."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl import metrics
from automl.data import baseline, copies, echoes, files, identity, source, splits
from automl.data.classes import note_on_merged
from automl.data.decimals import Decimals, evidence
from automl.data.encode import rows
from automl.data.infer import infer_columns
from automl.data.levels import note_unseen
from automl.data.offsets import of_channels
from automl.data.options import Options
from automl.data.parts import Parts, same_rows, take_apart
from automl.data.sampling import Keys, Sampling
from automl.data.source import Source
from automl.data.strays import lone_mark
from automl.data.subwords import with_subwords
from automl.data.target import TargetColumn, infer_target, understand, whole
from automl.errors import ConfigError, DataError, unknown_name
from automl.runtime.arrays import as_array
from automl.runtime.printable import shown
from automl.task import Batch, DataKind, Problem, Schema, Task

# How many raw rows a task keeps for replaying an export.
SAMPLE_ROWS = 256
_BYTES_PER_VALUE = 8
# Of the time for reading, where there is a file with test data too.
_TRAIN_SHARE = 0.7


def load(
    train: str | Path,
    target: str | None = None,
    test: str | Path | None = None,
    validation: str | Path | None = None,
    until: float | None = None,
    **options: Any,
) -> Task:
    """Read a file, or a folder of images, into a task.

    ``target``: the column to predict (default: the one called "target"). ``test``: a file with the same columns; an npz
    archive may bring its own test data. ``validation``: a file with the rows to validate on, instead of folds.
    ``until``: ``time.time()`` by which all is to be read; what takes longer is sampled while it is read, where
    ``rows`` is "auto". ``options``: see ``Options``. Raises ``DataError`` or ``ConfigError``.
    """
    chosen = foreseen(train, test, validation, **options)
    name = "target" if target is None else target
    group = str(chosen.group) if isinstance(chosen.group, (str, int)) else None

    def learn_from(some: Source) -> Task:
        return _task(*take_apart(some, target, chosen), None, chosen)

    sampling = Sampling(chosen.rows, until, chosen.seed, learn_from, name, group)
    first = sampling if test is None else sampling.share(_TRAIN_SHARE)
    data, test_data = files.read(train, chosen.kind, first, chosen.codec)
    encoding = chosen.codec or data.encoding
    if test is not None:
        # No choice of rows of the test data changes what is learnt, so none need be repeated.
        one, other = files.read(test, chosen.kind, replace(sampling, rows="auto"), encoding)
        test_data = other or one
    valid = None
    if validation is not None:
        valid = files.read(validation, chosen.kind, replace(sampling, rows=first.kept or "all"), encoding)[0]
    task = build(data, test_data, target, chosen, valid, until if valid is None and not first.asked else None)
    return replace(task, sampled=first.kept or task.sampled)


def foreseen(
    train: str | Path, test: str | Path | None = None, validation: str | Path | None = None, **options: Any
) -> Options:
    """Return the choices among the arguments of ``load``. Raises what is known to be wrong before anything is read."""
    chosen = Options.of(options)
    if chosen.asked:
        metrics.get(chosen.metric, "quantiles", chosen.asked)
    else:
        metrics.check(chosen.metric)
    for path in (train, test, validation):
        if path is not None:
            files.there(path)
    return chosen


def from_arrays(
    x: Any,
    y: Any,
    *,
    test: tuple[Any, ...] | None = None,
    validation: tuple[Any, ...] | None = None,
    lengths: Any = None,
    sample_weight: Any = None,
    until: float | None = None,
    **options: Any,
) -> Task:
    """Make a task of a data frame, NumPy arrays or a SciPy matrix.

    ``x``: see ``source.from_x``. ``y``: (n,) target, or the name of a column of ``x``. ``test``: (x, y) or
    (x, y, lengths). ``validation``: likewise, the rows to validate on, instead of folds. ``lengths``: (n,) steps of
    each sequence. ``sample_weight``: (n,). ``until``: as in ``load``. ``options``: see ``Options``.
    """
    if sample_weight is not None:
        options["weights"] = sample_weight
    chosen = Options.of(options)
    target = y if isinstance(y, str) else None
    data = _with_target(source.from_x(x, chosen.kind, lengths), y)
    test_data, valid = (
        None if given is None else _with_target(source.from_x(given[0], chosen.kind, *given[2:3]), given[1])
        for given in (test, validation)
    )
    return build(data, test_data, target, chosen, valid, until)


def _with_target(data: Source, y: Any) -> Source:
    if isinstance(y, str):
        return data
    name = str(getattr(y, "name", None) or "target")
    try:
        flat = hasattr(y, "to_numpy") or isinstance(y, np.ma.MaskedArray)
        values = as_array(y) if flat and getattr(y, "ndim", 1) == 1 else np.asarray(y)
    except ValueError:
        raise DataError("The target must be one value in each row; it holds lists of different lengths.") from None
    except (TypeError, RuntimeError) as error:  # as of a tensor on a GPU
        raise DataError(f"The target must be what NumPy can make an array of ({error}).") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"The target must be one value in each row; its shape is {values.shape}. Predict one column at a time; "
            "sklearn.multioutput.MultiOutputRegressor(AutoML(...)) does so for all of them."
        )
    if len(values) != len(data):
        raise DataError(
            f"The data and the target must have the same number of rows; given: {len(data)} and {len(values)}."
        )
    return replace(data, y=source.one_column(name, values), target_name=name)


def build(
    data: Source,
    test: Source | None,
    target: str | None,
    options: Options,
    valid: Source | None = None,
    until: float | None = None,
) -> Task:
    """Make a task of raw data. The rows that are locked away take no part in anything that is inferred.

    ``valid``: rows to validate on, in place of a split. ``until``: as in ``load``, for rows that are in memory already.
    """
    if test is not None and options.test_share:
        raise ConfigError("There is test data already: leave test_share at 0.")
    if valid is not None:
        data, options = _with_validation(data, valid, options)
    name, parts = take_apart(data, target, options)
    if valid is not None:
        parts = replace(parts, valid=np.arange(len(data)) >= len(data) - len(valid))
    parts, sampled = _sampled(name, parts, options, until)
    return replace(_task(name, parts, test, options), sampled=sampled)


def _task(name: str, parts: Parts, test: Source | None, options: Options) -> Task:
    """Make a task of rows whose target is called ``name``."""
    learnt, parts, notes = _target(name, parts, options)
    metric = metrics.get(options.metric, learnt.kind, learnt.quantiles)
    y = learnt.encode(parts.y, row_numbers=parts.data.row_numbers)
    if learnt.kind == "regression" and not options.marks and (mark := lone_mark(y)):
        notes.append(mark.note(f"The target '{shown(name)}'"))
    locked = None
    if options.test_share:
        rest, held = splits.hold_out(_whole_layout(parts, learnt, y, options), options.test_share)
        notes.append(f"{len(held):,} rows are locked away as test data.")
        locked, parts, y = (parts.take(held), y[held]), parts.take(rest), y[rest]
    schema, inferred = _schema(parts, learnt, options)
    batch = _batch(schema, parts, y)
    if test is not None:
        locked = _test(test, parts, learnt, notes, options)
    tested = None if locked is None else _batch(schema, *locked)
    codes, said = copies.among(batch, tested, schema, parts.valid)
    if parts.valid is None:
        layout = splits.Layout(y, parts.groups, parts.order, options.seed, codes)
        folds = splits.folds_for(options.folds, schema.kind, len(y))
        pairs, how = splits.make_splits(layout, folds)
    else:
        pairs, how = splits.given(parts.valid)
    echoing = echoes.echoes(schema, batch)
    suspects = tuple(name for name in identity.suspects(schema, batch) if name not in echoing)
    task = Task(
        problem=Problem.of(schema, metric, batch, options.seed),
        data=batch,
        splits=pairs,
        test=tested,
        notes=(
            *(f"{len(y):,} rows to learn from.", learnt.note(y), *parts.data.notes, *notes, *inferred, *how, *said),
            *map(echoes.note, echoing),
            *map(identity.note, suspects),
        ),
        fingerprint=_fingerprint(schema, batch, pairs),
        echoes=echoing,
        suspects=suspects,
        **_sample(parts.data, options.seed),
        **({} if locked is None else _sample(locked[0].data, options.seed, "test_")),
    )
    return replace(task, baseline=baseline.of(task))


def _sampled(name: str, parts: Parts, options: Options, until: float | None) -> tuple[Parts, int | None]:
    """Return as many of the rows as there is time for, and their number where it is not all."""
    if parts.data.row_numbers is not None:  # sampled while they were read
        return parts, None

    def learn_from(some: Parts) -> Task:
        return _task(name, some, None, options)

    sampling = Sampling(options.rows, until, options.seed, learn_from)
    if not sampling.may_choose:
        return parts, None
    n_bytes = len(parts.y) * _BYTES_PER_VALUE * len(parts.data.columns or ())
    keys = Keys.of(parts.y, parts.groups)
    index, said = sampling.choose(len(parts.y), n_bytes, parts.take, keys.take, "the data")
    if index is None:
        return parts, None
    parts = parts.take(index)
    return replace(parts, data=replace(parts.data, notes=(*parts.data.notes, *said))), sampling.kept


def _with_validation(data: Source, valid: Source, options: Options) -> tuple[Source, Options]:
    """Return all rows, those to validate on last. Raises ``ConfigError`` where something else is to split them too."""
    for name, default in (("folds", "auto"), ("group", None), ("order", None), ("test_share", 0)):
        value = getattr(options, name)
        if value is not None and not (isinstance(value, (str, int, float)) and value == default):
            raise ConfigError(f"The rows to validate on are given, so nothing splits the others: leave {name} out.")
    if options.weights is not None and not isinstance(options.weights, (str, int)):
        weights = np.concatenate([same_rows("weights", options.weights, len(data)), np.ones(len(valid))])
        options = replace(options, weights=weights)
    return source.joined(data, valid, "validation data"), options


def _whole_layout(parts: Parts, learnt: TargetColumn, y: np.ndarray, options: Options) -> splits.Layout:
    """Return the layout of all rows, before some are locked away; that some of them are equal is all it tells."""
    schema, _ = _schema(parts, learnt, options)
    codes, _ = copies.among(_batch(schema, parts, y), None, schema, None)
    return splits.Layout(y, parts.groups, parts.order, options.seed, codes)


def _sample(data: Source, seed: int, prefix: str = "") -> dict[str, Any]:
    """Return some rows as they were given: what an export is replayed on, and what is explained."""
    index = np.sort(np.random.default_rng(seed).permutation(len(data))[:SAMPLE_ROWS])
    some = data.take(index)
    if some.array is None:
        rows = dict(some.columns or {})
    else:
        rows = {"x": some.array} | ({} if some.lengths is None else {"lengths": some.lengths})
    return {f"{prefix}sample": rows, f"{prefix}sample_index": index}


def _target(name: str, parts: Parts, options: Options) -> tuple[TargetColumn, Parts, list[str]]:
    decimals = _decimals(parts, options)
    columns = [*(parts.data.columns or ()), name]
    for column in options.decimal if isinstance(options.decimal, Mapping) else ():
        if column not in columns:
            raise unknown_name("column in decimal", column, columns)
    wanted = "regression" if options.asked else options.target_kind
    reading, written = understand(name, parts.y, wanted, options.marks, decimals, parts.y_given)
    keep = reading.present(parts.y)
    n_gone = len(parts.y) - len(keep)
    if not len(keep):
        raise DataError(f"The target '{name}' is missing in every row. Name another column.")
    left_out = [f"{n_gone:,} {'row' if n_gone == 1 else 'rows'} without a target left out."] if n_gone else []
    parts = parts.take(keep)
    if n_gone:
        parts = replace(parts, y=whole(parts.y))
    if parts.weights is not None and not parts.weights.all():
        # Such a row counts for nothing: it must not shape classes, levels or folds either.
        keep = np.flatnonzero(parts.weights)
        left_out.append(f"{len(parts.y) - len(keep):,} rows of weight 0 were left out.")
        parts = parts.take(keep)
    gone = "".join(f" {said}" for said in (*written, *left_out))
    if n_gone:
        gone += " If an empty field is a class of its own, write its name into it."
    if len(parts.y) < 2:
        raise DataError(
            f"Learning needs rows to train on and others to validate on; there is 1 sample. Give more rows.{gone}"
        )
    learnt = infer_target(name, parts.y, wanted, parts.data.row_numbers, parts.data.untyped, reading, gone)
    unseen = note_unseen(f"The target '{shown(name)}'", parts.y) if learnt.classes else []
    merged = note_on_merged(name, parts.y) if learnt.classes else ""
    notes = [*written, *left_out, *unseen, *filter(None, [merged])]
    return learnt.with_quantiles(options.asked), parts, notes


def _decimals(parts: Parts, options: Options) -> Decimals:
    columns = {**(parts.data.columns or {}), "": parts.y}
    return Decimals(options.decimal, evidence(columns, parts.data.separator))


def _schema(parts: Parts, learnt: TargetColumn, options: Options) -> tuple[Schema, tuple[str, ...]]:
    data = parts.data
    if data.array is not None:
        if options.roles or options.drop or parts.aside:
            raise ConfigError(f"roles, drop and names of columns are for tables; this data is {data.kind}s.")
        schema = Schema(data.kind, learnt.kind, learnt.name, (), learnt.classes, data.array.shape[1:], learnt.quantiles)
        centers, factors = of_channels(data.array, data.lengths)
        brightest = float(data.array.max()) if data.kind == "image" else 0.0
        return replace(schema, brightest=brightest, centers=centers, factors=factors), ()
    if options.kind in ("image", "sequence"):
        raise ConfigError(
            f"The kind '{options.kind}' needs an npz file, a folder of images or an array; this is a table."
        )
    columns = data.columns or {}
    # Columns are called by strings, also those of a frame that calls them 0, 1, ...
    unwanted = [str(name) for name in options.drop]
    for name in unwanted:
        if name not in columns:
            raise unknown_name("column in drop", name, columns)
    drop = {**dict.fromkeys(unwanted, "asked for"), **parts.aside}
    hints = {name: role for name, role in data.hints.items() if name in columns}
    roles = {**hints, **{str(name): role for name, role in (options.roles or {}).items()}}
    only_text = options.kind == "text"
    decimals = _decimals(parts, options)
    found, notes = infer_columns(
        columns, roles, drop, only_text, options.seed, data.row_numbers, options.marks, decimals
    )
    if options.levels == "hashed":
        found = tuple(column.with_hashed_levels() for column in found)
    used = {c.role for c in found} - {"dropped"}
    kind: DataKind = "text" if used == {"text"} and options.kind != "table" else "table"
    if options.kind == "text" and kind != "text":
        raise ConfigError("The kind 'text' uses columns of text only. Use kind=table for a table that has others too.")
    if kind == "text":
        found = tuple(with_subwords(column, columns[column.name], options.seed) for column in found)
    encoding = options.codec or data.encoding
    return Schema(kind, learnt.kind, learnt.name, found, learnt.classes, (), learnt.quantiles, encoding), notes


def _batch(schema: Schema, parts: Parts, y: np.ndarray) -> Batch:
    x = rows(schema, parts.data.x, parts.data.lengths, parts.data.row_numbers)
    return Batch(x, y, parts.weights, parts.groups, parts.order)


def _test(
    test: Source, parts: Parts, learnt: TargetColumn, notes: list[str], options: Options
) -> tuple[Parts, np.ndarray]:
    """Take apart the test data; its classes must be known. It is scored as a whole: no groups, order or weights."""
    alone = replace(options, group=None, order=None, weights=None)
    if isinstance(options.weights, (str, int)) and str(options.weights) in (test.columns or {}):
        alone = replace(alone, weights=options.weights)
    # The column keeps its name: it must be there, like every other.
    _, found = take_apart(test, learnt.name if test.y is None else None, alone, "the test data")
    keep = learnt.reading.present(found.y)
    if not len(keep):
        raise DataError(f"The target '{learnt.name}' is missing in every row of the test data.")
    if len(keep) < len(found.y):
        notes.append(f"{len(found.y) - len(keep):,} rows of the test data without a target were left out.")
    found = found.take(keep)
    return found, learnt.encode(found.y, "test data", found.data.row_numbers)


def _fingerprint(schema: Schema, batch: Batch, pairs: tuple[splits.Split, ...]) -> str:
    """Return the SHA-256 of the data as it is learnt from, and of the splits that scores are compared on."""
    sizes = [(len(train), len(valid)) for train, valid in pairs]
    described = replace(schema, encoding="").to_dict()  # of what is read, it says nothing
    digest = hashlib.sha256(json.dumps([described, sizes], default=str).encode())
    arrays = []
    for part in batch.x.parts().values():
        arrays += [part.data, part.indices, part.indptr] if sp.issparse(part) else [part]
    for array in (*arrays, batch.y, batch.weights, *(part for pair in pairs for part in pair)):
        if array is not None:
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
