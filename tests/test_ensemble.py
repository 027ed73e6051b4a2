"""Greedy selection: never worse than the best model, small, and honest about rows nobody predicted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl import metrics
from automl.ensemble import blend, select

RMSE = metrics.get("rmse", "regression")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 4))
def test_it_is_never_worse_than_the_best_and_never_larger_than_allowed(seed: int, n_models: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=60)
    predictions = {str(i): y + rng.normal(scale=rng.uniform(0.1, 2), size=60) for i in range(n_models)}
    weights = select(predictions, y, RMSE, max_members=most)
    assert len(weights) <= most
    assert sum(weights.values()) == pytest.approx(1)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    best = max(RMSE.score(y, p) for p in predictions.values())
    assert RMSE.score(y, blend(predictions, weights)) >= best - 1e-9


def test_errors_that_cancel_are_blended() -> None:
    y = np.arange(50.0)
    predictions = {"above": y + 1, "below": y - 1, "noise": np.zeros(50)}
    assert select(predictions, y, RMSE) == {"above": 0.5, "below": 0.5}


def test_only_rows_that_all_predicted_are_compared() -> None:
    y = np.arange(50.0)
    half = y.copy()
    half[25:] = np.nan
    wrong = y.copy()
    wrong[:25] += 5  # wrong where both have an answer, right elsewhere
    assert select({"half": half, "wrong": wrong}, y, RMSE) == {"half": 1.0}
