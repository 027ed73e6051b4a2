"""Fitting a candidate fold by fold: budgets, failures, and going on from a saved state."""

import pickle
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl import clock, epochs, metrics
from automl.assemble import task_space
from automl.goals import is_scored
from automl.model_store import ModelStore
from automl.space import Defaults, Params, draw
from automl.task import Batch, Problem, Rows
from automl.training.objective import FitFolds
from automl.training.pipeline import Pipeline
from automl.types import RUNG, RUNG_SECONDS, Candidate
from tests.tasks import make


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(str(tmp_path / "trials"))
    store.create()
    return store


def candidate(kind: str, target: str, family: str, **changed: object) -> Candidate:
    params = draw(task_space(make(kind, target)), Defaults({"family": family}))
    return Candidate("0", params | {f"family.{family}.{k}": v for k, v in changed.items()})


def test_a_deadline_keeps_what_there_is(store: ModelStore) -> None:
    task = make("table", "binary")
    *_, last = FitFolds(task, store)(candidate("table", "binary", "linear"), 1, time.time())
    assert (last.status, last.failure) == ("stopped", "out of time")
    (fold,) = last.folds
    assert fold.fold == 0
    assert len(store.predictions(fold)) == len(task.splits[0][1])


def test_time_spent_waiting_for_the_runner_is_not_counted() -> None:
    steps = FitFolds(make("table", "binary"))(candidate("table", "binary", "linear"), 1, None)
    for _ in steps:
        time.sleep(0.3)
    assert steps._seconds() < 5
    first, *_ = FitFolds(make("table", "binary"))(candidate("table", "binary", "linear"), 1, None)
    assert first.status == "running"


def test_a_state_is_taken_over_with_other_parameters() -> None:
    task = make("table", "binary")
    steps = FitFolds(task)(candidate("table", "binary", "mlp", epochs=12, patience=12), 1, None)
    first = next(steps)
    assert 0 < first.reports[-1].progress < 0.5
    changed = candidate("table", "binary", "mlp", epochs=12, patience=12, **{"optimizer.adamw.lr": 0.01})
    again = FitFolds(task).resume(changed, 1, None, steps.state())
    snapshots = list(again)
    assert snapshots[0].reports[-1].progress > first.reports[-1].progress
    assert snapshots[-1].status == "finished"
    assert snapshots[-1].candidate.params["family.mlp.optimizer.adamw.lr"] == 0.01
    assert snapshots[-1].seconds > first.seconds


@pytest.mark.parametrize("n_epochs", [4, 70])
def test_a_network_reports_the_epochs_of_each_fold(n_epochs: int, store: ModelStore) -> None:
    task = make("table", "binary")
    changed = {"epochs": n_epochs, "patience": n_epochs, "width": 4, "depth": 1}
    *_, last = FitFolds(task, store)(candidate("table", "binary", "mlp", **changed), 1, None)
    found = epochs.by_fold(last.reports)
    assert list(found) == list(range(len(task.splits)))
    for fold, judged in zip(last.folds, found.values(), strict=True):
        assert (judged[0].epochs, judged[-1].epochs) == (1, n_epochs)
        assert len(judged) == min(n_epochs, len(judged)) <= epochs.MOST
        model = store.model(fold).model
        valid = task.data.take(task.splits[fold.fold][1])
        x = store.model(fold).transform(valid.x)
        best = task.metric.score(valid.y, model.predict(x))  # what was kept is the best of them
        assert max(one.score for one in judged) == pytest.approx(best, rel=1e-4)
    *_, other = FitFolds(task)(candidate("table", "binary", "linear"), 1, None)
    assert not epochs.by_fold(other.reports)


class Shortened:
    """Ends by itself before its progress is whole, as a network does whose schedule ended in its seconds."""

    def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
        yield 0.3

    def predict(self, x: Rows) -> np.ndarray:
        return np.full((len(x), 2), 0.5)


def test_a_fold_gets_a_part_of_the_time_that_is_left_and_is_done_when_it_ends_by_itself() -> None:
    task = make("table", "binary")
    (train, valid), *_ = task.splits
    task = replace(task, splits=((train, valid),) * 5)
    given: list[float | None] = []

    def built(params: Params, problem: Problem) -> Pipeline:
        given.append(problem.fit_seconds)
        return Pipeline([], Shortened())

    one = candidate("table", "binary", "linear")
    *_, last = FitFolds(task, build=built)(one, 1, time.time() + 3000)
    assert (last.status, len(last.folds)) == ("finished", 5)
    assert given == [given[0]] * 5, "all folds get the same"
    assert 0.9 * 3000 < (given[0] or 0) * 5 / clock.FIT_SHARE <= 3000
    given.clear()
    list(FitFolds(task, deterministic=True, build=built)(one, 1, time.time() + 3000))
    list(FitFolds(task, build=built)(one, 1, None))
    assert given == [None] * 10


