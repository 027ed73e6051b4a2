"""Fitting a candidate fold by fold: budgets, failures, and going on from a saved state."""

import time
from dataclasses import replace

import numpy as np
import pytest

from automl.assemble import task_space
from automl.space import Defaults, draw
from automl.training.objective import FitFolds
from automl.types import Candidate
from tests.tasks import make


def candidate(kind: str, target: str, family: str, **changed: object) -> Candidate:
    params = draw(task_space(make(kind, target)), Defaults({"family": family}))
    return Candidate("0", params | {f"family.{family}.{k}": v for k, v in changed.items()})


def test_a_deadline_keeps_what_there_is() -> None:
    task = make("table", "binary")
    *_, last = FitFolds(task)(candidate("table", "binary", "linear"), 1, time.time())
    assert last.status == "stopped"
    assert len(last.fold_scores) == 1
    assert last.outcome is not None
    seen = np.isfinite(last.outcome.predictions).all(axis=1)
    assert set(np.flatnonzero(seen)) == set(task.splits[0][1])


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


def test_values_that_are_not_finite_are_a_failure() -> None:
    task = make("table", "regression")
    broken = replace(task, data=replace(task.data, y=np.full(task.n_rows, np.inf)))
    with pytest.raises((FloatingPointError, ValueError)):
        list(FitFolds(broken)(candidate("table", "regression", "linear"), 1, None))


def test_a_running_trial_brings_what_it_would_leave_after_every_fold() -> None:
    task = make("table", "binary")
    snapshots = list(FitFolds(task)(candidate("table", "binary", "linear"), 1, None))
    first, last = snapshots[0], snapshots[-1]
    assert first.status == "running"
    assert first.outcome is not None
    assert len(first.outcome.models) == 1
    # It stays as it was when the next fold is added.
    assert np.isfinite(first.outcome.predictions).all(axis=1).sum() == len(task.splits[0][1])
    assert last.outcome is not None
    assert len(last.outcome.models) == 2
    bare = replace(first, outcome=None)
    assert bare.following(first).outcome is first.outcome
    assert replace(bare, status="failed").following(first).outcome is None
