"""Exact Shapley values of trees: against all coalitions of the same trees, and against shap where it is installed."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from automl.explain import additive, shapley, tree_shap
from automl.export.graph import Graph
from automl.export.symmetric import Symmetric
from automl.export.tree_reading import node_by_node
from automl.export.trees import TreeEnsemble
from automl.training.forest import ensemble_of

Q = 6


def rows(n: int, seed: int = 0, gaps: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, Q)).astype(np.float32)
    if gaps:
        x[rng.random(x.shape) < 0.15] = np.nan
    return x


def a_forest(n_targets: int, gaps: bool = True, n_trees: int = 7, depth: int | None = 5) -> TreeEnsemble:
    x = rows(200, 1, gaps)
    signal = np.nan_to_num(x[:, 0]) * np.nan_to_num(x[:, 1]) + np.nan_to_num(x[:, 2])
    if n_targets == 1:
        forest: Any = RandomForestRegressor(n_trees, max_depth=depth, random_state=0).fit(x, signal)
        codes = np.zeros(1, np.int32)
    else:
        y = np.digitize(signal, [-0.5, 0.5])
        forest = RandomForestClassifier(n_trees, max_depth=depth, random_state=0).fit(x, y)
        codes = np.arange(n_targets, dtype=np.int32)
    return ensemble_of([tree.tree_ for tree in forest.estimators_], codes, n_targets)


def symmetric_trees() -> TreeEnsemble:
    rng = np.random.default_rng(2)
    n, depth = 9, 3
    values = rng.normal(size=(n, 2**depth, 2)).astype(np.float32)
    feature = rng.integers(0, Q, (n, depth)).astype(np.int32)
    missing = rng.random((n, depth)) < 0.5
    threshold = rng.normal(size=(n, depth)).astype(np.float32)
    return node_by_node(Symmetric(feature, threshold, missing, values))


def alone(value: float) -> TreeEnsemble:
    leaf = TreeEnsemble.constant([0.0])
    zero = np.zeros(1, np.int32)
    return TreeEnsemble(**{**vars(leaf), "value_node": zero, "value_target": zero, "value": np.float32([value])})


def every_kind() -> dict[str, TreeEnsemble]:
    return {
        "values": a_forest(1),
        "classes": a_forest(3),
        "no gaps": a_forest(1, gaps=False),
        "symmetric": symmetric_trees(),
        "leaves beside trees": TreeEnsemble.join([a_forest(1, n_trees=2), alone(2.0), a_forest(1, n_trees=1)]),
    }


@pytest.mark.parametrize("kind", every_kind())
@pytest.mark.parametrize("group", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 0]])
def test_trees_give_what_all_coalitions_give(kind: str, group: list[int]) -> None:
    trees, x, background = every_kind()[kind], rows(4, 3), rows(5, 4)
    groups = np.array(group)
    found = tree_shap.shapley_values(trees, groups, x, background)
    p = groups.max() + 1
    for i, row in enumerate(x):

        def value(masks: np.ndarray, against: np.ndarray, row: np.ndarray = row) -> np.ndarray:
            return trees.predict(np.where(masks[:, groups], row, background[against]))

        np.testing.assert_allclose(found[i], shapley.by_all_coalitions(value, p, len(background)), atol=1e-6)


def test_many_groups_and_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """More groups than bits in a word, and less memory than the trees take at once."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 150)).astype(np.float32)
    forest = RandomForestRegressor(20, max_features=0.1, random_state=0).fit(x, x[:, ::10].sum(axis=1))
    trees = ensemble_of([tree.tree_ for tree in forest.estimators_], np.zeros(1, np.int32), 1)
    whole = tree_shap.shapley_values(trees, np.arange(150), x[:3], x[3:20])
    gap = trees.predict(x[:3]) - trees.predict(x[3:20]).mean()
    np.testing.assert_allclose(whole.sum(axis=1), gap, atol=1e-6)
    monkeypatch.setattr(tree_shap, "_PAIRS", 5000)
    np.testing.assert_allclose(tree_shap.shapley_values(trees, np.arange(150), x[:3], x[3:20]), whole, atol=1e-9)


def test_trees_give_what_shap_gives() -> None:
    shap = pytest.importorskip("shap")
    x, background = rows(20, 5, gaps=False), rows(30, 6, gaps=False)
    y = x[:, 0] * x[:, 1] + x[:, 2]
    forest = RandomForestRegressor(10, random_state=0).fit(x, y)
    trees = ensemble_of([tree.tree_ for tree in forest.estimators_], np.zeros(1, np.int32), 1)
    theirs = shap.TreeExplainer(forest, background, feature_perturbation="interventional").shap_values(x)
    ours = tree_shap.shapley_values(trees, np.arange(Q), x, background)[:, :, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", every_kind())
@pytest.mark.parametrize("link", ["none", "softmax"])
def test_a_graph_is_read_back(kind: str, link: str) -> None:
    """Two members, as they are shipped: the trees that are read are those that were written."""
    trees = every_kind()[kind]
    graph = Graph()
    graph.input("numeric", np.float32, [Q])
    raw = trees.emit(graph, "numeric")
    if link == "softmax":
        scores = graph.op("MatMul", raw, graph.constant(np.ones((trees.n_targets, 3)) * [1.0, 2.0, -1.0]))
        answer = graph.op("Mul", graph.cast(graph.op("Softmax", scores, axis=-1), np.float64), graph.exact(1.0))
        weight = np.ones((trees.n_targets, 3)) * [1.0, 2.0, -1.0]
    else:
        answer = graph.op("Sum", *(graph.op("Mul", graph.cast(raw, np.float64), graph.exact(w)) for w in (0.25, 0.75)))
        weight = np.eye(trees.n_targets)
    model = graph.model({"prediction": answer}, np.float64)
    found = additive.read(model)
    assert found is not None
    assert found.link == link
    x = rows(50, 7)
    scores = sum(term.trees.predict(x) @ term.weight for term in found.terms)
    np.testing.assert_allclose(scores, (trees.predict(x) - trees.base) @ weight, atol=1e-5)
    shipped = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    if link == "none":
        answers = shipped.run(None, {"numeric": x})[0]
        np.testing.assert_allclose(answers - answers[0], scores - scores[0], atol=1e-5)


def test_what_is_no_sum_of_trees_is_not_read() -> None:
    trees = a_forest(1)
    for op, times in (("Sigmoid", 1), ("Tanh", 1), ("Softmax", 2)):
        graph = Graph()
        graph.input("numeric", np.float32, [Q])
        parts = [graph.op(op, trees.emit(graph, "numeric")) for _ in range(times)]
        answer = parts[0] if times == 1 else graph.op("Sum", *parts)
        assert additive.read(graph.model({"prediction": answer})) is None
    graph = Graph()
    graph.input("numeric", np.float32, [Q])
    product = graph.op("Mul", trees.emit(graph, "numeric"), trees.emit(graph, "numeric"))
    assert additive.read(graph.model({"prediction": product})) is None
    assert additive.read(onnx.ModelProto.FromString(graph.model({"prediction": "numeric"}).SerializeToString())) is None
