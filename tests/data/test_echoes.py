"""Columns that are the target in another form are named, whatever form it is; those that only go with it are not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.export.remarks import remarks

rng = np.random.default_rng(0)
N = 120
CLASSES = rng.choice(["no", "yes"], N)
MANY = rng.choice(["a", "b", "c", "d"], N)
VALUES = np.exp(rng.normal(size=N))
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 2000, N), "D")
COUNTS = rng.integers(0, 30, N)

ECHOES: dict[str, tuple[Any, Any]] = {
    "the same words": (CLASSES, CLASSES),
    "other words": (CLASSES, np.where(CLASSES == "yes", "lost", "alive")),
    "0 and 1": (CLASSES, (CLASSES == "no").astype(int)),
    "a truth value": (CLASSES, CLASSES == "yes"),
    "odd numbers": (CLASSES, np.where(CLASSES == "yes", 7.5, -3)),
    "only one class is named": (CLASSES, ["cancelled" if c == "yes" else None for c in CLASSES]),
    "a number for one class alone": (CLASSES, np.where(CLASSES == "yes", 5.0, np.nan)),
    "some are missing": (CLASSES, pd.Series(CLASSES).where(rng.random(N) > 0.2)),
    "codes of four classes": (MANY, pd.Series(MANY).map({"a": 30, "b": 10, "c": 20, "d": 40})),
    "words for numbers": (pd.Series(MANY).map({"a": 3, "b": 1, "c": 2, "d": 4}), MANY),
    "the same numbers": (VALUES, VALUES),
    "another unit": (VALUES, VALUES * 1000),
    "another zero": (VALUES, VALUES * 1.8 + 32),
    "the other sign": (VALUES, -VALUES),
    "rounded": (VALUES, VALUES.round(4)),
    "far from zero": (VALUES, VALUES + 1e7),
    "with gaps": (VALUES, np.where(rng.random(N) < 0.2, np.nan, VALUES)),
    "as money": (VALUES, [f"${v:,.4f}" for v in VALUES]),
    "levels of counts": (COUNTS.astype(float), [f"n{c}" for c in COUNTS]),
    "the year of a date": (DAYS.year.to_numpy() + 0.5, DAYS),
}
OTHERS: dict[str, tuple[Any, Any]] = {
    "noise": (CLASSES, rng.normal(size=N)),
    "nearly the same": (CLASSES, np.r_[["yes" if CLASSES[0] == "no" else "no"], CLASSES[1:]]),
    "two values of a class": (MANY, np.where(MANY == "a", rng.choice(["a1", "a2"], N), MANY)),
    "two classes of a value": (MANY, np.where(MANY == "a", "b", MANY)),
    "a threshold of it": (CLASSES, np.where(CLASSES == "yes", 1, -1) * VALUES),
    "one rare row by chance": (np.r_[[1], [0] * 59, [2] * 60] > 0, np.r_[["x"], ["y"] * 119]),
    "mostly missing": (CLASSES, pd.Series(CLASSES).where(rng.random(N) > 0.7)),
    "close": (VALUES, VALUES + 0.01 * rng.normal(size=N)),
    "on a curve": (VALUES, np.sqrt(VALUES)),
    "every value another": (np.arange(N) * 1.5 + rng.random(N), rng.permutation(N)),
    "few rows": (["a", "b"] * 4, ["a", "b"] * 4),
}


@pytest.mark.parametrize(("y", "values"), ECHOES.values(), ids=ECHOES)
def test_the_target_in_another_form_is_named(y: Any, values: Any) -> None:
    task = from_arrays(pd.DataFrame({"x": rng.normal(size=N), "other form": values}), np.asarray(y))
    assert task.echoes == ("other form",)
    assert [note for note in task.notes if "'other form' is the target in another form" in note]
    truth = task.target.columns(task.data.y)
    truth = 0.95 * truth + 0.05 * truth.mean(axis=0)
    assert any("'other form'" in text and "data.drop" in text for text in remarks(task, truth))


@pytest.mark.parametrize(("y", "values"), OTHERS.values(), ids=OTHERS)
def test_what_only_goes_with_the_target_is_not(y: Any, values: Any) -> None:
    task = from_arrays(pd.DataFrame({"x": rng.normal(size=len(y)), "other": values}), np.asarray(y))
    assert task.echoes == ()
