"""What a run keeps of its targets, and what predicting a constant is worth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.baseline import constant_score
from automl.errors import ArtifactError
from automl.metrics import Metric, get
from automl.task import Task
from automl.validation import Validation
from tests.tasks import make


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_targets_come_back_as_they_were(tmp_path: Path, target: str) -> None:
    task = make("table", target)
    weighted = replace(task, data=replace(task.data, weights=np.linspace(1, 2, task.n_rows)))
    for of in (task, weighted):
        Validation.of(of).write(tmp_path / "validation.npz")
        found = Validation.read(tmp_path / "validation.npz")
        np.testing.assert_array_equal(found.y, of.data.y)
        assert (found.weights is None) == (of.data.weights is None)
        assert [rows.tolist() for rows in found.rows] == [rows.tolist() for rows in of.valid_rows]
        assert (found.target, found.classes) == (task.schema.target_name, tuple(map(str, task.schema.classes)))


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "validation.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"validation\.npz"):
        Validation.read(path)


def _with(task: Task, chosen: Metric) -> Task:
    return replace(task, problem=replace(task.problem, metric=chosen))


def test_the_constant_of_classes_is_their_shares() -> None:
    task = make("table", "binary")
    assert constant_score(_with(task, get("roc_auc", task.target.kind))) == 0.5
    shares = [np.bincount(train.y, minlength=2) / len(train) for train, _ in map(task.fold, range(len(task.splits)))]
    losses = [np.mean(np.log(s[v.y])) for s, (_, v) in zip(shares, map(task.fold, range(len(shares))), strict=True)]
    assert constant_score(_with(task, get("log_loss", task.target.kind))) == pytest.approx(np.mean(losses))


def test_the_constant_of_values_is_the_better_of_mean_and_median() -> None:
    task = make("table", "regression")
    skewed = replace(task, data=replace(task.data, y=np.exp(3 * task.data.y / task.data.y.std())))
    for name, constant in (("mae", np.median), ("rmse", np.mean)):
        of = _with(skewed, get(name, task.target.kind))
        folds = [of.fold(i) for i in range(len(of.splits))]
        expected = [of.metric.score(v.y, np.full((len(v), 1), constant(t.y))) for t, v in folds]
        assert constant_score(of) == pytest.approx(np.mean(expected))


def test_a_metric_that_refuses_constants_leaves_no_baseline() -> None:
    def refuses(y: np.ndarray, prediction: np.ndarray, weights: object = None) -> float:
        raise ValueError("no constant")

    assert constant_score(_with(make("table", "binary"), Metric("mine", refuses, "values"))) is None
