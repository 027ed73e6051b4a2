"""Splits cover the rows once, keep the classes' shares, and respect groups and order."""

from typing import Any

import numpy as np
import pytest

from automl.data import from_arrays
from automl.data.splits import Layout, folds_for, hold_out, make_splits
from automl.errors import ConfigError, DataError

rng = np.random.default_rng(0)
CODES = rng.choice(3, 300, p=[0.7, 0.2, 0.1]).astype(np.int64)
VALUES = rng.normal(size=300)
GROUPS = rng.integers(0, 30, 300)


@pytest.mark.parametrize("y", [CODES, VALUES], ids=["classes", "values"])
@pytest.mark.parametrize("groups", [None, GROUPS], ids=["rows", "groups"])
def test_folds_partition_the_rows(y: Any, groups: Any) -> None:
    splits, _ = make_splits(Layout(y, groups), 5)
    assert len(splits) == 5
    for train, valid in splits:
        assert sorted([*train, *valid]) == list(range(300))
        if groups is not None:
            assert not set(groups[train]) & set(groups[valid])
    assert sorted(np.concatenate([valid for _, valid in splits])) == list(range(300))


def test_classes_keep_their_shares() -> None:
    splits, _ = make_splits(Layout(CODES), 5)
    for _, valid in splits:
        np.testing.assert_allclose(np.bincount(CODES[valid]) / len(valid), np.bincount(CODES) / 300, atol=0.02)
    _, held = hold_out(Layout(CODES), 0.2)
    assert len(held) == 60
    np.testing.assert_allclose(np.bincount(CODES[held]) / 60, np.bincount(CODES) / 300, atol=0.03)


def test_the_seed_decides() -> None:
    def valid(seed: int) -> Any:
        return (
            make_splits(Layout(CODES, seed=seed), 5)[0][0][1].tolist()
            + hold_out(Layout(CODES, seed=seed), 0.2)[1].tolist()
        )

    assert valid(1) == valid(1)
    assert valid(1) != valid(2)


def test_holdout_leaves_two_rows_of_each_class() -> None:
    y = np.r_[np.zeros(50), [1, 1], [2, 2]].astype(np.int64)
    rest, held = hold_out(Layout(y), 0.5)
    assert np.bincount(y[rest])[1:].tolist() == [2, 2]
    assert len(held) == 27


def test_many_classes_in_a_small_holdout() -> None:
    y = np.arange(400) % 100
    rest, held = hold_out(Layout(y), 0.2)
    assert len(held) == 80
    assert set(y[rest]) == set(range(100))


def test_later_rows_validate() -> None:
    order = rng.integers(0, 50, 300)
    splits, notes = make_splits(Layout(VALUES, order=order), 4)
    assert len(splits) == 4
    for train, valid in splits:
        assert order[train].max() < order[valid].min()
    assert "later" in notes[0]
    rest, held = hold_out(Layout(VALUES, order=order), 0.2)
    assert order[rest].max() < order[held].min()
    assert 40 <= len(held) <= 80


def test_group_holdout() -> None:
    rest, held = hold_out(Layout(CODES, GROUPS), 0.2)
    assert not set(GROUPS[rest]) & set(GROUPS[held])
    assert 30 <= len(held) <= 90


def test_rare_class_lowers_the_folds() -> None:
    y = np.r_[np.zeros(50), [1, 1, 1]].astype(np.int64)
    splits, notes = make_splits(Layout(y), 5)
    assert len(splits) == 3
    assert any("3 instead of 5" in note and "rarest class has 3" in note for note in notes)


def test_the_only_row_of_a_class_is_always_trained_on() -> None:
    y = np.r_[np.zeros(50), [1], np.full(9, 2)].astype(np.int64)
    splits, notes = make_splits(Layout(y), 5)
    assert len(splits) == 5
    for train, valid in splits:
        assert 50 in train
        assert not set(train) & set(valid)
    assert sorted(np.concatenate([valid for _, valid in splits])) == [i for i in range(60) if i != 50]
    assert any("never validated on: 1." in note for note in notes)
    assert 50 in hold_out(Layout(y), 0.3)[0]


def test_few_groups_lower_the_folds() -> None:
    splits, notes = make_splits(Layout(VALUES, GROUPS % 3), 5)
    assert len(splits) == 3
    assert any("3 groups" in note for note in notes)
    with pytest.raises(DataError, match="1 groups"):
        make_splits(Layout(VALUES, GROUPS * 0), 5)


@pytest.mark.parametrize(
    ("kind", "n_rows", "expected"),
    [("table", 100, 8), ("table", 10_001, 5), ("text", 100_001, 3), ("table", 300_001, 0.2), ("image", 1000, 0.15),
     ("sequence", 999, 3), ("table", 4, 2), ("sequence", 50_000, 0.1)],
)  # fmt: skip
def test_automatic_folds(kind: Any, n_rows: int, expected: Any) -> None:
    assert folds_for("auto", kind, n_rows) == expected


@pytest.mark.parametrize(("folds", "expected"), [(np.int64(3), 3), (4.0, 4), (np.float32(0.25), 0.25), (0.3, 0.3)])
def test_folds_of_every_type(folds: Any, expected: Any) -> None:
    found = folds_for(folds, "table", 100)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("folds", [1, 0, -2, 2.5, 1.0, "many", None, True])
def test_bad_folds(folds: Any) -> None:
    with pytest.raises(ConfigError, match=r"neither 'auto' nor a share .* at least 2"):
        folds_for(folds, "table", 100)


def test_more_folds_than_rows() -> None:
    with pytest.raises(DataError, match="9 rows for 10 folds"):
        folds_for(10, "table", 9)


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    n = 240
    groups = np.array([None if i % 3 == 0 else f"g{i % 20}" for i in range(n)], object)
    task = from_arrays({"x": np.arange(n) * 1.5, "g": groups, "y": np.arange(n) % 2}, "y", group="g", folds=4)
    sizes = [len(valid) for _, valid in task.splits]
    assert max(sizes) < 2 * min(sizes)
    for train, valid in task.splits:
        assert not (set(groups[train]) & set(groups[valid])) - {None}
