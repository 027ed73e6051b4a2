"""Trees read back from a shipped graph, in the forms in which ``general`` and ``symmetric`` write them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.export.general import AVERAGE
from automl.export.reading import Reading
from automl.export.symmetric import Symmetric
from automl.export.trees import Aggregate, TreeEnsemble


def read_trees(reading: Reading, tensor: str) -> tuple[TreeEnsemble, str] | None:
    """Return the trees whose sum or mean ``tensor`` is, and the tensor they ask about; None if it is no such."""
    return _general(reading, tensor) or _symmetric(reading, tensor)


def _general(reading: Reading, tensor: str) -> tuple[TreeEnsemble, str] | None:
    """Return the trees whose sum or mean ``tensor`` is, and the tensor they ask about; None if it is none of these."""
    node = reading.maker(tensor, "TreeEnsemble")
    if node is not None:
        return _nodes(reading.attributes(node)), node.input[0]
    found = reading.through(tensor, "ReduceSum", "Gather") or reading.through(tensor, "ReduceMean", "Gather")
    node = found and reading.through(found.input[1], "Cast", "TreeEnsemble")
    if found is None or node is None:
        return None
    aggregate: Aggregate = "mean" if reading.made(tensor).op_type == "ReduceMean" else "sum"
    return _nodes(reading.attributes(node), reading.constant(found.input[0]), aggregate), node.input[0]


def _nodes(
    given: Mapping[str, Any], table: np.ndarray | None = None, aggregate: Aggregate | None = None
) -> TreeEnsemble:
    """Return the operator's trees; ``table``: the values that its leaves are row numbers of."""
    n_splits, weight = len(given["nodes_featureids"]), given["leaf_weights"]
    sides = [
        np.asarray(given[f"nodes_{side}nodeids"]) + n_splits * np.asarray(given[f"nodes_{side}leafs"])
        for side in ("true", "false")
    ]  # leaves are numbered after the splits
    tree = np.full(n_splits + len(weight), -1)
    tree[:n_splits] = np.searchsorted(given["tree_roots"], np.arange(n_splits), side="right") - 1
    for side in sides:
        tree[side] = tree[:n_splits]
    order = np.argsort(tree, kind="stable")[np.count_nonzero(tree < 0) :]  # leaves without a parent go
    place = np.full(len(tree), -1, np.int32)
    place[order] = np.arange(len(order))

    def nodes(values: Any, fill: Any, dtype: Any) -> np.ndarray:
        return np.concatenate([np.asarray(values, dtype), np.full(len(weight), fill, dtype)])[order]

    leaf = np.flatnonzero(place[n_splits:] >= 0)
    at, target = place[n_splits:][leaf], np.asarray(given["leaf_targetids"])[leaf]
    value, n_targets = weight[leaf], int(given["n_targets"])
    if table is not None:
        n_targets = table.shape[1]
        value, at = table[value.astype(int)].reshape(-1), np.repeat(at, n_targets)
        target = np.tile(np.arange(n_targets), len(leaf))
    return TreeEnsemble(
        starts=np.searchsorted(tree[order], np.arange(len(given["tree_roots"]) + 1)).astype(np.int32),
        feature=nodes(given["nodes_featureids"], 0, np.int32),
        threshold=nodes(given["nodes_splits"], 0, np.float32),
        left=nodes(place[sides[0]], -1, np.int32),
        right=nodes(place[sides[1]], -1, np.int32),
        missing_left=nodes(given.get("nodes_missing_value_tracks_true", [0] * n_splits), False, bool),
        value_node=at.astype(np.int32),
        value_target=target.astype(np.int32),
        value=value.astype(np.float32),
        base=np.zeros(n_targets),
        aggregate=aggregate or ("mean" if given["aggregate_function"] == AVERAGE else "sum"),
    )


def _symmetric(reading: Reading, tensor: str) -> tuple[TreeEnsemble, str] | None:
    """Return the trees whose summed values ``tensor`` is, and the tensor they ask about; None if it is no such."""
    numbers = reading.through(tensor, "ReduceSum", "Gather")
    if numbers is None or not reading.is_constant(numbers.input[0]):
        return None
    bits = reading.through(numbers.input[1], "Cast", "Add", "ReduceSum", "Mul", "Reshape")
    right = bits and reading.maker(bits.input[0], "Cast")
    asked = right and reading.maker(right.input[0], "Greater", "Or")
    if bits is None or asked is None:
        return None
    depth, n_trees = reading.constant(bits.input[1])[:2]
    missing_left = np.ones((n_trees, depth), bool)
    if asked.op_type == "Or":
        lost = reading.constant(reading.made(asked.input[1]).input[1])
        missing_left = ~lost.reshape(depth, n_trees).T
        asked = reading.made(asked.input[0])
    question = reading.made(asked.input[0])
    feature = reading.constant(question.input[1]).reshape(depth, n_trees).T
    threshold = reading.constant(asked.input[1]).reshape(depth, n_trees).T
    values = reading.constant(numbers.input[0]).reshape(n_trees, 2**depth, -1)
    return node_by_node(Symmetric(feature, threshold, missing_left, values)), reading.made(question.input[0]).input[0]


def node_by_node(trees: Symmetric) -> TreeEnsemble:
    """Return symmetric trees as general ones: the way back from ``Symmetric.of``."""
    n, depth = trees.feature.shape
    k, inner = trees.values.shape[2], 2**depth - 1
    n_nodes = 2 * inner + 1
    starts = np.arange(n + 1, dtype=np.int32) * n_nodes
    level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
    leaves = ((0, 0), (0, inner + 1))
    child = np.where(np.arange(n_nodes) < inner, 2 * np.arange(n_nodes) + 1, -1)
    left = np.where(child < 0, -1, child + starts[:-1, None]).astype(np.int32).reshape(-1)
    return TreeEnsemble(
        starts=starts,
        feature=np.pad(trees.feature[:, level], leaves).astype(np.int32).reshape(-1),
        threshold=np.pad(trees.threshold[:, level], leaves).reshape(-1),
        left=left,
        right=np.where(left < 0, -1, left + 1).astype(np.int32),
        missing_left=np.pad(trees.missing_left[:, level], leaves).reshape(-1),
        value_node=np.repeat((starts[:-1, None] + inner + np.arange(inner + 1)).reshape(-1), k).astype(np.int32),
        value_target=np.tile(np.arange(k, dtype=np.int32), n * (inner + 1)),
        value=trees.values.reshape(-1),
        base=np.zeros(k),
    )
