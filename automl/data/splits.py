"""Which rows a fold trains on and which it validates on, and the rows that are locked away for the end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.data.copies import joined
from automl.errors import DataError
from automl.options import number
from automl.task import DataKind

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Layout:
    """What splits must respect. ``y``: (n,) int64 codes, or float64 values.

    ``groups``: (n,) codes; rows of one group stay together. ``order``: (n,) ranks, with ties; validation rows come
    after the training rows. Both together: validation rows come after, and are of other groups. ``copies``: (n,) codes
    of rows that are equal, which stay together too, unless the rows are ordered.
    """

    y: np.ndarray
    groups: np.ndarray | None = None
    order: np.ndarray | None = None
    seed: int = 0
    copies: np.ndarray | None = None

    @property
    def stratified(self) -> bool:
        """Whether the shares of the classes are kept."""
        return self.y.dtype.kind == "i"

    def take(self, index: np.ndarray) -> "Layout":
        """Return the layout of the rows at ``index``."""
        groups, order, copies = (None if v is None else v[index] for v in (self.groups, self.order, self.copies))
        return Layout(self.y[index], groups, order, self.seed, copies)

    def apart(self) -> tuple["Layout", Callable[[np.ndarray], np.ndarray]]:
        """Return the layout of one row for all its copies, and what turns indices of its rows into those of all rows.

        With groups, they are put together where they share copies. Ordered rows stay as they are.
        """
        if self.copies is None or self.order is not None:
            return self, np.asarray
        if self.groups is not None:
            return replace(self, groups=joined(self.copies, self.groups), copies=None), np.asarray
        first, codes = np.unique(self.copies, return_index=True, return_inverse=True)[1:]
        one = replace(self, copies=None).take(first)
        return one, lambda index: np.flatnonzero(np.isin(codes, index))


_TABLE_FOLDS = ((10_000, 8), (100_000, 5), (300_000, 3))
# Of images and sequences this share is held out, but no more rows: they tell scores apart to half a percent, and the
# rest is worth more to learn from.
_HELD_OUT, _MOST_HELD_OUT = 0.15, 5_000


def folds_for(folds: Any, kind: DataKind, n_rows: int) -> int | float:
    """Return the number of folds, or the share of one holdout.

    "auto": tables and texts have eight folds up to 10,000 rows, five up to 100,000, three up to 300,000, else 20 % held
    out; images and sequences have 15 % held out from 1,000 rows on, 5,000 rows at most, else three folds. The models of
    the folds are what is shipped: the more folds, the more rows each of them learns from.
    """
    if folds == "auto":
        if kind in ("image", "sequence"):
            share = min(_HELD_OUT, _MOST_HELD_OUT / n_rows)
            return share if n_rows >= 1000 else max(2, min(3, n_rows // 2))
        wanted = next((k for limit, k in _TABLE_FOLDS if n_rows <= limit), None)
        return 0.2 if wanted is None else max(2, min(wanted, n_rows // 2))
    if isinstance(folds, (float, np.floating)) and 0 < folds < 1:
        return float(folds)
    n_folds: int = number("number of folds (where they are neither 'auto' nor a share below 1)", folds, 2, whole=True)
    if n_folds > n_rows:
        raise DataError(f"Each fold needs a row; there are {n_rows} rows for {n_folds} folds. Use fewer folds.")
    return n_folds


def make_splits(layout: Layout, folds: int | float) -> tuple[tuple[Split, ...], tuple[str, ...]]:
    """Return the (train, valid) row indices of each fold, and notes. Which rows depends on the seed alone.

    Classes with fewer rows, or data with fewer groups, than folds lower the number of folds; the row of a class that
    has only one is trained on in every fold and validated on in none.
    """
    lags = "What earlier rows say about later ones (lags, running means) is no feature yet: bring it as columns."
    notes = [] if layout.order is None else [lags]
    if isinstance(folds, float):
        train, valid = hold_out(layout, folds)
        return ((train, valid),), (f"Validation: {len(valid):,} rows held out ({_how(layout)}).", *notes)
    layout, whole = layout.apart()
    most, why = _most_folds(layout, folds)
    if most < folds:
        notes.append(f"{most} instead of {folds} folds, because {why}.")
    n_alone = np.count_nonzero(np.bincount(layout.y) == 1) if layout.stratified else 0
    if n_alone and layout.groups is None and layout.order is None:
        notes.append(f"Rows that are the only one of their class, trained on and never validated on: {n_alone}.")
    splits = _forward(layout, most) if layout.order is not None else _k_folds(layout, most)
    splits = tuple((whole(train), whole(valid)) for train, valid in splits)
    return splits, (f"Validation: {most} folds ({_how(layout)}).", *notes)


def given(valid: np.ndarray) -> tuple[tuple[Split, ...], tuple[str, ...]]:
    """Return the one split whose validation rows are those of the mask ``valid`` (n,), and notes."""
    pair = np.flatnonzero(~valid), np.flatnonzero(valid)
    if not len(pair[0]) or not len(pair[1]):
        raise DataError("Neither the rows to train on nor those to validate on may all lack a target or a weight.")
    return (pair,), (f"Validation: the {len(pair[1]):,} rows that were given for it.",)


def hold_out(layout: Layout, share: float) -> Split:
    """Return (rest, held): ``held`` is about ``share`` of the rows, whole groups of them, or the last ones."""
    layout, whole = layout.apart()
    if layout.order is not None:
        cuts = _cuts(layout.order, [1 - share])
        ranked = np.argsort(layout.order, kind="stable")
        rest, held = _apart(layout, ranked[: cuts[0]], ranked[cuts[0] :])
    elif layout.groups is not None:
        n_folds, _ = _most_folds(layout, max(2, round(1 / min(share, 1 - share))))
        rest, held = _k_folds(layout, n_folds)[0]
        rest, held = (rest, held) if share <= 0.5 else (held, rest)
    else:
        rest, held = _stratified_share(layout, share)
    if not len(rest) or not len(held):
        raise DataError(
            f"A share of {share} of {len(layout.y)} rows leaves a part without rows. Use another share or more rows."
        )
    return np.sort(whole(rest)), np.sort(whole(held))


def _how(layout: Layout) -> str:
    if layout.order is not None:
        groups = ", and of other groups" if layout.groups is not None else ""
        return f"in order: always later rows than those trained on{groups}"
    kind = "stratified, " if layout.stratified else ""
    return (
        f"{kind}whole groups, seed {layout.seed}"
        if layout.groups is not None
        else f"{kind}shuffled, seed {layout.seed}"
    )


def _most_folds(layout: Layout, wanted: int) -> tuple[int, str]:
    limits = [(wanted, "")]
    if layout.order is not None:
        n_moments = len(np.unique(layout.order))
        limits.append((n_moments - 1, f"there are {n_moments} different values to order by"))
    elif layout.groups is not None:
        n_groups = len(np.unique(layout.groups))
        limits.append((n_groups, f"there are {n_groups} groups"))
    elif layout.stratified:
        counts = np.bincount(layout.y)
        rarest = int(counts[counts > 1].min(initial=len(layout.y)))
        limits.append((rarest, f"the rarest class has {rarest} rows"))
    most, why = min(limits)
    if most < (1 if layout.order is not None else 2):
        raise DataError(f"Validation needs rows to train on and others to validate on, but {why}. Give more data.")
    return most, why


def _k_folds(layout: Layout, n_folds: int) -> tuple[Split, ...]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    options: dict[str, Any] = {"n_splits": n_folds, "shuffle": True, "random_state": layout.seed}
    blank = np.zeros((len(layout.y), 1))
    if layout.groups is not None:
        stratify = layout.stratified and np.bincount(layout.y)[np.unique(layout.y)].min() >= n_folds
        splitter = StratifiedGroupKFold(**options) if stratify else GroupKFold(**options)
        found = list(splitter.split(blank, layout.y, layout.groups))
        # Few groups of one class each can leave a fold of the stratified kind without rows.
        return tuple(
            found if all(len(valid) for _, valid in found) else GroupKFold(**options).split(blank, None, layout.groups)
        )
    if not layout.stratified:
        return tuple(KFold(**options).split(blank))
    is_alone = np.bincount(layout.y)[layout.y] == 1
    rows, alone = np.flatnonzero(~is_alone), np.flatnonzero(is_alone)
    pairs = StratifiedKFold(**options).split(blank[rows], layout.y[rows])
    return tuple((np.sort(np.append(rows[train], alone)), rows[valid]) for train, valid in pairs)


def _forward(layout: Layout, n_folds: int) -> tuple[Split, ...]:
    """Cut the ordered rows into n + 1 blocks; fold i trains on the first i + 1 and validates on the next."""
    order = layout.order
    assert order is not None
    cuts = _cuts(order, [(i + 1) / (n_folds + 1) for i in range(n_folds)])
    ranked = np.argsort(order, kind="stable")
    ends = [*cuts[1:], len(order)]
    blocks = [(ranked[:a], ranked[a:b]) for a, b in zip(cuts, ends, strict=True) if 0 < a < b]
    pairs = [
        (train, valid) for train, valid in (_apart(layout, *block) for block in blocks) if len(train) and len(valid)
    ]
    if not pairs:
        raise DataError("The column to order by has too few different values for a split. Use another column.")
    return tuple(pairs)


def _apart(layout: Layout, train: np.ndarray, valid: np.ndarray) -> Split:
    """Leave out rows until no group is on both sides.

    Those to train on, where at least half of them stay; else half of the groups of both sides keep their later rows,
    and half their earlier ones.
    """
    if layout.groups is None:
        return train, valid
    shared = np.intersect1d(layout.groups[train], layout.groups[valid])
    alone = train[~np.isin(layout.groups[train], shared)]
    if 2 * len(alone) >= len(train):
        return alone, valid
    later = np.random.default_rng(layout.seed).permutation(shared)[: (len(shared) + 1) // 2]
    earlier = np.setdiff1d(shared, later)
    return (
        train[~np.isin(layout.groups[train], later)],
        valid[~np.isin(layout.groups[valid], earlier)],
    )


def _cuts(order: np.ndarray, shares: list[float]) -> list[int]:
    """Return positions in the ordered rows near ``shares``, moved so that equal values are never parted."""
    ranked = np.sort(order)
    positions = [min(len(ranked) - 1, max(1, round(share * len(ranked)))) for share in shares]
    before = np.searchsorted(ranked, ranked[positions], side="left")
    after = np.searchsorted(ranked, ranked[positions], side="right")
    return [int(b if b > 0 else a) for b, a in zip(before, after, strict=True)]


def _stratified_share(layout: Layout, share: float) -> Split:
    """Hold out exactly the share of the rows; two rows of each class always stay."""
    n = len(layout.y)
    rng = np.random.default_rng(layout.seed)
    shuffled = rng.permutation(n)
    strata = layout.y[shuffled] if layout.stratified else np.zeros(n, dtype=np.int64)
    by_class = np.argsort(strata, kind="stable")
    counts = np.bincount(strata)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rank = np.arange(n) - starts  # of a row within its class
    size = counts[strata[by_class]]
    # Even steps per class, from a random start, so that the classes keep their shares.
    place = (size - 1 - rank + rng.random(len(counts))[strata[by_class]]) / size
    place[rank < 2] = np.inf
    n_held = min(max(1, round(share * n)), int(np.isfinite(place).sum()))
    chosen = np.argsort(place, kind="stable")
    rows = shuffled[by_class[chosen]]
    return rows[n_held:], rows[:n_held]
