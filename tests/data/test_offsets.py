"""Columns whose values lie close together and far from zero keep their differences in float32."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from automl.data import from_arrays, rows
from automl.errors import DataError
from automl.export import replay
from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.encode import encode
from automl.runtime.encode_array import encode_array

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


@pytest.mark.parametrize("mark", [0, -1, 1, -999, 99_999])
@pytest.mark.parametrize("share", [0.005, 0.1, 0.7])
@pytest.mark.parametrize("name", ["UTM", "Julian days", "seconds of an epoch", "milliseconds of an epoch", "minus"])
def test_a_number_far_from_the_others_takes_no_differences_away(name: str, share: float, mark: float) -> None:
    apart = np.arange(N) < share * N
    values = np.where(apart, mark, OFFSETS[name])
    task = from_arrays({"c": values, "other": SMALL}, np.arange(N) % 2)
    found = task.data.x.numeric[:, 0].astype(np.float64)
    assert np.corrcoef(found[~apart], np.asarray(OFFSETS[name])[~apart])[0, 1] > 0.99999
    assert len(np.unique(found)) > 0.7 * (~apart).sum()


@pytest.mark.parametrize("values", [SMALL, SMALL * 1e-100, SMALL * 1e100])
def test_one_number_far_beyond_the_others_is_named(values: np.ndarray) -> None:
    values = values.copy()
    values[7] = 1e300
    with pytest.raises(DataError, match=r"row 8 has '1e\+300'"):
        from_arrays({"c": values, "other": SMALL}, np.arange(N) % 2)


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


ARRAYS = {
    "an offset": lambda x: 1e9 + x,
    "an offset of one channel": lambda x: x + np.array([0, 1e12, 0]),
    "very small": lambda x: x * 1e-200,
    "very large": lambda x: x * 1e200,
    "whole numbers": lambda x: np.int64(2**52) + (1000 * x).astype(np.int64),
}


@pytest.mark.parametrize("change", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("kind", ["image", "sequence"])
def test_channels_of_arrays_keep_their_differences(kind: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    x = rng.normal(size=(60, 6, 6, 3) if kind == "image" else (60, 10, 3))
    task = from_arrays(change(x), np.arange(60) % 2, kind=kind)
    found = getattr(task.data.x, kind)
    assert found.dtype == np.float32
    for channel in range(3):
        assert np.corrcoef(found[..., channel].ravel(), x[..., channel].ravel())[0, 1] > 0.99999
    schema = json.loads(json.dumps(task.schema.to_dict()))
    np.testing.assert_array_equal(encode_array(schema, change(x)[:3])[kind], found[:3])


def test_what_follows_a_sequence_counts_for_nothing_and_stays_zero() -> None:
    x = 1e9 + rng.normal(size=(60, 10, 2))
    lengths = np.arange(60) % 5 + 3
    x[np.arange(10) >= lengths[:, None]] = 0
    task = from_arrays(x, np.arange(60) % 2, lengths=lengths)
    assert task.data.x.sequence is not None
    assert (np.abs(task.data.x.sequence) < 10).all()
    assert (task.data.x.sequence[np.arange(10) >= lengths[:, None]] == 0).all()


@pytest.mark.parametrize("kind", ["image", "sequence"])
def test_a_number_of_an_array_that_float32_cannot_hold_is_named(kind: str) -> None:
    x = rng.normal(size=(60, 6, 6, 3) if kind == "image" else (60, 10, 3))
    x[7, 0, 0] = 1e39
    with pytest.raises(DataError, match=r"numbers between ±3\.4e\+38; row 8"):
        from_arrays(x, np.arange(60) % 2, kind=kind)


@pytest.mark.parametrize("power", [-160, -300, 155, 300])
def test_a_target_whose_squares_float64_cannot_hold_is_refused(power: int) -> None:
    with pytest.raises(DataError, match="Multiply or divide it"):
        from_arrays(SMALL[:, None], [float(f"{v:.6f}e{power}") for v in SMALL])
