"""Training, early stopping, pickling and export of networks, on modules small enough to check."""

import pickle
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from automl import clock, metrics, registry
from automl.errors import ExportError, TrialError
from automl.export.graph import Graph
from automl.option import Loss
from automl.space import Choice, Defaults, Params, draw
from automl.target import TargetKind
from automl.task import Batch, Problem, Rows, Schema, Task
from automl.training import feed, loop, network, torch_onnx
from automl.training.network import Network

# Its parts are not in PyTorch's types.
CUDNN: Any = torch.backends.cudnn


class Small(nn.Module):
    """A layer over whatever it is given, each with the operators that networks for it use."""

    def __init__(self, x: Any, n_outputs: int, field: str = "numeric") -> None:
        super().__init__()
        self.inputs = ("sequence", "lengths") if field.startswith("sequence") else tuple(field.split("+"))
        self.field = field
        self.body: nn.Module
        if field == "image":
            self.body = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
            )
            width = 16
        elif field == "sequence+gru":
            self.body, width = nn.GRU(3, 6, batch_first=True, bidirectional=True), 12
        elif field == "sequence+lstm":
            self.body, width = nn.LSTM(3, 6, batch_first=True), 6
        elif field == "sequence+attention":
            self.body = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
            self.up, width = nn.Linear(3, 4), 4
        elif field == "sparse":
            self.body, width = nn.Linear(x.sparse.shape[1], 8), 8
        else:
            p = x.numeric.shape[1]
            self.body = nn.Sequential(
                nn.Linear(p, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Linear(32, 16), nn.LayerNorm(16)
            )
            self.embed: Any = nn.Embedding(5, 16) if "categories" in self.inputs else None
            width = 16
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Any, other: Any = None) -> Any:
        if self.field == "image":
            return self.head(self.body(x.permute(0, 3, 1, 2) / 255).flatten(1))
        if self.field == "sequence+attention":
            padding = torch.arange(x.shape[1], device=x.device)[None] >= other[:, None]
            return self.head(self.body(self.up(x), src_key_padding_mask=padding)[:, 0])
        if self.field.startswith("sequence"):
            steps, _ = self.body(x)
            last = (other - 1)[:, None, None].expand(-1, 1, steps.shape[2])
            return self.head(steps.gather(1, last)[:, 0])
        hidden = self.body(x)
        return self.head(hidden if other is None else hidden + self.embed(other).sum(1))


def rows_of(field: str, n: int, rng: Any) -> Rows:
    lengths = rng.integers(1, 8, n).astype(np.int64)
    return {
        "numeric": lambda: Rows(numeric=rng.normal(size=(n, 6)).astype(np.float32)),
        "numeric+categories": lambda: Rows(
            numeric=rng.normal(size=(n, 6)).astype(np.float32),
            categories=rng.integers(0, 5, (n, 2)).astype(np.int32),
            cardinalities=(5, 5),
        ),
        "image": lambda: Rows(image=rng.integers(0, 255, (n, 6, 6, 1)).astype(np.uint8)),
    }.get(field, lambda: Rows(sequence=rng.normal(size=(n, 8, 3)).astype(np.float32), lengths=lengths))()


def task_of(target: TargetKind = "binary", field: str = "numeric", n: int = 400, metric: str = "auto") -> Task:
    rng = np.random.default_rng(0)
    x = rows_of(field, n, rng)
    seen = x.parts()[field.split("+")[0]].reshape(n, -1).astype(float)
    signal = seen[:, 0] / seen[:, 0].std() + rng.normal(scale=0.1, size=n)
    y = 1e4 + 500 * signal if target == "regression" else np.digitize(signal, np.quantile(signal, [0.5]))
    if target == "multiclass":
        y = np.digitize(signal, np.quantile(signal, [0.3, 0.7]))
    classes = {"binary": (0, 1), "multiclass": (0, 1, 2), "regression": ()}[target]
    cut = int(0.75 * n)
    data = Batch(x, y.astype(float if target == "regression" else np.int64))
    splits = ((np.arange(cut), np.arange(cut, n)),)
    schema = Schema("table", target, "y", classes=classes)
    return Task(Problem.of(schema, metrics.get(metric, target), data), data, splits)


