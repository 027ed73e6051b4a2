"""Every feature step learns, transforms, survives pickling, and does the same in ONNX."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from scipy import sparse as sp

from automl import metrics
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.registry import load
from automl.runtime.date_parts import DATE_PARTS
from automl.search_spaces.features import text
from automl.space import Defaults, Random, draw
from automl.task import Batch, Column, Problem, Rows, Schema, Task

N = 200
RNG = np.random.default_rng(0)
TARGETS = ("binary", "multiclass", "regression")


def make_task(target: str = "binary", n: int = N) -> Task:
    """Three numbers with gaps, a flag, a date, two columns of categories and counts of terms."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(n, 3)) * [1, 50, 1e-3] + [0, 1000, 0]
    numbers[rng.random((n, 3)) < 0.1] = np.nan
    numbers[:, 2] = np.where(rng.random(n) < 0.5, 0, numbers[:, 2])
    flag = rng.integers(0, 2, (n, 1))
    year = rng.integers(1990, 2020, n)
    date = np.column_stack([year, *(rng.integers(1, 12, (n, len(DATE_PARTS) - 2)).T), year * 365.0])
    categories = np.column_stack([rng.integers(0, 4, n), np.minimum(rng.geometric(0.2, n), 30)]).astype(np.int32)
    x = Rows(
        numeric=np.hstack([numbers, flag, date]).astype(np.float32),
        categories=categories,
        sparse=sp.csr_matrix(rng.poisson(0.3, (n, 40)).astype(np.float32)),
        cardinalities=(4, 31),
    )
    score = np.nan_to_num(numbers[:, 0]) + flag[:, 0] + 0.3 * categories[:, 1] + x.sparse[:, 0].toarray()[:, 0]
    edges = np.quantile(score, [0.5] if target == "binary" else [0.3, 0.6])
    y = score if target == "regression" else np.digitize(score, edges)
    classes = () if target == "regression" else tuple(range(len(edges) + 1))
    terms = tuple(f"{'wc'[i % 2]}:{i}" for i in range(40))
    columns = (
        *(Column(f"n{i}", "numeric") for i in range(3)),
        Column("flag", "boolean"),
        Column("date", "datetime"),
        *(Column(f"c{i}", "categorical", levels=("a",) * (k - 1)) for i, k in enumerate(x.cardinalities)),
        Column("text", "text", terms=terms),
    )
    schema = Schema("table", target, "y", columns, classes)
    splits = ((np.arange(n // 2), np.arange(n // 2, n)),)
    data = Batch(x, y)
    return Task(Problem.of(schema, metrics.get("auto", target), data), data, splits)


def strange_rows(x: Rows) -> Rows:
    """Rows with everything missing, values far away, and categories never seen."""
    numeric = np.full((3, x.numeric.shape[1]), np.nan, np.float32)
    numeric[1], numeric[2] = 1e4, -1e4
    empty = sp.csr_matrix((3, x.sparse.shape[1]), dtype=np.float32)
    return replace(x, numeric=numeric, categories=np.zeros((3, 2), np.int32), sparse=empty)


def run_onnx(part: Any, x: Rows) -> dict[str, np.ndarray]:
    """Run a step's or a model's graph on rows; give its float outputs by field name."""
    graph = Graph()
    feed = {}
    if x.numeric is not None:
        feed["numeric"] = x.numeric
    if x.categories is not None:
        feed["categories"] = x.categories.astype(np.int64)
    if x.sparse is not None:
        feed["sparse"] = x.sparse.toarray().astype(np.float32)
    inputs = {name: graph.input(name, array.dtype, [array.shape[1]]) for name, array in feed.items()}
    made = part.to_onnx(graph, inputs)
    made = {"prediction": made} if isinstance(made, str) else made
    outputs = {f"out_{n}": t if n != "categories" else graph.op("Cast", t, to=1) for n, t in made.items()}
    session = onnxruntime.InferenceSession(graph.model(outputs).SerializeToString())
    return {name[4:]: value for name, value in zip(outputs, session.run(list(outputs), feed), strict=True)}


def dense(x: Rows) -> dict[str, np.ndarray]:
    return {name: value.toarray() if sp.issparse(value) else value for name, value in x.parts().items()}


def check(step: Any, task: Task) -> Rows:
    """Fit on the first half and compare ONNX with NumPy on the second; return the training rows transformed."""
    train, valid = task.fold(0)
    fitted = step.fit_transform(train.x, train.y)
    step = pickle.loads(pickle.dumps(step))
    for x in (valid.x, valid.x.take(slice(0, 1)), strange_rows(valid.x)):
        expected = step.transform(x)
        assert len(expected) == len(x)
        answer = run_onnx(step, x)
        assert answer.keys() == dense(expected).keys()
        for name, value in dense(expected).items():
            if name == "numeric":
                assert value.dtype == np.float32
                assert value.shape[1] == fitted.numeric.shape[1]
            np.testing.assert_allclose(answer[name], value, rtol=1e-5, atol=1e-5)
    return fitted


def arithmetic(n_columns: int = 4, n_kept: int = 10) -> dict:
    return {"method": "gain", "method.gain.n_columns": n_columns, "method.gain.n_kept": n_kept}


METHODS = [
    ("impute", {"method": m, f"method.{m}.indicators": i})
    for m in ("mean", "median", "most_frequent", "zero")
    for i in (True, False)
]
METHODS += [("impute", {"method": "none"})]
METHODS += [
    (
        "encode",
        {
            "method": "onehot",
            "method.onehot.max_levels": 5,
            "method.onehot.min_frequency": 3,
            "method.onehot.others": o,
        },
    )
    for o in ("own", "zeros")
]
METHODS += [("encode", {"method": m}) for m in ("ordinal", "frequency", "native")]
METHODS += [
    ("encode", {"method": "target", "method.target.smoothing": 5.0, "method.target.codes": c}) for c in (False, True)
]
METHODS += [("scale", {"method": m}) for m in ("none", "standard", "robust")]
METHODS += [("scale", {"method": "quantile", "method.quantile.output": o}) for o in ("normal", "uniform")]
METHODS += [("select", {"method": "none"})]
METHODS += [("select", {"method": m, f"method.{m}.share": 0.4}) for m in ("mutual_information", "extra_trees", "l1")]
METHODS += [("arithmetic", {"method": "none"})]
METHODS += [("arithmetic", arithmetic(n_columns=c, n_kept=k)) for c, k in ((3, 4), (8, 30))]
METHODS += [("reduce", {"method": "none"})]
METHODS += [("reduce", {"method": "pca", "method.pca.share": 0.5, "method.pca.whiten": w}) for w in (False, True)]
METHODS += [("text", {"method": "svd", "method.svd.n_components": 6}), ("text", {"method": "none"})]
METHODS += [("dates", {"parts": p, f"parts.{p}.cyclic": c}) for p in ("all", "calendar") for c in (True, False)]
METHODS += [("dates", {"parts": p}) for p in ("elapsed", "none")]


def target_encoding(smoothing: float = 5.0, codes: bool = False) -> dict:
    return {"method": "target", "method.target.smoothing": smoothing, "method.target.codes": codes}


# Only these look at the target.
LEARN_FROM_IT = ("encode", "select", "arithmetic")
CASES = [(n, p, t) for n, p in METHODS for t in (TARGETS if n in LEARN_FROM_IT else TARGETS[:1])]


@pytest.mark.parametrize(("name", "params", "target"), CASES)
def test_step_is_the_same_in_onnx(name: str, params: dict, target: str) -> None:
    task = make_task(target)
    check(load("features", name).build(params, task.problem), task)


@pytest.mark.parametrize("name", ["dates", "text", "arithmetic", "impute", "encode", "scale", "select", "reduce"])
def test_step_without_its_input(name: str) -> None:
    """Rows with numbers alone and rows with categories alone pass every step, random parameters or not."""
    option = load("features", name)
    task = make_task()
    numbers = Rows(numeric=np.arange(20, dtype=np.float32).reshape(10, 2))
    categories = Rows(categories=np.ones((10, 1), np.int32), cardinalities=(3,))
    y = np.arange(10) % 2
    for seed in range(6):
        params = draw(option.space, Random(np.random.default_rng(seed)) if seed else Defaults())
        for x in (numbers, categories):
            if name in ("dates", "text") and x is numbers:
                continue
            step = option.build(params, task.problem)
            fitted = step.fit_transform(x, y)
            assert len(fitted) == 10
            one = step.transform(x.take(slice(0, 1)))
            assert one.parts().keys() == fitted.parts().keys() == run_onnx(step, x).keys()


def test_impute_marks_only_columns_with_gaps() -> None:
    step = load("features", "impute").build({"method": "median", "method.median.indicators": True}, make_task().problem)
    x = Rows(numeric=np.array([[1, np.nan, 5], [3, np.nan, 6], [8, np.nan, np.nan]], np.float32))
    out = step.fit_transform(x, np.zeros(3))
    expected = [[1, 0, 5, 1, 0], [3, 0, 6, 1, 0], [8, 0, 5.5, 1, 1]]
    np.testing.assert_array_equal(out.numeric, expected)


def test_onehot_keeps_frequent_levels() -> None:
    params = {"method": "onehot", "method.onehot.max_levels": 4, "method.onehot.min_frequency": 2}
    codes = np.array([[1], [1], [2], [3], [3], [0]], np.int32)
    x = Rows(categories=codes, cardinalities=(4,))
    encode = load("features", "encode")
    own = encode.build({**params, "method.onehot.others": "own"}, make_task().problem).fit_transform(x, codes[:, 0])
    np.testing.assert_array_equal(own.numeric.argmax(axis=1), [0, 0, 2, 1, 1, 2])
    zeros = encode.build({**params, "method.onehot.others": "zeros"}, make_task().problem).fit_transform(x, codes[:, 0])
    np.testing.assert_array_equal(zeros.numeric, own.numeric[:, :2])


def test_target_encoding_is_cross_fitted_and_shrunk() -> None:
    n = 1000
    codes = np.arange(n, dtype=np.int32).reshape(-1, 1) + 1  # every row is a level of its own
    y = (np.arange(n) % 2).astype(np.int64)
    x = Rows(categories=codes, cardinalities=(n + 1,))
    step = load("features", "encode").build(target_encoding(smoothing=1.0), make_task().problem)
    fitted = step.fit_transform(x, y).numeric[:, 0]
    assert abs(np.corrcoef(fitted, y)[0, 1]) < 0.3  # its own target is not in a row's number
    later = step.transform(x).numeric[:, 0]
    np.testing.assert_allclose(later, np.where(y, 0.75, 0.25), atol=1e-3)
    unseen = step.transform(Rows(categories=np.zeros((1, 1), np.int32), cardinalities=(n + 1,)))
    np.testing.assert_allclose(unseen.numeric, 0.5)


def test_target_encoding_tells_nothing_of_a_row_in_a_common_level() -> None:
    n = 1000
    codes = np.arange(n, dtype=np.int32).reshape(-1, 1) % 2 + 1
    y = np.random.default_rng(0).integers(0, 2, n)
    x = Rows(categories=codes, cardinalities=(3,))
    step = load("features", "encode").build(target_encoding(), make_task().problem)
    fitted = step.fit_transform(x, y)
    assert len(np.unique(fitted.numeric)) == 2
    np.testing.assert_array_equal(fitted.numeric, step.transform(x).numeric)


def test_target_encoding_may_keep_the_codes() -> None:
    task = make_task("regression")
    plain, both = (load("features", "encode").build(target_encoding(codes=c), task.problem) for c in (False, True))
    train, valid = task.fold(0)
    x, y = train.x.categories, train.y
    assert x is not None
    means, beside = plain.fit_transform(train.x, y).numeric, both.fit_transform(train.x, y).numeric
    n = means.shape[1] - x.shape[1]
    np.testing.assert_array_equal(beside[:, n::2], means[:, n:])
    np.testing.assert_array_equal(beside[:, n + 1 :: 2], x)
    np.testing.assert_array_equal(both.transform(valid.x).numeric[:, n + 1 :: 2], valid.x.categories)


def test_target_encoding_has_a_column_per_class() -> None:
    task = make_task("multiclass")
    step = load("features", "encode").build(target_encoding(), task.problem)
    train, valid = task.fold(0)
    assert step.fit_transform(train.x, train.y).numeric.shape[1] == train.x.numeric.shape[1] + 2 * 3
    shares = step.transform(valid.x).numeric[:, train.x.numeric.shape[1] :].reshape(-1, 2, 3)
    np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-5)


def test_quantile_is_monotone_and_spread_out() -> None:
    skewed = np.exp(RNG.normal(size=(2000, 1)) * 3).astype(np.float32)
    for output, width in (("uniform", 1 / np.sqrt(12)), ("normal", 1.0)):
        step = load("features", "scale").build(
            {"method": "quantile", "method.quantile.output": output}, make_task().problem
        )
        out = step.fit_transform(Rows(numeric=skewed), skewed[:, 0]).numeric[:, 0]
        assert (np.diff(out[np.argsort(skewed[:, 0])]) >= 0).all()
        assert abs(out.std() - width) < 0.05 * width


def test_scale_leaves_flags_and_gaps() -> None:
    x = np.column_stack([RNG.integers(0, 2, 100), RNG.normal(size=100) * 9, np.full(100, 7)]).astype(np.float32)
    x[3, 1] = np.nan
    for method in ("standard", "robust"):
        out = (
            load("features", "scale")
            .build({"method": method}, make_task().problem)
            .fit_transform(Rows(numeric=x), x[:, 0])
        )
        np.testing.assert_array_equal(out.numeric[:, 0], x[:, 0])
        assert np.isnan(out.numeric[3, 1])
        assert 0.7 < np.nanstd(out.numeric[:, 1]) < 1.4
        np.testing.assert_array_equal(out.numeric[:, 2], x[:, 2])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["mutual_information", "extra_trees", "l1"])
def test_select_finds_the_columns_that_matter(method: str, target: str) -> None:
    x = np.random.default_rng(0).normal(size=(500, 10)).astype(np.float32)
    x[::7, 4] = np.nan
    y = 3 * x[:, 2] + 2 * x[:, 7]
    y = y if target == "regression" else np.digitize(y, [0] if target == "binary" else [-1, 1])
    step = load("features", "select").build(
        {"method": method, f"method.{method}.share": 0.2}, make_task(target).problem
    )
    out = step.fit_transform(Rows(numeric=x), y).numeric
    np.testing.assert_array_equal(out, x[:, [2, 7]])


def test_dates_go_round() -> None:
    task = make_task()
    x = task.data.x
    j = 4 + DATE_PARTS.index("hour")
    step = load("features", "dates").build({"parts": "calendar", "parts.calendar.cyclic": True}, task.problem)
    night = np.repeat(x.numeric[:1], 3, axis=0)
    night[:, j] = [0, 23, 12]
    step.fit_transform(x, task.data.y)
    zero, late, noon = step.transform(replace(x, numeric=night)).numeric
    assert np.abs(zero - late).sum() < np.abs(zero - noon).sum()


def test_steps_that_would_leave_nothing_do_not_apply() -> None:
    task = make_task()
    for role, step, params in (("datetime", "dates", {"parts": "none"}), ("text", "text", {"method": "none"})):
        columns = tuple(c for c in task.schema.columns if c.role == role)
        alone = replace(task.problem, schema=replace(task.schema, columns=columns))
        with pytest.raises(NotApplicable, match="no other"):
            load("features", step).build(params, alone)


def test_the_same_text_is_factorised_once() -> None:
    rng = np.random.default_rng(3)
    counts = sp.csr_matrix(rng.poisson(0.3, (60, 40)).astype(np.float32))

    def fitted(rows: sp.csr_matrix, n_components: int = 4, seed: int = 0) -> Any:
        step = text.Svd(n_components, seed)
        step.fit_transform(Rows(sparse=rows), np.zeros(rows.shape[0]))
        return step.components

    first = fitted(counts)
    assert fitted(counts.copy()) is first
    others = [fitted(counts[:50]), fitted(2 * counts), fitted(counts, 5), fitted(counts, seed=1)]
    assert not any(np.array_equal(other, first) for other in others)
    for seed in range(10, 20):
        fitted(counts, seed=seed)
    again = fitted(counts)
    assert again is not first  # only the newest few are kept
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("operation", [np.divide, np.multiply, np.subtract])
def test_arithmetic_finds_what_the_target_depends_on(operation: Any) -> None:
    x = np.random.default_rng(0).uniform(1, 3, size=(600, 6)).astype(np.float32)
    y = operation(x[:, 1], x[:, 4]).astype(np.float64)
    step = load("features", "arithmetic").build(arithmetic(n_kept=1), make_task("regression").problem)
    out = step.fit_transform(Rows(numeric=x), y).numeric
    np.testing.assert_array_equal(out[:, :6], x)
    assert out.shape[1] == 7
    low, high = np.quantile(y, [0.02, 0.98])
    inner = (y > low) & (y < high)
    ranks = np.argsort(np.argsort(np.column_stack([out[inner, 6], y[inner]]), axis=0), axis=0)
    assert abs(np.corrcoef(ranks.T)[0, 1]) > 0.9999  # a ratio may stand on its head


def test_arithmetic_of_strange_numbers_is_the_same_in_onnx_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 5)).astype(np.float32) * np.float32([1, 1e30, 1e-30, 1, 0])
    x[:, 3] = np.round(x[:, 3])  # a divisor that is often 0
    x[rng.random(x.shape) < 0.1] = np.nan
    y = np.nan_to_num(x[:, 0] * np.where(x[:, 3] == 0, -1, x[:, 3])).astype(np.float64)
    step = load("features", "arithmetic").build(arithmetic(n_kept=30), make_task("regression").problem)
    out = step.fit_transform(Rows(numeric=x), y).numeric
    assert out.shape[1] > 8
    assert not np.isinf(out).any()
    far = np.float32([[3e38] * 5, [-3e38] * 5, [1e-45] * 5, [0.0] * 5, [np.nan] * 5])
    given = Rows(numeric=np.vstack([x[:50], far, -far, far[:, ::-1]]))
    np.testing.assert_array_equal(run_onnx(step, given)["numeric"], step.transform(given).numeric)


@pytest.mark.parametrize("target", TARGETS)
def test_arithmetic_of_what_says_nothing_is_none(target: str) -> None:
    build, problem = load("features", "arithmetic").build, make_task(target).problem
    y = np.arange(40) % 2
    constant = np.ones((40, 3), np.float32)
    flags = np.random.default_rng(0).integers(0, 2, (40, 3)).astype(np.float32)
    empty = np.full((40, 3), np.nan, np.float32)
    for x in (constant, flags, empty, flags[:2], np.arange(4, dtype=np.float32).reshape(2, 2)):
        for labels in (y[: len(x)], np.zeros(len(x), y.dtype)):
            step = build(arithmetic(), problem)
            np.testing.assert_array_equal(step.fit_transform(Rows(numeric=x), labels).numeric, x)


def test_arithmetic_of_a_wide_table_makes_few_columns() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 10_000)).astype(np.float32)
    y = (x[:, 17] > x[:, 9_000]).astype(np.int64)
    step = load("features", "arithmetic").build(arithmetic(n_kept=5), make_task().problem)
    assert step.fit_transform(Rows(numeric=x), y).numeric.shape[1] <= 10_005
