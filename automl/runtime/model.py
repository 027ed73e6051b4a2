"""A model folder, opened."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from automl.runtime.columns import to_columns
from automl.runtime.encode import encode, used_columns
from automl.runtime.encode_array import encode_array
from automl.runtime.errors import PredictionError, listed
from automl.runtime.external_data import has_external_data
from automl.runtime.manifest import read_checked, read_manifest
from automl.runtime.printable import shown
from automl.runtime.session import open_session
from automl.runtime.tokens import CHUNK_VALUES, even_spans, ids_of_rows, ids_per_row, padded_ids, text_readers, tokenize


class Model:
    """A model folder, opened. ``threads``: cores used for one prediction (0: all).

    Raises ``PredictionError`` for a folder that is damaged, incomplete or made by another version: before the model
    itself is opened, the manifest and every file that it lists are checked. Other files change nothing.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        if "models" in self.manifest:
            raise PredictionError(
                f"'{self.folder}' holds a model for each of several targets: "
                f"{listed([one['target'] for one in self.manifest['models']])}. Give the folder of one; "
                "predict.py, `automl predict` and open_model answer all."
            )
        self.schema: dict[str, Any] = self.manifest["schema"]
        self.classes: list[Any] = self.schema["classes"]
        self.quantiles: list[float] = self.schema.get("quantiles", [])
        contents = {name: read_checked(self.folder, name, digest) for name, digest in self.manifest["files"].items()}
        if has_external_data(contents[self.manifest["onnx"]]):
            raise PredictionError(
                f"The model in '{self.folder}' is damaged, or asks for files outside itself. Export it again."
            )
        self._read = text_readers(self.schema)
        self._session = open_session(contents[self.manifest["onnx"]], threads)
        self._inputs = {i.name for i in self._session.get_inputs()}

    def predict(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n,) classes as they were in the training data, (n,) float64 values of a regression, or
        (n, n_quantiles) float64, ascending in each row.

        ``x``: a table (see ``to_columns``), images (n, height, width[, channels]), or sequences (n, steps, channels)
        with ``lengths`` (n,), how many steps of each count (default: all).
        """
        scores = self.scores(x, lengths)
        if self.quantiles:
            return scores
        return self.labels()[self.codes(scores)] if self.classes else scores[:, 0]

    def codes(self, scores: np.ndarray) -> np.ndarray:
        """Return the position of the class (n,) that probabilities (n, n_classes) decide for.

        That is the greatest one times the weight of its class: metrics of labels, such as F1, ask for other thresholds
        than a half (``decision`` of the manifest; without it all classes weigh the same).
        """
        return (scores * np.array(self.manifest.get("decision", 1.0), np.float64)).argmax(axis=1)

    def predict_proba(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return (n, n_classes) float32 probabilities, in the order of ``classes``."""
        if not self.classes:
            raise PredictionError("A model of values has no probabilities. Use predict().")
        return self.scores(x, lengths)

    def scores(self, x: Any, lengths: Any = None) -> np.ndarray:
        """Return what the graph gives, finite: (n, n_classes) float32 probabilities, (n, 1) float64 values, or
        (n, n_quantiles).
        """
        scores = np.concatenate([self._run(feed) for feed in self._feeds(x, lengths)])
        if self.quantiles:  # averages of sorted rows are sorted but for their rounding
            scores.sort(axis=1)
        endless = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if endless.size:
            raise PredictionError(
                f"The model has no finite answer for row {endless[0] + 1}; its values may be far beyond those of the "
                "training data. Correct them, or leave the row out."
            )
        return scores

    def graph(self) -> bytes:
        """Return the ONNX model, read and checked again."""
        name = self.manifest["onnx"]
        return read_checked(self.folder, name, self.manifest["files"][name])

    def labels(self) -> np.ndarray:
        """Return (n_classes,) ``classes`` as an array; of objects, unless all are numbers or all are truth values."""
        found = np.array(self.classes)
        exact = [(type(c), c) for c in found.tolist()] == [(type(c), c) for c in self.classes]
        return found if exact and found.dtype.kind != "U" else np.array(self.classes, dtype=object)

    def _run(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        try:
            found = self._session.run(["prediction"], feed)[0]
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise PredictionError(f"The model in '{self.folder}' does not run: {shown(error)}") from None
        expected = (len(next(iter(feed.values()))), len(self.classes) or len(self.quantiles) or 1)
        if found.shape != expected:
            raise PredictionError(f"The model in '{self.folder}' answers {found.shape}, and not {expected}.")
        return found

    def _feeds(self, x: Any, lengths: Any) -> Iterator[dict[str, np.ndarray]]:
        """Yield the inputs of the graph for some rows at a time, so that memory stays bounded."""
        if self.schema["kind"] in ("image", "sequence"):
            parts = encode_array(self.schema, x, lengths)
            # A network's inner layers are wider than its input.
            step = _rows_at_once(32 * int(np.prod(self.schema["shape"])))
            for start in range(0, len(next(iter(parts.values()))), step):
                chunk = {name: v[start : start + step] for name, v in parts.items() if name in self._inputs}
                yield {n: v.astype(np.float32) if n == "image" else v for n, v in chunk.items()}
            return
        columns = to_columns(self.schema, x)
        given = used_columns(self.schema, columns)
        step = _rows_at_once(sum(1 + len(c.get("terms", ())) for c in self.schema["columns"]))
        for start in range(0, len(next(iter(given.values()))), step):
            chunk = {name: values[start : start + step] for name, values in given.items()}
            numbers_ = range(start + 1, start + step + 1)
            parts = encode(self.schema, chunk, numbers_, self._inputs - set(self._read), self._read)
            ids = {name: tokenize(read, chunk) for name, read in self._read.items() if name in self._inputs}
            if not ids:
                yield parts
                continue
            for a, b in even_spans(ids_per_row({name: counts for name, (_, counts) in ids.items()}), CHUNK_VALUES):
                texts = {name: padded_ids(name, *ids_of_rows(*found, a, b)) for name, found in ids.items()}
                yield {name: values[a:b] for name, values in parts.items()} | texts


def _rows_at_once(values_per_row: int) -> int:
    return min(4_096, max(16, CHUNK_VALUES // max(1, values_per_row)))
