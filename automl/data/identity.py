"""Columns that tell what several rows belong to, such as a patient's number: new data may bring new ones."""

import re

import numpy as np

from automl.runtime.printable import shown
from automl.runtime.schema import numeric_names
from automl.task import Batch, Schema

# What the names of columns that number things end in.
ID_NAME = re.compile(
    r"(?:^|[_\s.-])(?i:id|idx|index|uuid|guid|row|unnamed: \d+|phone|telephone|tel|mobile|fax|isbn|ean|ssn)$"
    r"|[a-z](?:ID|Id)$"
)
# Of a column that repeats: so many different values at least, with so many rows each on average.
_FEWEST_VALUES, _ROWS_EACH = 10, 2.0
# A column of levels without such a name: so many of them, which tell so much of the target of their other rows.
_FEWEST_LEVELS, _TOLD = 20, 0.9


def suspects(schema: Schema, data: Batch) -> tuple[str, ...]:
    """Return the columns in use that look like identifiers and repeat: by their names, or since they tell the target.

    A column of levels tells it where the target of a row is known from the other rows of its level.
    """
    found = []
    for name, role, values in _columns(schema, data):
        codes, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
        if len(counts) < _FEWEST_VALUES or len(values) < _ROWS_EACH * len(counts):
            continue
        is_named = bool(ID_NAME.search(name)) and (role != "numeric" or bool((values == np.round(values)).all()))
        if is_named or (role == "categorical" and len(counts) >= _FEWEST_LEVELS and _told(codes, data) >= _TOLD):
            found.append(name)
    return tuple(found)


def note(name: str) -> str:
    """Say what a suspect may do, and what to do about it."""
    return (
        f"Column '{shown(name)}' looks like an identifier whose values repeat. If new data brings new ones, its rows "
        f"must not be on both sides of a split: data.group={shown(name)} keeps them together and leaves the column out."
    )


def remark(name: str) -> str:
    """Say that a high score may be due to a suspect."""
    return (
        f"The score is high, and rows may be recognised by '{shown(name)}', whose values repeat. "
        f"data.group={shown(name)} tells how good the model is on new ones."
    )


def _columns(schema: Schema, data: Batch) -> list[tuple[str, str, np.ndarray]]:
    """Return name, role and values of the columns of numbers and levels; a date stands for its parts."""
    found: list[tuple[str, str, np.ndarray]] = []
    if data.x.numeric is not None:
        numbers = {c.name for c in schema.columns if c.role == "numeric"}
        names = numeric_names(schema.to_dict())
        found += [(n, "numeric", values) for n, values in zip(names, data.x.numeric.T, strict=True) if n in numbers]
    if data.x.categories is not None:
        names = tuple(c.name for c in schema.columns if c.role == "categorical")
        found += [(n, "categorical", v) for n, v in zip(names, data.x.categories.T, strict=True)]
    return found


def _told(codes: np.ndarray, data: Batch) -> float:
    """Return how much of the target the other rows of a row's value tell, from 0 (nothing beyond the whole) to 1."""
    n = np.bincount(codes)[codes] - 1.0
    known = n > 0
    if data.y.dtype.kind == "i":
        per_value = np.zeros((codes.max() + 1, int(data.y.max()) + 1))
        np.add.at(per_value, (codes, data.y), 1)
        others = per_value[codes]
        others[np.arange(len(codes)), data.y] -= 1
        hits = float((known & (others.argmax(axis=1) == data.y)).mean())
        usual = float(np.bincount(data.y).max() / len(data.y))
        return (hits - usual) / (1 - usual) if usual < 1 else 0.0
    y = data.y - data.y.mean()
    mean = (np.bincount(codes, weights=y)[codes] - y)[known] / n[known]
    spread = float(np.square(y).sum())
    return 1 - float(np.square(y[known] - mean).sum()) / spread if spread > 0 else 0.0
