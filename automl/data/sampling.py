"""Rows for which there is time: data that cannot be read within its time is sampled while it is read, and said."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from automl.quiet import quiet

# What reading costs is measured on so many rows, or fewer where they are long.
_FEWEST_TRIAL_ROWS, _TRIAL_ROWS, _TRIAL_BYTES = 20, 500, 100_000
# Then on so many times more, as long as that takes up to this share of the time.
_TRIAL_GROWTH, _TRIAL_SHARE = 4, 0.5
# What takes so many times what fewer rows let expect is measured again.
_TOO_MUCH = 1.5
# Of fewer rows all are read; of more, at least so many.
_FEWEST_ROWS, _LEAST_KEPT = 2_000, 200
# Of a class, even a rare one.
_FEWEST_OF_CLASS = 10
_MOST_CLASSES = 100
# Of more rows, so many are drawn before classes or groups are looked at: a second for what is in a file of text.
_MOST_LOOKED_AT = 1_000_000


@dataclass(frozen=True)
class Keys:
    """What a sample of rows respects. ``classes``: (n,) labels, whose shares are kept; ``groups``: (n,), kept whole."""

    classes: np.ndarray | None = None
    groups: np.ndarray | None = None

    @classmethod
    def of(cls, target: np.ndarray | None, groups: np.ndarray | None) -> "Keys":
        """Return the groups, or the classes of a target that has few different values."""
        if groups is not None or target is None or target.dtype.kind not in "Obiu":
            return cls(groups=groups)
        return cls(target if 1 < len(Counter(target.tolist())) <= _MOST_CLASSES else None)

    def take(self, index: np.ndarray) -> "Keys":
        """Return those of the rows at ``index``."""
        return Keys(*(None if values is None else values[index] for values in (self.classes, self.groups)))


@dataclass
class Sampling:
    """How many rows are read. ``rows``: a number, "all", or "auto" for as many as there is time for.

    ``until``: ``time.time()`` by which they are to be understood, None for no limit. ``learn_from``: makes of some
    rows what the search will make of all, so that the time can be taken. ``target``, ``group``: columns that a sample
    respects. ``kept``: how many rows were chosen, None where all are; ``asked``: whether there was a choice.
    """

    rows: int | str = "auto"
    until: float | None = None
    seed: int = 0
    learn_from: Callable[[Any], Any] = len
    target: str | None = None
    group: str | None = None
    kept: int | None = field(default=None, init=False)
    asked: bool = field(default=False, init=False)

    @property
    def may_choose(self) -> bool:
        """Whether there may be rows that are not read."""
        return self.rows != "all" and (isinstance(self.rows, int) or self.until is not None)

    def share(self, part: float) -> "Sampling":
        """Return the sampling of one of several files, which has this part of the time that is left."""
        now = time.time()
        return replace(self, until=None if self.until is None else now + part * (self.until - now))

    def choose(
        self,
        n_rows: int,
        n_bytes: int,
        read: Callable[[np.ndarray], Any],
        keys: Callable[[np.ndarray], Keys],
        what: str,
    ) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Return the positions of the rows to read, None for all, and notes.

        ``n_bytes``: the size of all rows. ``read``, ``keys``: return rows at given positions, and what a sample of
        these is to respect. ``what``: how the rows are called.
        """
        self.asked, cost = True, None
        if self.rows == "auto" and self.until is not None and n_rows > _FEWEST_ROWS:
            cost = self._cost(n_rows, n_bytes, read)
        if self._most(n_rows, cost) >= n_rows:
            return None, ()
        looked_at = sample(n_rows, max(_MOST_LOOKED_AT, self._most(n_rows, cost)), self.seed, Keys())
        respected = keys(looked_at)  # which takes its time too
        self.kept = most = min(n_rows, self._most(n_rows, cost))
        index = looked_at[sample(len(looked_at), most, self.seed, respected)]
        how = " by whole groups" if respected.groups is not None and len(looked_at) == n_rows else ""
        how = " in the shares of the classes" if respected.classes is not None else how
        kept = f"{len(index):,} of the {n_rows:,} rows of {what} are read, at random{how} (seed {self.seed})"
        if cost is None:
            return index, (f"{kept}, as rows={self.rows} asks.",)
        why = f"reading all would take about {cost.seconds(n_rows):,.0f} seconds"
        return index, (f"{kept}: {why}. A longer budget reads more, data.rows=all everything.",)

    def by_names(self, column: Callable[[str], np.ndarray | None]) -> Keys:
        """Return what to respect of a table. ``column``: returns one by its name, None where there is none."""
        target, group = (None if name is None else column(name) for name in (self.target, self.group))
        return Keys.of(target, group)

    def _left(self) -> float:
        return (self.until or 0.0) - time.time()

    def _most(self, n_rows: int, cost: "_Cost | None") -> int:
        """Return how many rows to read that cost so much."""
        if isinstance(self.rows, int):
            return self.rows
        if cost is None or self.until is None:
            return n_rows
        return max(cost.rows(self._left()), _LEAST_KEPT)

    def _cost(self, n_rows: int, n_bytes: int, read: Callable[[np.ndarray], Any]) -> "_Cost":
        """Measure what rows take on more and more of them, in a small part of the time."""

        def seconds_for(n: int) -> float:
            index = sample(n_rows, n, self.seed, Keys())
            started = time.perf_counter()
            # Whatever it is, reading will name it, unless it is due to the few rows.
            with suppress(Exception), quiet():
                self.learn_from(read(index))
            return time.perf_counter() - started

        seconds_for(_FEWEST_TRIAL_ROWS)  # libraries are imported
        n = max(_FEWEST_TRIAL_ROWS, min(_TRIAL_ROWS, _TRIAL_BYTES * n_rows // max(1, n_bytes)))
        n_before, before = 0, 0.0
        while True:
            seconds = seconds_for(n)
            if n_rows * seconds / n >= self._left() and seconds > _TOO_MUCH * before * n / max(1, n_before):
                # Rows might go for what is loaded at a first use, or for what another process did.
                seconds = min(seconds, seconds_for(n))
            # Less than half of the average is chance.
            cost = _Cost(n, seconds, max((seconds - before) / (n - n_before), seconds / n / 2))
            left = self._left()
            is_enough = _TRIAL_GROWTH * seconds > _TRIAL_SHARE * left or n_rows * seconds / n < left
            if is_enough or _TRIAL_GROWTH * n >= n_rows:
                return cost
            n_before, before, n = n, seconds, _TRIAL_GROWTH * n


@dataclass(frozen=True)
class _Cost:
    """What reading takes: ``measured`` seconds for ``n`` rows, and ``per_row`` for each more.

    Vocabularies are learned from a part of many rows: what the first rows take says too little for the later ones.
    """

    n: int
    measured: float
    per_row: float

    def seconds(self, n_rows: int) -> float:
        return max(0.0, self.measured + (n_rows - self.n) * self.per_row)

    def rows(self, seconds: float) -> int:
        return self.n + int((seconds - self.measured) / self.per_row)


def sample(n_rows: int, n_keep: int, seed: int, keys: Keys) -> np.ndarray:
    """Return the positions (n,) of about ``n_keep`` of the rows, in their order: at random, by groups or classes."""
    rng = np.random.default_rng(seed)
    if keys.groups is None and keys.classes is None:
        return np.sort(rng.choice(n_rows, min(n_keep, n_rows), replace=False, shuffle=False))
    order = rng.permutation(n_rows)
    if keys.groups is not None:
        codes = _codes(keys.groups)[order]
        first = np.unique(codes, return_index=True)[1]
        sizes = np.bincount(codes)
        drawn = np.argsort(first)  # groups, in the order of the rows that were drawn
        n_groups = max(2, int(np.searchsorted(np.cumsum(sizes[drawn]), n_keep, side="right")))
        return np.sort(order[np.isin(codes, drawn[:n_groups])])
    assert keys.classes is not None
    codes = _codes(keys.classes)[order]
    sizes = np.bincount(codes)
    quota = np.maximum(np.round(sizes * (n_keep / n_rows)), _FEWEST_OF_CLASS)
    by_class = np.argsort(codes, kind="stable")
    within = np.arange(n_rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[by_class[within < quota[codes[by_class]]]])


def _codes(values: np.ndarray) -> np.ndarray:
    known = {value: i for i, value in enumerate(dict.fromkeys(values.tolist()))}
    return np.array([known[value] for value in values.tolist()], dtype=np.int64)
