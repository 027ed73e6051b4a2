"""Pseudo-labels: test rows come into training parts alone, what they are called knows nothing of the validation rows
beside them, and they are taken only where validation gains.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

from automl import cli, load, pseudo_labels, registry
from automl.cli import main
from automl.leaderboard.records import Board
from automl.leaderboard.store import Store
from automl.runtime.table import read_csv
from automl.testing import make_task


@pytest.fixture(autouse=True)
def budget_begins_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "STARTED", time.time())


def test_confident_rows_come_into_training_parts_alone() -> None:
    task = make_task("table", "binary")
    n = task.n_rows
    data = replace(task.data, groups=np.arange(n) // 2, order=np.arange(n), weights=np.full(n, 2.0))
    task = replace(task, data=data)
    x = task.data.x.take(np.arange(4))
    sure, unsure, other = [0.05, 0.95], [0.6, 0.4], [0.99, 0.01]
    said = [np.array([sure, unsure, other, unsure]) for _ in task.splits]
    said[0] = np.array([other, unsure, other, unsure])
    more, rows = pseudo_labels.with_labels(task, x, said)
    assert rows == 2
    added = {(0, 0), (0, 1), (2, 0)}  # the folds are not of one mind about row 0
    assert len(more.data) == n + len(added)
    for fold, ((train, valid), (train_before, valid_before)) in enumerate(zip(more.splits, task.splits, strict=True)):
        np.testing.assert_array_equal(valid, valid_before)
        np.testing.assert_array_equal(train[: len(train_before)], train_before)
        own = more.data.take(train[len(train_before) :])
        assert own.y.tolist() == ([0, 0] if fold == 0 else [1, 0])
        np.testing.assert_array_equal(own.x.numeric, x.numeric[[0, 2]] if x.numeric is not None else None)
        assert own.weights is not None
        assert set(own.weights) == {2.0}
        assert own.groups is not None
        assert not set(own.groups) & set(data.groups.tolist())
    np.testing.assert_array_equal(more.data.y[:n], task.data.y)
    assert more.fingerprint != task.fingerprint
    assert pseudo_labels.with_labels(task, x, [p * 0 for p in said])[1] == 0


def contest(folder: Path, x: pd.DataFrame, y: np.ndarray, test: pd.DataFrame, family: str, *more: str) -> list[str]:
    """Write the files of a contest; the command that answers it with one family."""
    x.assign(id=np.arange(len(x)), target=y).to_csv(folder / "train.csv", index=False)
    asked = test.assign(id=np.arange(len(test)) + 10_000)
    asked.to_csv(folder / "test.csv", index=False)
    asked[["id"]].assign(target=0.5).to_csv(folder / "sample.csv", index=False)
    only = [f"space.tables.{name}=off" for name in registry.available("tables") if name != family]
    quick = ["budget.seconds=null", "budget.trials=1", "data.folds=4", "runner=inline", "quiet=true", *only, *more]
    files = [str(folder / f"{name}.csv") for name in ("train", "test", "sample")]
    return ["compete", *files, *quick, f"run.dir={folder / 'runs' / 'one'}", "--pseudo-labels"]


def answered(folder: Path, x: pd.DataFrame, model: str) -> Board:
    """Check that ``model`` has answered; the leaderboard of the second fits."""
    filled = pd.read_csv(folder / "runs" / "one" / "submission.csv")["target"]
    said = load(folder / "runs" / "one" / model).predict_proba(x)[:, 1]
    np.testing.assert_allclose(filled, said, rtol=1e-6)
    with Store(folder / "runs" / "leaderboard.db", read_only=True) as store:
        assert [run.name for run in store.runs()] == ["one", "one/pseudo"]
        return store.board("one/pseudo")


def test_noise_wins_nothing_by_labels_of_its_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = pd.DataFrame(rng.normal(size=(160, 2)), columns=["a", "b"]), rng.integers(0, 2, 160)
    # The test rows are the training rows: who labels them by what has seen their labels would be right about them all.
    nearest = [f"space.tables.neighbors.{name}={value}" for name, value in (("k", 1), ("prior", 0.001))]
    main(contest(tmp_path, x, y, x, "neighbors", *nearest))
    (trial,) = answered(tmp_path, x, "model").trials
    assert 0.35 < (trial.score or 0.0) < 0.65
    (held,) = read_csv(tmp_path / "runs" / "submissions.csv")["run"]
    assert held.startswith("one; pseudo-labels of target: 160 rows, not taken: roc_auc better by")


def test_they_are_taken_where_validation_gains_by_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 900)
    points = rng.normal(size=(900, 20)) + 0.28 * (2 * y[:, None] - 1)
    x = pd.DataFrame(points, columns=[f"x{i}" for i in range(20)])
    main(contest(tmp_path, x[:60], y[:60], x[60:], "linear", "metric=log_loss"))
    answered(tmp_path, x[60:], "pseudo/model")
    (held,) = read_csv(tmp_path / "runs" / "submissions.csv")["run"]
    assert "rows, taken: log_loss better by" in held
    run = tmp_path / "runs" / "one"
    losses = [log_loss(y[60:], load(run / model).predict_proba(x[60:])) for model in ("pseudo/model", "model")]
    assert losses[0] < losses[1]


def test_numbers_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = pd.DataFrame({"a": np.arange(90) / 7})
    with pytest.raises(SystemExit):
        main(contest(tmp_path, x, x["a"].to_numpy() * 3, x, "linear"))
    assert "leave --pseudo-labels out" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
