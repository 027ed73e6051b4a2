"""Every type that pandas, NumPy, Arrow and polars can hand over is read, replayed and predicted alike, or refused."""

import datetime as dt
import decimal
import enum
import fractions
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import sparse

from automl import AutoML, load
from automl.data import from_arrays, rows
from automl.errors import DataError
from automl.export import replay
from automl.runtime.arrays import as_array
from automl.runtime.columns import to_columns
from automl.runtime.encode import encode
from automl.runtime.numbers import numbers
from automl.task import Task

N = 60
rng = np.random.default_rng(0)
COUNTS = rng.integers(0, 100, N)
FEW = COUNTS % 3
DAYS = pd.to_datetime(COUNTS, unit="D")
Y = np.arange(N) % 2
Colour = enum.Enum("Colour", "RED GREEN BLUE")


def arrow(values: Any, kind: Any = None) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))


def numpy_columns() -> dict[str, Any]:
    numbers = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble S5 U5 O"
    found = {f"numpy {t}": COUNTS.astype(t) for t in numbers.split()}
    found |= {f"numpy M8[{u}]": DAYS.to_numpy().astype(f"M8[{u}]") for u in ("D", "h", "m", "s", "ms", "us", "ns")}
    found |= {f"numpy m8[{u}]": COUNTS.astype("m8[h]").astype(f"m8[{u}]") for u in ("h", "s", "ms", "us", "ns")}
    return found | {
        "numpy bool": FEW > 0,
        "numpy StringDType": COUNTS.astype(str).astype(np.dtypes.StringDType()),
        "masked floats": np.ma.masked_array(COUNTS * 1.0, COUNTS < 30),
        "masked integers": np.ma.masked_array(COUNTS, COUNTS < 30),
        "masked, nothing": np.ma.masked_array(COUNTS),
    }


def pandas_columns() -> dict[str, Any]:
    numbers = "Int8 Int64 UInt64 Float32 Float64 int64[pyarrow] double[pyarrow]"
    found = {f"pandas {t}": pd.Series(COUNTS).astype(t) for t in numbers.split()}
    found |= {f"pandas {t}": pd.Series(FEW.astype(str)).astype(t) for t in ("string", "string[pyarrow]", "object")}
    found |= {f"pandas {t}": pd.Series(FEW > 0).astype(t) for t in ("boolean", "bool[pyarrow]")}
    found |= {
        "pandas timestamps with a zone": pd.Series(DAYS).dt.tz_localize("Europe/Paris"),
        "pandas timestamps of Arrow": pd.Series(DAYS).astype("timestamp[ns][pyarrow]"),
        "pandas durations of Arrow": pd.Series(pd.to_timedelta(COUNTS, unit="h")).astype("duration[s][pyarrow]"),
        "pandas dates of Arrow": arrow([d.date() for d in DAYS]),
        "pandas times of Arrow": arrow([dt.time(int(c) % 24, int(c) % 60) for c in COUNTS]),
        "pandas decimals of Arrow": arrow([decimal.Decimal(int(c)) / 100 for c in COUNTS], pa.decimal128(10, 2)),
        "pandas bytes of Arrow": arrow([b"x", b"y", b"z"] * 20),
        "pandas dictionary of Arrow": pd.Series(
            pd.arrays.ArrowExtensionArray(pa.array(FEW.astype(str)).dictionary_encode())
        ),
        "pandas periods": pd.Series(pd.PeriodIndex(DAYS, freq="D")),
    }
    gaps = {}
    for name, values in found.items():
        gaps[f"{name}, gaps"] = values.copy()
        gaps[f"{name}, gaps"].iloc[3] = None
    return found | gaps | {
        "pandas category": pd.Series(FEW, dtype="category"),
        "pandas category of words": pd.Series(FEW).map({0: "a", 1: "b", 2: None}).astype("category"),
        "pandas sparse": pd.Series(COUNTS).astype("Sparse[int]"),
        "pandas intervals": pd.Series(pd.cut(COUNTS, [-1, 30, 60, 101])),
        "pandas index": pd.Index(COUNTS),
    }  # fmt: skip


