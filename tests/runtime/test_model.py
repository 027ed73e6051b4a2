"""Model folders, opened."""

import json
import timeit
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest

from automl import load
from automl.export.graph import Graph
from automl.runtime.errors import PredictionError
from automl.runtime.main import main
from automl.runtime.model import Model
from automl.runtime.tokens import text_readers
from tests.runtime.folders import schema, set_manifest, write_folder


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
