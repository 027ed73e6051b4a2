"""What the leaderboard keeps about a run, as plain values: light to import, free of any database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from automl.goals import SCORE, Goals, is_scored
from automl.types import Trial, Values

BASELINE = "baseline"  # what the leaderboard calls the constant prediction in place of a family
RunStatus = Literal["running", "finished", "interrupted", "failed"]
ArtifactKind = Literal["ensemble", "compact"]


class ShownMetric(Protocol):
    """What showing a score takes: ``automl.metrics.Metric`` fits, and so does ``StoredMetric``."""

    @property
    def name(self) -> str:
        """The metric's name."""

    @property
    def greater_is_better(self) -> bool:
        """Whether the usual value grows as the model gets better."""

    def shown(self, score: float) -> float:
        """Turn a score (greater is better) into the metric's usual value."""


@dataclass(frozen=True)
class StoredMetric:
    """A metric's name and sign: enough to show scores when its function is not at hand."""

    name: str
    greater_is_better: bool = True

    def shown(self, score: float) -> float:
        """Turn a score (greater is better) into the metric's usual value."""
        return score if self.greater_is_better else -score


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows of one. Times are Unix seconds; ``task`` is plain JSON values.

    ``interrupted``: ended from outside, by a signal, a crash or a power cut; it can be resumed.
    """

    id: int
    name: str
    status: RunStatus
    started_at: float
    ended_at: float | None
    folder: str
    metric: StoredMetric
    seed: int
    fingerprint: str
    task: Mapping[str, Any]
    versions: Mapping[str, str]

    @property
    def goals(self) -> Goals:
        """What orders the trials."""
        return Goals(tuple(self.task.get("goals", (SCORE,))), self.task.get("limits", {}))

    @property
    def n_folds(self) -> int | None:
        """How many folds a whole trial has; None where that was not recorded."""
        return self.task.get("folds")

    @property
    def baseline(self) -> "Standing | None":
        """The line of the constant prediction, which has no rank; None where the metric has no value for one."""
        score = self.task.get("baseline")
        if score is None:
            return None
        return Standing(None, "", BASELINE, "finished", score, tuple(self.task.get("baseline_folds", ())), 0.0)


@dataclass(frozen=True)
class Run(RunSummary):
    """One search with the ``config`` that it began with, as plain JSON values."""

    config: Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """A trial's line on the leaderboard, without its parameters, its reports and why it failed.

    ``rank``: from 1, the best; None without a number as score, and where it failed. Scores are "greater is better".
    """

    rank: int | None
    id: str
    family: str
    status: str
    score: float | None
    fold_scores: tuple[float, ...]
    seconds: float
    values: Values = field(default_factory=dict)

    @classmethod
    def of(cls, rank: int, trial: Trial) -> "Standing":
        """Return the line of the trial in that place."""
        own = trial.candidate
        place = rank if is_scored(trial) else None
        return cls(place, own.id, own.family, trial.status, trial.score, trial.fold_scores, trial.seconds, trial.values)


@dataclass(frozen=True)
class EnsembleRecord:
    """The (candidate id, weight) pairs of a run's ensemble, and its out-of-fold score."""

    members: tuple[tuple[str, float], ...]
    score: float


@dataclass(frozen=True)
class ArtifactRecord:
    """A model folder that a run shipped. Scores are "greater is better"; None where not measured.

    ``score`` is the validation score before, ``compressed_score`` after compression.
    ``candidates``: the ids of the trials whose models are inside.
    """

    path: str
    kind: ArtifactKind
    n_bytes: int
    row_p50_ms: float | None = None
    row_p95_ms: float | None = None
    batch_p50_ms: float | None = None
    batch_p95_ms: float | None = None
    score: float | None = None
    compressed_score: float | None = None
    test_score: float | None = None
    verified: bool = False
    candidates: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """Everything that is known about one run, ready to be shown."""

    run: Run
    trials: tuple[Trial, ...] = ()
    ensemble: EnsembleRecord | None = None
    artifacts: tuple[ArtifactRecord, ...] = ()


@dataclass(frozen=True)
class Page:
    """What one page of a run's leaderboard shows.

    ``counts``: trials by status. ``standings``: the best of those that did not fail. ``failures``: the different ones,
    as (family, text, how often). ``front``: the ids of the best: one, or with several goals those that no other
    is better than in all of them.
    """

    run: RunSummary
    counts: Mapping[str, int]
    standings: Sequence[Standing] = ()
    failures: Sequence[tuple[str, str | None, int]] = ()
    ensemble: EnsembleRecord | None = None
    artifacts: Sequence[ArtifactRecord] = ()
    front: Collection[str] = ()