@pytest.mark.parametrize("n_folds", [3, 5, 8])
@pytest.mark.parametrize("longer", [1.0, 1.1])
def test_all_folds_are_done_in_time_where_what_lies_between_them_takes_long(
    n_folds: int, longer: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make("table", "binary")
    task = replace(task, splits=task.splits[:1] * n_folds)
    now = [1_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])

    class Timed(Shortened):
        def __init__(self, seconds: float | None) -> None:
            self.seconds = seconds or 0.0

        def fit(self, train: Batch, valid: Batch) -> Iterator[float]:
            now[0] += longer * self.seconds
            yield 0.3

    def built(params: Params, problem: Problem) -> Pipeline:
        return Pipeline([], Timed(problem.fit_seconds))

    *_, last = FitFolds(task, build=built)(candidate("table", "binary", "linear"), 1, now[0] + 100)
    assert (last.status, len(last.folds)) == ("finished", n_folds)
    assert 80 < now[0] - 1_000 < 100, "the time is used"


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_values_that_are_not_finite_are_a_failure() -> None:
    task = make("table", "regression")
    broken = replace(task, data=replace(task.data, y=np.full(task.n_rows, np.inf)))
    with pytest.raises((FloatingPointError, ValueError)):
        list(FitFolds(broken)(candidate("table", "regression", "linear"), 1, None))


def test_a_running_trial_refers_to_what_it_has_left_after_every_fold(store: ModelStore) -> None:
    task = make("table", "binary")
    snapshots = list(FitFolds(task, store)(candidate("table", "binary", "linear"), 1, None))
    first, last = snapshots[0], snapshots[-1]
    assert first.status == "running"
    assert [fold.fold for fold in first.folds] == [0]
    assert last.folds[0] is first.folds[0]
    for fold, (_, valid) in zip(last.folds, task.splits, strict=True):
        rows = task.data.x.take(valid)
        np.testing.assert_allclose(store.model(fold).predict(rows), store.predictions(fold), atol=1e-6)
    assert len(pickle.dumps(last)) < 3000, "a trial is a plain record"


def test_folds_that_are_taken_over_are_files_of_their_own(store: ModelStore) -> None:
    task = make("table", "binary")
    steps = FitFolds(task, store)(candidate("table", "binary", "linear"), 1, None)
    first = next(steps)
    other = Candidate("7", first.candidate.params)
    *_, last = FitFolds(task, store).resume(other, 1, None, steps.state())
    store.drop("0")
    assert [len(store.predictions(fold)) for fold in last.folds] == [len(valid) for _, valid in task.splits]


@pytest.mark.parametrize("family", ["lightgbm", "random_forest", "mlp"])
def test_a_deterministic_fit_does_not_look_at_the_time(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make("table", "binary")
    fit = FitFolds(task, deterministic=True)
    changed = {"epochs": 6, "patience": 6} if family == "mlp" else {}

    def told(slow: float) -> list[tuple]:
        real = time.perf_counter
        monkeypatch.setattr(time, "perf_counter", lambda: slow * real())
        trials = list(fit(candidate("table", "binary", family, **changed), 2, None))
        monkeypatch.undo()
        return [(t.status, t.score, t.fold_scores, [(r.progress, r.score) for r in t.reports]) for t in trials]

    assert told(1.0) == told(1000.0)


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "accuracy"])
def test_a_model_is_calibrated_where_the_metric_gains_by_it(metric: str, store: ModelStore) -> None:
    task = make("table", "binary")
    task = replace(task, problem=replace(task.problem, metric=metrics.get(metric, "binary")))
    *_, last = FitFolds(task, store)(candidate("table", "binary", "extra_trees"), 1, None)
    models = [store.model(fold) for fold in last.folds]
    assert all((model.temperature != 1) == (metric == "log_loss") for model in models)
    for model, fold, (_, valid) in zip(models, last.folds, task.splits, strict=True):
        np.testing.assert_allclose(model.predict(task.data.x.take(valid)), store.predictions(fold), atol=1e-6)


def test_a_fit_that_gets_nowhere_in_its_time_is_stopped_with_the_reason(store: ModelStore) -> None:
    on_a_rung = candidate("image", "binary", "conv_stages")
    params = on_a_rung.params | {RUNG: 0, RUNG_SECONDS: 1e-6}
    (last,) = FitFolds(make("image", "binary"), store)(Candidate("0", params), 1, None)
    assert (last.status, last.score, last.folds) == ("stopped", None, ())
    assert last.failure is not None
    assert last.failure.startswith("A fit takes 16 steps at least")
    assert not is_scored(last)


def test_a_network_is_not_begun_where_the_time_would_go_into_loading_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    task, soon = make("table", "binary"), time.time() + clock.LOADING_SECONDS - 0.5
    (trial,) = FitFolds(task)(candidate("table", "binary", "mlp"), 1, soon)
    assert trial.status == "stopped"
    assert "Loading PyTorch" in (trial.failure or "")
    *_, other = FitFolds(task)(candidate("table", "binary", "linear"), 1, soon)
    assert other.status == "finished"
