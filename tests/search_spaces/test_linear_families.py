"""Linear models, support vectors, neighbours and text: they learn, survive pickling, and are the same in ONNX."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy import sparse as sp
from scipy.special import softmax

from automl import metrics
from automl.export.graph import Graph
from automl.registry import load
from automl.space import Defaults, configure, draw
from automl.task import Batch, Column, Problem, Rows, Schema, Task
from automl.training.linear import Calibration, holdout, sample
from automl.training.pipeline import Pipeline

TARGETS = ("binary", "multiclass", "regression")
STEPS = ("dates", "text", "impute", "encode", "scale", "select", "reduce")


def make_task(target: str, kind: str = "table") -> Task:
    """A learnable table with gaps, categories and a date, or texts whose words (not their characters) tell."""
    rng = np.random.default_rng(0)
    n = 900 if kind == "text" else 300
    if kind == "text":
        n_terms = 60
        counts = rng.poisson(0.3, (n, n_terms)).astype(np.float32)
        counts[0] = 0  # a text without a known term
        x = Rows(sparse=sp.csr_matrix(counts))
        words = counts[:, ::2]
        score = words[:, :4].sum(axis=1) - words[:, 4:8].sum(axis=1) + 0.1 * rng.normal(size=n)
        columns: tuple[Column, ...] = (
            Column("text", "text", terms=tuple(f"{'wc'[i % 2]}:{i}" for i in range(n_terms))),
        )
    else:
        numbers = rng.normal(size=(n, 4)) * [1, 10, 1, 1]
        score = numbers[:, 0] + 0.1 * numbers[:, 1] + 0.5 * numbers[:, 2]
        numbers[rng.random((n, 4)) < 0.03] = np.nan
        days = 11000 + rng.integers(0, 3000, n)
        date = np.column_stack([1970 + days // 365, *rng.integers(1, 12, (6, n)), days])
        categories = np.column_stack([rng.integers(0, 4, n), rng.integers(0, 12, n)]).astype(np.int32)
        score += (categories[:, 0] == 2) + 0.1 * rng.normal(size=n)
        x = Rows(np.hstack([numbers, date]).astype(np.float32), categories, cardinalities=(4, 12))
        columns = (
            *(Column(f"n{i}", "numeric") for i in range(4)),
            Column("date", "datetime"),
            *(Column(f"c{i}", "categorical", levels=("a",) * (k - 1)) for i, k in enumerate(x.cardinalities)),
        )
    edges = np.quantile(score, [0.5] if target == "binary" else [0.3, 0.6])
    y = 100 + 20 * score if target == "regression" else np.digitize(score, edges)
    classes = () if target == "regression" else tuple("abc"[: len(edges) + 1])
    split = (np.arange(n // 3, n), np.arange(n // 3))
    schema, data = Schema(kind, target, "y", columns, classes), Batch(x, y)
    return Task(Problem.of(schema, metrics.get("auto", target), data), data, (split,))


def build(folder: str, family: str, task: Task, given: dict) -> Pipeline:
    """The family behind its own feature steps, at its defaults except for what is ``given``."""
    option = load(folder, family)
    params = draw(option.adapt(option.space, task.problem) if option.adapt else option.space, Defaults(given))
    steps = []
    for name in STEPS:
        if name in option.steps:
            step = load("features", name)
            space = configure(step.space, option.steps[name])
            steps.append(step.build(draw(space, Defaults()), task.problem))
    return Pipeline(steps, option.build(params, task.problem))


def predict_onnx(model: Pipeline, x: Rows) -> np.ndarray:
    graph = Graph()
    feed = {name: (v.toarray() if sp.issparse(v) else v) for name, v in x.parts().items()}
    feed = {name: v.astype(np.int64) if name == "categories" else v for name, v in feed.items()}
    inputs = {name: graph.input(name, v.dtype, [v.shape[1]]) for name, v in feed.items()}
    onnx_model = graph.model({"prediction": model.to_onnx(graph, inputs)})
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString())
    return session.run(None, feed)[0]


def strange(x: Rows) -> Rows:
    """Two rows that say nothing: all numbers missing, categories never seen, no term known."""
    x = x.take(slice(0, 2))
    if x.sparse is not None:
        return replace(x, sparse=sp.csr_matrix(x.sparse.shape, dtype=np.float32))
    return replace(x, numeric=np.full_like(x.numeric, np.nan), categories=np.zeros_like(x.categories))


def check(model: Pipeline, task: Task) -> np.ndarray:
    """Fit, compare ONNX with NumPy, and return the prediction of the validation part."""
    train, valid = task.fold(0)
    progress = []
    for done in model.fit(train, valid):
        progress.append(done)
        assert model.predict(valid.x).shape == (len(valid), task.target.width)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    model = pickle.loads(pickle.dumps(model))
    for x in (valid.x, valid.x.take(slice(0, 1)), strange(valid.x)):
        expected, answer = model.predict(x), predict_onnx(model, x)
        assert answer.shape == (len(x), task.target.width)
        assert answer.dtype == np.float32
        if task.target.is_classification:
            np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-5)
            np.testing.assert_allclose(answer, expected, atol=1e-4)
            np.testing.assert_array_equal(answer.argmax(axis=1), expected.argmax(axis=1))
        else:
            np.testing.assert_allclose(answer, expected, rtol=1e-5)
    return model.predict(valid.x)


def skill(task: Task, prediction: np.ndarray) -> float:
    """Accuracy, or the share of variance explained."""
    y = task.fold(0)[1].y
    if task.target.is_classification:
        return float((prediction.argmax(axis=1) == y).mean())
    return 1 - float(np.square(y - prediction[:, 0]).mean() / y.var())


PENALTIES = [{"penalty": p} for p in ("l2", "l1", "elasticnet", "none")]
KERNELS = [{"kernel": k} for k in ("rbf", "linear", "poly")]
NEIGHBORS = [{"p": p, "weights": w} for p in (1, 2) for w in ("distance", "uniform")]
TEXTS = [
    {"loss": loss, "analyzer": a} for loss, a in (("likelihood", "both"), ("margin", "both"), ("likelihood", "word"))
]
CASES = [
    *(("tables", "linear", p) for p in PENALTIES),
    *(("tables", "svm", p) for p in KERNELS),
    *(("tables", "neighbors", p) for p in NEIGHBORS),
    *(("text", "tfidf_linear", p) for p in TEXTS),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("folder", "family", "given"), CASES)
def test_family_learns_and_is_the_same_in_onnx(folder: str, family: str, given: dict, target: str) -> None:
    task = make_task(target, "text" if folder == "text" else "table")
    prediction = check(build(folder, family, task, given), task)
    floor = {"binary": 0.72, "multiclass": 0.58, "regression": 0.35}[target]
    assert skill(task, prediction) > floor


@pytest.mark.parametrize(("folder", "family", "given"), [CASES[0], CASES[1], CASES[4], CASES[7], CASES[-3], CASES[-2]])
def test_class_that_training_lacks_has_probability_zero(folder: str, family: str, given: dict) -> None:
    task = make_task("multiclass", "text" if folder == "text" else "table")
    for present in ([0, 2], [1]):
        train, valid = task.fold(0)
        train = train.take(np.flatnonzero(np.isin(train.y, present)))
        model = build(folder, family, task, given)
        for _ in model.fit(train, valid):
            pass
        p = model.predict(valid.x)
        absent = [k for k in range(3) if k not in present]
        assert p.shape == (len(valid), 3)
        assert p[:, absent].max() < 1e-3
        np.testing.assert_allclose(predict_onnx(model, valid.x), p, atol=1e-4)


@pytest.mark.parametrize("target", ["binary", "regression"])
@pytest.mark.parametrize(("folder", "family", "given"), [CASES[0], CASES[2], CASES[4], CASES[7], CASES[-3], CASES[-2]])
def test_weights_count(folder: str, family: str, given: dict, target: str) -> None:
    """Rows with almost no weight have almost no say."""
    task = make_task(target, "text" if folder == "text" else "table")
    train, valid = task.fold(0)
    lies = np.arange(len(train)) % 2 == 0
    false = train.y.max() - train.y if target == "binary" else 2 * train.y.mean() - train.y
    spoiled = replace(train, y=np.where(lies, false, train.y), weights=np.where(lies, 1e-3, 1.0))
    model = build(folder, family, task, given)
    for _ in model.fit(spoiled, valid):
        pass
    assert skill(task, model.predict(valid.x)) > (0.6 if target == "binary" else 0.1)


@pytest.mark.parametrize("target", TARGETS)
def test_analyzer_sees_its_own_terms_only(target: str) -> None:
    task = make_task(target, "text")
    skills = {}
    for analyzer in ("word", "char"):
        model = build("text", "tfidf_linear", task, {"analyzer": analyzer})
        list(model.fit(*task.fold(0)))
        skills[analyzer] = skill(task, model.predict(task.fold(0)[1].x))
    assert skills["word"] > skills["char"] + 0.15


def test_neighbors_do_not_depend_on_ties() -> None:
    """Rows on a grid have many neighbours at one distance: all of them count, in NumPy and in ONNX."""
    rng = np.random.default_rng(0)
    x = Rows(numeric=rng.integers(0, 3, (600, 4)).astype(np.float32))
    y = rng.integers(0, 2, 600)
    task = make_task("binary")
    option = load("tables", "neighbors")
    for given in NEIGHBORS:
        params = draw(option.space, Defaults({"k": 5, **given}))
        model, turned = option.build(params, task.problem), option.build(params, task.problem)
        order = rng.permutation(600)
        list(model.fit(Batch(x, y), Batch(x, y)))
        list(turned.fit(Batch(x.take(order), y[order]), Batch(x, y)))
        np.testing.assert_allclose(model.predict(x), turned.predict(x), atol=1e-4)
        np.testing.assert_allclose(predict_onnx(Pipeline([], model), x), model.predict(x), atol=1e-4)


def test_linear_agrees_with_scikit_learn() -> None:
    """A strength is 1 / (C * n): the same model as plain logistic regression, and as ridge."""
    from sklearn.linear_model import LogisticRegression, Ridge

    x = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    score = x @ [1, -1, 0.5, 0, 0] + np.random.default_rng(1).normal(size=400)
    option = load("tables", "linear")
    params = {"penalty": "l2", "penalty.l2.strength": 1e-3, "class_weight": "none"}
    for target, y in (
        ("binary", (score > 0).astype(int)),
        ("multiclass", np.digitize(score, [-1, 1])),
        ("regression", score),
    ):
        model = option.build(params, make_task(target).problem)
        list(model.fit(Batch(Rows(numeric=x), y), Batch(Rows(numeric=x), y)))
        if target == "regression":
            expected = Ridge(alpha=1e-3 * 400).fit(x, y).predict(x)[:, None]
        else:
            expected = LogisticRegression(C=1 / (1e-3 * 400), tol=1e-8, max_iter=1000).fit(x, y).predict_proba(x)
        np.testing.assert_allclose(model.predict(Rows(numeric=x)), expected, atol=2e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_sparse_logistic_agrees_with_scikit_learn(l1_ratio: float, n_classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = (rng.normal(size=(500, 8)) @ rng.normal(size=(8, 8))).astype(np.float32)  # columns that go together
    x = (x - x.mean(axis=0)) / (1.001 * x.std(axis=0))
    y = np.digitize(x @ [1, -1, 0.5, 0, 0, 0, 0, 0] + rng.normal(size=500), [-0.5, 1][: n_classes - 1])
    penalty = "l1" if l1_ratio == 1 else "elasticnet"
    params = {"penalty": penalty, f"penalty.{penalty}.strength": 0.02, "penalty.elasticnet.l1_ratio": l1_ratio}
    params = {k: v for k, v in params.items() if penalty in k or k == "penalty"}
    model = load("tables", "linear").build(params, make_task("binary" if n_classes == 2 else "multiclass").problem)
    list(model.fit(Batch(Rows(numeric=x), y), Batch(Rows(numeric=x), y)))
    expected = LogisticRegression(C=1 / (0.02 * 500), l1_ratio=l1_ratio, solver="saga", tol=1e-6, max_iter=5000).fit(
        x, y
    )
    np.testing.assert_allclose(model.predict(Rows(numeric=x)), expected.predict_proba(x), atol=3e-3)
    zeros = np.abs(expected.coef_).max(axis=0) == 0
    np.testing.assert_array_equal(np.abs(model.model.weight).max(axis=1) == 0, zeros)


def test_support_vectors_agree_with_scikit_learn() -> None:
    """Sharp votes are as good as LIBSVM's hard ones; the default is for probabilities."""
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    x = ((x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)).astype(np.float32)
    problem = replace(make_task("multiclass").problem, schema=Schema("table", "multiclass", "y", (), tuple(range(10))))
    option = load("tables", "svm")
    model = option.build(draw(option.space, Defaults()), problem)
    train, valid = Batch(Rows(numeric=x[:1000]), y[:1000]), Batch(Rows(numeric=x[1000:]), y[1000:])
    list(model.fit(train, valid))
    p = model.predict(valid.x)
    assert metrics.get("log_loss", "multiclass").score(valid.y, p) > -0.15
    np.testing.assert_allclose(predict_onnx(Pipeline([], model), valid.x), p, atol=1e-4)
    sharp = option.build(draw(option.space, Defaults({"sharpness": 8.0})), problem)
    list(sharp.fit(train, valid))
    hard = SVC(gamma=1 / (x.shape[1] * x[:1000].var())).fit(x[:1000], y[:1000]).score(x[1000:], y[1000:])
    assert (sharp.predict(valid.x).argmax(axis=1) == valid.y).mean() > hard - 0.005


