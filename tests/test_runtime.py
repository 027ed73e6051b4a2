"""The file that is shipped as predict.py: values, encoding, the model folder, and the command line."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import timeit
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from automl import load
from automl.data.infer import infer_columns
from automl.export.graph import ML, Graph
from automl.export.one_file import predict_py
from automl.runtime.date_parts import DATE_PARTS
from automl.runtime.encode import encode
from automl.runtime.encode_array import encode_array
from automl.runtime.errors import PredictionError
from automl.runtime.labels import label, labels
from automl.runtime.main import main
from automl.runtime.manifest import checksum
from automl.runtime.model import Model
from automl.runtime.numbers import numbers
from automl.runtime.printable import defused, shown
from automl.runtime.schema import numeric_names
from automl.runtime.subwords import MOST_SUBWORDS
from automl.runtime.table import read_csv
from automl.runtime.tokens import CHUNK_VALUES, even_spans, ids_per_row, text_readers, tokenize


def schema(kind: str = "table", shape: tuple[int, ...] = (), classes: Any = (), **roles: Any) -> dict[str, Any]:
    columns = [{"name": n, "role": r} if isinstance(r, str) else {"name": n, **r} for n, r in roles.items()]
    return {
        "kind": kind,
        "target": "binary" if classes else "regression",
        "target_name": "y",
        "columns": columns,
        "classes": list(classes),
        "shape": shape,
    }


# ------------------------------------------------------------------------------------------------ values


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


# ----------------------------------------------------------------------------------------------- encoding


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


def test_terms_are_those_of_scikit_learn() -> None:
    texts = ["Free call now!! call", "a", "", "Ünïcode x-y z"]
    s = schema(t={"role": "text", "terms": (), "format": ""})
    for prefix, vectorizer in (
        ("c:", CountVectorizer(analyzer="char_wb", ngram_range=(3, 5))),
        ("w:", CountVectorizer(token_pattern=r"\w+", ngram_range=(1, 2))),
    ):
        expected = vectorizer.fit_transform(texts).toarray()
        s["columns"][0]["terms"] = [prefix + term for term in vectorizer.get_feature_names_out()]
        ids, counts = tokenize(text_readers(s)["tokens"], {"t": texts})
        rows = np.repeat(np.arange(len(texts)), counts)
        ours = np.zeros_like(expected)
        np.add.at(ours, (rows, ids), 1)
        np.testing.assert_array_equal(ours, expected)


def test_tokens_of_two_columns_are_padded_ids_into_all_terms() -> None:
    s = schema(a={"role": "text", "terms": ["w:x", "w:y"]}, n="numeric", b={"role": "text", "terms": ["w:x"]})
    tokens = encode(s, {"a": ["x x y", ""], "b": ["x", "x q"], "n": [1, 2]})["tokens"]
    assert tokens.tolist() == [[0, 0, 1, 2], [2, -1, -1, -1]]


def test_subwords_join_the_earliest_known_pair_first() -> None:
    s = schema(
        a={"role": "text", "subwords": [*" abcn", "an", " b", "ban"]}, b={"role": "text", "subwords": [*" x", "xx"]}
    )
    found = encode(s, {"a": ["banana", "Ban  ban!", None], "b": ["xxx", "", "y"]})["subwords"]
    names = dict(enumerate([*" abcn", "an", " b", "ban", *" x", "xx"], 2))
    spelt = [[names.get(i, "?") for i in row if i] for row in found.tolist()]
    assert spelt == [[" b", "an", "an", "a", " ", "xx", "x"], [" b", "an", " b", "an", "?"], [" ", "?"]]
    assert found[2, 2:].tolist() == [0] * (found.shape[1] - 2)


def test_rows_that_are_answered_at_once_follow_their_subwords() -> None:
    counts = np.array([3] * 50_000 + [MOST_SUBWORDS] + [3] * 50_000)
    weighed = ids_per_row({"subwords": counts, "tokens": np.ones_like(counts)})
    spans = list(even_spans(weighed, CHUNK_VALUES))
    assert [a for a, _ in spans] == [0, *(b for _, b in spans[:-1])]
    assert spans[-1][1] == len(counts)
    assert max((b - a) * weighed[a:b].max() for a, b in spans) <= CHUNK_VALUES
    assert len(spans) < 20


def test_subwords_of_a_long_text_are_cut_and_a_long_word_takes_no_long_time() -> None:
    s = schema(t={"role": "text", "subwords": [*" ab", "ab"]})
    assert encode(s, {"t": ["a " * 10_000, "ab" * 100_000]})["subwords"].shape == (2, MOST_SUBWORDS)


BAD_COLUMNS = {
    "word in numbers": ({"n": ["1", "abc"], "b": [1, 0]}, "'n' must hold a number.*row 2 has 'abc'"),
    "number as boolean": ({"n": [1, 2], "b": [1, 7]}, "'b' must hold true or false.*row 2 has '7'"),
    "infinite": ({"n": [1.0, np.inf], "b": [1, 0]}, "'n'.*row 2 has 'inf'"),
    "too large": ({"n": [1e300, 1.0], "b": [1, 0]}, "'n'.*row 1"),
    "too large for a float": ({"n": [1.0, -(10**400)], "b": [1, 0]}, "'n' must hold a number between.*row 2"),
    "missing columns": ({"N1": [1]}, "Missing: 'n'.*'b'"),
    "far name": ({"bb": [1], "n": [1]}, "Missing: 'b'$"),
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
        (["aged"], "'age' Did you mean 'aged'?; 'Colour'"),
        (["target", "page", "wages"], "'age'; 'Colour'"),
        (["COLOUR", "age"], "'Colour' Did you mean 'COLOUR'?"),
        (["colr", "age"], "'Colour' Did you mean 'colr'?"),
    ]:
        with pytest.raises(PredictionError) as caught:
            encode(s, {name: [1] for name in given_})
        assert str(caught.value).endswith(f"Missing: {hint}")
    with pytest.raises(PredictionError, match="'c7'; and 12 more"):
        encode(schema(**{f"c{i}": "numeric" for i in range(20)}), {"x": [1]})


def test_bad_date() -> None:
    with pytest.raises(PredictionError, match=r"written as %d/%m/%Y.*row 1 has '2024-01-01'"):
        encode(schema(d={"role": "datetime", "format": "%d/%m/%Y"}), {"d": ["2024-01-01"]})


def test_sequences_are_padded_cut_and_masked() -> None:
    s = schema("sequence", (4, 2))
    short = encode_array(s, np.ones((2, 3, 2)), [2, 3])
    assert short["sequence"][:, :, 0].tolist() == [[1, 1, 0, 0], [1, 1, 1, 0]]
    assert short["lengths"].tolist() == [2, 3]
    long = encode_array(s, np.ones((1, 9, 2)))
    assert long["sequence"].shape == (1, 4, 2)
    assert long["lengths"].tolist() == [4]
    assert encode_array(s, np.ones((2, 9, 2)), [9, 2])["lengths"].tolist() == [4, 2]


@pytest.mark.parametrize(
    ("kind", "shape", "x", "message"),
    [
        ("image", (4, 4, 3), np.zeros((2, 4, 4)), r"\(n, 4, 4, 3\)"),
        ("image", (4, 4, 1), np.zeros((2, 5, 4)), r"shape \(n, 4, 4, 1\)"),
        ("sequence", (4, 2), np.zeros((2, 4, 3)), r"\(n, steps, 2\)"),
        ("sequence", (4, 2), np.full((2, 4, 2), np.inf), "row 1"),
        ("image", (4, 4, 1), np.zeros((0, 4, 4, 1)), "no rows"),
        ("image", (4, 4, 1), {"a": [1], "b": [2]}, r"takes images.*\(n, 4, 4, 1\).*given: a table.*'a', 'b'"),
        ("sequence", (4, 2), pd.DataFrame({"a": [1]}), r"takes sequences.*\(n, steps, 2\).*given: a table.*'a'"),
        ("image", (4, 4, 1), [{"a": 1}], "given: a table"),
        ("image", (4, 4, 1), [["a"]], "array of numbers"),
        ("image", (4, 4, 1), [[1], [1, 2]], "one shape"),
    ],
)
def test_bad_arrays(kind: str, shape: tuple[int, ...], x: Any, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        encode_array(schema(kind, shape), x)


@pytest.mark.parametrize("lengths", [[1], [0.5, 1.0]])
def test_bad_lengths(lengths: Any) -> None:
    with pytest.raises(PredictionError, match="2 whole numbers"):
        encode_array(schema("sequence", (4, 2)), np.zeros((2, 4, 2)), lengths)


@pytest.mark.parametrize(
    ("lengths", "row"), [([3, 4], "row 2 has 4"), ([0, 3], "row 1 has 0"), ([1, -5], "row 2 has -5")]
)
def test_lengths_out_of_range_are_named(lengths: Any, row: str) -> None:
    with pytest.raises(PredictionError, match=f"from 1 to 3.*{row}"):
        encode_array(schema("sequence", (4, 2)), np.zeros((2, 3, 2)), lengths)


def test_lengths_are_not_for_images() -> None:
    with pytest.raises(PredictionError, match="Lengths are for sequences"):
        encode_array(schema("image", (4, 4, 1)), np.zeros((2, 4, 4)), [4, 4])


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


# --------------------------------------------------------------------------------------- the model folder


def write_folder(folder: Path, s: Any, model: onnx.ModelProto, **changes: Any) -> Path:
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "predict.py").write_text(predict_py())
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    write_manifest(folder, {"format": 2, "schema": s, "files": files, "onnx": "model.onnx", "version": "0", **changes})
    return folder


def write_manifest(folder: Path, manifest: Any) -> None:
    """Write a manifest with its checksum: what is wrong in it is not that it was changed."""
    plain = json.loads(json.dumps(manifest))
    (folder / "manifest.json").write_text(json.dumps(plain | {"checksum": checksum(plain)}))


@pytest.fixture
def table_folder(tmp_path: Path) -> Path:
    """p("yes") = sigmoid(n + 10 * (c == "hot")), with an open model of one number and one category."""
    g = Graph()
    n, c = g.input("numeric", np.float32, [1]), g.input("categories", str, [1])
    hot = g.op("LabelEncoder", c, domain=ML, keys_strings=["hot"], values_floats=[10.0], default_float=0.0)
    yes = g.op("Sigmoid", g.op("Add", n, hot))
    no = g.op("Sub", g.constant(np.ones(1, np.float32)), yes)
    s = schema(n="numeric", c="categorical", z="dropped", classes=["no", "yes"])
    return write_folder(tmp_path / "model", s, g.model({"prediction": g.concat([no, yes])}))


def test_predict_from_everything_a_table_can_be(table_folder: Path) -> None:
    model = Model(table_folder, threads=1)
    columns = {"n": [-3.0, 2.0, -3.0], "c": ["cold", None, "hot"], "z": [1, 1, 1]}
    frame = pd.DataFrame(columns)
    expected = 1 / (1 + np.exp([3.0, -2.0, -7.0]))
    for x in (columns, frame, frame.to_dict("records"), frame.to_numpy(), frame.drop(columns="z")):
        assert model.predict(x).tolist() == ["no", "yes", "yes"]
        np.testing.assert_allclose(model.predict_proba(x)[:, 1], expected, rtol=1e-5)


def test_one_record_is_one_row(table_folder: Path) -> None:
    model = Model(table_folder, threads=1)
    assert model.predict({"n": 2.0, "c": None}).tolist() == ["yes"]
    assert model.predict({"n": np.array(-3.0), "c": "cold"}).tolist() == ["no"]
    assert model.predict([{"n": "2", "c": "cold"}]).tolist() == ["yes"]
    with pytest.raises(PredictionError, match=r"a value: 'n'.*Write one row as \{'a': 1\.0"):
        model.predict({"n": 2.0, "c": ["hot", "cold"]})


@pytest.mark.parametrize("column", [{0: 1.0, 1: 2.0}, {1.0, 2.0}], ids=["dict", "set"])
def test_a_column_without_an_order_is_refused(table_folder: Path, column: Any) -> None:
    with pytest.raises(PredictionError, match=r"'n' is a (dict|set).*to_dict\('list'\)"):
        Model(table_folder, threads=1).predict({"n": column, "c": ["hot", "cold"]})


@pytest.mark.parametrize(
    ("classes", "kind"), [([0, 1], "i"), ([False, True], "b"), ([0.5, 1.5], "f"), ([1, "a"], "O"), ([-1, 2**63], "O")]
)
def test_classes_keep_their_types(table_folder: Path, classes: Any, kind: str) -> None:
    s = json.loads((table_folder / "manifest.json").read_text())["schema"]
    set_manifest(schema=s | {"classes": classes})(table_folder)
    x = {"n": [-3.0, 3.0], "c": ["", ""]}
    for found in (load(table_folder).classes_, Model(table_folder, threads=1).predict(x)):
        assert found.dtype.kind == kind
        assert [(c, type(c)) for c in found.tolist()] == [(c, type(c)) for c in classes]


def test_names_that_repeat_are_refused(table_folder: Path) -> None:
    frame = pd.DataFrame([[1.0, 2.0, "hot"]], columns=["n", "n", "c"])
    for x in (frame, {1: [1], "1": [2]}):
        with pytest.raises(PredictionError, match=r"given more than once: '[n1]'"):
            Model(table_folder, threads=1).predict(x)


def test_chunks_do_not_change_the_answer_and_errors_count_all_rows(
    table_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(table_folder, threads=1)
    x = {"n": np.linspace(-4, 4, 1000), "c": np.array(["hot", "cold"] * 500, dtype=object)}
    whole = model.scores(x)
    monkeypatch.setattr("automl.runtime.model.CHUNK_VALUES", 200)
    np.testing.assert_array_equal(model.scores(x), whole)
    x["n"] = np.array(["1"] * 1000, dtype=object)
    x["n"][777] = "oops"
    with pytest.raises(PredictionError, match="row 778 has 'oops'"):
        model.scores(x)


def test_a_large_vocabulary_is_read_once(tmp_path: Path) -> None:
    g = Graph()
    known = g.op("Greater", g.input("tokens", np.int64, [-1]), g.constant(np.array([-1])))
    n = g.op("ReduceSum", g.op("Cast", known, to=1), g.constant(np.array([1])), keepdims=1)
    s = schema("text", t={"role": "text", "terms": [f"w:{i}" for i in range(30_000)]})
    model = Model(write_folder(tmp_path / "model", s, g.model({"prediction": n})), threads=1)
    x = {"t": ["1 2 x", "29999"]}
    assert model.predict(x).tolist() == [2, 1]
    predicting, reading = (
        min(timeit.repeat(call, number=1, repeat=20)) for call in (lambda: model.predict(x), lambda: text_readers(s))
    )
    assert predicting < reading / 2  # a twentieth on an idle machine


def test_one_long_text_does_not_widen_the_others(tmp_path: Path) -> None:
    g = Graph()
    known = g.op("Greater", g.input("tokens", np.int64, [-1]), g.constant(np.array([-1])))
    n = g.op("ReduceSum", g.op("Cast", known, to=1), g.constant(np.array([1])), keepdims=1)
    s = schema("text", t={"role": "text", "terms": ["w:a", "w:b", "w:a b"]})
    model = Model(write_folder(tmp_path / "model", s, g.model({"prediction": n})), threads=1)
    texts = ["a b"] * 1_200
    texts[700] = "a " * 1_000_000
    tracemalloc.start()
    found = model.predict({"t": texts})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[[0, 699, 700, 701, 1199]].tolist() == [3, 3, 1_000_000, 3, 3]
    assert peak < 400e6  # 1,200 rows of a million tokens would be 9.6 GB


def test_images_and_regression(tmp_path: Path) -> None:
    g = Graph()
    mean = g.op("ReduceMean", g.input("image", np.float32, [2, 2, 1]), g.constant(np.array([1, 2])), keepdims=0)
    folder = write_folder(tmp_path / "model", schema("image", (2, 2, 1)), g.model({"prediction": mean}))
    model = Model(folder, threads=1)
    x = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    assert model.predict(x).tolist() == [1.5, 5.5]
    with pytest.raises(PredictionError, match="no probabilities"):
        model.predict_proba(x)
    np.savez(tmp_path / "d.npz", x_test=x)
    assert main([str(tmp_path / "d.npz"), "-o", str(tmp_path / "o.csv"), "--model", str(folder)]) == 0
    assert (tmp_path / "o.csv").read_text() == "prediction\n1.5\n5.5\n"


def break_link(folder: Path) -> None:
    target = folder.parent / "elsewhere.onnx"
    (folder / "model.onnx").rename(target)
    (folder / "model.onnx").symlink_to(target)


def set_manifest(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        write_manifest(folder, {**json.loads((folder / "manifest.json").read_text()), **changes})

    return change


def set_schema(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        schema_ = json.loads((folder / "manifest.json").read_text())["schema"]
        set_manifest(schema=schema_ | changes)(folder)

    return change


def change_text(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def break_pipe(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")


DIGEST = "0" * 64
DAMAGE = {
    "newer format": (set_manifest(format=3, onnx=None), "format 3.*reads format 2.*Use the predict.py inside"),
    "older format": (set_manifest(format=1), "format 1.*reads format 2.*export the model again"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no file manifest.json"),
    "torn manifest": (lambda f: (f / "manifest.json").write_text('{"format": 1,'), "damaged"),
    "lists without end": (lambda f: (f / "manifest.json").write_text("[" * 100_000), "damaged"),
    "format that is no number": (set_manifest(format="x"), "'format' must be a whole number, and is 'x'"),
    "schema that is none": (set_manifest(schema=[]), "'schema' must be a mapping, and is a list"),
    "not a manifest": (lambda f: (f / "manifest.json").write_text("[]"), "damaged"),
    "changed manifest": (change_text('["no", "yes"]', '["yes", "no"]'), "its checksum"),
    "changed checksum": (change_text('"checksum": "', '"checksum": "0'), "its checksum"),
    "classes that repeat": (set_schema(classes=["no", "no"]), "its classes repeat"),
    "no classes": (set_schema(classes=[]), "its classes do not fit the target"),
    "columns without names": (set_schema(columns=[{"role": "text"}]), r"'schema.columns\[0\]' lacks 'name'"),
    "unknown role": (set_schema(columns=[{"name": "n", "role": "x"}]), r"role' must be one of boolean, cat.* is 'x'"),
    "shape of another kind": (set_schema(kind="image", shape=[0, 1, 1]), "its shape does not fit"),
    "missing file": (lambda f: (f / "model.onnx").unlink(), "'model.onnx' is missing"),
    "changed file": (lambda f: (f / "model.onnx").write_bytes(b"x"), "SHA-256"),
    "a pipe for a file": (break_pipe, "'model.onnx' is missing"),
    "link": (break_link, "plain file inside"),
    "outside": (set_manifest(files={"model.onnx": DIGEST, "../secret": DIGEST}), "plain file inside|SHA-256"),
    "outside alone": (set_manifest(onnx="../secret", files={"../secret": DIGEST}), "plain file inside"),
    "absolute": (set_manifest(onnx="/etc/hostname", files={"/etc/hostname": DIGEST}), "plain file inside"),
    "unlisted model": (set_manifest(onnx="other.onnx"), "does not list 'other.onnx'"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_folders_are_refused(table_folder: Path, damage: Callable[[Path], Any], message: str) -> None:
    damage(table_folder)
    with pytest.raises(PredictionError, match=message):
        Model(table_folder)


def test_a_model_that_is_none(tmp_path: Path, table_folder: Path) -> None:
    replace_model(table_folder, b"not a model")
    with pytest.raises(PredictionError, match="cannot open the model"):
        Model(table_folder)


def replace_model(folder: Path, content: Any) -> None:
    (folder / "model.onnx").write_bytes(content)
    set_manifest(files={"model.onnx": hashlib.sha256(content).hexdigest()})(folder)


def in_a_branch(tensor: Any) -> onnx.ModelProto:
    """The model whose graph holds the tensor in a branch of a condition."""
    inner = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["w"], ["v"])], "inner", [], [onnx.ValueInfoProto(name="v")], [tensor]
    )
    node = onnx.helper.make_node("If", ["b"], ["v"], then_branch=inner, else_branch=inner)
    return onnx.helper.make_model(onnx.helper.make_graph([node], "outer", [], []))


@pytest.mark.parametrize("where", ["graph", "branch", "attribute", "sparse"])
def test_data_outside_the_model_is_refused_before_it_is_opened(
    table_folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr("automl.runtime.model.open_session", lambda *_: pytest.fail("it was opened"))
    (table_folder / "secret").write_bytes(np.ones(2, np.float32).tobytes())
    tensor = onnx.numpy_helper.from_array(np.ones(2, np.float32), "w")
    onnx.external_data_helper.set_external_data(tensor, "secret")
    tensor.ClearField("raw_data")
    if where == "branch":
        model = in_a_branch(tensor)
    else:
        nodes = [onnx.helper.make_node("Constant", [], ["w"], value=tensor)] if where == "attribute" else []
        model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], []))
        if where == "graph":
            model.graph.initializer.append(tensor)
        elif where == "sparse":
            model.graph.sparse_initializer.add().values.CopyFrom(tensor)
    replace_model(table_folder, model.SerializeToString())
    with pytest.raises(PredictionError, match="outside itself"):
        Model(table_folder)


def test_the_word_location_alone_is_no_fault(tmp_path: Path) -> None:
    g = Graph()
    known = g.op("LabelEncoder", g.input("categories", str, [1]), domain=ML, keys_strings=["location"],
                 values_floats=[1.0], default_float=0.0)  # fmt: skip
    s = schema(location={"role": "categorical", "levels": ["location"]})
    model = Model(write_folder(tmp_path / "model", s, g.model({"prediction": known})), threads=1)
    assert model.predict({"location": ["location", "x"]}).tolist() == [1, 0]


def test_what_is_not_finite_is_no_answer(tmp_path: Path) -> None:
    g = Graph()
    n = g.input("numeric", np.float32, [1])
    folder = write_folder(tmp_path / "model", schema(n="numeric"), g.model({"prediction": g.op("Mul", n, n)}))
    model = Model(folder, threads=1)
    assert model.predict({"n": [2.0]}).tolist() == [4]
    for endless in (3e38, -3e38, None):
        with pytest.raises(PredictionError, match="no finite answer for row 2"):
            model.predict({"n": [2.0, endless]})
    with pytest.raises(PredictionError, match="a number between"):
        model.predict({"n": [2.0, np.inf]})


def test_a_graph_of_another_kind_says_so(tmp_path: Path) -> None:
    g = Graph()
    shape = g.op("Shape", g.input("numeric", np.float32, [1]))
    model = g.model({"prediction": g.op("Cast", shape, to=onnx.TensorProto.FLOAT)})
    with pytest.raises(PredictionError, match="answers"):
        Model(write_folder(tmp_path / "a", schema(n="numeric"), model), threads=1).predict({"n": [1.0]})
    with pytest.raises(PredictionError, match="does not run"):
        Model(write_folder(tmp_path / "b", schema(c="categorical"), model), threads=1).predict({"c": ["x"]})


# ------------------------------------------------------------------------------------------- command line


def test_the_copied_file_predicts_alone(table_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("c,n,extra\nhot,1,9\ncold,-2,9\n,0,9\n")
    # -I: nothing of this project can be imported, only what is installed.
    command = [sys.executable, "-I", str(table_folder / "predict.py"), "in.csv", "--threads", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "prediction,probability_no,probability_yes"
    assert [line.split(",")[0] for line in lines[1:3]] == ["yes", "no"]


def test_the_runtime_needs_numpy_alone() -> None:
    program = f"import sys\nexec(compile({predict_py()!r}, 'predict', 'exec'), {{'__name__': 'predict'}})\n"
    program += "print(sorted({m.split('.')[0] for m in sys.modules} & {'onnxruntime', 'automl', 'pandas', 'sklearn'}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_leaves_the_old_output_alone(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,word\n")
    (tmp_path / "out.csv").write_text("old")
    code = main([str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv"), "--model", str(table_folder)])
    assert code == 2
    assert "row 1 has 'word'" in capsys.readouterr().err
    assert (tmp_path / "out.csv").read_text() == "old"
    assert {p.name for p in tmp_path.iterdir()} == {"in.csv", "out.csv", "model"}


def predict_into(output: Any, table_folder: Path) -> None:
    data = table_folder.parent / "in.csv"
    data.write_text("c,n\nhot,1\n")
    assert main([str(data), "-o", str(output), "--model", str(table_folder)]) == 0


def test_a_device_or_a_pipe_is_written_to_not_replaced(table_folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        predict_into(pipe, table_folder)
        assert read.result().startswith("prediction,probability_no,probability_yes\nyes,")
    assert pipe.is_fifo()


def test_a_link_is_followed(table_folder: Path, tmp_path: Path) -> None:
    for target in (tmp_path / "new.csv", tmp_path / "old.csv"):
        link = tmp_path / f"link to {target.name}"
        link.symlink_to(target)
    target.write_text("old")
    for target in (tmp_path / "new.csv", tmp_path / "old.csv"):
        predict_into(tmp_path / f"link to {target.name}", table_folder)
        assert target.read_text().startswith("prediction,")
        assert (tmp_path / f"link to {target.name}").is_symlink()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.txt", b"", "must be a .csv"),
        ("in.csv.parquet", b"", "must be a .csv"),
        ("in.npz", b"PK", "cannot be read"),
        ("in.csv", b"", "is empty"),
        ("in.csv", b"a,b\n1,2,3\n", "line 2"),
        ("in.csv", b"a\n\xff\n", "UTF-8"),
    ],
)
def test_bad_input_files(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: Any, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main([str(tmp_path / name), "--model", str(table_folder)]) == 2
    assert message in capsys.readouterr().err


def test_missing_input_names_the_nearest(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input.csv").write_text("c,n\nhot,1\n")
    assert main([str(tmp_path / "imput.csv"), "--model", str(table_folder)]) == 2
    assert "Did you mean 'input.csv'" in capsys.readouterr().err


def test_npz_without_x(table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "d.npz", z=np.ones(3))
    assert main([str(tmp_path / "d.npz"), "--model", str(table_folder)]) == 2
    assert "it has 'z'" in capsys.readouterr().err


def test_nothing_beside_the_copied_file_is_run(table_folder: Path, tmp_path: Path) -> None:
    for name in ("numpy", "csv", "onnxruntime", "lz4"):
        (table_folder / f"{name}.py").write_text("raise SystemExit('planted')\n")
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    for where in (table_folder, tmp_path):
        command = [sys.executable, str(table_folder / "predict.py"), str(tmp_path / "in.csv")]
        done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1].startswith("yes,")


@pytest.mark.parametrize("program", ["predict.py", "-m automl.cli predict"])
def test_onnxruntime_keeps_no_file_of_its_own(table_folder: Path, tmp_path: Path, program: str) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    own = [str(table_folder / "predict.py")] if program == "predict.py" else [*program.split(), str(table_folder)]
    env = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | {"TMPDIR": str(scratch)}
    subprocess.run(
        [sys.executable, *own, str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")], env=env, check=True
    )
    assert list(scratch.iterdir()) == []


def test_texts_that_are_formulas_are_exact_unless_they_are_for_a_spreadsheet(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_schema(classes=["=1+1", "-1"])(table_folder)
    (tmp_path / "in.csv").write_text("c,n\nhot,1\ncold,-9\n")
    arguments = [str(tmp_path / "in.csv"), "--model", str(table_folder)]
    answers = []
    for more in ([], ["--spreadsheet"]):
        assert main([*arguments, *more]) == 0
        answers.append([line.split(",")[0] for line in capsys.readouterr().out.splitlines()])
    assert answers == [["prediction", "-1", "=1+1"], ["prediction", "-1", "'=1+1"]]


@pytest.mark.parametrize("cell", ["=1+1", "+1+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "= 1"])
def test_formulas_are_defused(cell: Any) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", [-1.5, 3, None, "-1", "+1e3", "-0.5", "a=b", "", "1+1", "'x"])
def test_what_is_no_formula_stays(cell: Any) -> None:
    assert defused(cell) == cell


def test_a_full_disk_is_named_and_what_was_there_stays(
    table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("c,n\nhot,1\n")
    assert main([str(tmp_path / "in.csv"), "-o", "/dev/full", "--model", str(table_folder)]) == 2
    assert "'/dev/full' (No space left on device)" in capsys.readouterr().err
