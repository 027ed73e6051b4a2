"""A trial as a mark in a figure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from automl.types import Trial


@dataclass(frozen=True)
class Mark:
    """What figures show of an ended trial. Times are Unix seconds; ``score``: greater is better, None without one."""

    id: str
    family: str
    status: str
    score: float | None
    seconds: float
    ended_at: float
    started_at: float | None = None
    worker: str = ""
    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, trial: Trial) -> "Mark":
        """Return that of a trial; one whose beginning is unknown ended at 0."""
        ended = (trial.started_at or -trial.seconds) + trial.seconds
        own = trial.candidate
        known = (own.id, own.family, trial.status, trial.score, trial.seconds, ended)
        return cls(*known, trial.started_at, trial.worker, trial.values)

    @property
    def begun_at(self) -> float:
        """When it began: known, or so long before its end as it took."""
        return self.ended_at - self.seconds if self.started_at is None else min(self.started_at, self.ended_at)

    @property
    def is_scored(self) -> bool:
        """Whether it has a score to show."""
        return self.status != "failed" and self.score is not None and math.isfinite(self.score)
