"""RealMLP learns smooth tables well, its members answer each for itself, and its layers do what they say."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.datasets import make_friedman1

from automl import metrics
from automl.assemble import SpaceConfig, build, task_space
from automl.errors import NotApplicable
from automl.export.graph import Graph
from automl.portfolio import first_candidates
from automl.search_spaces.schedules import coslog
from automl.search_spaces.tables import _realmlp as layers
from automl.search_spaces.tables import realmlp
from automl.space import Defaults, Params, Random, draw, scope
from automl.target import TargetKind
from automl.task import Batch, Problem, Rows, Schema, Task
from automl.training import loop
from tests.tasks import make


def smooth(n: int = 400) -> Task:
    x, y = make_friedman1(n, noise=0.5, random_state=0)
    order = np.arange(n)
    data = Batch(Rows(numeric=x.astype(np.float32)), y)
    problem = Problem.of(Schema("table", "regression", "y"), metrics.get("rmse", "regression"), data)
    return Task(problem, data, ((order[: n // 2], order[n // 2 :]),))


def fitted(task: Task, name: str, **changes: Any) -> Any:
    (params,) = (p for p in first_candidates(task_space(task)) if p["family"] == name)
    model = build(params | {f"family.{name}.{path}": value for path, value in changes.items()}, task.problem)
    assert list(model.fit(*task.fold(0)))[-1] == 1.0
    return model


def loss(task: Task, model: Any) -> float:
    valid = task.fold(0)[1]
    return -task.metric.score(valid.y, model.predict(valid.x))


def test_it_learns_a_smooth_function_better_than_trees_and_than_a_plain_network() -> None:
    task = smooth()
    got = loss(task, fitted(task, "realmlp"))
    assert got < 0.8 * loss(task, fitted(task, "lightgbm"))
    assert got < 0.8 * loss(task, fitted(task, "mlp"))


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("members", [1, 4])
def test_it_exports_with_and_without_members(target: TargetKind, members: int) -> None:
    task = make("table", target)
    model = fitted(task, "realmlp", epochs=2, members=members).model
    x = Rows(
        numeric=np.random.default_rng(0).normal(size=(20, model.example.numeric.shape[1])).astype(np.float32),
        categories=None if model.example.categories is None else np.resize(model.example.categories, (20, 1)),
    )
    x = Rows(**{name: value for name, value in x.parts().items() if name in model.fitted.inputs})
    raw = model.scores(x)
    assert raw.shape == (20, task.target.width) if members == 1 else (20, members, task.target.width)
    graph = Graph()
    types = {"numeric": np.float32, "categories": np.int64}
    names = {n: graph.input(n, types[n], v.shape[1:]) for n, v in x.parts().items()}
    session = onnxruntime.InferenceSession(graph.model({"p": model.to_onnx(graph, names)}).SerializeToString())
    feeds = {name: value.astype(types[name]) for name, value in x.parts().items()}
    np.testing.assert_allclose(session.run(None, feeds)[0], model.predict(x), rtol=1e-4, atol=1e-4)


def test_any_parameters_build_and_run() -> None:
    rng = np.random.default_rng(0)
    x = Rows(
        numeric=rng.normal(size=(50, 3)).astype(np.float32),
        categories=rng.integers(0, 3, (50, 3)).astype(np.int32),
        cardinalities=(3, 12, 1),
    )
    x.categories[:, 2] = 0
    for _ in range(30):
        module = realmlp.make_module(draw(realmlp.SPACE, Random(rng)), x, 2)
        out = module(torch.from_numpy(x.numeric), torch.from_numpy(x.categories).long())
        assert out.shape[0] == 50
        assert out.shape[-1] == 2
        assert out.isfinite().all()


def test_rows_without_anything_to_take_are_refused() -> None:
    with pytest.raises(NotApplicable, match="numbers or categories"):
        realmlp.make_module(draw(realmlp.SPACE, Defaults()), Rows(numeric=np.zeros((3, 0), np.float32)), 1)


def test_the_beginning_fits_the_number_of_rows_unless_a_person_says_otherwise() -> None:
    def begin(n_rows: int, **overrides: Any) -> Params:
        task = smooth(40)
        problem = replace(task.problem, summaries=replace(task.problem.summaries, n_rows=n_rows))
        space = task_space(replace(task, problem=problem), SpaceConfig({"tables": {"realmlp": overrides}}))
        (params,) = (p for p in first_candidates(space) if p["family"] == "realmlp")
        return scope(params, "family.realmlp")

    few, many = begin(500), begin(100_000)
    decay = "optimizer.adamw.weight_decay"
    assert few["epochs"] > 2 * many["epochs"]
    assert few["members"] > many["members"]
    assert few[decay] > 2 * many[decay]
    assert begin(100_000, epochs=50, members={"default": 7}, optimizer={"adamw": {"weight_decay": 0.5}})[decay] == 0.5
    assert begin(100_000, epochs=50)["epochs"] == 50
    assert begin(100_000, members={"default": 7})["members"] == 7


def test_numbers_are_scaled_robustly_and_bent() -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(1000, 4)) * [1, 1e4, 0, 1] + [5, -1e5, 7, 0]).astype(np.float32)
    x[:, 3] = np.arange(1000) < 50  # both quartiles are 0
    x[::7, 0] = np.nan
    scaled = layers.RobustNumbers(x)(torch.from_numpy(x)).numpy()
    assert np.abs(np.median(scaled[:, :2], axis=0)).max() < 0.01
    np.testing.assert_allclose(np.subtract(*np.percentile(scaled[:, 1], [75, 25])), 1, atol=0.03)
    assert (scaled[::7, 0] == 0).all()
    assert (scaled[:, 2] == 0).all()
    assert np.ptp(scaled[:, 3]) > 1
    assert np.abs(layers.RobustNumbers(x)(torch.tensor([[1e30, -1e30, np.inf, 9.0]])).numpy()).max() <= 3


def test_few_levels_are_one_hot_and_missing_is_zero() -> None:
    levels = layers.Levels([4, 3, 30], max_one_hot=9, size=5)
    out = levels(torch.tensor([[0, 0, 0], [2, 1, 7], [3, 2, 29]]))
    assert out.shape == (3, levels.n_features) == (3, 3 + 1 + 5)
    assert out[:, :4].tolist() == [[0, 0, 0, 0], [0, 1, 0, -1], [0, 0, 1, 1]]


def test_layers_begin_where_the_rows_are() -> None:
    torch.manual_seed(0)
    x = 5 + 100 * torch.randn(500, 8)
    layer = layers.TangentLinear(8, 64)
    layer.start_from(x)
    out = layer(x)
    torch.testing.assert_close(out.std(dim=0, correction=0), torch.ones(64), atol=1e-3, rtol=0)
    assert ((out > 0).float().mean(dim=0) - 0.5).abs().max() < 0.5  # each has rows on both sides


def test_dropout_fades() -> None:
    dropout = layers.FadingDropout(0.4)
    shares = []
    for done in (0.0, 0.5, 0.75, 1.0):
        dropout.anneal(done)
        shares.append(dropout.now)
    assert shares == pytest.approx([0.4, 0.4, 0.2, 0.0])


def test_parts_have_learning_rates_of_their_own() -> None:
    groups = loop._groups(
        torch.nn.Sequential(layers.FeatureScale(4), layers.TangentLinear(4, 2), torch.nn.Linear(2, 1))
    )
    rates = {id(weight): group["lr_factor"] for group in groups for weight in group["params"]}
    assert sorted(rates.values()) == [0.1, 0.5, 1.0, 1.0, 6.0]
    undecayed = [w.ndim for group in groups if group.get("weight_decay") == 0.0 for w in group["params"]]
    assert undecayed == [1, 1, 1]


def test_shared_weights_are_in_one_group() -> None:
    layer = torch.nn.Linear(3, 3)
    other = torch.nn.Linear(3, 3)
    other.weight = layer.weight
    groups = loop._groups(torch.nn.Sequential(layer, other))
    assert sum(len(group["params"]) for group in groups) == 3


def test_the_rate_rises_and_falls_in_longer_and_longer_waves() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = coslog.build({"cycles": 3}, optimizer, 700)
    rates = []
    for _ in range(700):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    lows = [i for i in range(1, 699) if rates[i] < min(rates[i - 1], rates[i + 1]) and rates[i] < 0.01]
    assert np.allclose(lows, [100, 300], atol=2)
    assert max(rates[:100]) > 0.99 < max(rates[300:])
    assert rates[-1] < 0.01