def python_columns() -> dict[str, Any]:
    return {
        "range": range(N),
        "tuple": tuple(COUNTS.tolist()),
        "decimals": [decimal.Decimal(int(c)) / 100 for c in COUNTS],
        "fractions": [fractions.Fraction(int(c), 7) for c in COUNTS],
        "bytes": [b"x", b"y", b"z"] * 20,
        "bytes of numbers": [str(c).encode() for c in COUNTS],
        "enumeration": [list(Colour)[c] for c in FEW],
        "words and numbers": [1, "a", None] * 20,
        "dates": [d.date() for d in DAYS],
        "datetimes": [d.to_pydatetime() for d in DAYS],
        "Timestamps": list(DAYS),
        "Timedeltas": list(pd.to_timedelta(COUNTS, unit="h")),
        "timedeltas": [dt.timedelta(hours=int(c)) for c in COUNTS],
        "times": [dt.time(int(c) % 24, int(c) % 60) for c in COUNTS],
        "datetime64 objects": list(DAYS.to_numpy()),
        "timedelta64 objects": [np.timedelta64(int(c), "s") for c in COUNTS],
        "long integers": [2**60 + int(c) for c in COUNTS],
    }


def arrow_columns() -> dict[str, Any]:
    values = {
        "integers": pa.array(COUNTS),
        "chunks": pa.chunked_array([pa.array(COUNTS[:30]), pa.array(COUNTS[30:])]),
        "integers with gaps": pa.array([None, *COUNTS[1:].tolist()]),
        "long integers with gaps": pa.array([None, *(COUNTS[1:] + 2**60).tolist()]),
        "strings": pa.array(FEW.astype(str)),
        "large strings": pa.array(["abc"[c] for c in FEW], pa.large_string()),
        "views of strings": pa.array(["abc"[c] for c in FEW], pa.string_view()),
        "dictionary": pa.array(["abc"[c] for c in FEW]).dictionary_encode(),
        "booleans with gaps": pa.array([None, *(FEW[1:] > 0).tolist()]),
        "timestamps": pa.array(DAYS),
        "timestamps with a zone": pa.array(DAYS, pa.timestamp("ms", "America/New_York")),
        "dates": pa.array([d.date() for d in DAYS]),
        "durations": pa.array(pd.to_timedelta(COUNTS, unit="h")),
        "decimals": pa.array([decimal.Decimal(int(c)) / 100 for c in COUNTS]),
        "half floats": pa.array(COUNTS.astype(np.float16)),
    }
    return {f"arrow {name}": v for name, v in values.items()}


COLUMNS = numpy_columns() | pandas_columns() | python_columns() | arrow_columns()
REFUSED = {
    "complex": (COUNTS * 1j, "Complex data not supported"),
    "complex objects": ([complex(c, 1) for c in COUNTS], "Complex data not supported"),
    "records": (np.zeros(N, [("a", "i4")]), "no meaning"),
    "sets": ([{1}] * N, "holds a set"),
    "lists of Arrow": (pa.array([[1]] * N), "holds a"),
    "structs of Arrow": (pa.array([{"a": 1}] * N), "holds a dict"),
    "two axes": (np.ones((N, 2)), "one value in each row"),
}


def check_replayed(columns: Any, folder: Path) -> Task:
    """The task's rows, what its schema says about the same rows as they are written for a replay, and a few of them."""
    task = from_arrays(columns, Y)
    schema = json.loads(json.dumps(task.schema.to_dict()))
    replay.write_rows(task.sample, folder)
    replayed = encode(schema, replay.read_rows(folder), wanted=("numeric", "categories"))
    order = task.sample_index
    if task.data.x.numeric is not None:
        np.testing.assert_array_equal(replayed["numeric"], task.data.x.numeric[order])
    again = rows(task.schema, columns)
    np.testing.assert_array_equal(again.numeric, task.data.x.numeric)
    if task.data.x.categories is not None:
        np.testing.assert_array_equal(again.categories, task.data.x.categories)
        assert task.data.x.categories.any()
    return task


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_every_type_is_read_and_replayed_alike(values: Any, tmp_path: Path) -> None:
    task = check_replayed({"c": values, "other": rng.normal(size=N)}, tmp_path)
    assert task.schema.columns[0].role != "dropped"
    x = task.data.x.numeric if task.schema.columns[0].role != "categorical" else task.data.x.categories
    assert len(np.unique(x[~np.isnan(x[:, 0]), 0])) > 1 or task.schema.columns[0].role == "datetime"


