"""What a report is about: a finished run with its data, its trials and what it shipped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl.errors import DamagedError
from automl.explain.mixed import Subject
from automl.export.choose import out_of_fold
from automl.kept import KeptTrials
from automl.leaderboard.records import Board
from automl.metrics import Metric
from automl.runtime.arrays import as_array
from automl.runtime.model import Model
from automl.task import Task
from automl.types import Trial


@dataclass
class Finished:
    """A run that has ended.

    ``firsts``: the parameters that are tried first, the best known of each family in front. ``command()``: what runs it
    again. ``folder``: with the shipped ``model`` in it.
    """

    task: Task
    kept: KeptTrials
    board: Board
    folder: Path
    firsts: Sequence[Mapping[str, Any]] = ()
    command: Callable[[], str] = str

    @property
    def metric(self) -> Metric:
        """The metric of the run."""
        return self.task.metric

    @cached_property
    def model(self) -> Model:
        """The shipped model. Raises ``runtime.errors.PredictionError``."""
        return Model(self.folder / "model")

    @cached_property
    def subject(self) -> Subject:
        """The shipped model, to be explained."""
        return Subject(self.model.schema, self.model.scores, self.model.graph)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Candidate id -> weight of what is shipped."""
        return dict(self.board.ensemble.members) if self.board.ensemble else {}

    @cached_property
    def prediction(self) -> np.ndarray:
        """The out-of-fold predictions of what is shipped, (n_rows, width), NaN where there is none.

        Raises ``DamagedError`` and ``UnknownNameError`` where its trials are not kept.
        """
        return out_of_fold(self.task, self.kept, self.weights)

    @cached_property
    def seen(self) -> np.ndarray:
        """The rows with an out-of-fold prediction, in order."""
        return np.flatnonzero(np.isfinite(self.prediction).all(axis=1))

    @cached_property
    def names(self) -> list[str]:
        """The classes as texts."""
        return [str(label) for label in self.task.schema.classes]

    @property
    def middle(self) -> int:
        """Which column of a prediction of values is shown where one has to do; of quantiles that by the median."""
        return self.task.target.middle

    @property
    def value(self) -> str:
        """What that column is called."""
        name, quantiles = self.task.schema.target_name, self.task.target.quantiles
        return f"quantile {quantiles[self.middle]:g} of {name}" if quantiles else name

    def sample(self, at: np.ndarray) -> tuple[Any, Any]:
        """Return (x, lengths) of rows of the task's sample, as they were given; those beyond its end are left out."""
        sample, at = self.task.sample, at[at < len(self.task.sample_index)]
        given = {name: as_array(values)[at] for name, values in sample.items()}
        return (given, None) if self.task.schema.columns else (given["x"], given.get("lengths"))

    def trial(self, id: str) -> Trial | None:
        """Return a trial of the leaderboard."""
        return next((trial for trial in self.board.trials if trial.candidate.id == id), None)

    def ranked(self) -> list[Trial]:
        """Return the trials with a score, best first."""
        return [trial for trial in self.board.run.goals.rank(self.board.trials) if trial.score is not None]

    def first_of(self, family: str) -> Trial | None:
        """Return the first finished trial of what is tried first of a family."""
        wanted = [params for params in self.firsts if params["family"] == family]
        return next(
            (t for t in self.board.trials if t.candidate.params in wanted and t.status == "finished"),
            None,
        )

    def predictions_of(self, trial: Trial | None) -> np.ndarray | None:
        """Return a trial's out-of-fold predictions, None where they are not kept."""
        if trial is None or trial.candidate.id not in self.kept.ids():
            return None
        try:
            return self.kept.predictions(trial.candidate.id)
        except DamagedError:
            return None
