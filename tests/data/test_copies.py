"""Rows that occur more than once stay on one side of every split; what coincides by chance is no copy."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays

rng = np.random.default_rng(0)
N = 120
FRAME = pd.DataFrame(
    {
        "size": rng.normal(size=N),
        "colour": rng.choice(["red", "green"], N),
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), unit="D"),
    }
)
CLASSES = rng.choice(["no", "yes"], N, p=[0.7, 0.3])
THRICE = rng.permutation(np.tile(np.arange(N), 3))
IMAGES = rng.integers(0, 255, (N, 6, 6)).astype(np.uint8)
SEQUENCES = rng.normal(size=(N, 5, 2))
TEXTS = np.array([f"word{a} and word{b} of word{c}" for a, b, c in rng.integers(0, 9, (N, 3))], object)
KINDS: dict[str, Callable[[], Any]] = {
    "table": lambda: FRAME,
    "array": lambda: rng.normal(size=(N, 3)),
    "with gaps": lambda: FRAME.mask(rng.random(FRAME.shape) < 0.1),
    "image": lambda: IMAGES,
    "sequence": lambda: SEQUENCES,
    "text": lambda: pd.DataFrame({"text": TEXTS, "n": rng.normal(size=N)}),
}


def taken(x: Any, rows: np.ndarray) -> Any:
    return x.iloc[rows] if isinstance(x, pd.DataFrame) else x[rows]


@pytest.mark.parametrize("target", ["classes", "values"])
@pytest.mark.parametrize("folds", [5, 0.25])
@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_never_parted(kind: str, folds: int | float, target: str) -> None:
    y = CLASSES if target == "classes" else rng.normal(size=N)
    task = from_arrays(taken(KINDS[kind](), THRICE), y[THRICE], folds=folds)
    assert any("240 rows are copies" in note for note in task.notes)
    for train, valid in task.splits:
        assert not set(THRICE[train]) & set(THRICE[valid])
    if folds == 5:
        assert sorted(np.concatenate(task.valid_rows)) == list(range(3 * N))
        sizes = [len(rows) for rows in task.valid_rows]
        assert max(sizes) - min(sizes) <= 9


def test_copies_of_one_row_in_two_groups_join_them() -> None:
    groups = np.where(np.arange(3 * N) < 3, 0, THRICE // 4)
    task = from_arrays(FRAME.iloc[THRICE], CLASSES[THRICE], group=groups, folds=3)
    for train, valid in task.splits:
        assert not set(THRICE[train]) & set(THRICE[valid])
        assert not set(groups[train]) & set(groups[valid])


def test_groups_that_all_share_copies_stay_apart() -> None:
    groups = np.arange(3 * N) // 6
    task = from_arrays(FRAME.iloc[THRICE], CLASSES[THRICE], group=groups, folds=3)
    assert any("nearly all groups share some" in note for note in task.notes)
    assert all(not set(groups[train]) & set(groups[valid]) for train, valid in task.splits)


def test_locked_rows_have_no_copies_to_learn_from() -> None:
    task = from_arrays(FRAME.iloc[THRICE], CLASSES[THRICE], test_share=0.2)
    assert task.test is not None
    assert task.n_test == pytest.approx(72, abs=6)
    assert not any("memory" in note for note in task.notes)
    sizes = task.data.x.numeric[:, 0]  # type: ignore[index]
    assert not set(sizes) & set(task.test.x.numeric[:, 0])  # type: ignore[index]


def test_copies_among_given_test_rows_are_counted() -> None:
    test = (FRAME.iloc[:30], CLASSES[:30])
    task = from_arrays(FRAME, CLASSES, test=test)
    assert any(note.startswith("30 of the 30 test rows (100%) are copies") for note in task.notes)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_few_values_coincide_by_chance(columns: int) -> None:
    x = rng.integers(0, 4, (400, columns)).astype(str)
    task = from_arrays(x, rng.choice([0, 1], 400))
    assert not any("copies" in note for note in task.notes)


def test_ordered_rows_are_counted_and_stay_in_order() -> None:
    order = np.arange(3 * N)
    task = from_arrays(FRAME.iloc[THRICE], CLASSES[THRICE], order=order)
    assert any("since the rows are ordered" in note for note in task.notes)
    assert all(order[train].max() < order[valid].min() for train, valid in task.splits)


def test_splits_do_not_depend_on_the_process() -> None:
    """Python's hashes of bytes differ between processes; the codes of rows do not."""
    code = "from tests.data.test_copies import *; print(from_arrays(FRAME.iloc[THRICE], CLASSES[THRICE]).fingerprint)"
    run = partial(subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run().stdout == run().stdout
