"""Columns whose values lie close together and far from zero keep their differences in float32."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from automl.data import from_arrays, rows
from automl.export import replay
from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.encode import encode

N = 200
rng = np.random.default_rng(0)
SMALL = rng.normal(size=N)
STEPS = rng.permutation(N)
OFFSETS = {
    "UTM": 5_412_345.678 + SMALL,
    "Julian days": 2_459_000.5 + STEPS / 1440,
    "seconds of an epoch": 1.7e9 + STEPS,
    "milliseconds of an epoch": 1.7e12 + STEPS * 7,
    "minus": -1e9 + SMALL,
    "int64": 10**12 + STEPS,
    "long int64": 2**60 + STEPS,
    "long uint64": np.uint64(2**63 + 12_345) + STEPS.astype(np.uint64),
    "longest uint64": np.uint64(2**64 - N) + STEPS.astype(np.uint64),
    "longest uint64 of Arrow": pa.array(np.uint64(2**64 - N) + STEPS.astype(np.uint64)),
    "shortest int64": np.int64(-(2**63)) + STEPS.astype(np.int64),
    "long, as objects": [2**62 + int(s) for s in STEPS],
    "text": [f"{v:.4f}" for v in 5e6 + SMALL],
    "long text": [str(2**60 + int(s)) for s in STEPS],
    "written": [f"{v:,.2f} m" for v in 5e6 + SMALL],
    "gaps": [None if i == 3 else float(v) for i, v in enumerate(5e7 + SMALL)],
    "long, gaps": pd.array([None, *(2**60 + STEPS[1:]).tolist()], dtype="Int64"),
}


@pytest.mark.parametrize("values", OFFSETS.values(), ids=OFFSETS)
def test_differences_are_kept_in_training_replay_and_prediction(values: Any, tmp_path: Path) -> None:
    columns = {"c": values, "other": SMALL}
    task = from_arrays(columns, np.arange(N) % 2)
    found = task.data.x.numeric[:, 0].astype(np.float64)
    expected = SMALL if np.nanstd(found) < 2 and np.nanstd(found) > 0.5 else STEPS - STEPS[0] * 1.0
    there = ~np.isnan(found)
    assert np.corrcoef(found[there], expected[there])[0, 1] > 0.99999
    assert len(np.unique(found[there])) > 0.7 * N
    replay.write_rows(task.sample, tmp_path)
    schema = json.loads(json.dumps(task.schema.to_dict()))
    again = encode(schema, replay.read_rows(tmp_path), wanted=("numeric",))["numeric"]
    np.testing.assert_array_equal(again, task.data.x.numeric[task.sample_index])
    few = {"c": values[:3], "other": SMALL[:3]}
    np.testing.assert_array_equal(rows(task.schema, few).numeric, task.data.x.numeric[:3])


@pytest.mark.parametrize("power", [-310, -300, -100, -40, 31, 38, 100, 300])
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_that_float32_cannot_hold_are_brought_into_its_range(power: int, as_text: bool) -> None:
    values: Any = [f"{v:.6f}e{power}" for v in SMALL] if as_text else [float(f"{v:.6f}e{power}") for v in SMALL]
    task = from_arrays({"c": values, "other": SMALL}, np.arange(N) % 2)
    found = task.data.x.numeric[:, 0].astype(np.float64)
    assert 0.01 < np.abs(found).max() < 10
    assert np.corrcoef(found, SMALL)[0, 1] > 0.99999
    schema = json.loads(json.dumps(task.schema.to_dict()))
    few = encode(schema, {"c": [*values[:3], None], "other": SMALL[:4]}, wanted=("numeric",))["numeric"]
    np.testing.assert_array_equal(few[:, 0], [*task.data.x.numeric[:3, 0], np.nan])


@pytest.mark.parametrize("values", [SMALL, STEPS, STEPS * 1e6, 2000 + STEPS % 20, np.exp(20 * SMALL)])
def test_what_float32_holds_is_left_alone(values: Any) -> None:
    task = from_arrays({"c": values, "other": SMALL}, np.arange(N) % 2)
    assert task.schema.columns[0].center == 0
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], np.asarray(values, np.float32))


def test_moments_within_an_hour_keep_their_order() -> None:
    when = pd.Timestamp("2024-05-01 12:00") + pd.to_timedelta(STEPS * 10, unit="s")
    task = from_arrays({"when": when, "other": SMALL}, np.arange(N) % 2)
    days = task.data.x.numeric[:, DATE_PARTS.index("days")]
    np.testing.assert_array_equal(np.argsort(days), np.argsort(STEPS))


def test_targets_stay_float64() -> None:
    y = 1e9 + SMALL
    np.testing.assert_array_equal(from_arrays(SMALL[:, None], y).data.y, y)


def test_beyond_the_numbers_of_training_nothing_wraps_around() -> None:
    task = from_arrays({"c": 2**60 + STEPS, "other": SMALL}, np.arange(N) % 2)
    far = np.array([2**60 + 10**6, -(2**62), 0], np.int64)
    found = rows(task.schema, {"c": far, "other": SMALL[:3]}).numeric[:, 0]
    np.testing.assert_allclose(found, far.astype(float) - task.schema.columns[0].center, rtol=1e-3)
