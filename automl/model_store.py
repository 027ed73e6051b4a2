"""Where trials leave what their folds came to: out-of-fold predictions and fitted models, each written once."""

import contextlib
import hashlib
import io
import json
import pickle
import secrets
import shutil
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from automl import model_file
from automl.errors import ArtifactError, AutoMLError
from automl.figures.network import Diagram
from automl.model_file import NotData
from automl.runtime.whole import whole
from automl.types import Blob, FoldRef

_DIAGRAM = "network.json"


@dataclass(frozen=True)
class ModelStore:
    """A folder, or an fsspec URL that every node of a cluster sees; it travels to the workers, and they write to it.

    ``root/<trial>/<fold>.predictions`` is an array as NumPy writes it, ``root/<trial>/<fold>.model`` a model as data
    (``model_file``), or ``<fold>.pickle`` where it holds what is none: unpickle those of your own runs only.
    ``root/<trial>/network.json`` is what a network looks like. A file is whole or not there; predictions and models are
    checked against the SHA-256 in their references when they are read.
    """

    root: str

    def create(self) -> None:
        """Make the folder; whoever begins a run does it, so that a worker that cannot see it is told so."""
        if not self._remote:
            Path(self.root).mkdir(parents=True, exist_ok=True)

    def put(self, trial: str, fold: int, score: float, predictions: np.ndarray, model: Any) -> FoldRef:
        """Write what a fold came to, in place of an earlier one, and return the reference.

        ``predictions``: (n, width) for the rows of the fold's validation part. Raises ``AutoMLError`` where the store
        cannot be written.
        """
        array = io.BytesIO()
        np.save(array, predictions, allow_pickle=False)
        try:
            packed = model_file.dumps(model)
        except NotData:
            packed = pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)
        return self._put(trial, FoldRef(fold, score), array.getvalue(), packed)

    def put_diagram(self, trial: str, diagram: Diagram) -> None:
        """Write what the trial's network looks like: plain JSON, for whoever does not open models."""
        self._write(f"{quote(trial, safe='')}/{_DIAGRAM}", json.dumps(diagram.to_dict()).encode())

    def diagram(self, trial: str) -> Diagram | None:
        """Return what the trial's network looks like; None where it is none, was not kept, or is damaged."""
        try:
            return Diagram.from_dict(json.loads(self._content(f"{quote(trial, safe='')}/{_DIAGRAM}")))
        except (ArtifactError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def predictions(self, ref: FoldRef) -> np.ndarray:
        """Return a fold's predictions, (n, width). Raises ``ArtifactError`` where they are damaged or gone."""
        array: np.ndarray = np.load(io.BytesIO(self._read(ref.predictions)), allow_pickle=False)
        return array

    def model(self, ref: FoldRef) -> Any:
        """Return a fold's fitted model. Raises ``ArtifactError`` where it is damaged or gone."""
        content = self._read(ref.model)
        return model_file.loads(content) if model_file.is_data(content) else pickle.loads(content)

    def sizes(self) -> dict[str, int]:
        """Return how many bytes each file has, by its key: one listing, however many there are."""
        if self._remote:
            system, root = self._file_system()
            system.invalidate_cache()  # others write there
            found = system.find(root, detail=True)
            return {path.removeprefix(root).lstrip("/"): entry["size"] for path, entry in found.items()}
        return {f"{path.parent.name}/{path.name}": path.stat().st_size for path in Path(self.root).glob("*/*")}

    def check(self, ref: FoldRef, sizes: Mapping[str, int], contents: bool) -> None:
        """Raise ``ArtifactError`` where what ``ref`` refers to is damaged or gone.

        ``sizes``: what ``sizes`` has returned. ``contents``: whether what is there is read and compared too.
        """
        for blob in (ref.predictions, ref.model):
            if blob is not None and sizes.get(blob.key) != blob.n_bytes:
                raise self._damaged(blob)
            if contents:
                self._read(blob)

    def copy(self, ref: FoldRef, trial: str) -> FoldRef:
        """Write what ``ref`` refers to for another trial, and return that one's reference."""
        return self._put(trial, ref, self._read(ref.predictions), self._read(ref.model))

    def trials(self) -> Set[str]:
        """Return the trials that have left anything."""
        if self._remote:
            system, root = self._file_system()
            found = system.ls(root, detail=False) if system.exists(root) else []
            return {unquote(path.rstrip("/").rpartition("/")[2]) for path in found}
        return {unquote(path.name) for path in Path(self.root).glob("*")}

    def drop(self, trial: str) -> None:
        """Remove all that a trial has left."""
        if self._remote:
            system, root = self._file_system()
            folder = f"{root}/{quote(trial, safe='')}"
            if system.exists(folder):
                system.rm(folder, recursive=True)
        else:
            shutil.rmtree(Path(self.root, quote(trial, safe="")), ignore_errors=True)

    @property
    def _remote(self) -> bool:
        return "://" in self.root

    def _file_system(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(self.root)
        return system, root.rstrip("/")

    def _put(self, trial: str, of: FoldRef, predictions: bytes, model: bytes) -> FoldRef:
        name, ending = f"{quote(trial, safe='')}/{of.fold}", "model" if model_file.is_data(model) else "pickle"
        written = self._write(f"{name}.predictions", predictions), self._write(f"{name}.{ending}", model)
        return FoldRef(of.fold, of.score, *written)

    def _write(self, key: str, content: bytes) -> Blob:
        try:
            if self._remote:
                self._pipe(key, content)
            else:
                place = Path(self.root, key)
                # The store itself is not made here: where it is missing, this node does not see it.
                place.parent.mkdir(exist_ok=True)
                with whole(place, mode="wb") as file:
                    file.write(content)
        except OSError as error:
            raise AutoMLError(
                f"What trials leave must fit into '{self.root}', which every worker sees: {error.strerror or error}. "
                "Free some room and resume the run; on a cluster, set run.store to a folder or URL that all nodes see."
            ) from error
        return Blob(key, len(content), hashlib.sha256(content).hexdigest())

    def _pipe(self, key: str, content: bytes) -> None:
        """Write a file beside its place and move it there: what is torn never stands in the place of what is whole."""
        system, root = self._file_system()
        place = f"{root}/{key}"
        draft = f"{place}.{secrets.token_hex(4)}.draft"
        system.makedirs(place.rpartition("/")[0], exist_ok=True)
        try:
            system.pipe_file(draft, content)
            system.mv(draft, place)
        except BaseException:
            with contextlib.suppress(OSError):
                system.rm_file(draft)
            raise

    def _read(self, blob: Blob | None) -> bytes:
        if blob is None:
            raise ArtifactError("This fold was not kept: only its score is known.")
        content = self._content(blob.key)
        if hashlib.sha256(content).hexdigest() != blob.sha256:
            raise self._damaged(blob)
        return content

    def _damaged(self, blob: Blob) -> ArtifactError:
        return ArtifactError(f"'{self.root}/{blob.key}' is damaged: it is not what was written there.")

    def _content(self, key: str) -> bytes:
        try:
            if self._remote:
                system, root = self._file_system()
                content: bytes = system.cat_file(f"{root}/{key}")
                return content
            return Path(self.root, key).read_bytes()
        except OSError as error:
            raise ArtifactError(f"'{self.root}/{key}' cannot be read ({error.strerror or error}).") from error
