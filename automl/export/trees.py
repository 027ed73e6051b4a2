"""Ensembles of decision trees as flat arrays: what every tree family becomes before it is exported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse as sp

from automl.export.symmetric import Symmetric

if TYPE_CHECKING:
    from automl.export.graph import Graph

Aggregate = Literal["sum", "mean"]
_PAIRS = 1 << 21  # (row, tree) pairs walked at once
_STEPS = 4  # down the trees before the pairs at a leaf are put aside


def floor32(threshold: np.ndarray) -> np.ndarray:
    """Return the largest float32 ``t`` with ``t <= threshold``: ``x <= t`` decides alike for any float32 x."""
    threshold = np.asarray(threshold, np.float64)
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def below32(threshold: np.ndarray) -> np.ndarray:
    """Return the largest float32 ``t`` with ``t < threshold``: ``x <= t`` is ``x < threshold`` for any float32 x."""
    floor = floor32(threshold)
    return np.where(floor == threshold, np.nextafter(floor, np.float32(-np.inf)), floor)


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """T binary trees with N nodes in all, that send a row left where ``x[feature] <= threshold``.

    A row's raw outputs are ``base`` plus the sum (or mean) of the values of the T leaves it reaches. A missing x goes
    left where ``missing_left`` says so.

    Shape
    -----
    starts: (T + 1,) first node of each tree, its root, and N at the end
    feature, threshold, left, right, missing_left: (N,); left and right are node numbers, -1 at a leaf
    value_node, value_target, value: (v,) the values of the leaves that are not zero, by node and target
    base: (k,) float64
    """

    starts: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value_node: np.ndarray
    value_target: np.ndarray
    value: np.ndarray
    base: np.ndarray
    aggregate: Aggregate = "sum"

    @classmethod
    def constant(cls, values: Sequence[float] | np.ndarray) -> "TreeEnsemble":
        """Return one leaf: the raw outputs ``values``, (k,), for every row."""
        none, leaf = np.zeros(0, np.int32), np.zeros(1, np.int32)
        zero, far, base = np.zeros(1, np.float32), np.full(1, -1, np.int32), np.asarray(values, np.float64)
        return cls(np.array([0, 1], np.int32), leaf, zero, far, far, leaf > 0, none, none, zero[:0], base)

    @classmethod
    def join(cls, parts: Sequence["TreeEnsemble"]) -> "TreeEnsemble":
        """Return the trees of all ``parts`` in order; base and aggregate are the first part's."""
        shifts = np.cumsum([0, *(part.n_nodes for part in parts)])[:-1].astype(np.int32)

        def stack(name: str) -> np.ndarray:
            return np.concatenate([getattr(part, name) for part in parts])

        def moved(name: str) -> np.ndarray:
            arrays = [getattr(part, name) for part in parts]
            return np.concatenate([np.where(a < 0, a, a + s) for a, s in zip(arrays, shifts, strict=True)])

        same = ("feature", "threshold", "missing_left", "value_target", "value")
        starts = [part.starts[:-1] + s for part, s in zip(parts, shifts, strict=True)]
        end = [np.int32(sum(part.n_nodes for part in parts))]
        numbers: dict[str, Any] = {name: moved(name) for name in ("left", "right", "value_node")}
        stacked: dict[str, Any] = {name: stack(name) for name in same}
        return replace(parts[0], starts=np.concatenate([*starts, end]), **numbers, **stacked)

    @property
    def n_trees(self) -> int:
        """The number of trees T."""
        return len(self.starts) - 1

    @property
    def n_nodes(self) -> int:
        """The number of nodes N, leaves included."""
        return len(self.feature)

    @property
    def n_targets(self) -> int:
        """The number of raw outputs k."""
        return len(self.base)

    def trimmed(self, n_trees: int) -> "TreeEnsemble":
        """Return the first ``n_trees`` trees."""
        return self.between(0, n_trees)

    def between(self, first: int, last: int) -> "TreeEnsemble":
        """Return the trees from ``first`` up to, but not with, ``last``; base and aggregate stay."""
        start, end = int(self.starts[first]), int(self.starts[last])
        kept: dict[str, Any] = {n: getattr(self, n)[start:end].copy() for n in ("feature", "threshold", "missing_left")}
        for name in ("left", "right"):
            child = getattr(self, name)[start:end]
            kept[name] = np.where(child < 0, child, child - np.int32(start))
        values = (self.value_node >= start) & (self.value_node < end)
        kept |= {name: getattr(self, name)[values] for name in ("value_target", "value")}
        kept["value_node"] = self.value_node[values] - np.int32(start)
        return replace(self, starts=self.starts[first : last + 1] - np.int32(start), **kept)

    def as_target(self, target: int, n_targets: int) -> "TreeEnsemble":
        """Return the trees of one raw output as those of the output ``target`` of ``n_targets``; the others are 0."""
        base = np.zeros(n_targets)
        base[target] = self.base[0]
        return replace(self, value_target=np.full_like(self.value_target, target), base=base)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return raw outputs, (n, k), for (n, p) float32 rows with NaN where missing."""
        x = np.ascontiguousarray(x, np.float32)
        values = sp.csr_matrix(
            (self.value.astype(np.float64), (self.value_node, self.value_target)), (self.n_nodes, self.n_targets)
        )
        raw = np.empty((len(x), self.n_targets))
        block = max(1, _PAIRS // self.n_trees)
        for start in range(0, len(x), block):
            raw[start : start + block] = self._sums(x[start : start + block], values)
        if self.aggregate == "mean":
            raw /= self.n_trees
        return raw + self.base

    def _sums(self, x: np.ndarray, values: sp.csr_matrix) -> np.ndarray:
        leaves = self.leaves(x).T.ravel()
        ends = np.arange(0, leaves.size + 1, self.n_trees)
        reached = sp.csr_matrix((np.ones(leaves.size), leaves, ends), (len(x), self.n_nodes))
        if self.n_targets == 1:
            return reached @ values.toarray()
        return (reached @ values).toarray()

    def leaves(self, x: np.ndarray) -> np.ndarray:
        """Return the (T, n) leaves, as numbers of nodes, that the rows reach."""
        flat, n_features, gaps = x.reshape(-1), np.int32(x.shape[1]), bool(np.isnan(x).any())
        itself = np.arange(self.n_nodes, dtype=np.int32)
        # The next node is child[2 * node + goes_left]; a leaf's next node is the leaf.
        child = np.stack([np.where(self.left < 0, itself, side) for side in (self.right, self.left)], axis=1).ravel()
        reached = np.repeat(self.starts[:-1], len(x))  # tree by tree: a tree's nodes stay in the cache
        pair, node = np.arange(len(reached)), reached
        first = np.tile(np.arange(len(x), dtype=np.int32) * n_features, self.n_trees)
        while len(pair):
            for _ in range(_STEPS):
                value = flat[first + self.feature[node]]
                goes_left = value <= self.threshold[node]
                if gaps:
                    goes_left |= np.isnan(value) & self.missing_left[node]
                node = child[2 * node + goes_left]
            reached[pair] = node
            inner = self.left[node] >= 0
            pair, node, first = pair[inner], node[inner], first[inner]
        return reached.reshape(self.n_trees, len(x))

    def emit(self, graph: "Graph", numeric: str) -> str:
        """Add the ensemble to ``graph``; return the name of what ``predict`` returns, float32.

        Look-ups where all trees are symmetric, else one ``TreeEnsemble`` operator.
        ``numeric`` is the name of an (n, p) float32 tensor.
        """
        from automl.export import general

        symmetric = Symmetric.of(self) if self.aggregate == "sum" else None
        raw = symmetric.emit(graph, numeric) if symmetric else general.emit(self, graph, numeric)
        return graph.op("Add", raw, graph.constant(self.base.astype(np.float32)[None])) if self.base.any() else raw
