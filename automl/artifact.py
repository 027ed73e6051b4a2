"""The shipped folder, from Python: ``load(path)``, then ``predict``, ``predict_proba``, ``explain``, ``importance``."""

from pathlib import Path
from typing import Any

import numpy as np

from automl import metrics
from automl.errors import ArtifactError, DataError
from automl.explain.face import Explained
from automl.explain.mixed import Subject
from automl.runtime.errors import PredictionError
from automl.runtime.model import Model


class Artifact(Explained):
    """A shipped model. Input: a frame, a mapping of columns, a record, or an array like the training data."""

    def __init__(self, path: str | Path) -> None:
        try:
            self._model = Model(path)
        except PredictionError as error:
            raise ArtifactError(str(error)) from None
        self.path = Path(path)
        self.manifest: dict[str, Any] = self._model.manifest

    @property
    def classes_(self) -> np.ndarray:
        """The labels in the order of ``predict_proba``'s columns, as ``predict`` gives them."""
        return self._model.labels()

    def predict(self, x: Any, lengths: np.ndarray | None = None) -> np.ndarray:
        """Return (n,) labels or values, or (n, n_quantiles), ascending in each row.

        Raises ``DataError`` for input that does not fit the schema.
        """
        return self._answer(self._model.predict, x, lengths)

    def predict_proba(self, x: Any, lengths: np.ndarray | None = None) -> np.ndarray:
        """Return (n, n_classes) probabilities. Raises ``DataError`` for a regression model."""
        return self._answer(self._model.predict_proba, x, lengths)

    def _subject(self) -> Subject:
        return Subject(self._model.schema, self._model.scores, self._model.graph)

    def _metric(self, name: Any) -> metrics.Metric:
        schema, own = self._model.schema, self.manifest["metric"]["name"]
        return metrics.get(own if name is None else name, schema["target"], schema.get("quantiles", ()))

    def _answer(self, method: Any, x: Any, lengths: np.ndarray | None) -> np.ndarray:
        try:
            return method(x, lengths)
        except PredictionError as error:
            raise DataError(str(error)) from None


def load(path: str | Path) -> Artifact:
    """Open a shipped folder. Raises ``ArtifactError`` when it is damaged or made by a newer version."""
    return Artifact(path)
