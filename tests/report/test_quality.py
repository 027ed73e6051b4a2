"""Curves, calibration, thresholds and intervals against scikit-learn and against what must be so."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from automl import metrics
from automl.report import quality
from automl.task import Batch, Rows


@pytest.fixture
def binary() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.random(500) < 0.3
    return y, np.round(np.clip(0.3 + 0.3 * (y - 0.3) + 0.2 * rng.normal(size=500), 0, 1), 2)  # with ties


def test_roc_is_scikit_learns(binary: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = quality.roc(*binary)
    theirs = sk.roc_curve(*binary, drop_intermediate=False)
    np.testing.assert_allclose(x, theirs[0])
    np.testing.assert_allclose(y, theirs[1])
    assert np.trapezoid(y, x) == pytest.approx(sk.roc_auc_score(*binary))


def test_precision_recall_is_scikit_learns(binary: tuple[np.ndarray, np.ndarray]) -> None:
    recall, precision = quality.precision_recall(*binary)
    theirs = sk.precision_recall_curve(*binary)
    np.testing.assert_allclose(recall, theirs[1][:-1][::-1])
    np.testing.assert_allclose(precision, theirs[0][:-1][::-1])


def test_thresholds_are_scikit_learns(binary: tuple[np.ndarray, np.ndarray]) -> None:
    y, p = binary
    for one in quality.thresholds(y, p, [0.2, 0.5, 2.0]):
        called = p >= one.threshold
        assert one.precision == pytest.approx(sk.precision_score(y, called, zero_division=0))
        assert one.recall == pytest.approx(sk.recall_score(y, called))
        assert one.f1 == pytest.approx(sk.f1_score(y, called, zero_division=0))
        assert one.accuracy == pytest.approx(sk.accuracy_score(y, called))
    best = quality.best_threshold(y, p)
    assert sk.f1_score(y, p >= best) == pytest.approx(max(sk.f1_score(y, p >= t) for t in np.unique(p)))


def test_calibration_sees_what_is_said_too_high() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    honest = quality.calibration(rng.random(20_000) < p, p)[2]
    boastful = quality.calibration(rng.random(20_000) < p**2, p)[2]
    assert honest < 0.02 < 0.14 < boastful < 0.2  # the mean of p - p**2 is 1/6


def test_confusion_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 4, 100), rng.integers(0, 4, 100)
    np.testing.assert_array_equal(quality.confusion(y, p, 4), sk.confusion_matrix(y, p, labels=range(4)))


def a_task(y: np.ndarray, metric: str, kind: str) -> Any:
    folds = np.array_split(np.arange(len(y)), 4)
    data = SimpleNamespace(y=y, weights=None)
    return SimpleNamespace(data=data, metric=metrics.get(metric, kind), valid_rows=folds)


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_intervals_hold_the_truth(metric: str) -> None:
    """Over many samples, the interval holds the score of the population about as often as it says."""
    rng = np.random.default_rng(0)
    truth = {"rmse": 1.0, "r2": 0.5}[metric]
    held, better = 0, 0
    for seed in range(12):
        signal = rng.normal(size=400)
        y = signal + rng.normal(size=400)
        task = a_task(y, metric, "regression")
        given = {"good": signal[:, None], "bad": np.zeros((400, 1))}
        scores, gains = quality.bootstrap(task, given, seed, resamples=50)
        held += scores["good"].low <= truth <= scores["good"].high
        assert scores["good"].low <= scores["good"].value <= scores["good"].high
        better += gains["bad"].low > 0
    assert held >= 9
    assert better == 12  # whatever the sign of the metric


def test_intervals_of_locked_rows_hold_the_truth() -> None:
    rng = np.random.default_rng(0)
    metric, held = metrics.get("accuracy", "binary"), 0
    for seed in range(12):
        y = (rng.random(300) < 0.8).astype(np.int64)
        batch = Batch(Rows(numeric=np.zeros((300, 1), np.float32)), y)
        found = quality.of_locked(metric, batch, np.tile([0.2, 0.8], (300, 1)), y.mean(), None, seed)
        assert found.low <= found.value <= found.high
        held += found.low <= 0.8 <= found.high
    assert held >= 9


def test_intervals_are_apart_where_they_have_nothing_in_common() -> None:
    one = quality.Interval(0.5, 0.4, 0.6)
    assert one.is_apart(quality.Interval(0.8, 0.7, 0.9))
    assert one.is_apart(quality.Interval(0.2, 0.1, 0.3))
    assert not one.is_apart(quality.Interval(0.65, 0.55, 0.75))
    assert not one.is_apart(quality.Interval(0.9))


def test_an_interval_stops_when_it_is_told_to() -> None:
    y = np.arange(40.0)
    task = a_task(y, "rmse", "regression")
    scores, _ = quality.bootstrap(task, {"a": y[:, None] + 1}, 0, goes_on=lambda: False)
    assert scores["a"].value == pytest.approx(1.0)
    assert scores["a"].low is None
