"""Fields that hold several numbers: read as so many, said, and read in the same way at prediction."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays, rows
from automl.data.infer import infer_columns
from automl.errors import DataError
from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.encode import encode
from automl.runtime.schema import numeric_names

rng = np.random.default_rng(0)
N = 120
PLACES = np.column_stack([rng.uniform(-60, 60, N), rng.uniform(-180, 180, N)]).round(4)
WHOLE = np.column_stack([rng.integers(100, 190, N), rng.integers(50, 99, N), rng.integers(1, 50, N)])
RANGES = np.sort(rng.integers(1, 99_000, (N, 2)), axis=1)


def comma(value: float) -> str:
    return str(value).replace(".", ",")


FORMS: dict[str, tuple[Any, Callable[..., str]]] = {
    "place": (PLACES, lambda a, b: f"{a}, {b}"),
    "place without a space": (PLACES, lambda a, b: f"{a},{b}"),
    "place in parentheses": (PLACES, lambda a, b: f"({a}, {b})"),
    "place in brackets": (PLACES, lambda a, b: f"[{a} {b}]"),
    "place of a spatial database": (PLACES, lambda a, b: f"POINT ({a} {b})"),
    "place and its system": (PLACES, lambda a, b: f"SRID=4326;POINT({a} {b})"),
    "place, a space alone": (PLACES, lambda a, b: f"{a} {b}"),
    "place, decimal commas": (PLACES, lambda a, b: f"{comma(a)}; {comma(b)}"),
    "place, nothing but commas": (PLACES, lambda a, b: f"{comma(a)}, {comma(b)}"),
    "place by hemispheres": (
        PLACES,
        lambda a, b: f"{abs(a)}° {'S' if a < 0 else 'N'}, {abs(b)}° {'W' if b < 0 else 'E'}",
    ),
    "blood pressure": (WHOLE[:, :2], lambda a, b: f"{a}/{b}"),
    "blood pressure, unit": (WHOLE[:, :2], lambda a, b: f"{a} / {b} mmHg"),
    "size": (WHOLE[:, :2], lambda a, b: f"{a} x {b}"),
    "size, unit": (WHOLE, lambda a, b, c: f"{a} × {b} × {c} cm"),
    "size, units": (WHOLE, lambda a, b, c: f"{a}cm X {b}cm X {c}cm"),
    "size, two units": (WHOLE[:, :2] * [1, 100], lambda a, b: f"{a} cm x {b / 100:g} m"),
    "size in words": (WHOLE[:, :2], lambda a, b: f"{a} by {b}"),
    "range": (RANGES, lambda a, b: f"{a}-{b}"),
    "range in dollars": (RANGES, lambda a, b: f"${a:,} - ${b:,}"),
    "range in thousands": (RANGES * 1000, lambda a, b: f"{a // 1000}k–{b // 1000}k"),
    "range in words": (RANGES, lambda a, b: f"{a} to {b}"),
    "ratio": (WHOLE[:, :2], lambda a, b: f"{a}:{b}"),
    "chance": (WHOLE[:, :2], lambda a, b: f"{a} in {b}"),
    "torque": (WHOLE[:, :2], lambda a, b: f"{a}Nm@ {b}rpm"),
    "weeks and days": (WHOLE[:, :2], lambda a, b: f"{a}+{b}"),
    "rooms": (WHOLE[:, :2], lambda a, b: f"{a} bed / {b} bath"),
    "count and share": (WHOLE[:, :2], lambda a, b: f"{a} ({b}.0%)"),
    "mean and deviation": (WHOLE[:, :2], lambda a, b: f"{a}.0 ({b}.0)"),
    "interval": (WHOLE, lambda a, b, c: f"{a} ({b}-{c})"),
    "interval in brackets": (WHOLE, lambda a, b, c: f"{a} [{b}, {c}]"),
    "list": (WHOLE, lambda a, b, c: f"[{a}, {b}, {c}]"),
    "list by bars": (WHOLE, lambda a, b, c: f"{a}|{b}|{c}"),
}


def read(texts: Any, **roles: Any) -> Any:
    array = np.array(texts, dtype=object)
    (column, _), notes = infer_columns({"c": array, "other": np.arange(len(array)) % 7}, roles, {})
    return column, notes


@pytest.mark.parametrize(("expected", "form"), FORMS.values(), ids=FORMS)
def test_every_form_is_read_and_said(expected: Any, form: Any) -> None:
    texts = [*(form(*values) for values in expected.tolist()), "", "n.a."]
    column, notes = read(texts)
    assert (column.role, column.several) == ("numeric", expected.shape[1])
    schema = {"columns": [column.to_dict()]}
    found = encode(schema, {"c": texts})["numeric"]
    np.testing.assert_allclose(found[:-2], expected, rtol=1e-6)
    assert np.isnan(found[-2:]).all()
    assert numeric_names(schema) == tuple(f"c.{i + 1}" for i in range(expected.shape[1]))
    assert any(f"is read as {expected.shape[1]} numbers" in note for note in notes)
    assert read(texts, c="numeric")[0] == column
    assert read(texts, c="categorical")[0].role == "categorical"


def test_few_levels_stay_levels() -> None:
    assert read(["1920x1080", "1366x768", "2560x1440"] * 40)[0].role == "categorical"


def test_prediction_reads_as_training_did_and_names_what_is_written_otherwise() -> None:
    texts = [f"{a}/{b}" for a, b in WHOLE[:, :2].tolist()]
    days = pd.date_range("2020-01-01", periods=N, freq="31h").strftime("%Y-%m-%d %H:%M").tolist()
    frame = pd.DataFrame({"day": days, "pressure": texts, "n": np.arange(N) % 9})
    task = from_arrays(frame, np.arange(N) % 2)
    width = task.data.x.numeric.shape[1]
    assert width == len(numeric_names(task.schema.to_dict())) == len(DATE_PARTS) + 3
    np.testing.assert_array_equal(rows(task.schema, frame.head(9)).numeric, task.data.x.numeric[:9])
    assert np.isnan(rows(task.schema, frame.head(2).assign(pressure=["120/-", "-/80"])).numeric).sum() == 2
    for text in ("120", "120/80/60", "120/eighty"):
        with pytest.raises(DataError, match=f"must hold 2 numbers with '/' between them.*row 1 has '{text}'"):
            rows(task.schema, frame.head(1).assign(pressure=text))


def test_one_field_of_another_kind_is_named() -> None:
    with pytest.raises(DataError, match=r"it holds 2 numbers in each field, but row 121 has '120/8O'"):
        read([*(f"{a}/{b}" for a, b in WHOLE[:, :2].tolist()), "120/8O"])


def test_a_word_among_fields_of_several_numbers_is_missing_and_said() -> None:
    texts = [*(f"{a}/{b}" for a, b in WHOLE[:, :2].tolist()), "high"]
    (column,), notes = infer_columns({"c": np.array(texts, object)}, {}, {})
    assert (column.several, "high" in column.missing) == (2, True)
    assert any("'high' (1)" in note for note in notes)
