"""Exact Shapley values of ensembles of trees, against background rows (Lundberg et al., Nat. Mach. Intell. 2020).

Features come in groups that join together: the numbers that a model makes of one column. For a row x and a background
row z, a leaf counts for a coalition where each group on the way to it sends the row there: from x for those inside,
from z for those outside. If u groups on the way lead there from x alone and v from z alone, each of the u earns
(u - 1)! v! / (u + v)! of the leaf's value, and each of the v loses u! (v - 1)! / (u + v)!.
"""

from collections.abc import Iterator
from math import comb

import numpy as np

from automl.export.trees import TreeEnsemble

# Pairs of a row and a node, or of a leaf that is reached and a group, that are looked at together.
_PAIRS = 1 << 22


def shapley_values(trees: TreeEnsemble, group: np.ndarray, x: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Return (n, g, k): what each of g groups adds to the k raw outputs of a row, against the mean of ``background``.

    ``group``: (q,) the group of each feature, from 0. ``x``: (n, q), ``background``: (b, q) float32, NaN where missing.
    """
    n_groups = int(group.max(initial=-1)) + 1
    x, background = (np.ascontiguousarray(rows, np.float32) for rows in (x, background))
    total = np.zeros((len(x), n_groups, trees.n_targets))
    for part in _parts(trees, max(1, _PAIRS // max(len(background), len(x), n_groups))):
        total += _part(part, group, n_groups, x, background)
    return total / trees.n_trees if trees.aggregate == "mean" else total


def _parts(trees: TreeEnsemble, most_nodes: int) -> Iterator[TreeEnsemble]:
    """Yield the trees in runs of about ``most_nodes`` nodes."""
    first = 0
    while first < trees.n_trees:
        last = int(np.searchsorted(trees.starts, trees.starts[first] + most_nodes, side="right")) - 1
        last = min(max(last, first + 1), trees.n_trees)
        yield trees.between(first, last)
        first = last


def _part(trees: TreeEnsemble, group: np.ndarray, n_groups: int, x: np.ndarray, background: np.ndarray) -> np.ndarray:
    leaves = np.flatnonzero(trees.left < 0)
    depths, words = _depths(trees), (n_groups + 63) // 64
    bits = np.zeros((n_groups, words), np.uint64)
    bits[np.arange(n_groups), np.arange(n_groups) // 64] = np.uint64(1) << (np.arange(n_groups) % 64).astype(np.uint64)
    of_node = bits[group[trees.feature]]  # (N, words)
    fails_x, fails_z = (_down(trees, depths, of_node, rows)[:, leaves] for rows in (x, background))
    values = np.zeros((len(leaves), trees.n_targets))
    np.add.at(values, (np.searchsorted(leaves, trees.value_node), trees.value_target), trees.value)
    gains, losses = _shares(int(depths.max(initial=0)))
    every = np.arange(n_groups)
    word, bit = every // 64, bits[every, every // 64]
    found = np.zeros((len(x), n_groups, trees.n_targets))
    for i, fails in enumerate(fails_x):
        # Few leaves can be reached with what is between two rows.
        row, leaf = np.nonzero(~(fails & fails_z).any(axis=2))
        for start in range(0, len(row), max(1, _PAIRS // n_groups)):
            some = slice(start, start + max(1, _PAIRS // n_groups))
            from_x, from_z = fails_z[row[some], leaf[some]], fails[leaf[some]]
            u, v = (np.bitwise_count(side).sum(axis=1) for side in (from_x, from_z))
            won = ((from_x[:, word] & bit) != 0) * gains[u, v][:, None]
            lost = ((from_z[:, word] & bit) != 0) * losses[u, v][:, None]
            found[i] += (won - lost).T @ values[leaf[some]]
    return found / len(background)


def _shares(deepest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the gain of one of u and the loss of one of v groups, by [u, v], for u and v up to ``deepest``."""
    gains, losses = np.zeros((2, deepest + 1, deepest + 1))
    for u in range(deepest + 1):
        for v in range(deepest + 1 - u):
            # (u - 1)! v! / (u + v)! is 1 / (u * comb(u + v, u)).
            gains[u, v] = 1 / (u * comb(u + v, u)) if u else 0
            losses[u, v] = 1 / (v * comb(u + v, v)) if v else 0
    return gains, losses


def _depths(trees: TreeEnsemble) -> np.ndarray:
    """Return how many nodes lie above each node."""
    depth = np.zeros(trees.n_nodes, np.int64)
    level = trees.starts[:-1]
    while len(level := level[trees.left[level] >= 0]):
        children = np.concatenate([trees.left[level], trees.right[level]])
        depth[children] = np.tile(depth[level] + 1, 2)
        level = children
    return depth


def _down(trees: TreeEnsemble, depths: np.ndarray, of_node: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return, (n, N, words), the groups on the way to each node that would send a row of ``x`` elsewhere."""
    reached = np.zeros((len(x), *of_node.shape), np.uint64)
    order = np.argsort(depths, kind="stable")
    inner = order[trees.left[order] >= 0]
    bounds = np.searchsorted(depths[inner], np.arange(depths.max(initial=0) + 1))
    for first, last in zip(bounds, [*bounds[1:], len(inner)], strict=True):
        node = inner[first:last]
        for child, is_left in ((trees.left[node], True), (trees.right[node], False)):
            fails = _goes_left(trees, node, x) != is_left
            reached[:, child] = reached[:, node] | np.where(fails[..., None], of_node[node], np.uint64(0))
    return reached


def _goes_left(trees: TreeEnsemble, node: np.ndarray, x: np.ndarray) -> np.ndarray:
    value = x[:, trees.feature[node]]
    return (value <= trees.threshold[node]) | (np.isnan(value) & trees.missing_left[node])
