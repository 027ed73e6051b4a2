"""Values by themselves: categories, numbers, what is shown."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.runtime.encode import encode
from automl.runtime.errors import PredictionError
from automl.runtime.labels import label, labels
from automl.runtime.numbers import numbers
from automl.runtime.printable import shown
from tests.runtime.folders import schema


@pytest.mark.parametrize(
    ("same", "expected"),
    [
        ([3, 3.0, "3", "3.0", " 3 ", np.int8(3), np.float32(3), "3."], "3"),
        ([True, "True", "true", "TRUE", np.True_], "True"),
        ([None, np.nan, "", "  ", "NA", "nan", pd.NA, pd.NaT, np.float32("nan"), "None", "?"], ""),
        ([0.1, "0.1", np.float32(0.1)], "0.1"),
        ([-0.0, 0, "0", "-0.0"], "0"),
        (["a b", " a b ", b"a b"], "a b"),
        (
            [dt.date(2024, 1, 2), dt.datetime(2024, 1, 2), pd.Timestamp(2024, 1, 2), "2024-01-02", "2024-01-02T00:00Z"]
            + ["2024-01-02 00:00:00.000000", pd.Timestamp("2024-01-02T01:00+01:00")]
            + [np.datetime64("2024-01-02", unit) for unit in ("D", "s", "us", "ns")],
            "2024-01-02",
        ),
        (
            ["2024-01-02T23:30", np.datetime64("2024-01-02T23:30", "ns"), "2024-01-03 00:30+01:00"],
            "2024-01-02 23:30:00",
        ),
        (["2024-99-02T23:30", " 2024-99-02T23:30"], "2024-99-02T23:30"),
        ([np.datetime64("12024-01-02")], "12024-01-02"),
    ],
)
def test_values_that_are_the_same_category(same: Any, expected: Any) -> None:
    assert {label(v) for v in same} == {expected}
    # pd.NA cannot be compared, which must not matter either.
    assert set(labels(same).tolist()) == {expected}


def test_one_and_true_differ_though_they_are_equal_in_python() -> None:
    assert labels([1, True, 1.0, "x"]).tolist() == ["1", "True", "1", "x"]


def test_leading_zeros_are_kept() -> None:
    assert label("007") == "007"


def test_numbers() -> None:
    values, bad = numbers(["1", " 2.5 ", "", "NA", "1e3", 4, None])
    assert bad == -1
    np.testing.assert_array_equal(values, [1, 2.5, np.nan, np.nan, 1000, 4, np.nan])
    assert numbers(["1", "x", "2"])[1] == 1
    assert numbers(["1_000"])[1] == 0


def test_values_in_messages_are_short_and_on_one_line() -> None:
    assert shown("naïve 'x'") == "naïve 'x'"
    assert shown("a\nb\t\x1b[31m") == r"a\nb\t\x1b[31m"
    assert shown("x" * 50_000) == "x" * 60 + "..."
    with pytest.raises(PredictionError) as caught:
        encode(schema(n="numeric"), {"n": ["\nx" * 500]})
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
