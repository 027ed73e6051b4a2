"""Whether two sets of rows have one source: column by column, and by a model that tries to tell them apart."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from automl.explain.sample import sampled
from automl.explain.task_rows import TaskRows
from automl.task import Rows, Schema

# Rows of each side that are looked at.
MOST_ROWS = 5000


@dataclass(frozen=True)
class ColumnDrift:
    """How far one column of the second rows lies from that of the first.

    ``distance``: the greatest difference of the two distributions, 0 to 1: Kolmogorov's of numbers, the total variation
    of levels. ``p_value``: how likely such a distance is without any drift.
    """

    name: str
    distance: float
    p_value: float


def by_column(schema: Schema, first: Rows, second: Rows, seed: int = 0) -> list[ColumnDrift]:
    """Return the drift of each column of numbers, dates and levels, greatest first."""
    a, b = (rows.take(sampled(np.arange(len(rows)), MOST_ROWS, seed)) for rows in (first, second))
    parts = TaskRows.of(schema, a)
    found = []
    for name, (field, columns) in zip(parts.features, parts.parts, strict=False):
        if field == "sparse":
            continue
        x, z = (getattr(rows, field)[:, columns] for rows in (a, b))
        found.append(_of_numbers(name, x, z) if field == "numeric" else _of_levels(name, x[:, 0], z[:, 0]))
    return sorted(found, key=lambda drift: -drift.distance)


def _of_numbers(name: str, x: np.ndarray, z: np.ndarray) -> ColumnDrift:
    """Return the drift of a number, or of the part of a date that drifts most."""
    found = []
    for p, q in zip(x.T, z.T, strict=True):
        known = p[np.isfinite(p)], q[np.isfinite(q)]
        tested = stats.ks_2samp(*known, method="asymp") if all(map(len, known)) else None
        distance, p_value = (float(tested.statistic), float(tested.pvalue)) if tested else (0.0, 1.0)
        found.append(ColumnDrift(name, distance, min(1.0, p_value * x.shape[1])))
    return max(found, key=lambda drift: drift.distance)


def _of_levels(name: str, x: np.ndarray, z: np.ndarray) -> ColumnDrift:
    levels = np.union1d(x, z)
    counts = np.array([[np.count_nonzero(part == level) for level in levels] for part in (x, z)])
    shares = counts / counts.sum(axis=1, keepdims=True)
    p_value = float(stats.chi2_contingency(counts).pvalue) if len(levels) > 1 else 1.0
    return ColumnDrift(name, float(np.abs(shares[0] - shares[1]).sum() / 2), p_value)


@dataclass(frozen=True)
class Adversarial:
    """How well a model tells two sets of rows apart: ``auc`` 0.5 is not at all, 1 is always.

    ``columns``: those that it tells them apart by, with how much of the AUC is lost without them, greatest first.
    """

    auc: float
    columns: tuple[tuple[str, float], ...]


def adversarial(schema: Schema, first: Rows, second: Rows, seed: int = 0) -> Adversarial:
    """Return the cross-validated ROC AUC of a forest that tells ``first`` from ``second`` (adversarial validation)."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    a, b = (rows.take(sampled(np.arange(len(rows)), MOST_ROWS, seed)) for rows in (first, second))
    x = np.concatenate([_dense(a), _dense(b)])
    owner = _owners(schema, a)
    y = np.repeat([0, 1], [len(a), len(b)])
    if not x.shape[1] or min(len(a), len(b)) < 10:
        return Adversarial(0.5, ())
    rng = np.random.default_rng(seed)
    aucs, drops = [], {str(name): 0.0 for name in dict.fromkeys(owner)}
    splits = StratifiedKFold(3, shuffle=True, random_state=seed)
    for train, valid in splits.split(x, y):
        forest = ExtraTreesClassifier(60, min_samples_leaf=5, random_state=seed, n_jobs=1).fit(x[train], y[train])
        whole = float(roc_auc_score(y[valid], forest.predict_proba(x[valid])[:, 1]))
        aucs.append(whole)
        ranked = sorted(drops, key=lambda name: -forest.feature_importances_[owner == name].sum())
        for name in ranked[:10]:
            mixed = x[valid].copy()
            mixed[:, owner == name] = mixed[rng.permutation(len(valid))][:, owner == name]
            drops[name] += (whole - float(roc_auc_score(y[valid], forest.predict_proba(mixed)[:, 1]))) / 3
    telling = sorted(((name, drop) for name, drop in drops.items() if drop > 0.005), key=lambda one: -one[1])
    return Adversarial(float(np.mean(aucs)), tuple(telling))


def _dense(rows: Rows) -> np.ndarray:
    """Return all that a forest can look at, (n, p), -1e9 where missing."""
    parts = [part for part in (rows.numeric, rows.categories) if part is not None]
    if rows.sparse is not None:
        parts.append(rows.sparse[:, :300].toarray())
    for array in (rows.image, rows.sequence):
        if array is not None:
            parts.append(array.reshape(len(array), -1)[:, ::7])
    return np.nan_to_num(np.column_stack([np.asarray(part, np.float32) for part in parts]), nan=-1e9)


def _owners(schema: Schema, rows: Rows) -> np.ndarray:
    """Return the column that each number of ``_dense`` belongs to."""
    names: dict[str, list[str]] = {"numeric": [], "categories": [], "sparse": []}
    parts = TaskRows.of(schema, rows)
    for name, (field, columns) in zip(parts.features, parts.parts, strict=False):
        names[field] += [name] * len(columns)
    found = [*names["numeric"], *names["categories"], *names["sparse"][:300]]
    return np.array(found or [schema.kind] * _dense(rows.take(slice(1))).shape[1], object)
