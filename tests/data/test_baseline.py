"""What a model has to beat, metrics that cannot judge a target, and columns that give the answer away."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import metrics
from automl.data import baseline, from_arrays
from automl.errors import ConfigError, DataError
from automl.export.remarks import remarks
from automl.task import Task

rng = np.random.default_rng(0)
N = 200
X = rng.normal(size=(N, 3))
TARGETS = {
    "binary": rng.choice(["a", "b"], N, p=[0.8, 0.2]),
    "multiclass": rng.choice(["a", "b", "c"], N, p=[0.6, 0.2, 0.2]),
    "regression": rng.lognormal(size=N) + 0.1,
}
FITTING = [(kind, name) for kind in TARGETS for name in metrics.names(kind)]


def broken(y: np.ndarray, p: np.ndarray) -> float:
    raise RuntimeError("no such thing")


def no_number(y: np.ndarray, p: np.ndarray) -> Any:
    return "good"


def endless(y: np.ndarray, p: np.ndarray) -> float:
    return float("nan")


def correlation(y: np.ndarray, p: np.ndarray) -> float:
    return float(np.corrcoef(y, p)[0, 1]) if np.ptp(p) else float("nan")


def made(kind: str, metric: Any = "auto", x: Any = X) -> Task:
    return from_arrays(x, TARGETS[kind], metric=metric, target_kind=kind, folds=4)


@pytest.mark.parametrize(("kind", "name"), FITTING)
def test_every_metric_has_a_baseline_below_the_truth(kind: str, name: str) -> None:
    task = made(kind, name)
    assert task.baseline is not None
    assert len(task.baseline.fold_scores) == 4
    assert np.isfinite(task.baseline.score)
    assert task.baseline.score <= task.baseline.perfect
    if name not in ("precision", "recall"):  # of which a constant may be the best there is
        assert task.baseline.skill(task.baseline.perfect) == pytest.approx(1)


def test_the_constant_fits_the_metric() -> None:
    y = TARGETS["regression"]
    scores = {name: made("regression", name).baseline for name in ("mae", "rmse")}
    assert scores["mae"].score >= -np.abs(y - np.median(y)).mean() * 1.05  # type: ignore[union-attr]
    assert scores["rmse"].score == pytest.approx(-y.std(), rel=0.1)  # type: ignore[union-attr]
    assert made("binary", "recall").baseline.score == 1.0  # type: ignore[union-attr]


@pytest.mark.parametrize("metric", [broken, no_number])
def test_metrics_that_fail_on_the_truth_are_refused(metric: Any) -> None:
    with pytest.raises(ConfigError, match=f"{metric.__name__} cannot judge this target"):
        made("binary", metric)


def test_a_metric_without_a_value_is_refused() -> None:
    with pytest.raises(DataError, match="endless has no value on this data"):
        made("binary", endless)


def test_a_metric_that_constants_have_no_value_in_is_not() -> None:
    assert made("regression", correlation).baseline is None


@pytest.mark.parametrize(
    ("metric", "y", "words"),
    [
        (
            "rmsle",
            np.r_[-1.5, rng.random(N - 1)],
            "takes the logarithm of the target plus 1, and its least value is -1.5",
        ),
        ("mape", np.r_[0.0, 0.0, rng.random(N - 2)], "divides by the target, which is 0 in 2 of 200 rows"),
    ],
)
def test_metrics_that_a_target_makes_impossible(metric: str, y: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        from_arrays(X, y, metric=metric)


@pytest.mark.parametrize("kind", TARGETS)
def test_a_model_that_knows_nothing_is_said_not_to_beat_the_constant(kind: str) -> None:
    task = made(kind)
    assert task.baseline is not None
    shares = task.target.columns(task.data.y).mean(axis=0)
    guess = np.abs(shares + 0.3 * rng.normal(size=(N, task.target.width)))
    guess = guess / guess.sum(axis=1, keepdims=True) if task.target.is_classification else guess
    assert "beat the constant prediction" in remarks(task, guess)[0]
    truth = 0.2 * shares + 0.8 * task.target.columns(task.data.y)
    assert remarks(task, truth) == []


PATIENTS = np.repeat(np.arange(40), 5)
ILL = np.where(rng.random(40) < 0.5, "ill", "well")[PATIENTS]


@pytest.mark.parametrize(
    ("name", "values", "suspected"),
    [
        ("patient_id", PATIENTS + 1000, True),
        ("PatientID", [f"p{i}" for i in PATIENTS], True),
        ("doctor", [f"d{i}" for i in PATIENTS], True),  # it tells the target of its other rows
        ("town", [f"t{i}" for i in rng.integers(0, 40, N)], False),
        ("age", rng.integers(20, 60, N), False),
        ("size_id", rng.normal(size=N), False),
        ("row_id", np.arange(N), False),  # every value differs: not used at all
    ],
)
def test_columns_that_tell_what_rows_belong_to(name: str, values: Any, suspected: bool) -> None:
    task = from_arrays(pd.DataFrame({name: values, "x": rng.normal(size=N)}), ILL)
    assert task.suspects == ((name,) if suspected else ())
    assert any(f"data.group={name}" in note for note in task.notes) == suspected
    knowing = 0.1 + 0.8 * task.target.columns(task.data.y)
    assert [name in text for text in remarks(task, knowing)] == ([True] if suspected else [])
    # What is a group already is no feature, and no suspect.
    if suspected:
        apart = from_arrays(pd.DataFrame({name: values, "x": rng.normal(size=N)}), ILL, group=name)
        assert apart.suspects == ()


def test_the_locked_rows_have_a_baseline_of_their_own() -> None:
    task = from_arrays(X, TARGETS["regression"], test_share=0.2)
    found = baseline.of(task)
    assert found is not None
    assert found.test is not None
    assert found.test < found.perfect
