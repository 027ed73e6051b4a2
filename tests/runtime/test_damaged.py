"""Model folders that were damaged, or ask for files outside themselves."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from automl.export.graph import ML, Graph
from automl.runtime.errors import PredictionError
from automl.runtime.model import Model
from tests.runtime.folders import schema, set_manifest, set_schema, write_folder


def break_link(folder: Path) -> None:
    target = folder.parent / "elsewhere.onnx"
    (folder / "model.onnx").rename(target)
    (folder / "model.onnx").symlink_to(target)


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


def link(path: Path) -> None:
    path.symlink_to(path.rename(path.with_name("other")))


DAMAGE = {
    "newer format": (set_manifest(format=3, onnx=None), "format 3.*reads format 2.*Use the predict.py inside"),
    "older format": (set_manifest(format=1), "format 1.*reads format 2.*export the model again"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "no file manifest.json"),
    "a link for a manifest": (lambda f: link(f / "manifest.json"), "has links in place of its files.*cp -rL"),
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
    "unknown encoding": (set_schema(encoding="base64"), "its encoding is none that Python knows"),
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
