"""What the rooms hand to each other: candidates, reports, trials, and the protocols of the options."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from automl.space import Params

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.task import Batch, Rows


@dataclass(frozen=True)
class Candidate:
    """One point of the space, before it is tried. ``id`` is unique within a run ("0", "1", ...)."""

    id: str
    params: Params

    @property
    def family(self) -> str:
        """The model family this candidate belongs to."""
        return str(self.params["family"])


@dataclass(frozen=True)
class Report:
    """How far a trial is. ``score`` is the mean over the folds seen so far; greater is better."""

    progress: float
    score: float
    seconds: float
    extra: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a finished trial leaves for the ensemble and the export.

    ``predictions``: (n_rows, width) of the target's ``dtype``, made out of fold, NaN where a row was
    in no validation part. ``models``: one pickled fitted model per fold (kept inside the run's own
    folder, never shipped).
    """

    predictions: np.ndarray
    models: tuple[bytes, ...]


Status = Literal["running", "finished", "stopped", "failed"]


@dataclass(frozen=True)
class Trial:
    """A candidate and what came of it.

    ``stopped``: ended early by the scheduler or the budget; its score is what it had reached.
    ``failed``: ``failure`` says why. ``seconds`` counts fitting and predicting only. ``score`` is
    None until the first report; greater is better. ``outcome``: what a trial leaves; of a running one
    what it would leave, where that is new.
    """

    candidate: Candidate
    status: Status
    score: float | None = None
    fold_scores: tuple[float, ...] = ()
    reports: tuple[Report, ...] = ()
    seconds: float = 0.0
    failure: str | None = None
    outcome: Outcome | None = None

    def following(self, earlier: "Trial | None") -> "Trial":
        """Return this running snapshot with the outcome of an ``earlier`` one, where it brings no newer."""
        if earlier is None or self.status != "running" or self.outcome is not None:
            return self
        return replace(self, outcome=earlier.outcome)

    @property
    def rank(self) -> tuple[bool, float]:
        """What trials are compared by, greater is better: a score over all folds comes before a partial one."""
        score = self.score
        has_score = self.status != "failed" and score is not None and not math.isnan(score)
        return self.status == "finished", score if has_score and score is not None else -math.inf


@dataclass(frozen=True)
class Budget:
    """When a search ends: at ``deadline`` (``time.time()``), after ``trials`` trials, whichever is first."""

    deadline: float | None = None
    trials: int | None = None


class Model(Protocol):
    """A model that learns from one fold. It must survive pickling, fitted or not."""

    def fit(self, train: "Batch", valid: "Batch") -> Iterator[float]:
        """Fit; yield progress in (0, 1], rising to 1. The model can predict after each yield."""

    def predict(self, x: "Rows") -> np.ndarray:
        """Return (n, width) floats: probabilities of the classes, or values of a regression (width 1)."""

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the fitted model to ``graph`` and return its output's name, shape (n, width).

        ``inputs`` maps the fields of ``Rows`` ("numeric", "categories", ...) to tensor names.
        """


class Step(Protocol):
    """A feature step: takes rows and gives rows, learning only from the fold's training part."""

    def fit_transform(self, x: "Rows", y: np.ndarray) -> "Rows":
        """Learn from (x, y) and return x transformed (target encoding is cross-fitted here)."""

    def transform(self, x: "Rows") -> "Rows":
        """Return x transformed."""

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        """Add the fitted step to ``graph``; take and return the tensors of ``Rows`` by field name."""


class Compressor(Protocol):
    """Makes a fitted model smaller. Whether the result is kept is decided by its score elsewhere."""

    def compress(self, model: Model, train: "Batch") -> Model | None:
        """Return a smaller model with the same inputs, or None where it does not apply.

        ``train``: rows the model was fitted on, for calibration or fine-tuning.
        """


class Searcher(Protocol):
    """A strategy: proposes candidates, learns from trials."""

    def ask(self) -> Candidate | None:
        """Return the next candidate, or None when the space is exhausted."""

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial, also one that was never asked for (resume is replay)."""


class Objective(Protocol):
    """Fits one candidate; picklable, so that it can run in another process."""

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        """Yield ``running`` snapshots, then one ended trial (``finished`` or ``stopped``). May raise."""


class Runner(Protocol):
    """Where trials execute."""

    def start(self) -> None:
        """Begin whatever takes time, in the background; ``run`` does it if nobody did."""

    def close(self) -> None:
        """End what ``start`` began; ``run`` does so at its end."""

    def run(
        self, objective: Objective, searcher: Searcher, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Yield a snapshot whenever a trial starts, reports or ends; ended ones exactly once.

        The generator ends when the budget is spent or the searcher is exhausted; closing it stops
        everything it started. A trial that raises or dies is a ``failed`` one, not an error.
        """
