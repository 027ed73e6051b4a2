"""Permutation importance, and partial dependence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.errors import DataError, unknown_name
from automl.explain.mixed import RowPool, Subject, plain
from automl.explain.values import as_numbers
from automl.metrics import Metric

if TYPE_CHECKING:
    import pandas as pd

# A curve of partial dependence has up to so many points.
POINTS = 20


@dataclass(frozen=True)
class Importance:
    """How much worse a score gets when a feature tells nothing.

    ``drops``: (repeats, p) what the score, greater is better, loses under each permutation. ``features``: p names.
    """

    features: tuple[str, ...]
    drops: np.ndarray

    def frame(self) -> "pd.DataFrame":
        """Return feature, importance (the mean drop) and spread (its standard deviation), greatest first."""
        import pandas as pd

        drops, spread = np.nanmean(self.drops, axis=0), np.nanstd(self.drops, axis=0)
        found = pd.DataFrame({"feature": self.features, "importance": drops, "spread": spread})
        return found.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def permutation_importance(
    score: Callable[[np.ndarray], float],
    features: tuple[str, ...],
    n_rows: int,
    repeats: int,
    seed: int,
    goes_on: Callable[[], bool] = lambda: True,
) -> Importance:
    """Return how much of ``score`` is lost when the rows of one feature are put in random order (Breiman, 2001).

    ``score(source)``: of rows whose feature j is that of row ``source[r, j]``, (n_rows, p); greater is better.
    ``goes_on``: asked before each order but those of the first time; what is not tried any more is NaN.
    """
    rng = np.random.default_rng(seed)
    as_they_are = plain(len(features), np.arange(n_rows))
    whole = score(as_they_are)
    drops = np.full((repeats, len(features)), np.nan)
    for repeat in range(repeats):
        for j in range(len(features)):
            if repeat and not goes_on():
                break
            source = as_they_are.copy()
            source[:, j] = rng.permutation(n_rows)
            drops[repeat, j] = whole - score(source)
    return Importance(features, drops)


def of_rows(subject: Subject, pool: RowPool, y: np.ndarray, metric: Metric, repeats: int, seed: int) -> Importance:
    """Return the permutation importance on rows with their target ``y``, (n,) codes or values."""
    n_rows = sum(pool.sizes)
    if len(y) != n_rows:
        raise DataError(f"The data and the target must have the same number of rows; given: {n_rows} and {len(y)}.")

    def score(source: np.ndarray) -> float:
        return metric.score(y, subject.answers(pool, source))

    return permutation_importance(score, pool.features, n_rows, repeats, seed)


@dataclass(frozen=True)
class Dependence:
    """How the mean answer follows one feature. ``values``: (g,) of the feature; ``answers``: (g, width)."""

    feature: str
    values: np.ndarray
    answers: np.ndarray


def partial_dependence(subject: Subject, pool: RowPool, feature: str, points: int = POINTS) -> Dependence:
    """Return the mean answer where all rows have one value of ``feature``, for values of the rows (Friedman, 2001).

    Values are those of the rows: all of them up to ``points``; of more, numbers at even quantiles and the most frequent
    others. Raises ``UnknownNameError``, or ``DataError`` for data without columns.
    """
    if subject.schema["kind"] not in ("table", "text"):
        raise DataError("Partial dependence is of a column; this data has none.")
    if feature not in pool.features:
        raise unknown_name("column", feature, pool.features)
    j, n_rows = pool.features.index(feature), sum(pool.sizes)
    every = plain(len(pool.features), np.arange(n_rows))
    column = pool.mixed(every)[0][feature]
    known = {one["name"]: one for one in subject.schema["columns"]}
    chosen = _representatives(column, known[feature], points)
    answers = []
    for row in chosen:
        source = every.copy()
        source[:, j] = row
        answers.append(subject.answers(pool, source).mean(axis=0))
    return Dependence(feature, column[chosen], np.array(answers))


def _representatives(column: np.ndarray, read_as: Mapping[str, Any], points: int) -> np.ndarray:
    """Return rows that hold the values to be tried, in order. ``read_as``: the column in the schema."""
    import pandas as pd

    codes, levels = pd.factorize(pd.Series(list(column), dtype=object), use_na_sentinel=True)
    known, first = np.unique(codes, return_index=True)
    first = first[known >= 0]  # missing values are -1
    if not len(first):
        return np.zeros(1, np.int64)  # all are missing
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    number = as_numbers(levels, read_as)
    if number is None:
        most = np.sort(np.argsort(-counts, kind="stable")[:points])
        return first[most]
    order = np.argsort(number, kind="stable")
    order = order[np.isfinite(number[order])] if np.isfinite(number).any() else order
    if len(order) > points:
        reached = np.cumsum(counts[order]) / counts[order].sum()
        order = order[np.unique(np.searchsorted(reached, np.linspace(0, 1, points)).clip(0, len(order) - 1))]
    return first[order]
