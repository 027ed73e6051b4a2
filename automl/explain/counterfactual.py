"""Counterfactuals: the smallest change of one value that makes a model say something else (Wachter et al., 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.explain.mixed import RowPool, Subject, plain
from automl.explain.shapley import AT_ONCE
from automl.explain.values import as_numbers

# Values of other rows that are tried in each column.
TRIED = 30


@dataclass(frozen=True)
class Change:
    """One value that becomes another, and the answer then.

    ``size``: from 0 to 1, the share of rows that lie between two numbers; 1 for anything else.
    """

    feature: str
    before: Any
    after: Any
    size: float
    answer: np.ndarray


def nearest_changes(subject: Subject, pool: RowPool, row: int, answer: np.ndarray, seed: int = 0) -> list[Change]:
    """Return, for each column that can do it alone, the smallest change after which another class is the likeliest.

    Values are those of other rows of the pool. Smallest changes first. ``answer``: (width,) to the row as it is.
    """
    n_rows, p = sum(pool.sizes), len(pool.features)
    others = np.random.default_rng(seed).permutation(n_rows)[:TRIED]
    column, step = np.repeat(np.arange(p), len(others)), max(1, AT_ONCE // (p * len(others)))
    parts = []
    for some in (np.arange(i, min(i + step, p)) for i in range(0, p, step)):
        source = plain(p, np.full(len(some) * len(others), row))
        source[np.arange(len(source)), np.repeat(some, len(others))] = np.tile(others, len(some))
        parts.append(subject.answers(pool, source))
    answers = np.concatenate(parts)
    flipped = answers.argmax(axis=1) != int(answer.argmax())
    given = pool.mixed(plain(p, np.arange(n_rows)))[0]
    known = {one["name"]: one for one in subject.schema["columns"]}
    found = []
    for j in np.unique(column[flipped]):
        name, values = pool.features[j], given[pool.features[j]]
        sizes = _sizes(values, known.get(name), row, others)
        tried = np.flatnonzero(flipped[column == j])
        best = tried[int(np.argmin(sizes[tried]))]
        changed = answers[j * len(others) + best]
        found.append(Change(name, values[row], values[others[best]], float(sizes[best]), changed))
    return sorted(found, key=lambda change: change.size)


def _sizes(values: np.ndarray, read_as: Mapping[str, Any] | None, row: int, others: np.ndarray) -> np.ndarray:
    """Return how far the values of ``others`` are from that of ``row``. ``read_as``: the column in the schema."""
    import pandas as pd

    numbers = (
        as_numbers(values, read_as)
        if read_as
        else pd.to_numeric(pd.Series(list(values)), errors="coerce").to_numpy(float)
    )
    if numbers is None or np.isfinite(numbers).mean() < 0.5 or not np.isfinite(numbers[row]):
        return np.ones(len(others))
    ranks = pd.Series(numbers).rank(pct=True).to_numpy()
    return np.nan_to_num(np.abs(ranks[others] - ranks[row]), nan=1.0)