@pytest.mark.parametrize(
    "name", ["int", "gaps", "str", "cat", "date", "datetime", "duration", "bool", "time", "decimal"]
)
def test_polars(name: str, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "int": COUNTS,
            "gaps": [None, *(COUNTS[1:] + 2**60).tolist()],
            "str": ["abc"[c] for c in FEW],
            "cat": pl.Series(["abc"[c] for c in FEW], dtype=pl.Categorical),
            "date": [d.date() for d in DAYS],
            "datetime": pl.Series([d.to_pydatetime() for d in DAYS], dtype=pl.Datetime("ns")),
            "duration": [dt.timedelta(hours=int(c)) for c in COUNTS],
            "bool": [None, *(FEW[1:] > 0).tolist()],
            "time": [dt.time(int(c) % 24, 5) for c in COUNTS],
            "decimal": [decimal.Decimal(int(c)) / 100 for c in COUNTS],
            "other": rng.normal(size=N),
        }
    )
    assert check_replayed(frame.select(name, "other"), tmp_path).schema.columns[0].role != "dropped"


@pytest.mark.parametrize(("unit", "days"), [("M", 365.25 / 12), ("Y", 365.25), ("3M", 365.25 / 4)])
def test_durations_in_months_and_years_are_seconds(unit: str, days: float) -> None:
    spans = COUNTS.astype("timedelta64[D]").astype(int).astype(f"timedelta64[{unit}]")
    spans[1] = np.timedelta64("NaT")
    for values in (spans, list(spans)):
        found, bad = numbers(values)
        assert bad == -1
        np.testing.assert_allclose(found, np.where(np.arange(N) == 1, np.nan, COUNTS * days * 86_400))


