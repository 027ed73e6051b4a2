"""The tree families: they learn, and scikit-learn, LightGBM, CatBoost, XGBoost and ONNX all say the same."""

import importlib.util
import pickle
from typing import Any

import numpy as np
import onnxruntime
import pytest

from automl import metrics
from automl.assemble import SpaceConfig, task_space
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.export.trees import TreeEnsemble
from automl.portfolio import first_candidates
from automl.registry import load
from automl.space import Choice, Defaults, draw
from automl.task import Batch, Problem, Rows, Schema, Task
from tests import tasks

TARGETS = ("binary", "multiclass", "regression")
FORESTS = ("decision_tree", "random_forest", "extra_trees")
BOOSTED = ("lightgbm", "catboost", "xgboost")
SMALL = {"n_estimators": 50, "max_rounds": 60, "learning_rate": 0.2}


def needs(family: str) -> str:
    for library in load("tables", family).requires:
        pytest.importorskip(library)
    return family


def make_task(target: str, n: int = 600, metric: str = "auto", loc: float = 0.0) -> Task:
    """Gaps in two columns; one column of adjacent float32 numbers, whose middles only float64 can hold."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5))
    score = x[:, 0] + 0.5 * x[:, 1] * x[:, 2]
    steps = rng.integers(0, 12, n)
    score += 0.3 * (steps % 3) - 0.3
    x[:, 3] = 1e6 + 0.0625 * steps
    score[np.isnan(x[:, 0])] = 1
    x[rng.random(n) < 0.15, 0] = np.nan
    x[rng.random(n) < 0.15, 1] = np.nan
    score += np.where(np.isnan(x[:, 0]), 1.5, 0)
    edges = np.quantile(score, [0.5] if target == "binary" else [0.3, 0.6])
    y = loc + 20 * score if target == "regression" else np.digitize(score, edges)
    classes = () if target == "regression" else tuple("abc"[: len(edges) + 1])
    split = (np.arange(n // 3, n), np.arange(n // 3))
    weights = rng.choice([0.5, 1.0, 2.0], n)
    data = Batch(Rows(x.astype(np.float32)), y, weights)
    schema = Schema("table", target, "y", classes=classes)
    return Task(Problem.of(schema, metrics.get(metric, target), data), data, (split,))


def build(family: str, task: Task, **given: Any) -> Any:
    option = load("tables", needs(family))
    given = SMALL | given
    params = draw(option.adapt(option.space, task.problem), Defaults(given))
    # Defaults leave constants as they are.
    return option.build(params | {name: value for name, value in given.items() if name in params}, task.problem)


def fit(model: Any, train: Batch, valid: Batch) -> Any:
    progress = []
    for done in model.fit(train, valid):
        progress.append(done)
        assert len(model.predict(valid.x)) == len(valid)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    return model


def predict_onnx(model: Any, x: Rows) -> np.ndarray:
    graph = Graph()
    inputs = {"numeric": graph.input("numeric", np.float32, [x.numeric.shape[1]])}
    onnx_model = graph.model({"prediction": model.to_onnx(graph, inputs)})
    return onnxruntime.InferenceSession(onnx_model.SerializeToString()).run(None, {"numeric": x.numeric})[0]


def trees_of(model: Any) -> TreeEnsemble:
    return model.ensemble() if callable(model.ensemble) else model.ensemble


def at_thresholds(model: Any, x: Rows) -> Rows:
    """Rows in which each threshold of the model, and the next float32, stands in its own column; and gaps."""
    trees = trees_of(model)
    inner = np.flatnonzero(trees.left >= 0)[:3000]
    rng = np.random.default_rng(1)
    rows = x.numeric[rng.integers(0, len(x), 2 * len(inner) + 50)]
    for i, node in enumerate(inner):
        rows[2 * i, trees.feature[node]] = trees.threshold[node]
        rows[2 * i + 1, trees.feature[node]] = np.nextafter(trees.threshold[node], np.float32(np.inf))
    rows[-50:][rng.random((50, rows.shape[1])) < 0.5] = np.nan
    rows[-1] = np.nan
    return Rows(rows[~np.isinf(rows).any(axis=1)])


def assert_same(answer: np.ndarray, expected: np.ndarray, task: Task) -> None:
    assert answer.dtype == np.float32
    assert answer.shape == (len(expected), task.target.width)
    if task.target.is_classification:
        np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(answer, expected, atol=1e-5)
        np.testing.assert_array_equal(answer.argmax(axis=1), expected.argmax(axis=1))
    else:
        np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5 * np.std(task.data.y))


def skill(task: Task, prediction: np.ndarray) -> float:
    y = task.fold(0)[1].y
    if task.target.is_classification:
        return float(np.mean(prediction.argmax(axis=1) == y))
    return float(1 - np.mean((y - prediction[:, 0]) ** 2) / np.var(y))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("family", [*FORESTS, *BOOSTED])
def test_a_family_learns_pickles_and_exports_exactly(family: str, target: str) -> None:
    task = make_task(target)
    train, valid = task.fold(0)
    model = fit(build(family, task), train, valid)
    assert skill(task, model.predict(valid.x)) > (0.55 if target != "binary" else 0.75)
    again = pickle.loads(pickle.dumps(model))
    for x in (valid.x, valid.x.take(slice(0, 1)), at_thresholds(model, valid.x)):
        expected = model.predict(x)
        np.testing.assert_allclose(again.predict(x), expected, rtol=1e-9)
        assert_same(predict_onnx(model, x), expected, task)
        assert_same(predict_onnx(again, x), expected, task)


@pytest.mark.parametrize("family", [*FORESTS, *BOOSTED])
def test_weights_count(family: str) -> None:
    task = make_task("binary")
    train, valid = task.fold(0)
    heavy = Batch(train.x, train.y, np.where(train.y == 1, 20.0, 1.0))
    plain = fit(build(family, task), Batch(train.x, train.y), valid).predict(valid.x)
    weighted = fit(build(family, task), heavy, valid).predict(valid.x)
    assert weighted[:, 1].mean() > plain[:, 1].mean() + 0.05


@pytest.mark.parametrize("present", [(0, 2), (1,)])
@pytest.mark.parametrize("family", [*FORESTS, *BOOSTED])
def test_a_class_that_training_lacks_still_has_its_column(family: str, present: tuple[int, ...]) -> None:
    task = make_task("multiclass")
    train, valid = task.fold(0)
    train = train.take(np.isin(train.y, present))
    model = fit(build(family, task), train, valid)
    prediction = model.predict(valid.x)
    assert prediction.shape == (len(valid), 3)
    absent = [k for k in range(3) if k not in present]
    assert prediction[:, absent].max() < 1e-6
    assert_same(predict_onnx(model, valid.x), prediction, task)
    assert_same(predict_onnx(pickle.loads(pickle.dumps(model)), valid.x), prediction, task)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("family", BOOSTED)
def test_columns_that_tell_nothing_give_the_average(family: str, target: str) -> None:
    task = make_task(target)
    train, valid = (Batch(Rows(np.full((len(b), 2), np.nan, np.float32)), b.y) for b in task.fold(0))
    model = fit(build(family, task), train, valid)
    expected = np.bincount(train.y) / len(train) if task.target.is_classification else train.y.mean()
    np.testing.assert_allclose(model.predict(valid.x), np.full_like(model.predict(valid.x), expected), rtol=1e-6)
    assert_same(predict_onnx(model, valid.x), model.predict(valid.x), task)


@pytest.mark.parametrize("objective", ["l2", "l1", "huber", "poisson"])
@pytest.mark.parametrize("family", BOOSTED)
def test_every_objective_exports(family: str, objective: str) -> None:
    task = make_task("regression", loc=200.0)
    train, valid = task.fold(0)
    model = fit(build(family, task, objective=objective), train, valid)
    assert skill(task, model.predict(valid.x)) > 0.5
    x = at_thresholds(model, valid.x)
    assert_same(predict_onnx(model, x), model.predict(x), task)


def test_a_poisson_target_is_not_negative() -> None:
    task = make_task("regression")
    option = load("tables", "lightgbm")
    assert "poisson" not in option.adapt(option.space, task.problem)["objective"].options
    assert "poisson" in option.adapt(option.space, make_task("regression", loc=200.0).problem)["objective"].options
    assert "objective" not in option.adapt(option.space, make_task("binary").problem)
    model = option.build(draw(option.space, Defaults({"objective": "poisson"})), task.problem)
    with pytest.raises(NotApplicable, match="0 or more"):
        list(model.fit(*task.fold(0)))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("family", FORESTS)
def test_a_forest_predicts_as_scikit_learn_does(family: str, target: str) -> None:
    task = make_task(target)
    train, valid = task.fold(0)
    model = fit(build(family, task), train, valid)
    forest = model.make(not task.target.is_classification).set_params(n_estimators=model.n_trees)
    forest.fit(train.x.numeric, model.head.encode(train.y), sample_weight=train.weights)
    x = at_thresholds(model, valid.x).numeric
    x[:, 2:] = np.where(np.isnan(x[:, 2:]), 0, x[:, 2:])  # scikit-learn refuses gaps where training had none
    expected = forest.predict_proba(x) if task.target.is_classification else forest.predict(x)[:, None]
    np.testing.assert_allclose(model.predict(Rows(x)), model.head.predict(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("sampling", "width"), [("bootstrap", "share"), ("all", "sqrt")])
@pytest.mark.parametrize("family", ["random_forest", "extra_trees"])
def test_options_of_a_forest(family: str, sampling: str, width: str) -> None:
    task = make_task("multiclass")
    given = {"rows": sampling, "max_features": width, "criterion": "entropy", "max_leaf_nodes": 32}
    model = fit(build(family, task, **given), *task.fold(0))
    assert np.diff(trees_of(model).starts).max() <= 2 * 32 - 1


@pytest.mark.parametrize("family", ["random_forest", *BOOSTED])
def test_trimmed_trees(family: str) -> None:
    task = make_task("multiclass")
    train, valid = task.fold(0)
    model = fit(build(family, task), train, valid)
    half = load("compressors", "trim_trees").build({"share": 0.5}, task.problem).compress(model, train)
    assert half.n_trees == round(model.n_trees / 2)
    assert trees_of(half).n_nodes < 0.7 * trees_of(model).n_nodes
    assert len(pickle.dumps(half)) < 0.8 * len(pickle.dumps(model))
    expected = half.predict(valid.x)
    assert 1e-3 < np.abs(expected - model.predict(valid.x)).max() < 0.5
    assert_same(predict_onnx(half, valid.x), expected, task)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(half)).predict(valid.x), expected, rtol=1e-9)


def test_one_tree_is_not_trimmed() -> None:
    task = make_task("binary")
    model = fit(build("decision_tree", task), *task.fold(0))
    assert load("compressors", "trim_trees").build({"share": 0.25}, task.problem).compress(model, task.data) is None


@pytest.mark.parametrize("family", BOOSTED)
def test_boosting_stops_early_at_its_best_round(family: str) -> None:
    task = make_task("binary", metric="log_loss")
    train, valid = task.fold(0)
    noise = np.random.default_rng(0).permutation(train.y)
    model = fit(build(family, task, max_rounds=2000), Batch(train.x, noise), Batch(valid.x, valid.y))
    assert model.n_trees < 100
    losses = [task.metric.score(valid.y, model.trimmed(n).predict(valid.x)) for n in range(1, model.n_trees + 15)]
    assert int(np.argmax(losses)) + 1 == model.n_trees


def test_catboost_in_chunks_is_one_long_fit() -> None:
    from catboost import CatBoost, Pool

    task = make_task("regression")
    train, valid = task.fold(0)
    model = build("catboost", task, max_rounds=40)
    fit(model, train, valid)
    assert model.n_trees > 30
    seen, held_out = model.encoded(train), model.encoded(valid)
    plain = CatBoost({**model._settings(1000), "iterations": 40})
    plain.fit(Pool(seen.x.numeric, seen.y, weight=seen.weights), eval_set=Pool(held_out.x.numeric, held_out.y))
    expected = plain.predict(valid.x.numeric, ntree_end=model.n_trees)
    np.testing.assert_allclose(model._raw(valid.x.numeric), expected, rtol=1e-12)


def test_a_closed_fit_leaves_a_model() -> None:
    task = make_task("multiclass")
    train, valid = task.fold(0)
    for family in ("random_forest", "lightgbm", "catboost"):
        model = build(family, task)
        progress = model.fit(train, valid)
        next(progress)
        next(progress)
        progress.close()
        assert 0 < model.n_trees < 50
        again = pickle.loads(pickle.dumps(model))
        assert_same(predict_onnx(again, valid.x), model.predict(valid.x), task)


@pytest.mark.parametrize("family", BOOSTED)
def test_a_family_is_left_out_where_its_library_is_not_installed(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == family else find_spec(name))
    families = task_space(tasks.make("table", "binary"))["family"].options
    assert family not in families
    assert "random_forest" in families


@pytest.mark.parametrize("family", ["lightgbm", "catboost"])
def test_boosting_begins_with_means_of_levels_unless_there_are_many_classes(family: str) -> None:
    for target, first in (("binary", "target"), ("regression", "target"), ("multiclass", "ordinal")):
        points = first_candidates(task_space(tasks.make("table", target)))
        (point,) = (p for p in points if p["family"] == family)
        assert point[f"family.{family}.encode.method"] == first


def test_an_encoding_of_ones_own_is_left_alone() -> None:
    frozen = SpaceConfig({"tables": {"lightgbm": {"encode": {"method": {"options": ["target"]}}}}})
    points = first_candidates(task_space(tasks.make("table", "multiclass"), frozen))
    (point,) = (p for p in points if p["family"] == "lightgbm")
    assert point["family.lightgbm.encode.method"] == "target"


@pytest.mark.parametrize("given", ["decision_tree", ["decision_tree"], {"options": ["decision_tree"]}])
def test_families_can_be_named(given: Any) -> None:
    space = task_space(tasks.make("table", "binary"), SpaceConfig({"tables": given}))
    assert list(space["family"].options) == ["decision_tree"]


@pytest.mark.parametrize("family", ["lightgbm", "catboost"])
@pytest.mark.parametrize("left", [["l2"], ["l1", "l2"], ["poisson"], ["poisson", "l2"]])
def test_any_objectives_may_be_left_for_a_target_below_0(family: str, left: list[str]) -> None:
    option = load("tables", family)
    space = {**option.space, "objective": Choice(left)}
    adapted = option.adapt(space, make_task("regression").problem)
    fitting = [name for name in left if name != "poisson"]
    assert (adapted is None) if not fitting else list(adapted["objective"].options) == fitting
