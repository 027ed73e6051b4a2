"""Model folders of tests: a schema, a graph, and what is changed in them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx

from automl.export.one_file import predict_py
from automl.runtime.manifest import checksum


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


def set_manifest(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        write_manifest(folder, {**json.loads((folder / "manifest.json").read_text()), **changes})

    return change


def set_schema(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        schema_ = json.loads((folder / "manifest.json").read_text())["schema"]
        set_manifest(schema=schema_ | changes)(folder)

    return change
