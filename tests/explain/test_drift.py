"""Drift between two sets of rows: found where it is, and not where it is not; and the smallest changes of an answer."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from automl.data import from_arrays, rows
from automl.explain import drift
from automl.explain.counterfactual import nearest_changes
from automl.explain.mixed import Subject, plain
from automl.task import Rows
from automl.testing import make_task

N = 600


def a_frame(seed: int, shift: float = 0.0, level: str = "b", lost: float = 0.1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.normal(size=N) + shift, "c": rng.choice(["a", level, "c"], N), "d": rng.normal(size=N)})
    x["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), unit="D")
    x.loc[rng.random(N) < lost, "d"] = np.nan
    return x


@pytest.fixture(scope="module")
def task() -> Any:
    x = a_frame(0)
    return from_arrays(x, np.arange(N) % 2)


def test_alike_rows_are_alike(task: Any) -> None:
    other = rows(task.schema, a_frame(1))
    told = drift.adversarial(task.schema, task.data.x, other)
    assert 0.42 < told.auc < 0.58
    assert min(d.p_value for d in drift.by_column(task.schema, task.data.x, other)) > 1e-3


@pytest.mark.parametrize(
    ("change", "column"), [({"shift": 1.0}, "a"), ({"level": "z"}, "c"), ({"lost": 0.7}, "d")], ids=["a", "c", "d"]
)
def test_drift_is_found_where_it_is(task: Any, change: dict[str, Any], column: str) -> None:
    other = rows(task.schema, a_frame(1, **change))
    told = drift.adversarial(task.schema, task.data.x, other)
    assert told.auc > 0.65
    assert told.columns[0][0] == column
    by_name = {d.name: d for d in drift.by_column(task.schema, task.data.x, other)}
    if column == "d":  # the numbers that are there are as before
        assert by_name["d"].p_value > 1e-3
    else:
        assert by_name[column].p_value < 1e-6
        assert by_name[column].distance == max(d.distance for d in by_name.values())


@pytest.mark.parametrize("kind", ["image", "sequence", "text"])
def test_every_kind_of_data_is_compared(kind: Any) -> None:
    given = make_task(kind, "binary").data.x
    half = len(given) // 2
    schema = make_task(kind, "binary").schema
    assert 0 <= drift.adversarial(schema, given.take(slice(0, half)), given.take(slice(half, None))).auc <= 1


def test_of_many_terms_those_that_are_looked_at_alone_are_made_dense() -> None:
    wide = Rows(sparse=sparse.csr_matrix(([1.0, 2.0], ([0, 1], [299, 300])), (1000, 10**9)))  # 4 TB
    dense = drift._dense(wide)
    assert (dense.shape, dense.sum()) == ((1000, 300), 1)


def test_the_nearest_change_is_the_nearest() -> None:
    """A model of one threshold: the smallest change is to the next value beyond it, and other columns do nothing."""
    frame = pd.DataFrame({"a": np.linspace(0, 1, 25), "b": np.arange(25.0)})
    task = from_arrays(frame, (frame["a"] > 0.5).astype(int).to_numpy())

    def answer(x: Any, _: Any) -> np.ndarray:
        p = (np.asarray(x["a"], float) > 0.5).astype(float)
        return np.column_stack([1 - p, p])

    subject = Subject(task.schema.to_dict(), answer, bytes)
    pool = subject.pool((frame, None))
    answers = subject.answers(pool, plain(2, np.arange(25)))
    (change,) = nearest_changes(subject, pool, 3, answers[3])
    assert change.feature == "a"
    assert change.before == frame["a"][3]
    assert change.after == frame["a"][frame["a"] > 0.5].min()
    assert change.answer.argmax() == 1
