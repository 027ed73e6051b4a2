"""Rows with what belongs to them, and what is known of them before a fit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from automl.data import from_arrays
from automl.task import Batch, Rows
from tests.tasks import TARGETS, make

PARTS = ("weights", "groups", "order")


@drawn(st.sets(st.sampled_from(PARTS)), st.lists(st.integers(0, 19), min_size=1))
def test_what_belongs_to_rows_goes_where_they_go(there: set[str], index: list[int]) -> None:
    beside = {name: np.arange(20) + 100 * i for i, name in enumerate(PARTS) if name in there}
    batch = Batch(Rows(np.arange(20, dtype=np.float32)[:, None]), np.arange(20), **beside)
    taken = batch.take(np.array(index))
    assert len(taken) == len(index)
    for name in PARTS:
        part = getattr(taken, name)
        if name in there:
            np.testing.assert_array_equal(part, beside[name][index])
        else:
            assert part is None


@pytest.mark.parametrize(("option", "part"), [("group", "groups"), ("order", "order"), ("weights", "weights")])
def test_the_data_room_fills_them(option: str, part: str) -> None:
    frame = pd.DataFrame({"x": np.arange(40.0), "beside": np.arange(40) // 2 + 1, "target": np.arange(40) % 2})
    task = from_arrays(frame, "target", folds=2, test_share=0.2, **{option: "beside"})
    assert task.test is not None
    for rows in (task.data, task.test, *task.fold(0)):
        own, given = getattr(rows, part).tolist(), (rows.x.numeric[:, 0] // 2).tolist()
        # Weights, numbers of groups or ranks: what is one in the column is one here.
        assert len(own) == len(rows)
        assert len(set(zip(own, given, strict=True))) == len(set(own)) == len(set(given))


@pytest.mark.parametrize("target", TARGETS)
def test_a_problem_says_what_families_ask_of_the_rows(target: str) -> None:
    task = make("table", target)
    found = task.problem.summaries
    assert (found.n_rows, found.n_numeric) == task.data.x.numeric.shape
    assert found.cardinalities == task.data.x.cardinalities
    assert found.n_terms == 0
    assert found.target_range == (task.data.y.min(), task.data.y.max())
    assert sum(found.class_counts) == (task.n_rows if task.target.is_classification else 0)
    train, _ = task.fold(0)
    assert task.problem.on(train).summaries.n_rows == len(train)
