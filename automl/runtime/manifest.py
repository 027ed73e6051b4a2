"""The manifest of a model folder: its shape, what may not be, and the files that it lists, checked."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from automl.runtime.errors import PredictionError
from automl.runtime.fault import fault
from automl.runtime.printable import shown
from automl.runtime.text_file import codec

FORMAT = 2  # of the manifest; a folder of any other is refused
_LARGEST_MANIFEST = 200_000_000  # bytes
_FILE_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
_SHA256 = re.compile("[0-9a-f]{64}")
_COLUMN = {
    "name": str,
    "role": {"numeric", "categorical", "boolean", "datetime", "text", "dropped"},
    "levels?": [str],
    "format?": (str, [str]),
    "decimal?": str,
    "since?": int,
    "unit?": [str],
    "scaled?": bool,
    "bracketed?": bool,
    "falling?": bool,
    "between?": str,
    "several?": int,
    "center?": float,
    "factor?": float,
    "missing?": [str],
    "salt?": str,
    "padded?": bool,
    "terms?": [str],
    "subwords?": [str],
    ...: object,
}
_MANIFEST = {  # of it, what is used here
    "format": int,
    "checksum": _SHA256,
    "onnx": str,
    "decision?": [float],
    "files": {...: _SHA256},
    "schema": {
        "kind": {"table", "image", "sequence", "text"},
        "target": {"binary", "multiclass", "regression", "quantiles"},
        "target_name": str,
        "columns": [_COLUMN],
        "classes": [(str, int, float, bool)],
        "shape": [int],
        "quantiles?": [float],
        "encoding?": str,
        "brightest?": float,
        "centers?": [float],
        "factors?": [float],
        ...: object,
    },
    ...: object,
}
_SEVERAL = {  # of the manifest of a folder that holds a model folder for each of several targets
    "format": int,
    "checksum": _SHA256,
    "models": [{"target": str, "folder": str, "manifest": _SHA256}],
    ...: object,
}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest: its format, its checksum, and that it holds all that is used of it."""
    path = folder / "manifest.json"
    if path.is_symlink():
        raise PredictionError(f"'{folder}' has links in place of its files, which are not followed. Copy them: cp -rL.")
    if not path.is_file():
        raise PredictionError(f"'{folder}' is not a model folder: it has no file manifest.json.")
    manifest, wrong = _manifest_of(path)
    wrong = wrong or fault(manifest, {"format": int, ...: object})
    if not wrong and manifest["format"] != FORMAT:
        raise PredictionError(
            f"'{folder}' has format {shown(manifest['format'])}; this program reads format {FORMAT}. "
            "Use the predict.py inside the folder, or export the model again."
        )
    if not wrong and manifest.get("checksum") != checksum(manifest):
        wrong = "its checksum is not that of its content"
    if not wrong and "models" in manifest:
        wrong = fault(manifest, _SEVERAL) or _contradiction_of_several(manifest)
    else:
        wrong = wrong or fault(manifest, _MANIFEST) or _contradiction(manifest)
    if wrong:
        raise PredictionError(f"'{path}' is damaged: {wrong}. Copy the whole folder again, or export the model again.")
    return manifest


def _manifest_of(path: Path) -> tuple[Any, str]:
    """Return what a JSON file holds, and what is wrong with it."""
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            return None, f"it is larger than {_LARGEST_MANIFEST:,} bytes"
        return json.loads(path.read_text(encoding="utf-8")), ""
    except OSError as error:
        return None, f"it cannot be read ({error.strerror})"
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or lists in lists without end
        return None, f"it is no JSON ({shown(error)})"


def checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything in a manifest but its field ``checksum``, however it is laid out."""
    rest = {name: value for name, value in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _contradiction(manifest: Mapping[str, Any]) -> str:
    """Return what in a manifest of the right shape cannot be so; "" if there is nothing."""
    schema = manifest["schema"]
    names = [column["name"] for column in schema["columns"]]
    classes = [(isinstance(c, bool), c) for c in schema["classes"]]
    quantiles = schema.get("quantiles", [])
    n_sizes = {"image": 3, "sequence": 2}.get(schema["kind"], 0)
    impossible = {
        f"it does not list '{manifest['onnx']}'": manifest["onnx"] not in manifest["files"],
        "its columns are none, or repeat": not n_sizes and (not names or len(set(names)) < len(names)),
        "its classes do not fit the target": bool(classes) != (schema["target"] in ("binary", "multiclass")),
        "its quantiles do not fit the target": bool(quantiles) != (schema["target"] == "quantiles"),
        "its quantiles are not ascending between 0 and 1": any(
            not a < b for a, b in zip([0, *quantiles], [*quantiles, 1], strict=True)
        ),
        "its classes repeat": len(set(classes)) < len(classes),
        "its decision does not fit the classes": "decision" in manifest
        and (len(manifest["decision"]) != len(classes) or not all(0 <= w < np.inf for w in manifest["decision"])),
        "its encoding is none that Python knows": "encoding" in schema and not codec(schema["encoding"]),
        "its shape does not fit the data": len(schema["shape"]) != n_sizes or min(schema["shape"], default=1) < 1,
    }
    return next((words for words, holds in impossible.items() if holds), "")


def _contradiction_of_several(manifest: Mapping[str, Any]) -> str:
    """Return what in a manifest of several models cannot be so; "" if there is nothing."""
    models = manifest["models"]
    names = [one["target"] for one in models]
    if not models or len(set(names)) < len(names):
        return "its targets are none, or repeat"
    outside = next((one["folder"] for one in models if not _FILE_NAME.fullmatch(one["folder"])), None)
    return "" if outside is None else f"'{shown(outside)}' is no folder inside it"


def read_checked(folder: Path, name: str, digest: str) -> bytes:
    """Return a file's content after comparing its SHA-256 with the manifest."""
    path = folder / name
    if not _FILE_NAME.fullmatch(name) or path.is_symlink():
        raise PredictionError(f"'{shown(name)}' in the manifest of '{folder}' must be a plain file inside the folder.")
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise PredictionError(f"'{path}' cannot be read ({error.strerror}).") from None
    if content is None:
        raise PredictionError(f"'{folder}' is incomplete: the file '{name}' is missing. Copy the whole folder again.")
    if hashlib.sha256(content).hexdigest() != digest:
        raise PredictionError(f"'{path}' is damaged: its SHA-256 differs from the manifest. Copy the folder again.")
    return content
