"""Classes of every type: their order and type are those of ``np.unique(y)``, and values that are made one are said."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoML
from automl.data import from_arrays
from automl.estimator.given import classes_of

N = 60
X = np.random.default_rng(0).normal(size=(N, 2))
KINDS: dict[str, list[Any]] = {
    "long and negative": [2**64 - 1, -5, 3],
    "beyond 64 bits": [10**30, 3, 10**29],
    "whole and other numbers": [1.5, -1, 2],
    "bytes": [b"b", b"a", b"\xff"],
    "texts": ["b", "a", "B"],
    "truth values": [True, False],
    "days": [datetime.date(2024, 1, 2), datetime.date(2023, 1, 2)],
    "moments": [datetime.datetime(2024, 1, 2, 3), datetime.datetime(2024, 1, 2)],
    "times": [datetime.time(3), datetime.time(1, 30)],
    "decimals": [Decimal("1.10"), Decimal("-2"), Decimal("0.3")],
    "decimals that no float is": [Decimal("0.1234567890123456789"), Decimal("0.1")],
    "intervals": [pd.Interval(0, 1), pd.Interval(-1, 0)],
    "tuples of bytes": [np.bytes_(b"b"), np.bytes_(b"a")],
}


@pytest.mark.parametrize("values", KINDS.values(), ids=KINDS)
def test_classes_are_those_of_numpy(values: list[Any]) -> None:
    y = np.empty(N, object)
    y[:] = (values * N)[:N]
    found = classes_of(from_arrays(X, y, target_kind="classification"), y)
    assert found is not None
    expected = np.unique(y)
    assert found.tolist() == expected.tolist()
    assert list(map(type, found.tolist())) == list(map(type, expected.tolist()))


def test_an_array_of_bytes_stays_one() -> None:
    y = np.array([b"no", b"yes"])[np.arange(N) % 2]
    found = classes_of(from_arrays(X, y), y)
    assert found is not None
    assert (found.dtype, found.tolist()) == (y.dtype, [b"no", b"yes"])


def test_predictions_have_the_type_of_what_was_learnt() -> None:
    y = [datetime.date(2023 + (row[0] > 0), 1, 2) for row in X]
    model = AutoML(seconds=None, trials=1, runner="inline", folds=2).fit(X, y)
    assert model.classes_.tolist() == np.unique(y).tolist()
    assert set(map(type, model.predict(X).tolist())) == {datetime.date}
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", "a ", "b"], "'a' and 'a '"),
        (["e\u0301", "\u00e9", "z"], r"'e\u0301' and '\xe9'"),
        (["1", "1.0", "2"], "'1' and '1.0'"),
        ([True, "true", "b"], "True and 'true'"),
        ([Decimal("1.1"), Decimal("1.10"), Decimal(2)], "Decimal('1.1') and Decimal('1.10')"),
        (["a", "b", "a\u200b"], r"'a' and 'a\u200b'"),
        (["a", "b", "c"], ""),
        ([1.0, 2.0, 3.0], ""),
    ],
)
def test_values_that_are_one_class_are_said(values: list[Any], said: str) -> None:
    y = np.array(values * (N // 3), dtype=object if isinstance(values[0], bool | Decimal) else None)
    task = from_arrays(X, y, target_kind="classification")
    notes = [note for note in task.notes if "are one class" in note]
    assert notes == ([f"These values of the target 'target' are one class: {said}."] if said else [])
    assert len(task.schema.classes) == (2 if said else 3)
