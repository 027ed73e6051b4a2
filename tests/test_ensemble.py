"""Greedy selection: never worse than the best model, small, and honest about rows nobody predicted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import ensemble, metrics
from automl.ensemble import blend, fold_scores, select
from automl.target import Target

VALUES = Target("regression")
RMSE = metrics.get("rmse", "regression")
FOLDS = [np.arange(0, 25), np.arange(25, 50)]


def score(metric: metrics.Metric, y: np.ndarray, prediction: np.ndarray) -> float:
    return metrics.mean(fold_scores(metric, y, prediction, None, FOLDS))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 4))
def test_it_is_never_worse_than_the_best_and_never_larger_than_allowed(seed: int, n_models: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=50)
    predictions = {str(i): (y + rng.normal(scale=rng.uniform(0.1, 2), size=50))[:, None] for i in range(n_models)}
    weights = select(VALUES, predictions, y, RMSE, FOLDS, max_members=most)
    assert len(weights) <= most
    assert sum(weights.values()) == pytest.approx(1)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    best = max(score(RMSE, y, p) for p in predictions.values())
    assert score(RMSE, y, blend(VALUES, predictions, weights)) >= best - 1e-9


def test_errors_that_cancel_are_blended() -> None:
    y = np.arange(50.0)
    y_column = y[:, None]
    predictions = {"above": y_column + 1, "below": y_column - 1, "noise": np.zeros((50, 1))}
    assert select(VALUES, predictions, y, RMSE, FOLDS) == {"above": 0.5, "below": 0.5}


def test_only_rows_that_all_predicted_are_compared() -> None:
    y = np.arange(50.0)
    half = y[:, None].copy()
    half[25:] = np.nan
    wrong = y[:, None].copy()
    wrong[:25] += 5  # wrong where both have an answer, right elsewhere
    assert select(VALUES, {"half": half, "wrong": wrong}, y, RMSE, FOLDS) == {"half": 1.0}


def test_rows_of_different_folds_are_not_ranked_together() -> None:
    auc = metrics.get("roc_auc", "binary")
    y = np.tile([0, 1], 25)
    # Perfect within each fold, on another scale in the second.
    p = np.where(np.arange(50) < 25, 0.1, 0.6) + 0.2 * y
    prediction = np.stack([1 - p, p], axis=1)
    assert score(auc, y, prediction) == 1.0
    assert auc.score(y, prediction) < 1.0


def test_certain_models_that_agree_stay_certain() -> None:
    y = np.tile([0, 1], 25)
    said = np.where(np.eye(2)[y] > 0, 0.9, 0.1)
    sure = np.where(np.eye(2)[y] > 0, 0.999, 0.001)
    target = Target("binary", 2)
    together = blend(target, {"said": said, "sure": sure}, {"said": 0.5, "sure": 0.5})
    assert (together.max(axis=1) > (said + sure).max(axis=1) / 2).all()
    assert select(target, {"said": said, "sure": sure}, y, metrics.get("log_loss", "binary"), FOLDS) == {"sure": 1.0}


def test_where_a_class_has_few_rows_chance_decides_less(monkeypatch: pytest.MonkeyPatch) -> None:
    auc, target = metrics.get("roc_auc", "binary"), Target("binary", 2)
    folds = np.array_split(np.arange(400), 4)

    def unseen(seed: int) -> float:
        rng = np.random.default_rng(seed)
        y = np.tile(np.arange(20) == 0, 400).astype(int)
        # Of six models that are as good as each other the mean is best.
        said = {str(i): 1 / (1 + np.exp(-(y + rng.normal(size=len(y)) - 0.5))) for i in range(6)}
        both = {i: np.stack([1 - p, p], axis=1) for i, p in said.items()}
        weights = select(target, {i: p[:400] for i, p in both.items()}, y[:400], auc, folds)
        return auc.score(y[400:], blend(target, {i: p[400:] for i, p in both.items()}, weights))

    bagged = [unseen(seed) for seed in range(8)]
    monkeypatch.setattr(ensemble, "FEW", 0)
    assert np.mean(bagged) > np.mean([unseen(seed) for seed in range(8)]) + 0.005


def test_folds_that_a_model_has_not_seen_do_not_count_where_chance_decides_less() -> None:
    rng = np.random.default_rng(0)
    y = np.tile([0, 0, 0, 0, 1], 20)
    said = rng.uniform(size=(4, len(y)))
    predictions = {str(i): np.stack([1 - p, p], axis=1) for i, p in enumerate(said)}
    predictions["0"][50:] = np.nan  # it was stopped before its last folds
    weights = select(
        Target("binary", 2), predictions, y, metrics.get("log_loss", "binary"), np.array_split(np.arange(100), 4)
    )
    assert sum(weights.values()) == pytest.approx(1)
