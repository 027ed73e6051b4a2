"""Tables as the inputs of a model."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.data.infer import infer_columns
from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.encode import encode
from automl.runtime.errors import PredictionError
from automl.runtime.labels import labels
from automl.runtime.schema import numeric_names
from automl.runtime.table import read_csv
from tests.runtime.folders import schema


def test_order_of_the_numeric_parts() -> None:
    s = schema(b="boolean", c="categorical", d={"role": "datetime", "format": "iso"}, n="numeric", z="dropped")
    assert numeric_names(s) == ("b", *(f"d.{part}" for part in DATE_PARTS), "n")
    columns = {
        "n": ["1.5", ""],
        "d": ["2024-02-29 13:45:07", ""],
        "c": ["u", ""],
        "b": ["yes", "FALSE"],
        "extra": [1, 2],
    }
    parts = encode(s, columns)
    assert parts["numeric"].dtype == np.float32
    days = (dt.datetime(2024, 2, 29, 13, 45, 7) - dt.datetime(1970, 1, 1)) / dt.timedelta(days=1)
    np.testing.assert_array_equal(parts["numeric"][0], np.float32([1, 2024, 2, 29, 3, 60, 13, 45, 7, days, 1.5]))
    np.testing.assert_array_equal(parts["numeric"][1], [0] + [np.nan] * 10)
    assert parts["categories"].tolist() == [["u"], [""]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)), min_size=1, max_size=20))
def test_date_parts_are_those_of_the_standard_library(moments: Any) -> None:
    moments = [m.replace(microsecond=0) for m in moments]
    parts = encode(schema(d={"role": "datetime", "format": "iso"}), {"d": [m.isoformat() for m in moments]})["numeric"]
    expected = [
        [m.year, m.month, m.day, m.weekday(), m.timetuple().tm_yday, m.hour, m.minute, m.second] for m in moments
    ]
    assert parts[:, :8].tolist() == expected


def test_time_zones_become_utc() -> None:
    s = schema(d={"role": "datetime", "format": "iso"})
    given_ = ["2024-01-01T01:00:00+02:00", "2023-12-31T23:00:00Z", "2023-12-31 23:00"]
    assert len(np.unique(encode(s, {"d": given_})["numeric"], axis=0)) == 1


def test_a_sentinel_that_utc_has_no_year_for_keeps_its_date() -> None:
    s = schema(d={"role": "datetime", "format": "iso"})
    sentinel = "9999-12-31T23:59:59-05:00"
    found = encode(s, {"d": [sentinel, dt.datetime.fromisoformat(sentinel), "0001-01-01T00:00+01:00"]})["numeric"]
    assert found[:, 0].tolist() == [9999, 9999, 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_days_as_categories_are_known_whatever_their_type(unit: str) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=3)).astype(f"datetime64[{unit}]")
    assert labels(days).tolist() == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert labels(days.dt.tz_localize("UTC")).tolist() == labels(days.astype(str)).tolist()
    assert labels([pd.NaT, days[0]]).tolist() == labels(pd.Series([pd.NaT, days[0]])).tolist()


@pytest.mark.parametrize("codes", [np.array([501, 2139]), np.array([np.nan, 2139.0]), [None, 2139], ["00501", 2139]])
def test_codes_that_lost_their_zeros_are_refused(codes: Any) -> None:
    s = schema(zip={"role": "categorical", "levels": ["00501", "02139", "90210"]}, n="numeric")
    with pytest.raises(PredictionError, match=r"'zip' must hold codes such as 00501 as text.*dtype=str.*row . has"):
        encode(s, {"zip": codes, "n": [1, 2]})
    assert encode(s, {"zip": ["2139", None], "n": [1, 2]})["categories"].tolist() == [["2139"], [""]]
    assert encode(s, {"zip": [np.nan, "02139"], "n": [1, 2]})["categories"].tolist() == [[""], ["02139"]]


NAMES = st.sampled_from(["a", "b c", "True", "7", "x,y", '"q"', "é"])


FRAMES = st.integers(1, 12).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "float": st.lists(st.none() | st.floats(-1e30, 1e30, width=64), min_size=n, max_size=n),
            "int": st.lists(st.integers(-(2**53), 2**53), min_size=n, max_size=n),
            "gaps": st.lists(st.none() | st.integers(-5, 5), min_size=n, max_size=n),
            "bool": st.lists(st.booleans(), min_size=n, max_size=n),
            "name": st.lists(st.none() | NAMES, min_size=n, max_size=n),
            "code": st.lists(st.none() | st.integers(0, 9), min_size=n, max_size=n),
            "when": st.lists(
                st.none() | st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)), min_size=n, max_size=n
            ),
            "words": st.lists(st.none() | st.text("ab !", max_size=8), min_size=n, max_size=n),
        }
    )
)


@settings(max_examples=60, deadline=None)
@given(FRAMES)
def test_a_csv_encodes_like_the_frame_it_was_written_from(
    tmp_path_factory: pytest.TempPathFactory, columns: Any
) -> None:
    frame = pd.DataFrame(columns)
    frame["when"] = pd.to_datetime(frame["when"]).astype("datetime64[us]")
    frame["gaps"] = frame["gaps"].astype("Int64")
    frame["category"] = pd.Categorical(frame["code"])
    s = schema(
        float="numeric", int="numeric", gaps="numeric", bool="boolean", name="categorical", code="categorical",
        category="categorical", when={"role": "datetime", "format": "iso"},
        words={"role": "text", "terms": ["w:a", "w:b a", "c: ab", "c:b! "]},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("csv") / "frame.csv"
    frame.to_csv(path, index=False)
    from_file, from_frame = encode(s, read_csv(path)), encode(s, frame)
    assert from_file.keys() == from_frame.keys() == {"numeric", "categories", "tokens"}
    for name in from_file:
        np.testing.assert_array_equal(from_file[name], from_frame[name])


BAD_COLUMNS = {
    "word in numbers": ({"n": ["1", "abc"], "b": [1, 0]}, "'n' must hold a number.*row 2 has 'abc'"),
    "number as boolean": ({"n": [1, 2], "b": [1, 7]}, "'b' must hold true or false.*row 2 has '7'"),
    "infinite": ({"n": [1.0, np.inf], "b": [1, 0]}, "'n'.*row 2 has 'inf'"),
    "too large": ({"n": [1e300, 1.0], "b": [1, 0]}, "'n'.*row 1"),
    "too large for a float": ({"n": [1.0, -(10**400)], "b": [1, 0]}, "'n' must hold a number between.*row 2"),
    "missing columns": ({"N1": [1]}, "Missing: 'n'.*'b'"),
    "far name": ({"bb": [1], "n": [1]}, "Missing: 'b'.$"),
    "no rows": ({"n": [], "b": []}, "no rows"),
    "unequal": ({"n": [1], "b": [1, 0]}, "'b' differ"),
}


@pytest.mark.parametrize(("columns", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_bad_columns(columns: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        encode(schema(n="numeric", b="boolean"), columns)


def test_hints_name_near_columns_that_are_free() -> None:
    s = schema(age="numeric", Colour="categorical", wages="dropped") | {"target_name": "page"}
    for given_, hint in [
        (["aged"], "'age' (Did you mean 'aged'?), 'Colour'"),
        (["target", "page", "wages"], "'age', 'Colour'"),
        (["COLOUR", "age"], "'Colour' (Did you mean 'COLOUR'?)"),
        (["colr", "age"], "'Colour' (Did you mean 'colr'?)"),
    ]:
        with pytest.raises(PredictionError) as caught:
            encode(s, {name: [1] for name in given_})
        assert str(caught.value).endswith(f"Missing: {hint}.")
    with pytest.raises(PredictionError, match="'c7' and 12 more"):
        encode(schema(**{f"c{i}": "numeric" for i in range(20)}), {"x": [1]})


def test_bad_date() -> None:
    with pytest.raises(PredictionError, match=r"written as %d/%m/%Y.*row 1 has '2024-01-01'"):
        encode(schema(d={"role": "datetime", "format": "%d/%m/%Y"}), {"d": ["2024-01-01"]})


def test_a_large_table_encodes_fast(benchmark_table: dict[str, Any]) -> None:
    found, _ = infer_columns(benchmark_table, {}, {})
    s = {"columns": [vars(c) for c in found]}
    started = dt.datetime.now()
    encode(s, benchmark_table)
    assert (dt.datetime.now() - started).total_seconds() < 5  # 0.3 s on an idle machine


@pytest.fixture
def benchmark_table() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    numbers = {f"n{i}": np.array([f"{v:.4f}" for v in rng.normal(size=50_000)], dtype=object) for i in range(7)}
    words = {f"c{i}": rng.choice(np.array([f"level {k}" for k in range(40)], dtype=object), 50_000) for i in range(8)}
    return numbers | words
