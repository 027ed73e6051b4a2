"""ModernNCA learns by what its rows are compared, leaves each out of its own neighbours, and ships them embedded."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from automl import metrics, model_file
from automl.assemble import SpaceConfig, build, task_space
from automl.export.graph import Graph
from automl.portfolio import first_candidates
from automl.search_spaces.tables import _modern_nca as layers
from automl.search_spaces.tables import modern_nca
from automl.space import Defaults, Random, draw
from automl.target import Target, TargetKind
from automl.task import Batch, Problem, Rows, Schema, Task
from tests.tasks import make


def rings(n: int = 500, noise: int = 8, weights: np.ndarray | None = None) -> Task:
    """Two columns say all, and others that vary as much say nothing: which misleads neighbours as they are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2 + noise)).astype(np.float32)
    y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(np.int64)
    data, order = Batch(Rows(numeric=x), y, weights), np.arange(n)
    problem = Problem.of(Schema("table", "binary", "y", classes=(0, 1)), metrics.get("log_loss", "binary"), data)
    return Task(problem, data, ((order[: n // 2], order[n // 2 :]),))


def fitted(task: Task, name: str = "modern_nca", **changes: Any) -> Any:
    (params,) = (p for p in first_candidates(task_space(task)) if p["family"] == name)
    model = build(params | {f"family.{name}.{path}": value for path, value in changes.items()}, task.problem)
    assert list(model.fit(*task.fold(0)))[-1] == 1.0
    return model


def score(task: Task, model: Any) -> float:
    valid = task.fold(0)[1]
    return task.metric.score(valid.y, model.predict(valid.x))


BINARY = Target("binary", 2)


def module_of(x: Rows, target: Target = BINARY, **changes: Any) -> layers.NearestNeighbors:
    torch.manual_seed(0)
    return modern_nca.make_module(draw(modern_nca.SPACE, Defaults(changes)), target, x, target.width)


def test_it_finds_by_which_columns_rows_are_to_be_compared() -> None:
    task = rings()
    assert score(task, fitted(task)) > 0.6 * score(task, fitted(task, "neighbors"))  # both below 0


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression", "quantiles"])
def test_what_is_shipped_has_the_embedded_rows_alone(target: TargetKind) -> None:
    task = make("table", target)
    model = fitted(task, epochs=2, numbers="none", size=16).model
    x = model.example
    graph = Graph()
    types = {"numeric": np.float32, "categories": np.int64}
    names = {n: graph.input(n, types[n], v.shape[1:]) for n, v in x.parts().items()}
    made = graph.model({"p": model.to_onnx(graph, names)})
    n_train = len(task.fold(0)[0])
    kept = [tuple(tensor.dims) for tensor in made.graph.initializer if n_train in tensor.dims]
    assert (n_train, 16) in kept or (16, n_train) in kept
    wide = [tensor for tensor in made.graph.initializer if tensor.data_type == onnx.TensorProto.DOUBLE]
    assert all(np.prod(tensor.dims) <= n_train for tensor in wide)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    feeds = {name: value.astype(types[name]) for name, value in x.parts().items()}
    np.testing.assert_allclose(session.run(None, feeds)[0], model.predict(x), rtol=1e-4, atol=1e-4)
    again = model_file.loads(model_file.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_a_row_is_no_neighbour_of_itself_while_it_learns() -> None:
    x = Rows(numeric=np.repeat(np.eye(4, dtype=np.float32), 2, axis=0) * 50)
    module = module_of(x, Target("regression"), dropout=0.0, sampled=64)
    with torch.no_grad():
        module.encoder.body[-1].weight.mul_(100)  # so that only the nearest count
    inputs, y = (torch.from_numpy(x.numeric),), torch.arange(8.0)
    module.remember(inputs, y, None)
    index = torch.tensor([5, 0])
    module.leave_out(index)
    alone = module.train()(inputs[0][index])
    # Rows come in pairs that are the same: the nearest one is the other of the pair.
    torch.testing.assert_close(alone[:, 0], torch.tensor([4.0, 1.0]), atol=0.2, rtol=0)
    torch.testing.assert_close(module.eval()(inputs[0][index])[:, 0], torch.tensor([4.5, 0.5]), atol=0.2, rtol=0)


def test_a_weight_counts_as_so_many_rows() -> None:
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    y, weights = torch.tensor([0, 1, 1, 0, 1, 0]), torch.tensor([3.0, 1.0, 0.0, 1.0, 2.0, 1.0])
    often = np.repeat(np.arange(6), weights.int().numpy())
    answers = []
    for rows, w in ((np.arange(6), weights), (often, None)):
        module = module_of(Rows(numeric=x))
        module.remember((torch.from_numpy(x[rows]),), y[rows], w)
        answers.append(module.settled().eval()(torch.from_numpy(x)))
    torch.testing.assert_close(*answers)


def test_settled_it_answers_the_same() -> None:
    task = rings(200)
    model = fitted(task, epochs=3).model
    x = torch.from_numpy(task.data.x.numeric)
    torch.testing.assert_close(model.settled.eval()(x), model.fitted.eval()(x), atol=1e-3, rtol=1e-3)


def test_any_parameters_build_and_run() -> None:
    rng = np.random.default_rng(0)
    x = Rows(
        numeric=rng.normal(size=(50, 3)).astype(np.float32),
        categories=rng.integers(0, 3, (50, 2)).astype(np.int32),
        cardinalities=(3, 12),
    )
    inputs = (torch.from_numpy(x.numeric), torch.from_numpy(x.categories).long())
    for _ in range(20):
        module = modern_nca.make_module(draw(modern_nca.SPACE, Random(rng)), Target("multiclass", 3), x, 3)
        module.remember(inputs, torch.arange(50) % 3, None)
        module.leave_out(torch.arange(10))
        learning = module.train()(*(part[:10] for part in inputs))
        answering = module.eval()(*inputs)
        assert learning.shape == (10, 3)
        torch.testing.assert_close(answering.exp().sum(1), torch.ones(50), atol=1e-3, rtol=0)


def test_many_rows_are_not_for_it() -> None:
    task = rings(40)

    def offered(n_rows: int) -> bool:
        problem = replace(task.problem, summaries=replace(task.problem.summaries, n_rows=n_rows))
        families: Any = task_space(replace(task, problem=problem), SpaceConfig())["family"]
        return "modern_nca" in families

    assert offered(10_000)
    assert not offered(1_000_000)