def test_a_tensor_that_numpy_cannot_read_is_refused_with_the_reason() -> None:
    tensor = torch.ones((N, 2), requires_grad=True)
    for x, y in ((tensor, Y), (X, tensor[:, 0])):
        with pytest.raises(DataError, match=r"what NumPy can make an array of \(.*detach"):
            from_arrays(x, y)


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_meaning_is_refused_at_the_start(values: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays({"c": values, "other": np.ones(N)}, Y)


X = rng.normal(size=(N, 2))
CONTAINERS = {
    "Arrow table": pa.table({"x0": X[:, 0], "x1": X[:, 1]}),
    "Arrow batch": pa.RecordBatch.from_pydict({"x0": X[:, 0], "x1": X[:, 1]}),
    "records": np.rec.fromarrays([X[:, 0], X[:, 1]], names="x0,x1"),  # type: ignore[call-overload]  # its types ask for more
    "list of records": [{"x0": a, "x1": b} for a, b in X.tolist()],
    "lists": X.tolist(),
    "matrix": np.asmatrix(X),
    "masked": np.ma.masked_array(X),
    "mapping": {"x0": X[:, 0], "x1": pd.Series(X[:, 1], index=range(100, 100 + N))},
    "Fortran order": np.asfortranarray(X),
    "big endian": X.astype(">f8"),
    "read only": np.lib.stride_tricks.as_strided(X, writeable=False),
}


@pytest.mark.parametrize("x", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_gives_the_same_rows(x: Any) -> None:
    task = from_arrays(x, Y)
    assert [c.name for c in task.schema.columns] == ["x0", "x1"]
    np.testing.assert_array_equal(task.data.x.numeric, X.astype(np.float32))
    np.testing.assert_array_equal(rows(task.schema, x).numeric, task.data.x.numeric)


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_every_sparse_matrix_is_read_alike(form: str, kind: str) -> None:
    matrix = getattr(sparse, f"{form}_{kind}")(X)
    task = from_arrays(matrix, Y)
    np.testing.assert_array_equal(task.data.x.numeric, X.astype(np.float32))
    assert list(to_columns(task.schema.to_dict(), matrix)) == ["x0", "x1"]


def test_unions_of_arrow_are_columns_of_their_values() -> None:
    kinds, places = pa.array(np.arange(N) % 2, pa.int8()), pa.array(np.arange(N), pa.int32())
    values = [pa.array(np.arange(N)), pa.array([f"w{i % 2}" for i in range(N)])]
    expected = [f"w{i % 2}" if i % 2 else i for i in range(N)]
    for union in (pa.UnionArray.from_sparse(kinds, values), pa.UnionArray.from_dense(kinds, places, values)):
        for column in (union, pa.table({"u": union})["u"]):
            assert as_array(column).tolist() == expected


def test_a_mask_is_a_gap_also_among_rows() -> None:
    masked = np.ma.masked_array(X, X > 0.5)
    task = from_arrays(masked, Y)
    np.testing.assert_array_equal(np.isnan(task.data.x.numeric), masked.mask)
    np.testing.assert_array_equal(rows(task.schema, masked).numeric, task.data.x.numeric)
    assert from_arrays(X, np.ma.masked_array(Y, Y * 0 + (np.arange(N) < 5))).n_rows == N - 5


TARGETS = {
    "bytes": np.array([b"no", b"yes"])[Y],
    "bytes as objects": np.array([b"no", b"yes"], object)[Y],
    "uint64": np.uint64([2**63, 2**63 + 1])[Y],
    "int64": np.int64([-(2**62), -(2**62) - 1])[Y],
    "boolean": pd.array(Y == 1, dtype="boolean"),
    "Int64": pd.array(Y + 2**60, dtype="Int64"),
    "long integers of Arrow, gaps": pa.array([None, *(Y[1:] + 2**60).tolist()]),
    "strings of digits": np.array(["10", "9"])[Y],
    "category": pd.Series(["b", "a"] * 30, dtype="category"),
    "StringDType": np.array(["10", "9"])[Y].astype(np.dtypes.StringDType()),
    "floats": np.float32([0.5, 1.5])[Y],
    "enumeration": np.array(list(Colour)[:2], object)[Y],
}


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_classes_of_every_type_are_whole_and_in_order(y: Any) -> None:
    task = from_arrays(X, y)
    assert task.target.kind == "binary"
    given = [v.decode() if isinstance(v, bytes) else v for v in as_array(y).tolist() if v is not None]
    known = sorted({v if isinstance(v, int | float | bool) else str(v) for v in given})
    assert [str(label) for label in task.schema.classes] == [str(label) for label in known]


def predict_py(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("shipped_predict", folder / "predict.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_all_of_them_are_fitted_exported_and_predicted_alike(tmp_path: Path) -> None:
    columns = {name: v for name, v in COLUMNS.items() if not name.startswith("pandas index")}
    frame = pd.DataFrame({name: pd.Series(as_array(v)) for name, v in columns.items()})
    frame["x"] = X[:, 0] + Y
    model = AutoML(seconds=60, trials=1, runner="inline", folds=2).fit(frame, np.array(["10", "9"])[Y])
    assert model.classes_.tolist() == ["10", "9"]
    model.export(tmp_path / "model")
    expected = model.predict_proba(frame)
    given = {**columns, "x": frame["x"]}
    for found in (load(tmp_path / "model"), predict_py(tmp_path / "model").Model(tmp_path / "model")):
        np.testing.assert_allclose(found.predict_proba(given), expected, atol=1e-5)
        np.testing.assert_array_equal(found.predict(frame), model.predict(frame))
    assert load(tmp_path / "model").classes_.tolist() == ["10", "9"]


def test_texts_and_levels_are_read_alike_however_a_library_holds_them() -> None:
    words = ["schön weich", "hart kalt", "schön kalt", "weich hart"] * 30
    y = np.arange(120) % 2
    for held in (words, [w.encode() for w in words], pa.array([w.encode() for w in words])):
        task = from_arrays(pa.table({"t": held, "o": np.arange(120.0)}), y, roles={"t": "text"})
        assert "w:schön" in task.schema.columns[0].terms
    codes = pa.array(["1", "2", "3"] * 40).dictionary_encode()
    assert from_arrays(pa.table({"c": codes, "o": np.arange(120.0)}), y).schema.columns[0].role == "categorical"


@pytest.mark.parametrize("mark", [-999, np.int64(-999), np.float32(-999), "-999"])
def test_one_mark_of_missing_may_be_any_number(mark: Any) -> None:
    x = {"n": [-999.0, *np.arange(1.0, 60.0)], "o": np.arange(60.0)}
    assert np.isnan(from_arrays(x, np.arange(60) % 2, missing=mark).data.x.numeric[0, 0])
