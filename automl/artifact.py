"""The shipped folder, from Python: ``load(path)``, then ``predict``, ``predict_proba``, ``explain``, ``importance``."""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from automl import metrics, run_folder
from automl.errors import ArtifactError, AutoMLError, DataError
from automl.explain.face import NO_ROWS, Explained
from automl.explain.mixed import Subject
from automl.runtime.errors import PredictionError
from automl.runtime.model import Model

if TYPE_CHECKING:
    import pandas as pd

    from automl.past_run import PastRun


class Artifact(Explained):
    """A shipped model. Input: a frame, a mapping of columns, a record, or an array like the training data.

    Where it lies in the folder of its run, explanations go by the rows of that run unless others are given.
    """

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

    def importance(
        self, x: Any = None, y: Any = None, *, lengths: Any = None, metric: Any = None, repeats: int = 5, seed: int = 0
    ) -> "pd.DataFrame":
        """Return the permutation importance of each feature, greatest first (``Explained.importance``).

        Without ``x`` and ``y``: on rows of the run that the model did not learn from: locked ones where there are some,
        else each training row, answered by the fold models that had not seen it. Raises ``DataError``.
        """
        if x is not None:
            return super().importance(x, y, lengths=lengths, metric=metric, repeats=repeats, seed=seed)
        if (run := self._run) is None:
            raise DataError(f"Importance is measured on rows and their targets, {NO_ROWS} importance(x, y).")
        from automl.explain.task_rows import on_locked, out_of_fold
        from automl.export.member import members_of
        from automl.export.package import opened_graph

        judged = run.task.metric if metric is None else self._metric(metric)
        task = replace(run.task, problem=replace(run.task.problem, metric=judged))
        if task.test is not None:
            answer = opened_graph(self._model.graph(), task.schema)
            return on_locked(task, answer, task.test, repeats, seed).frame()
        weights: dict[str, float] = {}
        for member in self.manifest["members"]:
            weights[member["trial"]] = weights.get(member["trial"], 0.0) + member["weight"]
        return out_of_fold(task, members_of(task, run.kept, weights), repeats, seed).frame()

    @cached_property
    def _run(self) -> "PastRun | None":
        """The run in whose folder the model lies; None where it lies elsewhere, or the run's data are gone."""
        folder = self.path.absolute().parent
        if not run_folder.is_one(folder):
            return None
        from automl.past_run import open_run

        try:
            return open_run(run_folder.find(folder))
        except AutoMLError:
            return None

    def _kept_rows(self) -> tuple[Any, Any] | None:
        if self._run is None:
            return None
        sample = self._run.task.sample
        return (sample, None) if self._run.task.schema.columns else (sample["x"], sample.get("lengths"))

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
