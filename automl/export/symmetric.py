"""Symmetric trees as table look-ups: a twentieth of the bytes that a general tree takes.

A symmetric (oblivious) tree asks one question per level. The answers are the bits of a leaf's
number, so a tree of depth d is d columns, d thresholds and 2**d values: plain ONNX operators, and
no nodes at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.export.trees import TreeEnsemble

# Trees that are looked up at once: bounds the memory that a row takes while it is answered.
_TREES_AT_ONCE = 512
_DEEPEST = 12  # look-up tables double with each level


@dataclass(frozen=True, eq=False)
class Symmetric:
    """T trees of depth d; a level's bit is 1 where ``not x[feature] <= threshold``, the root's bit is the highest.

    Shape
    -----
    feature, threshold, missing_left: (T, d). values: (T, 2**d, k). Shallow trees are filled up with
    questions whose answer is always 0.
    """

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, trees: "TreeEnsemble") -> "Symmetric | None":
        """Return ``trees`` as look-ups, or None unless each is symmetric and its nodes are in heap order."""
        depths = np.log2(np.diff(trees.starts) + 1) - 1
        if not 1 <= depths.max(initial=0) <= _DEEPEST or (depths != np.round(depths)).any():
            return None
        n, depth = trees.n_trees, int(depths.max())
        feature, missing = np.zeros((n, depth), np.int32), np.ones((n, depth), bool)
        threshold = np.full((n, depth), np.inf, np.float32)
        values = np.zeros((n, 2**depth, trees.n_targets), np.float32)
        leaf = np.zeros(trees.n_nodes, np.int64)
        for t, (start, own) in enumerate(zip(trees.starts[:-1], depths.astype(int), strict=True)):
            splits = slice(start, start + 2**own - 1)
            roots = start + 2 ** np.arange(own) - 1
            level = np.repeat(np.arange(own), 2 ** np.arange(own))
            children = start + 2 * np.arange(2**own - 1) + 1
            questions = (trees.feature, trees.threshold, trees.missing_left)
            alike = all((part[splits] == part[roots][level]).all() for part in questions)
            if not alike or (trees.left[splits] != children).any() or (trees.right[splits] != children + 1).any():
                return None
            # The lowest bits are this tree's own; the levels above them always answer 0.
            feature[t, depth - own :] = trees.feature[roots]
            threshold[t, depth - own :] = trees.threshold[roots]
            missing[t, depth - own :] = trees.missing_left[roots]
            first = start + 2**own - 1
            leaf[first : first + 2**own] = t * 2**depth + np.arange(2**own)
        values.reshape(-1, trees.n_targets)[leaf[trees.value_node], trees.value_target] = trees.value
        return cls(feature, threshold, missing, values)

    def emit(self, graph: "Graph", numeric: str) -> str:
        """Add the trees to ``graph``; return their summed values, (n, k)."""
        parts = [
            self._emit(graph, numeric, slice(i, i + _TREES_AT_ONCE))
            for i in range(0, len(self.feature), _TREES_AT_ONCE)
        ]
        return parts[0] if len(parts) == 1 else graph.op("Sum", *parts)

    def _emit(self, graph: "Graph", numeric: str, trees: slice) -> str:
        # Level by level, (depth * T, n): with the rows last every step runs along memory, not across it.
        feature, threshold, missing_left = (a[trees].T for a in (self.feature, self.threshold, self.missing_left))
        depth, n_trees = feature.shape
        n_leaves, width = self.values.shape[1:]
        asked = graph.op("Gather", graph.op("Transpose", numeric), graph.constant(feature.reshape(-1)), axis=0)
        right = graph.op("Greater", asked, graph.constant(threshold.reshape(-1, 1)))
        if not missing_left.all():
            lost = graph.op("And", graph.op("IsNaN", asked), graph.constant(~missing_left.reshape(-1, 1)))
            right = graph.op("Or", right, lost)
        bits = graph.op("Reshape", _float(graph, right), _shape(graph, [depth, n_trees, -1]))
        powers = graph.constant((2.0 ** np.arange(depth)[::-1]).astype(np.float32)[:, None, None])
        first = graph.constant(np.array([0], np.int64))
        number = graph.op("ReduceSum", graph.op("Mul", bits, powers), first, keepdims=0)
        place = graph.op("Add", number, graph.constant(np.arange(n_trees, dtype=np.float32)[:, None] * n_leaves))
        place = graph.op("Cast", place, to=6)  # int32
        found = graph.op("Gather", graph.constant(self.values[trees].reshape(-1, width)), place, axis=0)  # (T, n, k)
        return graph.op("ReduceSum", found, first, keepdims=0)


def _float(graph: "Graph", tensor: str) -> str:
    return graph.op("Cast", tensor, to=1)


def _shape(graph: "Graph", shape: Sequence[int]) -> str:
    return graph.constant(np.array(shape, np.int64))
