"""Which features of the data the columns that a model sees follow, through the steps before it."""

from collections.abc import Callable

import numpy as np

from automl.explain.task_rows import TaskRows
from automl.task import Rows, Schema

FIELDS = ("numeric", "categories")
_NAMED = 3


def sources(schema: Schema, x: Rows, transform: Callable[[Rows], Rows]) -> dict[str, list[tuple[str, ...]]]:
    """Return the features that each column of ``FIELDS`` follows where ``transform`` makes it of rows.

    It is found out, as steps do not say it: a column follows a feature if it changes where rows have that of others.
    """
    rows = TaskRows.of(schema, x)
    usual = transform(x).parts()
    own = np.tile(np.arange(len(x))[:, None], (1, len(rows.features)))
    others = np.random.default_rng(0).permutation(len(x))
    found: dict[str, list[tuple[str, ...]]] = {f: [()] * usual[f].shape[1] for f in FIELDS if f in usual}
    for j, feature in enumerate(rows.features):
        source = own.copy()
        source[:, j] = others
        mixed = transform(rows.mixed(source)).parts()
        for field, followed in found.items():
            same = (usual[field] == mixed[field]) | ((usual[field] != usual[field]) & (mixed[field] != mixed[field]))
            for k in np.flatnonzero(~same.all(axis=0)).tolist():
                followed[k] = (*followed[k], feature)
    return found


def called(features: tuple[str, ...]) -> str:
    """Return what the features that a column follows are called together."""
    more = len(features) - _NAMED
    return ", ".join(features[:_NAMED]) + (f" and {more} more" if more > 0 else "")
