"""Trials without models, for checks of what runs, schedules and proposes them; they run in other processes too."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from automl.goals import Goals
from automl.space import Float, Params
from automl.types import Candidate, Decision, FoldRef, Report, Trial

N_FOLDS = 5
FAILURE = "the kernel is\nnot positive definite"


@dataclass(frozen=True)
class Toy:
    """An objective that scores ``x`` in ``n_folds`` steps of ``seconds`` each.

    ``score``: what becomes of ``x``. With the parameter ``do="raise"`` a trial raises.
    """

    seconds: float = 0.0
    n_folds: int = N_FOLDS
    score: Callable[[float], float] = float

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        return self.work(candidate, deadline, ())

    def work(self, candidate: Candidate, deadline: float | None, scores: tuple[float, ...]) -> Iterator[Trial]:
        """Yield the snapshots of a trial that has these ``scores`` already."""
        x = self.score(candidate.params["x"])
        trial = Trial(candidate, "running")
        while len(scores) < self.n_folds:
            self.misbehave(candidate.params)
            time.sleep(self.seconds)
            scores = (*scores, x)
            mean = float(np.mean(scores))
            report = Report(len(scores) / self.n_folds, mean, self.seconds)
            trial = replace(
                trial,
                values={"score": mean},
                folds=tuple(FoldRef(i, score) for i, score in enumerate(scores)),
                seconds=self.seconds * len(scores),
                reports=(*trial.reports, report),
            )
            if deadline is not None and time.time() > deadline:
                yield replace(trial, status="stopped")
                return
            yield trial
        yield replace(trial, status="finished")

    def misbehave(self, params: Params) -> None:
        """Raise where the parameters ask for it."""
        if params.get("do") == "raise":
            raise ValueError(FAILURE)


class Line:
    """A proposer of ``proposals``, over and over, ``n`` in all; it keeps what it is told."""

    lag = None
    ready = True
    trials: tuple[Trial, ...] = ()
    goals = Goals()

    def __init__(self, proposals: Sequence[Params], n: int | None = None) -> None:
        self.space = {"x": Float(0, 1)}
        self.proposals, self.n = list(proposals), n
        self.n_asked = 0
        self.told: list[Trial] = []

    def ask(self) -> Candidate | None:
        """Return the next one, or None where there are none left."""
        if self.n_asked == self.n:
            return None
        self.n_asked += 1
        i = self.n_asked - 1
        return Candidate(str(i), {"family": "toy", **self.proposals[i % len(self.proposals)]})

    def tell(self, trial: Trial) -> None:
        """Keep an ended trial."""
        self.told.append(trial)


class StopsWeak:
    """A scheduler that stops what scores less than a half."""

    PAUSES = False

    @staticmethod
    def make() -> "StopsWeak":
        """Return the scheduler."""
        return StopsWeak()

    def on_report(self, trial: Trial) -> Decision:
        """Decide by the score of now."""
        return "stop" if trial.status == "running" and trial.score is not None and trial.score < 0.5 else "continue"


STOPS_WEAK = {"name": f"{__name__}:{StopsWeak.__name__}"}
