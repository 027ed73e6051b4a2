"""What a report is about: a finished run with its data, its trials and what it shipped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from automl.errors import DamagedError
from automl.explain.mixed import Subject
from automl.explain.sample import sampled
from automl.export.choose import out_of_fold
from automl.kept import KeptTrials
from automl.leaderboard.records import Board
from automl.metrics import Metric
from automl.runtime.arrays import as_array
from automl.runtime.model import Model
from automl.task import Task
from automl.types import Trial


@dataclass(frozen=True)
class ExplainedRows:
    """Rows that are explained, as they were given, with their targets ``y``.

    ``number``: their places among the rows of their kind, from 1. ``prediction``: (n, width) of models that had not
    learned from them, NaN where there is none. ``locked``: whether the shipped model is among those.
    """

    x: Any
    lengths: Any
    y: np.ndarray
    number: np.ndarray
    prediction: np.ndarray
    locked: bool

    @property
    def kind(self) -> str:
        """What such a row is called."""
        return "Test row" if self.locked else "Row"


@dataclass
class Finished:
    """A run that has ended.

    ``firsts``: the parameters that are tried first, the best known of each family in front. ``command()``: what runs it
    again. ``folder``: with the shipped ``model`` in it. ``apart``: where validation and test scores are further apart
    than chance explains, in words; it is found out by the section on what won.
    """

    task: Task
    kept: KeptTrials
    board: Board
    folder: Path
    firsts: Sequence[Mapping[str, Any]] = ()
    command: Callable[[], str] = str
    apart: str = ""

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

    def background(self, most: int) -> np.ndarray:
        """Return up to ``most`` random rows of the task's sample, in order: what answers are compared with.

        The sample is in the order of the data, whose first rows may be all of one class.
        """
        return sampled(np.arange(len(self.task.sample_index)), most, self.task.seed)

    def sample(self, at: np.ndarray) -> tuple[Any, Any]:
        """Return (x, lengths) of rows of the task's sample, as they were given."""
        return self._given(self.task.sample, at)

    @cached_property
    def explained(self) -> ExplainedRows:
        """The rows to explain single answers of: locked ones where there are some, else of the sample."""
        task = self.task
        if task.test is not None and len(index := task.test_sample_index):
            x, lengths = self._given(task.test_sample, np.arange(len(index)))
            return ExplainedRows(x, lengths, task.test.y[index], index + 1, self.model.scores(x, lengths), True)
        index = task.sample_index
        x, lengths = self.sample(np.arange(len(index)))
        return ExplainedRows(x, lengths, task.data.y[index], index + 1, self.prediction[index], False)

    def taken(self, rows: ExplainedRows, at: np.ndarray) -> tuple[Any, Any]:
        """Return (x, lengths) of some of the rows that are explained."""
        return self._given(rows.x if self.task.schema.columns else {"x": rows.x, "lengths": rows.lengths}, at)

    def _given(self, values: Mapping[str, Any], at: np.ndarray) -> tuple[Any, Any]:
        given = {name: as_array(column)[at] for name, column in values.items() if column is not None}
        return (given, None) if self.task.schema.columns else (given["x"], given.get("lengths"))

    def rows_within(self, seconds: float) -> int:
        """Return about how many rows the shipped model answers in some time, many at once."""
        return int(1000 * seconds / (self.model.manifest["latency_ms"]["batch_256_p50"] / 256))

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
