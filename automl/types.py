"""What the rooms hand to each other: candidates, reports, trials, and the protocols of the options."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from automl.space import Params, Space

if TYPE_CHECKING:
    from automl.export.graph import Graph
    from automl.goals import Goals
    from automl.task import Batch, Rows


# What a candidate may carry beside its point of the space: the rung that it is on, and what the fit of a fold gets.
RUNG, RUNG_SECONDS, LAST = "rung", "rung.seconds", "last"
# A candidate with these is no model, but a search around it by weights that its like share: the searcher's name, its
# share of the time that is left, whether it chooses what is trained, and how many candidates it is to find.
ONE_SHOT, ONE_SHOT_SHARE = "one_shot", "one_shot.share"
ONE_SHOT_JOINT, ONE_SHOT_FOUND = "one_shot.joint", "one_shot.found"


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
    """How far a trial is. ``score`` is the mean over the folds seen so far; greater is better.

    ``extra``: what else there is to tell, by name; of a network's fold what its epochs came to (``automl.epochs``).
    """

    progress: float
    score: float
    seconds: float
    extra: Mapping[str, float] = field(default_factory=dict)


Status = Literal["running", "finished", "stopped", "failed"]
BY_SCHEDULER = "stopped by the scheduler"  # why a trial ended early
Values = Mapping[str, float]


@dataclass(frozen=True)
class Blob:
    """A file in a model store: its key there, its size, and the SHA-256 of what was written."""

    key: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class FoldRef:
    """What one fold of a trial came to: its score, and where its predictions and its fitted model are kept.

    ``predictions``, ``model``: None where nothing was kept.
    """

    fold: int
    score: float
    predictions: Blob | None = None
    model: Blob | None = None

    @property
    def n_bytes(self) -> int:
        """The size of what is kept."""
        return sum(blob.n_bytes for blob in (self.predictions, self.model) if blob)


@dataclass(frozen=True)
class Trial:
    """A candidate and what came of it: a plain record of a few hundred bytes.

    ``values``: what was measured; "score" is the task's score, greater is better, as soon as there is a report; of
    all others less is better ("bytes" and "row_ms" of one exported fold model, ...). ``folds``: the folds
    that are done. ``stopped``: ended early by the scheduler or the budget; its score is what it had
    reached, if it had reached one. ``failed``: ``failure`` says why; of a stopped trial it may say so too. ``seconds``
    counts fitting and predicting only. ``found``: the candidates that a one-shot search proposes, the best first.
    ``worker``: the process that took it up ("host:pid"), ``started_at``: when (Unix
    seconds); unknown of one that was lost before it spoke.
    """

    candidate: Candidate
    status: Status
    values: Values = field(default_factory=dict)
    folds: tuple[FoldRef, ...] = ()
    reports: tuple[Report, ...] = ()
    seconds: float = 0.0
    failure: str | None = None
    worker: str = ""
    started_at: float | None = None
    found: tuple[Params, ...] = ()

    @property
    def score(self) -> float | None:
        """The task's score, greater is better; None before the first report."""
        return self.values.get("score")

    @property
    def fold_scores(self) -> tuple[float, ...]:
        """The scores of the folds that are done."""
        return tuple(fold.score for fold in self.folds)

    def without_models(self) -> "Trial":
        """Return the trial as one that leaves nothing but its scores."""
        return replace(self, folds=tuple(FoldRef(fold.fold, fold.score) for fold in self.folds))


@dataclass(frozen=True)
class Budget:
    """When a search ends: at ``deadline`` (``time.time()``), after ``trials`` trials, whichever is first."""

    deadline: float | None = None
    trials: int | None = None


class Model(Protocol):
    """A model that learns from one fold. It must survive pickling, fitted or not.

    One that can be fitted without validation rows has ``refit(data, like, growth)`` too, an iterator as ``fit`` is:
    ``like``: fitted models of the same parameters, which say how long to fit; ``growth``: how many times more rows than
    theirs ``data`` has. Where ``fit`` does not look at its validation part, ``automl.training.unvalidated`` has it.
    """

    def fit(self, train: "Batch", valid: "Batch") -> Iterator[float]:
        """Fit; yield progress in (0, 1], rising to 1. The model can predict after each yield."""

    def predict(self, x: "Rows") -> np.ndarray:
        """Return (n, width) floats: probabilities of the classes, or values of a regression (width 1)."""

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> str:
        """Add the fitted model to ``graph`` and return its output's name, shape (n, width).

        ``inputs`` maps the fields of ``Rows`` ("numeric", "categories", ...) to tensor names.
        """


class FeatureStep(Protocol):
    """A feature step: takes rows and gives rows, learning only from the fold's training part."""

    def fit_transform(self, x: "Rows", y: np.ndarray) -> "Rows":
        """Learn from (x, y) and return x transformed (target encoding is cross-fitted here)."""

    def transform(self, x: "Rows") -> "Rows":
        """Return x transformed."""

    def to_onnx(self, graph: "Graph", inputs: Mapping[str, str]) -> dict[str, str]:
        """Add the fitted step to ``graph``; take and return the tensors of ``Rows`` by field name."""


class ModelCompressor(Protocol):
    """Makes a fitted model smaller. Whether the result is kept is decided by its score elsewhere."""

    def compress(self, model: Model, train: "Batch") -> Model | None:
        """Return a smaller model with the same inputs, or None where it does not apply.

        ``train``: rows the model was fitted on, for calibration or fine-tuning.
        """


class Searcher(Protocol):
    """A strategy: proposes parameters, learns from trials. ``automl.proposals`` drives it, and refuses duplicates."""

    def ask(self, number: int) -> Params | None:
        """Return parameters for candidate ``number``, or None when the space is exhausted.

        The same number is asked again where they were known; the trial told in between says so.
        """

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial; that of ``ask(7)`` has the id "7".

        Also from one that was never asked for (resume is replay), or lies outside the space.
        """


class Proposer(Protocol):
    """Where a runner gets its candidates: ``automl.proposals.Proposals``.

    ``space``: what they are of. ``ready``: whether ``ask`` has an answer already; else it has one when a
    trial that runs is told. ``lag``: None, or by how many candidates a deterministic run learns later;
    ``trials``: what it was told so far. ``goals``: what trials are compared by.
    """

    space: Space
    goals: "Goals"

    @property
    def lag(self) -> int | None: ...

    @property
    def trials(self) -> list[Trial]: ...

    @property
    def ready(self) -> bool: ...

    def ask(self) -> Candidate | None:
        """Return the next candidate, or None when there is none."""

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial."""


Decision = Literal["continue", "stop", "pause"]


class Scheduler(Protocol):
    """Decides which trials are worth going on with."""

    def on_report(self, trial: Trial) -> Decision:
        """Say what becomes of a trial that has reported.

        Also told once of each trial that has ended, however it did; that answer is not looked at.
        """


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
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Yield a snapshot whenever a trial starts, reports or ends, and now and then; ended ones exactly once.

        The generator ends when the budget is spent or the space is exhausted; closing it stops
        everything it started. A trial that raises or dies is a ``failed`` one, not an error.
        """
