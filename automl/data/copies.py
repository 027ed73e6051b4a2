"""Rows that occur more than once: copies of one row on both sides of a split would be remembered, not predicted."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse as sp
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from automl.runtime.schema import numeric_parts
from automl.task import Batch, Rows, Schema

# Rows coincide by chance where columns have few values; beyond so many times as many pairs they are copies.
_BEYOND_CHANCE = 2.0
# Groups that share copies are put together, unless one gets more than this share of the rows.
_LARGEST_GROUP = 0.2
# With fewer different rows than this (and than a tenth of all), a split between them would say nothing about others.
_FEWEST = 50


def among(
    data: Batch, test: Batch | None, schema: Schema, valid: np.ndarray | None
) -> tuple[np.ndarray | None, list[str]]:
    """Return (n,) codes of the rows to learn from, equal ones for copies, and notes; None where there are no copies.

    Rows are equal where all columns are that are used; the target may differ. Copies among the test rows are counted,
    and those among rows that are given to validate on, the mask ``valid`` (n,).
    """
    codes, kept, notes = of(data.x), None, []
    if valid is not None:
        notes += _memory(codes[~valid], codes[valid], "validation", data.x, schema)
    elif found(codes, data.x, schema):
        n_copies = len(codes) - len(np.unique(codes))
        what = f"{n_copies:,} rows are copies of others ({n_copies / len(codes):.0%})"
        if why := _not_kept(codes, data):
            notes.append(f"{what}, and may be on both sides of a split, since {why}: drop those that say nothing new.")
        else:
            kept = codes
            notes.append(f"{what}: they stay on the same side of every split.")
    if test is not None:
        both = of(data.x, test.x)
        notes += _memory(both[: len(data)], both[len(data) :], "test", data.x, schema)
    return kept, notes


def _memory(learnt: np.ndarray, others: np.ndarray, what: str, rows: Rows, schema: Schema) -> list[str]:
    """Say how many of the others are copies of rows to learn from, where that is beyond chance."""
    again = np.isin(others, learnt)
    if not len(again) or again.mean() <= _BEYOND_CHANCE * len(learnt) * _chance(rows, schema):
        return []
    return [
        f"{np.count_nonzero(again):,} of the {len(again):,} {what} rows ({again.mean():.0%}) are copies of rows to "
        f"learn from: what they add to the {what} score is memory."
    ]


def _not_kept(codes: np.ndarray, data: Batch) -> str:
    """Say why copies cannot be kept together; "" where they can."""
    if data.order is not None:
        return "the rows are ordered"
    if data.y.dtype.kind == "i":
        of_each = np.unique(np.column_stack([data.y, codes]), axis=0)[:, 0]
        if np.bincount(of_each)[np.bincount(data.y) > 1].min(initial=2) < 2:
            return "a class has a single row, many times"
    if data.groups is not None:
        largest = max(_LARGEST_GROUP * len(codes), np.bincount(data.groups).max())
        if np.bincount(joined(codes, data.groups)).max() > largest:
            return "nearly all groups share some"
    return ""


def of(*parts: Rows) -> np.ndarray:
    """Return (n,) int64 codes of the rows of all parts, one after the other: equal rows have equal codes."""
    hashes = np.concatenate([_hashes(rows) for rows in parts])
    _, first, codes = np.unique(hashes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[codes]  # in the order of the rows: hashes differ between processes


def found(codes: np.ndarray, rows: Rows, schema: Schema) -> bool:
    """Whether rows with these codes hold more copies than chance makes of independent columns, and enough others."""
    counts = np.bincount(codes)
    pairs = float((counts * (counts - 1.0) / 2).sum())
    by_chance = len(codes) * (len(codes) - 1.0) / 2 * _chance(rows, schema)
    return pairs > _BEYOND_CHANCE * by_chance and len(counts) >= min(_FEWEST, len(codes) / 10)


def joined(codes: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return (n,) groups, put together where a row of one is a copy of a row of another."""
    n_codes = int(codes.max()) + 1
    size = n_codes + int(groups.max()) + 1
    links = coo_matrix((np.ones(len(codes), bool), (codes, groups + n_codes)), shape=(size, size))
    return connected_components(links, directed=False)[1][codes].astype(np.int64)


def _hashes(rows: Rows) -> np.ndarray:
    columns = [_sparse_bytes(part) if sp.issparse(part) else _bytes(part) for part in rows.parts().values()]
    return np.fromiter(map(hash, zip(*columns, strict=True)), np.int64, len(rows))


def _sparse_bytes(part: sp.csr_matrix) -> list[bytes]:
    spans = zip(part.indptr[:-1].tolist(), part.indptr[1:].tolist(), strict=True)
    return [part.indices[a:b].tobytes() + part.data[a:b].tobytes() for a, b in spans]


def _bytes(array: np.ndarray) -> list[bytes]:
    """Return each row's values as bytes, the same ones for 0 and -0, and for every NaN."""
    flat = array.reshape(len(array), -1)
    if not flat.shape[1]:
        return [b""] * len(array)
    if flat.dtype.kind == "f":
        flat = np.where(np.isnan(flat), np.nan, flat + 0.0).astype(flat.dtype)
    flat = np.ascontiguousarray(flat)
    whole: Any = flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1])))
    return list(whole.ravel().tolist())


def _chance(rows: Rows, schema: Schema) -> float:
    """Return the probability that two rows coincide, if each column were independent of the others."""
    if schema.kind in ("image", "sequence") or rows.sparse is not None:
        return 0.0
    chance = 1.0
    for column in _columns(rows, schema):
        counts = np.unique(column, return_counts=True)[1]
        chance *= float(np.square(counts / len(column)).sum())
    return chance


def _columns(rows: Rows, schema: Schema) -> Iterator[np.ndarray]:
    """Yield the columns of a table, (n,); of a date its days from 1970, which say all of it."""
    if rows.numeric is not None:
        end = 0
        for column in schema.columns:
            start, end = end, end + len(numeric_parts(vars(column)))
            yield from rows.numeric.T[end - 1 if column.role == "datetime" else start : end]
    if rows.categories is not None:
        yield from rows.categories.T
