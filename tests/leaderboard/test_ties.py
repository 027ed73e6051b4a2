"""Tiers: what folds cannot tell apart is together, what they can is not."""

import numpy as np
import pytest

from automl.leaderboard.ties import tiers


@pytest.mark.parametrize("k", [3, 5, 10])
def test_equal_models_are_seldom_told_apart(k: int) -> None:
    draw = np.random.default_rng(0)
    apart = 0
    for _ in range(300):
        fold = draw.normal(0, 1, k)  # what is hard about a fold is hard for both
        one, other = fold + draw.normal(0, 0.1, k), fold + draw.normal(0, 0.1, k)
        best, second = (one, other) if one.mean() >= other.mean() else (other, one)
        apart += tiers([best.tolist(), second.tolist()]) == [1, 2]
    # The better of two equal ones is ahead by chance; with three folds even ten times as often as with many.
    assert apart / 300 < {3: 0.2, 5: 0.08, 10: 0.05}[k]


def test_pairs_tell_apart_what_spreads_do_not() -> None:
    fold = np.array([0.5, 0.6, 0.7, 0.8, 0.9])  # folds differ by far more than the models do
    worse = fold - 0.01 + np.array([1, -1, 0, 1, -1]) * 0.001
    assert tiers([fold.tolist(), worse.tolist()]) == [1, 2]
    assert tiers([fold.tolist(), (fold[[1, 0, 2, 4, 3]] - 1e-9).tolist()]) == [1, 1]


def test_a_tier_is_measured_from_its_best() -> None:
    noise = np.array([1, -1, 1, -1, 0.0]) * 0.004
    ladder = [(0.9 - 0.004 * i + noise * (-1) ** i).tolist() for i in range(8)]
    found = tiers(ladder)
    assert found[0] == 1
    assert found == sorted(found, key=lambda tier: tier or 0)
    assert 1 < (found[-1] or 0) < 8


def test_other_and_too_few_folds_are_in_no_tier() -> None:
    assert tiers([]) == []
    assert tiers([[0.9, 0.8], [0.7, 0.6]]) == [None, None]
    assert tiers([[0.9, 0.8, 0.9], [0.9], [0.9, 0.8, float("nan")], [0.9, 0.8, 0.9]]) == [1, None, None, 1]
    assert tiers([[0.5] * 5] * 3) == [1, 1, 1]
