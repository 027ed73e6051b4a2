"""Columns that are the target in another form: they are seldom known before it is."""

from collections.abc import Iterator
from math import lgamma, log

import numpy as np

from automl.runtime.printable import shown
from automl.runtime.schema import numeric_parts
from automl.task import Batch, Schema

_CHANCE = log(1e6)  # of so many columns with such counts, one would be one to one by chance
_FIRST = 1000  # rows that are looked at before all are
_FEWEST_ROWS = 10  # of numbers on one line
_OFF = 1e-6  # of the variance that may be off the line, where values were rounded


def echoes(schema: Schema, data: Batch) -> tuple[str, ...]:
    """Return the columns that tell the target of every row, and the target them: renamed, recoded, in another unit.

    One in which fewer than half of the values are missing does so by those that are there.
    """
    y = np.unique(data.y, return_inverse=True)[1]
    found = [
        name
        for name, values in _columns(schema, data)
        if _is_recoded(values, y) or (data.y.dtype.kind == "f" and _is_on_a_line(values, data.y))
    ]
    return tuple(dict.fromkeys(found))


def note(name: str) -> str:
    """Say what an echo is, and what to do about it."""
    return (
        f"Column '{shown(name)}' is the target in another form: each tells the other in every row. Unless it is known "
        f"before the target is, leave it out: data.drop=[{shown(name)}]."
    )


def remark(name: str) -> str:
    """Say that a high score is due to an echo."""
    is_one = f"'{shown(name)}' is the target in another form"
    return f"The score is high, and {is_one}. data.drop=[{shown(name)}] leaves it out."


def _columns(schema: Schema, data: Batch) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the columns with their values, each part of a date by itself; NaN where missing."""
    if data.x.numeric is not None:
        names = [column.name for column in schema.columns for _ in numeric_parts(column.to_dict())]
        yield from zip(names, data.x.numeric.T, strict=True)
    if data.x.categories is not None:
        names = [column.name for column in schema.columns if column.role == "categorical"]
        yield from zip(names, np.where(data.x.categories, data.x.categories, np.nan).T, strict=True)


def _is_recoded(values: np.ndarray, y: np.ndarray) -> bool:
    """Whether each value goes with one of the target's; ``y``: (n,), the target's values by their numbers."""
    is_there = ~np.isnan(values)
    if 2 * is_there.sum() >= len(y) and _are_one_to_one(values[is_there], y[is_there]):
        return True
    return not is_there.all() and _are_one_to_one(values, y)  # a gap stands for one, as where only the others are named


def _are_one_to_one(values: np.ndarray, y: np.ndarray) -> bool:
    if not _agree(values[:_FIRST], y[:_FIRST]) or not _agree(values, y):  # most columns do not, soon
        return False
    counts = np.bincount(y)
    arrangements = lgamma(len(y) + 1) - sum(lgamma(n + 1) for n in counts)
    return 1 < int(np.count_nonzero(counts)) <= len(y) / 2 and arrangements > _CHANCE


def _agree(values: np.ndarray, y: np.ndarray) -> bool:
    distinct, codes = np.unique(values, return_inverse=True)
    of_each = np.zeros(len(distinct), y.dtype)
    of_each[codes] = y
    return bool((of_each[codes] == y).all() and len(np.unique(of_each)) == len(distinct))


def _is_on_a_line(values: np.ndarray, y: np.ndarray) -> bool:
    is_there = ~np.isnan(values)
    if is_there.sum() < max(_FEWEST_ROWS, len(y) / 2):
        return False
    x, y = values[is_there].astype(np.float64), y[is_there]
    x, y = x - x.mean(), y - y.mean()
    return bool((x @ y) ** 2 > (1 - _OFF) * (x @ x) * (y @ y) > 0)
