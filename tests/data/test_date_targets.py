"""Targets of durations and dates: one reading, however they are typed."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.errors import DataError

N = 120
FEW = pd.to_timedelta(1 + np.arange(N) % 3, unit="D")
MANY = pd.to_timedelta(np.arange(N) * 3_600, unit="s")
DAYS = pd.date_range("2020-01-01", periods=N)
TYPED = {
    "index": lambda values: values,
    "series": pd.Series,
    "numpy": lambda values: values.to_numpy(),
    "objects": lambda values: pd.Series(list(values), dtype=object),
    "python": lambda values: [
        v.to_pytimedelta() if hasattr(v, "to_pytimedelta") else v.to_pydatetime() for v in values
    ],
    "objects of numpy": lambda values: list(values.to_numpy()),
}
typed = pytest.mark.parametrize("form", TYPED.values(), ids=TYPED)
X = {"o": np.random.default_rng(0).normal(size=N)}


@typed
@pytest.mark.parametrize("wanted", ["auto", "regression"])
@pytest.mark.parametrize("spans", [FEW, MANY, FEW[FEW.max() > FEW]], ids=["few", "many", "two"])
def test_durations_are_predicted_in_seconds(spans: Any, wanted: str, form: Any) -> None:
    task = from_arrays({"o": X["o"][: len(spans)]}, form(spans), target_kind=wanted)
    assert task.target.kind == "regression"
    np.testing.assert_array_equal(task.data.y, spans.total_seconds())
    assert any("in seconds" in note for note in task.notes)


@typed
def test_durations_are_no_classes(form: Any) -> None:
    with pytest.raises(DataError, match=r"Durations are no classes.*astype\(str\)"):
        from_arrays(X, form(FEW), target_kind="classification")
    texts = from_arrays(X, form(FEW).astype(str) if hasattr(form(FEW), "astype") else list(map(str, FEW)))
    assert texts.target.kind == "multiclass"


@typed
def test_durations_with_gaps_lose_those_rows(form: Any) -> None:
    spans = pd.Series(FEW).where(np.arange(N) % 10 > 0)
    task = from_arrays(X, form(pd.TimedeltaIndex(spans)))
    np.testing.assert_array_equal(task.data.y, spans.dropna().dt.total_seconds())


@typed
def test_few_dates_are_classes_and_many_are_refused(form: Any) -> None:
    task = from_arrays(X, form(DAYS[:3].repeat(N // 3)))
    assert task.schema.classes == ("2020-01-01", "2020-01-02", "2020-01-03")
    np.testing.assert_array_equal(task.data.y, np.arange(N) // (N // 3))
    for wanted, values in (("auto", DAYS), ("regression", DAYS), ("regression", DAYS[:3].repeat(N // 3))):
        with pytest.raises(DataError, match="holds dates"):
            from_arrays(X, form(values), target_kind=wanted)


@pytest.mark.parametrize("frequency", ["Y", "Q", "M", "W", "D"])
def test_periods_are_dates(frequency: str) -> None:
    periods = pd.period_range("2020", periods=N, freq=frequency)
    with pytest.raises(DataError, match="holds dates"):
        from_arrays(X, periods)
    assert from_arrays(X, periods[:3].repeat(N // 3)).target.kind == "multiclass"
