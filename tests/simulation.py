"""Simulated workers: trials that run side by side, end in any order, and can be killed at any moment."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from automl.space import Params
from automl.types import Candidate, Proposer, Scheduler, Status, Trial
from tests.trials import trial

N_FOLDS = 5


def fold_score(params: Params, fold: int) -> float:
    """The score of a fold, which its parameters determine; the first folds are harder."""
    rng = np.random.default_rng([zlib.crc32(json.dumps(params, sort_keys=True).encode()), fold])
    mean = sum(value for value in params.values() if isinstance(value, float))
    return float(mean + 0.05 * fold + 0.02 * rng.normal())


def snapshot(candidate: Candidate, n_folds: int, status: Status = "running") -> Trial:
    """A trial after ``n_folds`` folds, with a report for each."""
    scores = [fold_score(candidate.params, fold) for fold in range(n_folds)]
    return with_folds(candidate, scores, status)


def with_folds(candidate: Candidate, scores: Sequence[float], status: Status = "running") -> Trial:
    """A trial with these scores of its first folds, and a report after each."""
    means = [float(np.mean(scores[: k + 1])) for k in range(len(scores))]
    reports = [trial(score=mean, progress=(k + 1) / N_FOLDS).reports[0] for k, mean in enumerate(means)]
    return replace(trial(candidate, means[-1], status, fold_scores=scores), reports=tuple(reports))


@dataclass
class Pool:
    """``n_workers`` that take trials from ``proposals`` and ask ``scheduler`` after each fold.

    Which of the running trials gets a fold done next is drawn from ``rng``. ``ended``: in the order of ending.
    """

    proposals: Proposer
    scheduler: Scheduler | None
    n_workers: int
    rng: np.random.Generator
    fails: frozenset[int] = frozenset()
    ended: list[Trial] = field(default_factory=list)
    most_at_once: int = 0
    running: dict[str, Trial | Candidate] = field(default_factory=dict)

    def run(self, n_trials: int, kill_after: float = float("inf")) -> list[Trial]:
        """Run ``n_trials`` more, or until ``kill_after`` folds are done; return what has ended."""
        n_started, n_folds = 0, 0
        while True:
            while len(self.running) < self.n_workers and n_started < n_trials and self.proposals.ready:
                candidate = self.proposals.ask()
                if candidate is None:
                    n_trials = n_started
                    break
                self.running[candidate.id] = candidate
                n_started += 1
            self.most_at_once = max(self.most_at_once, len(self.running))
            if not self.running or n_folds >= kill_after:
                return self.ended
            self._step(str(self.rng.choice(list(self.running))))
            n_folds += 1

    def _step(self, id: str) -> None:
        at = self.running[id]
        candidate, done = (at, 0) if isinstance(at, Candidate) else (at.candidate, len(at.fold_scores))
        now = snapshot(candidate, done + 1)
        if int(id) in self.fails and done == 1:
            return self._end(trial(candidate, status="failed", failure="it broke"))
        if done + 1 == N_FOLDS:
            return self._end(snapshot(candidate, N_FOLDS, "finished"))
        if self.scheduler and self.scheduler.on_report(now) == "stop":
            return self._end(snapshot(candidate, done + 1, "stopped"))
        self.running[id] = now
        return None

    def _end(self, ended: Trial) -> None:
        del self.running[ended.candidate.id]
        if self.scheduler:
            self.scheduler.on_report(ended)
        self.proposals.tell(ended)
        self.ended.append(ended)
