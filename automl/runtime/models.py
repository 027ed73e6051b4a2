"""A folder with one model, or with one for each of several targets, opened."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from automl.runtime.manifest import read_checked, read_manifest
from automl.runtime.model import Model


class Several:
    """A folder with a model for each of several targets, opened; see ``Model``.

    ``models``: by the name of the target, in the order in which they were asked for.
    """

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        self.models: dict[str, Model] = {}
        for one in self.manifest["models"]:
            read_checked(self.folder / one["folder"], "manifest.json", one["manifest"])
            self.models[one["target"]] = Model(self.folder / one["folder"], threads)

    @property
    def schema(self) -> dict[str, Any]:
        """How the raw input of the first model becomes rows; the others read the same files."""
        return next(iter(self.models.values())).schema

    def predict(self, x: Any, lengths: Any = None) -> dict[str, np.ndarray]:
        """Return what each model predicts, by the name of its target."""
        return {target: model.predict(x, lengths) for target, model in self.models.items()}

    def scores(self, x: Any, lengths: Any = None) -> dict[str, np.ndarray]:
        """Return what each model's graph gives, by the name of its target."""
        return {target: model.scores(x, lengths) for target, model in self.models.items()}


def open_model(folder: str | os.PathLike[str], threads: int = 0) -> Model | Several:
    """Open a folder with one model, or with one for each of several targets. Raises ``PredictionError``."""
    return (Several if "models" in read_manifest(Path(folder)) else Model)(folder, threads)
