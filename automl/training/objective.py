"""Fits one candidate on every fold and says how far it is: what a runner runs."""

import math
import pickle
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.assemble import build
from automl.metrics import mean
from automl.task import Task
from automl.types import Candidate, Model, Outcome, Report, Status, Trial

# Scoring between two yields of a fit may take this share of the time spent fitting.
SCORING_SHARE = 0.1
# From this many folds on a trial reports after each; with fewer it also reports from within a fit.
FOLDS_ARE_ENOUGH = 3
THREADED_ROWS = 2_000


@dataclass(frozen=True)
class FitFolds:
    """The objective of a search: the mean score over the task's folds, with predictions and models."""

    task: Task

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> "Fit":
        """Yield ``running`` snapshots, then a ``finished`` trial, or ``stopped`` at the deadline.

        A trial stopped by the deadline keeps what it has: the folds so far and the model in work.
        """
        return Fit(self._on(threads), candidate, deadline)

    def resume(self, candidate: Candidate, threads: int, deadline: float | None, state: bytes) -> "Fit":
        """Go on from another fit's ``state`` with this candidate's parameters (population-based training).

        Finished folds are taken over. The model in work is continued where its family can
        (``continue_from``), else that fold begins again.
        """
        return Fit(self._on(threads), candidate, deadline, pickle.loads(state))

    def _on(self, threads: int) -> Task:
        """Threads cost small data more than they bring."""
        return self.task.on_threads(threads if self.task.n_rows >= THREADED_ROWS else 1)


class Fit(Iterator[Trial]):
    """One candidate being fitted: an iterator of snapshots whose ``state`` can be saved between two."""

    def __init__(
        self, task: Task, candidate: Candidate, deadline: float | None, state: dict[str, Any] | None = None
    ) -> None:
        self.task, self.candidate, self.deadline = task, candidate, deadline
        state = state or {"predictions": np.full((task.n_rows, task.target.width), np.nan, task.target.dtype)}
        self.predictions: np.ndarray = state["predictions"]
        self.fold_scores: list[float] = state.get("fold_scores", [])
        self.models: list[bytes] = state.get("models", [])
        self.reports: list[Report] = state.get("reports", [])
        self.in_work: tuple[Model, float] | None = state.get("in_work")
        self.earlier_seconds: float = state.get("seconds", 0.0)
        self.started = time.perf_counter()
        self.idle_seconds = 0.0
        self._snapshots = self._run()

    def __next__(self) -> Trial:
        return next(self._snapshots)

    def close(self) -> None:
        """End the fit where it is."""
        self._snapshots.close()

    def state(self) -> bytes:
        """Return all that ``FitFolds.resume`` needs to go on from here."""
        names = ("predictions", "fold_scores", "models", "reports", "in_work")
        return pickle.dumps({name: getattr(self, name) for name in names} | {"seconds": self._seconds()})

    def _run(self) -> Generator[Trial, None, None]:
        n_folds = len(self.task.splits)
        for i in range(len(self.fold_scores), n_folds):
            if self.models and self._late():
                yield replace(self._snapshot("stopped"), outcome=self._outcome())
                return
            model = build(self.candidate.params, self.task.problem)
            progress = yield from self._fold(i, model, self._slow_at(i))
            self._keep(i, model)
            self._report((i + progress) / n_folds)
            last = i + 1 == n_folds
            if progress < 1.0:
                yield replace(self._snapshot("stopped"), outcome=self._outcome())
                return
            if not last:
                # Whoever ends this trial before its time has what it came to.
                yield from self._hand_out(replace(self._snapshot("running"), outcome=self._outcome()))
        yield replace(self._snapshot("finished"), outcome=self._outcome())

    def _fold(self, i: int, model: Model, slow_at: float) -> Generator[Trial, None, float]:
        """Fit on one fold until ``slow_at``, with a snapshot now and then; return how far the fit got."""
        train, valid = self.task.fold(i)
        if self.in_work is not None and hasattr(model, "continue_from"):
            model.continue_from(*self.in_work)
        scored, cost, progress = time.perf_counter(), 0.0, 0.0
        for progress in model.fit(train, valid):
            self.in_work = (model, progress)
            if progress >= 1.0 or time.time() >= slow_at:
                break
            now = time.perf_counter()
            if len(self.task.splits) >= FOLDS_ARE_ENOUGH or cost > SCORING_SHARE * (now - scored):
                continue
            score = self.task.metric.score(valid.y, model.predict(valid.x), valid.weights)
            cost, scored = time.perf_counter() - now, time.perf_counter()
            self._report((i + progress) / len(self.task.splits), score)
            yield from self._hand_out(self._snapshot("running"))
        self.in_work = None
        return min(progress, 1.0)

    def _hand_out(self, snapshot: Trial) -> Iterator[Trial]:
        """Yield without counting the time until we are asked again."""
        left = time.perf_counter()
        yield snapshot
        self.idle_seconds += time.perf_counter() - left

    def _keep(self, i: int, model: Model) -> None:
        valid = self.task.data.take(self.task.splits[i][1])
        prediction = model.predict(valid.x)
        if not np.isfinite(prediction).all():
            raise FloatingPointError(f"the model predicts values that are not finite on fold {i}")
        self.predictions[self.task.splits[i][1]] = prediction
        self.fold_scores.append(self.task.metric.score(valid.y, prediction, valid.weights))
        self.models.append(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))

    def _late(self) -> bool:
        return self.deadline is not None and time.time() >= self.deadline

    def _slow_at(self, fold: int) -> float:
        """Return when the fold that begins now has to be over, as ``time.time()``.

        A candidate whose first fold takes as much as each of the others would have of the time left makes
        room for others. Later on the scheduler has seen what it is worth, and it may take all there is.
        """
        if self.deadline is None:
            return math.inf
        others = len(self.task.splits) - 1
        now = time.time()
        return self.deadline if fold or not others else now + (self.deadline - now) / others

    def _report(self, progress: float, *in_work: float) -> None:
        """Report the mean score of the finished folds and of the one in work."""
        self.reports.append(Report(progress, mean([*self.fold_scores, *in_work]), self._seconds()))

    def _seconds(self) -> float:
        return self.earlier_seconds + time.perf_counter() - self.started - self.idle_seconds

    def _snapshot(self, status: Status) -> Trial:
        reports, scores = tuple(self.reports), tuple(self.fold_scores)
        return Trial(self.candidate, status, reports[-1].score, scores, reports, self._seconds())

    def _outcome(self) -> Outcome:
        return Outcome(self.predictions.copy(), tuple(self.models))
