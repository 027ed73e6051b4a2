"""Tree ensembles: exact thresholds, missing values, and ONNX that says what NumPy says."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from automl.export.graph import Graph
from automl.export.trees import TreeEnsemble, below32, floor32

N_FEATURES = 3


def grown(rng: np.random.Generator, n_targets: int) -> TreeEnsemble:
    """One random tree of seven splits, with round thresholds and a leaf without any value."""
    n_splits, n_nodes = 7, 15
    inner = np.arange(n_nodes) < n_splits
    child = np.arange(n_nodes, dtype=np.int32) * 2
    value = rng.normal(size=(n_nodes - n_splits, n_targets)).astype(np.float32)
    value[0] = 0
    node, target = np.nonzero(value)
    return TreeEnsemble(
        starts=np.array([0, n_nodes], np.int32),
        feature=np.where(inner, rng.integers(0, N_FEATURES, n_nodes), 0).astype(np.int32),
        threshold=np.where(inner, rng.integers(-2, 3, n_nodes), 0).astype(np.float32),
        left=np.where(inner, child + 1, -1),
        right=np.where(inner, child + 2, -1),
        missing_left=inner & (rng.random(n_nodes) < 0.5),
        value_node=(node + n_splits).astype(np.int32),
        value_target=target.astype(np.int32),
        value=value[node, target],
        base=rng.normal(size=n_targets),
    )


def ensemble(n_targets: int, n_trees: int = 20, **changes: str) -> TreeEnsemble:
    rng = np.random.default_rng(n_targets)
    return replace(TreeEnsemble.join([grown(rng, n_targets) for _ in range(n_trees)]), **changes)


def rows() -> np.ndarray:
    """Round numbers, which meet the thresholds exactly, their float32 neighbours, gaps and infinities."""
    rng = np.random.default_rng(0)
    x = rng.integers(-3, 4, (400, N_FEATURES)).astype(np.float32)
    x = np.nextafter(x, x + rng.integers(-1, 2, x.shape).astype(np.float32))
    x[rng.random(x.shape) < 0.2] = np.nan
    x[0], x[1] = np.inf, -np.inf
    return x


def run(trees: TreeEnsemble, x: np.ndarray) -> np.ndarray:
    graph = Graph()
    output = trees.emit(graph, graph.input("numeric", np.float32, [x.shape[1]]))
    model = graph.model({"prediction": output}).SerializeToString()
    return onnxruntime.InferenceSession(model).run(None, {"numeric": x})[0]


def walked(trees: TreeEnsemble, row: np.ndarray) -> np.ndarray:
    """One row, one node at a time: the definition."""
    raw = np.zeros(trees.n_targets)
    for root in trees.starts[:-1]:
        node = root
        while trees.left[node] >= 0:
            value = row[trees.feature[node]]
            goes_left = trees.missing_left[node] if np.isnan(value) else value <= trees.threshold[node]
            node = trees.left[node] if goes_left else trees.right[node]
        here = trees.value_node == node
        raw[trees.value_target[here]] += trees.value[here]
    return raw / (trees.n_trees if trees.aggregate == "mean" else 1) + trees.base


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("aggregate", ["sum", "mean"])
def test_a_prediction_is_the_walk_down_every_tree(n_targets: int, aggregate: str) -> None:
    trees, x = ensemble(n_targets, aggregate=aggregate), rows()
    np.testing.assert_allclose(trees.predict(x), [walked(trees, row) for row in x], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("aggregate", ["sum", "mean"])
def test_onnx_agrees(n_targets: int, aggregate: str) -> None:
    trees, x = ensemble(n_targets, aggregate=aggregate), rows()
    expected, answer = trees.predict(x), run(trees, x)
    assert answer.shape == expected.shape == (len(x), n_targets)
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(run(trees, x[5:6]), expected[5:6], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("aggregate", ["sum", "mean"])
def test_trimmed_keeps_the_first_trees(aggregate: str) -> None:
    trees, x = ensemble(2, n_trees=9, aggregate=aggregate), rows()
    small = trees.trimmed(4)
    first = ensemble(2, n_trees=4, aggregate=aggregate)
    assert (small.n_trees, small.n_nodes) == (4, first.n_nodes)
    np.testing.assert_allclose(small.predict(x) - small.base, first.predict(x) - first.base)
    np.testing.assert_allclose(run(small, x), small.predict(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_targets", [1, 3])
def test_trees_of_one_leaf_may_stand_among_others(n_targets: int) -> None:
    lone = replace(
        TreeEnsemble.constant(np.zeros(n_targets)),
        value_node=np.zeros(n_targets, np.int32),
        value_target=np.arange(n_targets, dtype=np.int32),
        value=np.arange(1, n_targets + 1, dtype=np.float32),
    )
    few = ensemble(n_targets, n_trees=2)
    trees, x = TreeEnsemble.join([lone, few, lone]), rows()
    np.testing.assert_allclose(run(trees, x), trees.predict(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(trees.predict(x) - lone.predict(x) * 2, few.predict(x) - few.base, atol=1e-6)


def uneven(n_leaves: int) -> TreeEnsemble:
    """One tree whose splits have a leaf on the left and all else on the right."""
    n_splits = n_leaves - 1
    child = np.arange(1, n_splits + 1, dtype=np.int32)
    leaves = np.full(n_leaves, -1, np.int32)
    return TreeEnsemble(
        starts=np.array([0, n_splits + n_leaves], np.int32),
        feature=np.zeros(n_splits + n_leaves, np.int32),
        threshold=np.concatenate([np.arange(n_splits) - 1, np.zeros(n_leaves)]).astype(np.float32),
        left=np.concatenate([n_splits - 1 + child, leaves]).astype(np.int32),
        right=np.concatenate([child[:-1], [n_splits + n_leaves - 1], leaves]).astype(np.int32),
        missing_left=np.zeros(n_splits + n_leaves, bool),
        value_node=np.arange(n_splits, n_splits + n_leaves, dtype=np.int32),
        value_target=np.zeros(n_leaves, np.int32),
        value=np.arange(1, n_leaves + 1, dtype=np.float32),
        base=np.zeros(1),
    )


def test_no_root_has_a_leaf_and_a_split_of_the_same_number() -> None:
    """Older onnxruntime takes such a root for a leaf, and answers wrongly without a word."""
    trees, x = TreeEnsemble.join([uneven(n) for n in (3, 4, 3, 5, 3)]), rows()
    np.testing.assert_allclose(run(trees, x), trees.predict(x))
    graph = Graph()
    output = trees.emit(graph, graph.input("numeric", np.float32, [N_FEATURES]))
    (node,) = (n for n in graph.model({"prediction": output}).graph.node if n.op_type == "TreeEnsemble")
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    for root in given["tree_roots"]:
        assert given["nodes_truenodeids"][root] != given["nodes_falsenodeids"][root]


@pytest.mark.parametrize("n_targets", [1, 3])
def test_a_node_takes_few_bytes(n_targets: int) -> None:
    alike = ensemble(n_targets, n_trees=1)
    trees = TreeEnsemble.join([alike] * 200)
    graph = Graph()
    output = trees.emit(graph, graph.input("numeric", np.float32, [N_FEATURES]))
    assert len(graph.model({"prediction": output}).SerializeToString()) < 15 * trees.n_nodes


def test_a_constant_needs_no_columns_to_split_on() -> None:
    x = rows()
    np.testing.assert_allclose(run(TreeEnsemble.constant([1.0, 3.0]), x), np.tile([1.0, 3.0], (len(x), 1)))


def test_thresholds_decide_alike_in_float32() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=2000), rng.normal(size=2000) * 1e7, [0, 1e-40, np.inf, -np.inf]])
    x = np.sort(x.astype(np.float32))
    between = (x[:-1].astype(np.float64) + x[1:]) / 2
    thresholds = np.concatenate([between[np.isfinite(between)], x[1:], [1e300, -1e300, 1e-35, 5e-324]])
    for t, at_most, below in zip(thresholds, floor32(thresholds), below32(thresholds), strict=True):
        near = at_most[None]
        with np.errstate(over="ignore"):
            tested = np.concatenate([x[::40], near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
        np.testing.assert_array_equal(tested <= at_most, tested.astype(np.float64) <= t)
        np.testing.assert_array_equal(tested <= below, tested.astype(np.float64) < t)
