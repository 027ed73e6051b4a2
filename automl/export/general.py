"""General trees as one ``TreeEnsemble`` operator (ai.onnx.ml 5): about 13 bytes a node.

A leaf of that operator adds to one target. Leaves with several values, which a forest grows for
classes, answer with a row number in a table of values instead; equal leaves share a row.
"""

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from automl.export.graph import ML

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.export.trees import TreeEnsemble

AVERAGE, _SUM = 0, 1  # the operator's codes; its code 0 of a node is "x <= split"
_MOST_ROWS = 1 << 24  # row numbers travel as float32


def emit(trees: "TreeEnsemble", graph: "Graph", numeric: str) -> str:
    """Add ``trees`` to ``graph``; return the sum or mean of their values, (n, k)."""
    leaves = np.flatnonzero(trees.left < 0)
    place = np.searchsorted(leaves, trees.value_node)
    mean = trees.aggregate == "mean"
    if np.bincount(place, minlength=1).max() <= 1:
        target, weight = np.zeros(len(leaves), np.int32), np.zeros(len(leaves), np.float32)
        target[place], weight[place] = trees.value_target, trees.value
        return _operator(trees, graph, numeric, target, weight, trees.n_targets, AVERAGE if mean else _SUM)
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
    roots, leaf = trees.starts[:-1], trees.left < 0
    # A tree of one leaf is written as a split between two copies of it.
    alone = np.zeros(trees.n_nodes, bool)
    alone[roots] = leaf[roots]
    split, copies = ~leaf | alone, leaf + alone.astype(int)
    itself = np.arange(trees.n_nodes)
    left, right = np.where(alone, itself, trees.left), np.where(alone, itself, trees.right)
    split_number, leaf_number = np.cumsum(split) - 1, np.cumsum(copies) - copies  # counted apart
    unused = _unused_leaves(leaf, left[roots], right[roots], split_number, leaf_number)
    number = np.where(leaf, leaf_number + unused, split_number)
    target = np.concatenate([np.zeros(unused, int), np.repeat(target, copies[leaf])])
    weight = np.concatenate([np.zeros(unused, np.float32), np.repeat(weight, copies[leaf])])
    left, right = left[split], right[split]
    attributes: dict[str, Any] = {
        "n_targets": n_targets,
        "aggregate_function": aggregate,
        "post_transform": 0,
        "tree_roots": split_number[roots].tolist(),
        "nodes_featureids": trees.feature[split].tolist(),
        "nodes_splits": numpy_helper.from_array(trees.threshold[split].astype(np.float32)),
        "nodes_modes": numpy_helper.from_array(np.zeros(split.sum(), np.uint8)),
        "nodes_truenodeids": number[left].tolist(),
        "nodes_trueleafs": leaf[left].astype(int).tolist(),
        "nodes_falsenodeids": (number[right] + alone[right]).tolist(),
        "nodes_falseleafs": leaf[right].astype(int).tolist(),
        "leaf_targetids": target.tolist(),
        "leaf_weights": numpy_helper.from_array(weight),
    }
    if trees.missing_left.any():
        attributes["nodes_missing_value_tracks_true"] = trees.missing_left[split].astype(int).tolist()
    return graph.op("TreeEnsemble", numeric, domain=ML, **attributes)


def _unused_leaves(
    leaf: np.ndarray, left: np.ndarray, right: np.ndarray, split_number: np.ndarray, leaf_number: np.ndarray
) -> int:
    """Return how many unused leaves to put first, so that no root has a leaf and a split of one number.

    onnxruntime before 1.24 takes such a root for a leaf (microsoft/onnxruntime#24679).
    """
    mixed = leaf[left] != leaf[right]
    left, right = left[mixed], right[mixed]
    leaves, splits = np.where(leaf[left], left, right), np.where(leaf[left], right, left)
    taken = set((split_number[splits] - leaf_number[leaves]).tolist())
    return next(n for n in count() if n not in taken)
