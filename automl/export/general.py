"""General trees as one ``TreeEnsemble`` operator (ai.onnx.ml 5): about 13 bytes a node.

A leaf of that operator adds to one target. Leaves with several values, which a forest grows for
classes, answer with a row number in a table of values instead; equal leaves share a row.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from automl.export.graph import ML

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.export.trees import TreeEnsemble

_AVERAGE, _SUM = 0, 1  # the operator's codes; its code 0 of a node is "x <= split"
_MOST_ROWS = 1 << 24  # row numbers travel as float32


def emit(trees: "TreeEnsemble", graph: "Graph", numeric: str) -> str:
    """Add ``trees`` to ``graph``; return the sum or mean of their values, (n, k)."""
    leaves = np.flatnonzero(trees.left < 0)
    place = np.searchsorted(leaves, trees.value_node)
    mean = trees.aggregate == "mean"
    if np.bincount(place, minlength=1).max() <= 1:
        target, weight = np.zeros(len(leaves), np.int32), np.zeros(len(leaves), np.float32)
        target[place], weight[place] = trees.value_target, trees.value
        return _operator(trees, graph, numeric, target, weight, trees.n_targets, _AVERAGE if mean else _SUM)
    values = np.zeros((len(leaves), trees.n_targets), np.float32)
    values[place, trees.value_target] = trees.value
    table, row = np.unique(values, axis=0, return_inverse=True)
    if len(table) > _MOST_ROWS:
        raise ValueError(f"An ensemble may have at most {_MOST_ROWS:,} different leaves; got {len(table):,}.")
    tree = np.searchsorted(trees.starts, leaves, side="right") - 1
    numbers = _operator(trees, graph, numeric, tree, row.reshape(-1).astype(np.float32), trees.n_trees, _SUM)
    found = graph.op("Gather", graph.constant(table), graph.op("Cast", numbers, to=6), axis=0)  # (n, T, k)
    axis = graph.constant(np.array([1], np.int64))
    return graph.op("ReduceMean" if mean else "ReduceSum", found, axis, keepdims=0)


def _operator(
    trees: "TreeEnsemble",
    graph: "Graph",
    numeric: str,
    target: np.ndarray,
    weight: np.ndarray,
    n_targets: int,
    aggregate: int,
) -> str:
    """Add the operator; ``target`` and ``weight``: of each leaf, in the order of the nodes."""
    left, right, roots = trees.left, trees.right, trees.starts[:-1]
    leaf = left < 0
    # A tree of one leaf is written as a split with that leaf on both sides.
    alone = roots[leaf[roots]]
    split = ~leaf
    split[alone] = True
    left, right = left.copy(), right.copy()
    left[alone] = right[alone] = alone
    number = np.where(leaf, np.cumsum(leaf) - 1, np.cumsum(split) - 1)  # leaves and splits are counted apart
    root_number = np.cumsum(split)[roots] - 1
    attributes: dict[str, Any] = {
        "n_targets": n_targets,
        "aggregate_function": aggregate,
        "post_transform": 0,
        "tree_roots": root_number.tolist(),
        "nodes_featureids": trees.feature[split].tolist(),
        "nodes_splits": numpy_helper.from_array(trees.threshold[split].astype(np.float32)),
        "nodes_modes": numpy_helper.from_array(np.zeros(split.sum(), np.uint8)),
        "leaf_targetids": target.tolist(),
        "leaf_weights": numpy_helper.from_array(weight),
    }
    for side, child in (("true", left[split]), ("false", right[split])):
        attributes[f"nodes_{side}nodeids"] = number[child].tolist()
        attributes[f"nodes_{side}leafs"] = leaf[child].astype(int).tolist()
    if trees.missing_left.any():
        attributes["nodes_missing_value_tracks_true"] = trees.missing_left[split].astype(int).tolist()
    return graph.op("TreeEnsemble", numeric, domain=ML, **attributes)