def params_of(target: TargetKind, **fixed: Any) -> Params:
    def options(kind: str) -> Any:
        options = {n: registry.load(kind, n) for n in registry.names(kind)}
        return Choice({n: o.space for n, o in options.items() if target in getattr(o, "targets", (target,))})

    space: dict[str, Any] = {
        "loss": options("losses"),
        "optimizer": options("optimizers"),
        "schedule": options("schedules"),
    }
    first: dict[str, Any] = {
        "loss": "squared" if target == "regression" else "cross_entropy",
        "optimizer": "adamw",
        "schedule": "cosine",
        "optimizer.adamw.lr": 1e-2,
        "epochs": 8,
    }
    return draw({**space, **network.SPACE}, Defaults({**first, **fixed}))


def fitted(task: Task, field: str = "numeric", **fixed: Any) -> Any:
    model = Network(partial(Small, field=field), params_of(task.target.kind, **fixed), task.problem)
    progress = list(model.fit(*task.fold(0)))
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    return model


def onnx_of(model: Any, x: Any) -> Any:
    graph = Graph()
    names = {}
    for name in model.module.inputs:
        part = x.parts()[name]
        names[name] = graph.input(name, np.int64 if name in ("categories", "lengths") else np.float32, part.shape[1:])
    made = graph.model({"prediction": model.to_onnx(graph, names)})
    session = onnxruntime.InferenceSession(made.SerializeToString())

    def predict(rows: Any) -> Any:
        types = {i.name: np.int64 if "int64" in i.type else np.float32 for i in session.get_inputs()}
        return session.run(None, {n: rows.parts()[n].astype(t) for n, t in types.items()})[0]

    return predict


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_a_network_learns_pickles_small_and_exports(target: TargetKind) -> None:
    task = task_of(target)
    model = fitted(task)
    valid = task.fold(0)[1]
    dummy = (
        np.full((len(valid), 1), task.data.y.mean())
        if target == "regression"
        else np.full((len(valid), task.target.n_classes), 0.5)
    )
    got = model.predict(valid.x)
    assert got.shape == (len(valid), task.target.width)
    gain = task.metric.score(valid.y, got) - task.metric.score(valid.y, dummy)
    assert gain > {"binary": 0.4, "multiclass": 0.4, "regression": 250}[target]

    saved = pickle.dumps(model)
    n_weights = sum(p.numel() for p in model.module.parameters())
    assert len(saved) < 4 * n_weights + 20_000
    np.testing.assert_array_equal(pickle.loads(saved).predict(valid.x), got)

    run = onnx_of(model, valid.x)
    for n in (1, 64):
        wanted = model.predict(valid.x.take(slice(n)))
        np.testing.assert_allclose(run(valid.x.take(slice(n))), wanted, rtol=1e-5, atol=1e-4)


