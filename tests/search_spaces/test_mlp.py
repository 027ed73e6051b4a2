"""The multilayer network learns small tables well, and its parts do what they say."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine

from automl import metrics, registry
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.search_spaces.tables import _network as parts
from automl.search_spaces.tables import mlp
from automl.space import Choice, Defaults, Params, Random, draw
from automl.target import TargetKind
from automl.task import Batch, Problem, Rows, Schema, Task
from automl.training import network

_CATEGORIES = {"categories": np.int64, "numeric": np.float32}


def task_of(target: TargetKind, x: Any, y: Any) -> Task:
    order = np.random.default_rng(0).permutation(len(y))
    cut = int(0.7 * len(y))
    classes = () if target == "regression" else tuple(range(int(y.max()) + 1))
    splits = ((order[:cut], order[cut:]),)
    schema, data = Schema("table", target, "y", classes=classes), Batch(x, y)
    return Task(Problem.of(schema, metrics.get("auto", target), data), data, splits)


def wine() -> Task:
    x, y = load_wine(return_X_y=True)
    return task_of("multiclass", Rows(numeric=x.astype(np.float32)), y.astype(np.int64))


def diabetes() -> Task:
    x, y = load_diabetes(return_X_y=True)
    return task_of("regression", Rows(numeric=x.astype(np.float32)), y)


def mixed(target: TargetKind = "binary", n: int = 600) -> Task:
    """Only the category and a bump in the number say anything: neither is linear."""
    rng = np.random.default_rng(0)
    numeric = rng.normal(size=(n, 3)).astype(np.float32)
    categories = rng.integers(0, 9, (n, 2)).astype(np.int32)
    signal = (
        np.where(np.abs(numeric[:, 0]) < 0.6, 1.0, -1.0) * np.array([0, 1, -1, 1, -1, 1, 1, -1, -1])[categories[:, 0]]
    )
    y = (signal > 0).astype(np.int64) if target == "binary" else 50 + 10 * signal
    return task_of(target, Rows(numeric=numeric, categories=categories, cardinalities=(9, 9)), y)


def params_of(target: TargetKind, **fixed: Any) -> Params:
    def only(kind: str, name: str) -> Any:
        return Choice({name: registry.load(kind, name).space})

    training = {
        **network.SPACE,
        "loss": only("losses", "squared" if target == "regression" else "cross_entropy"),
        "optimizer": only("optimizers", "adamw"),
        "schedule": only("schedules", "cosine"),
    }
    return draw({**mlp.SPACE, **training}, Defaults({"width": 64, **fixed}))


def fitted(task: Task, **fixed: Any) -> Any:
    model = mlp.build(params_of(task.target.kind, **fixed), task.problem)
    assert list(model.fit(*task.fold(0)))[-1] == 1.0
    return model


def score(task: Task, model: Any) -> float:
    valid = task.fold(0)[1]
    return task.metric.score(valid.y, model.predict(valid.x))


def test_it_learns_small_tables() -> None:
    assert score(wine(), fitted(wine())) > -0.2  # log loss; a guess costs 1.09
    task = diabetes()
    assert score(task, fitted(task)) > -0.85 * task.data.y.std()


@pytest.mark.parametrize("target", ["binary", "regression"])
def test_it_learns_from_categories_and_bumps(target: TargetKind) -> None:
    task = mixed(target)
    got = score(task, fitted(task, **{"optimizer.adamw.lr": 3e-3, "epochs": 60}))
    assert got > (0.9 if target == "binary" else -6.0)


@pytest.mark.parametrize("numbers", ["none", "linear", "piecewise", "periodic"])
@pytest.mark.parametrize("block", ["plain", "residual", "gated", "dense", "attention"])
def test_every_shape_exports(numbers: str, block: str) -> None:
    task = mixed(n=200)
    norm = "batch" if block in ("plain", "dense") else "layer"
    model = fitted(task, numbers=numbers, block=block, norm=norm, epochs=5, depth=2)
    graph = Graph()
    x = task.data.x
    names = {n: graph.input(n, t, x.parts()[n].shape[1:]) for n, t in _CATEGORIES.items()}
    made = graph.model({"p": model.to_onnx(graph, names)})
    session = onnxruntime.InferenceSession(made.SerializeToString())
    for n in (1, 64):
        feeds = {name: x.parts()[name][:n].astype(t) for name, t in _CATEGORIES.items()}
        np.testing.assert_allclose(session.run(None, feeds)[0], model.predict(x.take(slice(n))), atol=1e-4)


def test_any_parameters_build_and_run() -> None:
    rng = np.random.default_rng(0)
    x = mixed().data.x
    for _ in range(30):
        module = mlp.make_module(draw(mlp.SPACE, Random(rng)), x, 2)
        out = module(torch.from_numpy(x.numeric[:8]), torch.from_numpy(x.categories[:8]).long())
        assert out.shape == (8, 2)
        assert out.isfinite().all()


def test_numbers_are_standardised_inside_and_gaps_become_the_mean() -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(500, 3)) * [1, 1e4, 0] + [5, -1e5, 7]).astype(np.float32)
    x[::7, 0] = np.nan
    standardise = parts.Standardise(x)
    got = standardise(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(got[:, 1].std(), 1, atol=1e-3)
    assert (got[::7, 0] == 0).all()
    assert np.abs(standardise(torch.tensor([[1e30, -1e30, np.inf]])).numpy()).max() <= 12


def test_a_column_without_any_number_is_harmless() -> None:
    x = np.full((20, 2), np.nan, np.float32)
    x[:, 1] = np.arange(20)
    got = parts.Standardise(x)(torch.from_numpy(x)).numpy()
    assert np.isfinite(got).all()


def test_piecewise_filling_follows_the_quantiles() -> None:
    x = np.linspace(0, 4, 401, dtype=np.float32)[:, None]
    module = parts.PiecewiseNumbers(x, size=1, n_bins=4)
    with torch.no_grad():
        module.linear.zero_()
        module.bias.zero_()
        module.weight.copy_(torch.tensor([[[1.0], [10.0], [100.0], [1000.0]]]))
        got = module(torch.tensor([[0.0], [0.5], [1.0], [2.5], [4.0], [4.5]]))[:, 0].tolist()
    assert got == pytest.approx([0.0, 0.5, 1.0, 61.0, 1111.0, 1611.0], rel=1e-4)


def test_piecewise_numbers_bear_constant_and_repeated_values() -> None:
    x = np.column_stack([np.zeros(50), np.repeat([0.0, 1.0], 25), np.linspace(0, 1e-7, 50)]).astype(np.float32)
    module = parts.PiecewiseNumbers(x, size=2, n_bins=16)
    assert module(torch.from_numpy(x)).shape == (50, 6)
    assert module(torch.from_numpy(x)).isfinite().all()


def test_wide_tables_are_not_blown_up() -> None:
    rng = np.random.default_rng(0)
    params = draw(mlp.SPACE, Defaults())
    narrow = parts.Inputs(Rows(numeric=rng.normal(size=(30, 1000)).astype(np.float32)), params)
    assert narrow.n_features == 8 * 1000
    wide = parts.Inputs(Rows(numeric=rng.normal(size=(30, 9000)).astype(np.float32)), params)
    assert wide.n_features == 9000


def test_rows_without_anything_to_take_are_refused() -> None:
    with pytest.raises(NotApplicable, match="numbers or categories"):
        parts.Inputs(Rows(numeric=np.zeros((3, 0), np.float32)), draw(mlp.SPACE, Defaults()))