def test_spaces_follow_the_task() -> None:
    svm, linear = load("tables", "svm"), load("tables", "linear")
    binary, regression = make_task("binary").problem, make_task("regression").problem
    assert "epsilon" not in svm.adapt(svm.space, binary)
    assert "class_weight" not in svm.adapt(svm.space, regression)
    assert "class_weight" not in linear.adapt(linear.space, regression)
    many = replace(binary, schema=replace(binary.schema, target="multiclass", classes=tuple(range(100))))
    assert svm.adapt(svm.space, many) is None


def test_row_cap_bounds_the_artifact() -> None:
    task = make_task("multiclass")
    model: Any = build("tables", "neighbors", task, {"max_rows": 500})
    model.model.max_rows = 50
    train, valid = task.fold(0)
    list(model.fit(train, valid))
    assert len(model.model.rows) == 50
    assert predict_onnx(model, valid.x).shape == (len(valid), 3)


def test_sample_keeps_the_shares_of_classes() -> None:
    y = np.array([0] * 900 + [1] * 97 + [2] * 3)
    chosen = y[sample(y, 100, 3, seed=0)]
    np.testing.assert_allclose(np.bincount(chosen), [90, 10, 1], atol=1)
    held = holdout(np.array([0] * 10 + [1] * 2 + [2]), seed=0)
    np.testing.assert_array_equal(np.bincount(np.array([0] * 10 + [1] * 2 + [2])[held], minlength=3), [2, 1, 0])


def test_calibration_recovers_temperature_and_shift() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 3)) * 3
    p = softmax(0.5 * scores + [0, 1, -1], axis=1)
    y = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    found = Calibration(scores, y)
    assert abs(found.temperature - 0.5) < 0.03
    np.testing.assert_allclose(found.bias - found.bias.mean(), [0, 1, -1], atol=0.08)


@pytest.mark.parametrize("target", TARGETS)
def test_a_polynomial_of_a_value_far_out_is_still_an_answer(target: str) -> None:
    task = make_task(target)
    model = build("tables", "svm", task, {"kernel": "poly", "kernel.poly.degree": 4})
    list(model.fit(*task.fold(0)))
    far = task.data.x.take(np.arange(3))
    assert far.numeric is not None
    far = replace(far, numeric=np.where(np.arange(far.numeric.shape[1]) == 0, np.float32(3e37), far.numeric))
    assert np.isfinite(model.predict(far)).all()
    assert np.isfinite(predict_onnx(model, far)).all()