class Members(nn.Module):
    """Three small networks side by side, each with an answer of its own."""

    inputs = ("numeric",)

    def __init__(self, x: Any, n_outputs: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(Small(x, n_outputs) for _ in range(3))

    def forward(self, x: Any) -> Any:
        return torch.stack([member(x) for member in self.members], dim=1)


@pytest.mark.parametrize("target", ["multiclass", "regression"])
def test_members_answer_each_for_itself_and_are_averaged(target: TargetKind) -> None:
    task = task_of(target)
    model = Network(Members, params_of(target), task.problem)
    train, valid = task.fold(0)
    list(model.fit(train, valid))
    assert model.scores(valid.x).shape == (len(valid), 3, task.target.width)
    got = model.predict(valid.x)
    assert got.shape == (len(valid), task.target.width)
    alone = [model.with_module(member).predict(valid.x) for member in model.module.members]
    np.testing.assert_allclose(got, np.mean(alone, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(onnx_of(model, valid.x)(valid.x), got, rtol=1e-5, atol=1e-4)
    saved = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(saved.predict(valid.x), got)


FIELDS = ["numeric+categories", "image", "sequence+gru", "sequence+lstm", "sequence+attention"]


@pytest.mark.parametrize("field", FIELDS)
def test_modules_of_all_kinds_train_and_export(field: str) -> None:
    task = task_of("multiclass", field, n=128)
    model = fitted(task, field, epochs=5, mixup="inputs")
    x = task.data.x
    run = onnx_of(model, x)
    for n in (1, 64):
        np.testing.assert_allclose(run(x.take(slice(n))), model.predict(x.take(slice(n))), atol=1e-4)


def test_the_best_weights_are_kept_and_patience_ends_training() -> None:
    task = task_of("regression", n=120)
    train, valid = task.fold(0)
    noise = Batch(train.x, np.random.default_rng(1).normal(size=len(train)))
    model = Network(Small, params_of("regression", epochs=60, patience=3, schedule="constant"), task.problem)
    scores = []
    for _ in model.fit(noise, valid):
        scores.append(task.metric.score(valid.y, model.predict(valid.x)))
    assert len(scores) < 60
    # Nothing to learn: later weights fit the noise, so the newest are not the ones kept.
    assert scores == sorted(scores)


def test_a_network_predicts_after_every_yield_and_yields_within_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "YIELD_SECONDS", 0.0)
    task = task_of("binary")
    model = Network(Small, params_of("binary", epochs=5), task.problem)
    train, valid = task.fold(0)
    seen = []
    for progress in model.fit(train, valid):
        seen.append(progress)
        assert np.isfinite(model.predict(valid.x)).all()
        if progress > 0.5:
            break
    assert len(seen) > 16
    assert seen == sorted(seen)
    assert seen[0] < 1 / 5


def test_a_fit_is_repeatable() -> None:
    task = task_of("regression")
    x = task.data.x
    np.testing.assert_array_equal(fitted(task).predict(x), fitted(task).predict(x))


def test_weights_count() -> None:
    task = task_of("regression")
    train, valid = task.fold(0)
    # The same rows with two answers: the weights say which of them holds.
    both = Batch(train.x.take(np.r_[: len(train), : len(train)]), np.r_[train.y, -train.y], None)
    weighted = Batch(both.x, both.y, np.r_[np.full(len(train), 3.0), np.full(len(train), 1e-6)])
    model = Network(Small, params_of("regression"), task.problem)
    list(model.fit(weighted, valid))
    assert np.corrcoef(model.predict(valid.x)[:, 0], valid.y)[0, 1] > 0.9


@pytest.mark.parametrize(
    "change",
    [
        {"mixup": "inputs"},
        {"average": "ema"},
        {"average": "swa"},
        {"l1": "weights"},
        {"clip": "none"},
        {"optimizer": "lion", "optimizer.lion.lr": 2e-3},
        {"optimizer": "muon"},
        {"optimizer": "sgd", "schedule": "one_cycle"},
        {"loss": "multi_margin"},
        {"loss": "logit_adjusted"},
    ],
    ids=str,
)
def test_the_options_of_the_loop_still_learn(change: dict[str, Any]) -> None:
    task = task_of("binary", metric="accuracy")
    model = fitted(task, **change)
    valid = task.fold(0)[1]
    assert task.metric.score(valid.y, model.predict(valid.x)) > 0.8


def test_mixup_blends_inputs_and_leaves_prediction_alone() -> None:
    task = task_of("regression")
    plain, mixed = fitted(task, epochs=5), fitted(task, epochs=5, mixup="inputs")
    assert not np.allclose(plain.predict(task.data.x), mixed.predict(task.data.x))


def test_an_augmentation_is_used_in_training_only() -> None:
    calls = []

    class Shifted(Small):
        def augment(self, x: Any) -> Any:
            calls.append(self.training)
            return x + 0.01

    task = task_of("binary", n=100)
    model = Network(Shifted, params_of("binary", epochs=5), task.problem)
    list(model.fit(*task.fold(0)))
    assert calls
    assert all(calls)
    before = len(calls)
    model.predict(task.data.x)
    assert len(calls) == before


def test_a_class_that_the_fold_lacks_still_has_a_column() -> None:
    task = task_of("multiclass")
    train, valid = task.fold(0)
    model = Network(Small, params_of("multiclass", epochs=5, loss="logit_adjusted"), task.problem)
    list(model.fit(train.take(np.flatnonzero(train.y != 2)), valid))
    assert model.predict(valid.x).shape == (len(valid), 3)


def test_divergence_is_an_error_at_first_and_forgiven_later(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of("regression")
    train, valid = task.fold(0)
    broken = Batch(Rows(numeric=np.full_like(train.x.numeric, np.nan)), train.y)
    model = Network(Small, params_of("regression"), task.problem)
    with pytest.raises(TrialError, match=r"diverged in its first epoch \(learning rate 0.01\)"):
        list(model.fit(broken, valid))

    good = Network(Small, params_of("regression"), task.problem)
    steps = good.fit(train, valid)
    next(steps)
    best = good.predict(valid.x)

    def diverge(self: Any, index: Any) -> Any:
        with torch.no_grad():
            self.live.head.weight.fill_(float("nan"))
        raise FloatingPointError("the loss is not finite")

    # The weights in training are the loop's own: those of the network are the best so far.
    monkeypatch.setattr(loop.Training, "_step", diverge)
    assert list(steps) == [1.0]
    np.testing.assert_array_equal(good.predict(valid.x), best)


def test_an_undefined_metric_falls_back_on_the_loss() -> None:
    task = task_of("binary")
    train, valid = task.fold(0)
    one_class = valid.take(np.flatnonzero(valid.y == 1))
    model = Network(Small, params_of("binary"), task.problem)
    assert list(model.fit(train, one_class))[-1] == 1.0


def test_fine_tuning_goes_on_from_the_weights_and_copies_share_nothing_but_them() -> None:
    task = task_of("regression")
    train = task.fold(0)[0]
    model = fitted(task, epochs=5)
    before = model.predict(train.x)
    copied = model.with_module(pickle.loads(pickle.dumps(model)).module)
    tuned = copied.fine_tune(train, 3)
    assert tuned is copied
    assert not np.allclose(tuned.predict(train.x), before)
    assert task.metric.score(train.y, tuned.predict(train.x)) > task.metric.score(train.y, before) - 20
    np.testing.assert_array_equal(model.predict(train.x), before)


class Unpickled(nn.Linear):
    """A module that must not be pickled."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise AssertionError("pickled")


def test_another_module_takes_the_place_of_one_that_is_not_packed_for_it() -> None:
    model = fitted(task_of(), epochs=5)
    first, second = model.with_module(Unpickled(1, 1)), nn.Linear(1, 1)
    other = first.with_module(second)
    assert (type(other), other.module, other.params) == (Network, second, model.params)
    assert isinstance(first.module, Unpickled)


class Exactness(nn.Module):
    """Answers 1 where convolutions and recurrent layers are computed in full precision, else 0."""

    inputs = ("numeric",)

    def forward(self, x: Any) -> Any:
        kinds = (CUDNN.conv, CUDNN.rnn)
        return torch.full((len(x), 1), float(all(kind.fp32_precision == "ieee" for kind in kinds)))


def test_evaluation_is_in_full_precision_and_training_as_it_was() -> None:
    before = CUDNN.conv.fp32_precision, CUDNN.rnn.fp32_precision
    module, x = Exactness(), task_of().data.x
    for part in feed.evaluate(module, feed.Feed(module, x)):
        assert part.min() == 1
        assert (CUDNN.conv.fp32_precision, CUDNN.rnn.fp32_precision) == before


def test_small_data_gets_small_batches_none_of_a_single_row() -> None:
    task = task_of("binary", n=90)
    run = loop.Training(fitted(task), task.fold(0)[0], None, 1, 1.0)
    assert run.n_steps == 5
    sizes = [len(b) for b in torch.arange(67).tensor_split(run.n_steps)]
    assert min(sizes) > 1


class Stubborn(nn.Module):
    """Freezes the number of rows when traced: only ``torch.export`` gets it right."""

    inputs = ("numeric",)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 2)

    def forward(self, x: Any) -> Any:
        scores = self.layer(x)
        return scores + torch.full((int(x.shape[0]), 1), 1.0)


class Hopeless(Stubborn):
    def forward(self, x: Any) -> Any:
        return torch.from_numpy(self.layer(x).detach().numpy() * len(x.tolist()))


def test_a_module_that_tracing_freezes_goes_through_torch_export() -> None:
    x = task_of().data.x
    module = Stubborn().eval()
    made = torch_onnx.export(module, x.take(slice(4)))
    assert not made.functions
    assert not any(node.metadata_props or node.doc_string for node in made.graph.node)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    for n in (1, 64):
        with torch.no_grad():
            wanted = module(torch.from_numpy(x.numeric[:n])).numpy()
        np.testing.assert_allclose(session.run(None, {"numeric": x.numeric[:n]})[0], wanted, atol=1e-5)


def test_a_module_that_cannot_be_exported_says_so() -> None:
    with pytest.raises(ExportError, match="Hopeless could not be exported"):
        torch_onnx.export(Hopeless(), task_of().data.x.take(slice(4)))


def test_module_onnx_names_inputs_by_field_and_returns_scores() -> None:
    task = task_of("binary", "numeric+categories", n=100)
    model = fitted(task, "numeric+categories", epochs=5)
    made = model.module_onnx()
    onnx.checker.check_model(made)
    assert [i.name for i in made.graph.input] == ["numeric", "categories"]
    assert [o.name for o in made.graph.output] == ["scores"]
    x = task.data.x
    feeds = {"numeric": x.numeric, "categories": x.categories.astype(np.int64)}
    (scores,) = onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)
    np.testing.assert_allclose(scores, model.scores(x), atol=1e-4)
    np.testing.assert_allclose(model.head.predict(scores), model.predict(x), atol=1e-5)


def test_rows_without_a_field_that_the_module_takes_are_named() -> None:
    task = task_of()
    with pytest.raises(ValueError, match=r"takes 'image'.*have numeric"):
        list(Network(partial(Small, field="image"), params_of("binary"), task.problem).fit(*task.fold(0)))


def test_a_loss_of_ones_own_is_taken_by_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    seen = []

    def build(params: Params, problem: Any) -> Any:
        seen.append(problem.summaries.n_rows)
        return lambda scores, y: (scores[:, 0] - y).abs() ** 1.5

    monkeypatch.setitem(sys.modules, "my_package.my_loss", SimpleNamespace(OPTION=Loss(space={}, build=build)))
    task = task_of("regression")
    model = Network(Small, {**params_of("regression"), "loss": "my_package.my_loss"}, task.problem)
    list(model.fit(*task.fold(0)))
    assert seen == [len(task.fold(0)[0])]


def timed(task: Task, seconds: float, **fixed: Any) -> Network:
    problem = replace(task.problem, fit_seconds=seconds)
    return Network(partial(Small, field="numeric"), params_of(task.target.kind, **fixed), problem)


def test_a_fit_with_too_few_seconds_ends_in_time_and_at_the_end_of_its_schedule() -> None:
    task = task_of(n=4000)
    model = timed(task, 0.7, epochs=200)
    *earlier, last = model.fit(*task.fold(0))
    assert [*earlier, last] == sorted([*earlier, last])
    assert 0 < last < 1
    assert np.isfinite(model.predict(task.data.x)).all()
    train, _ = task.fold(0)
    run = loop.Training(model, train, model.loss(train), 200, 1.0, 0.3)
    while not run.over:
        list(run.epoch())
    assert run.taken < run.full
    assert run.planned < run.full
    assert run.optimizer.param_groups[0]["lr"] < 0.02 * run.learning_rate


def test_a_fit_that_gets_slower_than_planned_hurries_along_its_schedule() -> None:
    task = task_of(n=4000)
    train, _ = task.fold(0)
    model = fitted(task)
    run = loop.Training(model, train, model.loss(train), 200, 1.0, 0.5)
    run.pace.began -= 0.45  # type: ignore[union-attr]
    run.planned = run.full
    while not run.over:
        list(run.epoch())
    assert run.taken < run.planned


def test_a_fit_that_gets_faster_than_planned_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    task = task_of(n=4000)
    train, _ = task.fold(0)
    model = fitted(task)
    monkeypatch.setattr(loop, "_OF_STEPS", 0.05)  # as if the steps that were timed had been slow
    run = loop.Training(model, train, model.loss(train), 2000, 1.0, 0.5)
    assert run.planned < run.full
    while not run.over:
        list(run.epoch())
    assert run.planned < run.taken < run.full
    assert run.optimizer.param_groups[0]["lr"] < 0.1 * run.learning_rate


def test_a_fit_with_seconds_to_spare_takes_all_its_epochs() -> None:
    task = task_of()
    assert list(timed(task, 60.0, epochs=2).fit(*task.fold(0)))[-1] == 1.0


def test_a_fit_that_may_stretch_lays_its_schedule_over_more_epochs() -> None:
    task = task_of()
    train, _ = task.fold(0)
    model = fitted(task)
    run = loop.Training(model, train, model.loss(train), 2, 1.0, 60.0, stretch=4.0)
    assert run.planned == run.full == 8 * run.n_steps
    assert not run.patient
    while not run.over:
        list(run.epoch())
    assert run.taken == run.planned
    assert run.progress <= 1
