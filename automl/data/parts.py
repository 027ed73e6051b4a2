"""A source taken apart: its target, groups, order and weights, and the columns that are left to learn from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.data import dates
from automl.data.options import Options
from automl.data.source import Source, refuse_nested
from automl.errors import ConfigError, DataError, unknown_name
from automl.runtime.arrays import as_array
from automl.runtime.dates import dates as read_dates
from automl.runtime.labels import labels
from automl.runtime.missing import is_missing
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from automl.runtime.written import split_number

_ASIDE = {
    "weights": "it holds the weights",
    "group": "it is the group of a row",
    "order": "it is what rows are ordered by",
}


@dataclass(frozen=True)
class Parts:
    """A source taken apart. ``aside``: the columns of the group, order and weights that are not used, with the reason.

    ``y_given``: whether the target came as an array of its own. ``valid``: (n,) which rows were given to validate on.
    """

    data: Source
    y: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray | None
    order: np.ndarray | None
    aside: dict[str, str]
    y_given: bool = False
    valid: np.ndarray | None = None

    def take(self, index: np.ndarray) -> "Parts":
        rows = (self.weights, self.groups, self.order, self.valid)
        weights, groups, order, valid = (None if v is None else v[index] for v in rows)
        return Parts(self.data.take(index), self.y[index], weights, groups, order, self.aside, self.y_given, valid)


def take_apart(data: Source, target: str | None, options: Options, where: str = "the data") -> tuple[str, Parts]:
    """Take the target, group, order and weights out of a source."""
    columns = dict(data.columns or {})
    y, name = data.y, data.target_name
    if y is None or (target is not None and target in columns):
        name = _target_column(target, columns, where)
        y = columns.pop(name)
        refuse_nested(name, y)
    elif target not in (None, name):
        raise ConfigError(
            f"target='{target}' must name a column of a table; {where} has its target beside it, as in y_train of an "
            "npz file or in the folders of images. Leave target out."
        )
    aside: dict[str, str] = {}
    extra: dict[str, np.ndarray | None] = {}
    for what in ("weights", "group", "order"):
        given = getattr(options, what)
        if isinstance(given, (str, int)):
            given = str(given)
            if given not in columns:
                raise unknown_name(f"column for {what}", given, columns)
            if what != "order" or not _are_dates(given, columns[given]):  # a date stays a feature
                aside[given] = _ASIDE[what]
            refuse_nested(given, columns[given])
            given = columns[given]
        extra[what] = None if given is None else same_rows(what, given, len(data))
    order, groups, weights = extra["order"], extra["group"], extra["weights"]
    parts = Parts(
        data=replace(data, columns=columns if data.columns is not None else None, y=None),
        y=y,
        weights=None if weights is None else _weights(weights),
        groups=None if groups is None else _codes_of_groups(groups),
        order=None if order is None else _ranks(order),
        aside=aside,
        y_given=data.y is y,
    )
    return name, parts


def _codes_of_groups(groups: np.ndarray) -> np.ndarray:
    """Return (n,) codes; a row without a group is one of its own."""
    codes = np.unique(labels(groups), return_inverse=True)[1]
    without = np.flatnonzero([is_missing(value) for value in groups.tolist()])
    codes[without] = codes.max(initial=-1) + 1 + np.arange(len(without))
    return np.unique(codes, return_inverse=True)[1]


def _target_column(target: str | None, columns: Mapping[str, Any], where: str) -> str:
    if target is None and "target" not in columns:
        shown = ", ".join(list(columns)[:20])
        raise ConfigError(f"Name the column to predict, as in target={list(columns)[-1]}. Columns of {where}: {shown}.")
    name = "target" if target is None else target
    if name not in columns:
        raise unknown_name(f"target column in {where}:", name, columns, _of_a_row(columns))
    return name


def _of_a_row(names: Iterable[str]) -> str:
    """Say so where names of columns look like the fields of a row."""
    is_row = any("." in name and split_number(name) is not None for name in names)
    return " The first line of a table must hold the names of its columns; this one looks like a row." if is_row else ""


def same_rows(what: str, values: Any, n_rows: int) -> np.ndarray:
    array = as_array(values)
    if array.shape != (n_rows,):
        raise DataError(f"{what} must have one value for each of the {n_rows} rows; its shape is {array.shape}.")
    return array


def _are_dates(name: str, values: np.ndarray) -> bool:
    """Whether a column holds dates, also as numbers: seconds since 1970, 20240131, days of a sheet."""
    if values.dtype.kind == "M" or dates.of_codes(values):
        return True
    found, bad = numbers(values)
    return bool(dates.formats(values)) if bad >= 0 else bool(dates.of_numbers(name, found))


def _weights(values: np.ndarray) -> np.ndarray:
    weights, bad = numbers(values)
    wrong = np.array([bad]) if bad >= 0 else np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        raise DataError(
            f"Weights must be finite numbers from 0; row {wrong[0] + 1} has '{shown(values[wrong[0]])}'. Correct it."
        )
    if not weights.any():
        raise DataError("Weights must not all be zero. Give some rows a weight.")
    return weights


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return (n,) ranks of numbers or dates; equal values have the same."""
    form = "iso" if values.dtype.kind == "M" else dates.of_codes(values)
    moments, bad = read_dates(values, form) if form else numbers(values)
    forms = dates.formats(values) if bad >= 0 else ()
    if forms:
        moments, bad = read_dates(values, forms)
        if bad < 0 and (since := dates.first_year(moments, forms)):
            moments, bad = read_dates(values, forms, {"since": since})
    gap = bad if bad >= 0 else next(iter(np.flatnonzero(moments != moments)), -1)
    if gap >= 0:
        raise DataError(
            f"The column to order by must hold a number or date in every row; row {gap + 1} has '{shown(values[gap])}'."
        )
    return np.unique(moments, return_inverse=True)[1]
