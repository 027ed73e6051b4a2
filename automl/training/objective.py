"""Fits one candidate on every fold and says how far it is: what a runner runs."""

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from automl.assemble import build
from automl.task import Task
from automl.types import Candidate, Model, Outcome, Report, Trial

# Scoring between two yields of a fit may take this share of the time spent fitting.
SCORING_SHARE = 0.1


@dataclass(frozen=True)
class FitFolds:
    """The objective of a search: the mean score over the task's folds, with predictions and models."""

    task: Task

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> Iterator[Trial]:
        """Yield ``running`` snapshots, then a ``finished`` trial, or ``stopped`` at the deadline.

        A trial stopped by the deadline keeps what it has: the folds so far and the model in work.
        """
        return _Fit(replace(self.task, threads=threads), candidate, deadline).run()


class _Fit:
    def __init__(self, task: Task, candidate: Candidate, deadline: float | None) -> None:
        self.task, self.candidate, self.deadline = task, candidate, deadline
        self.started = time.perf_counter()
        self.idle_seconds = 0.0
        self.reports: list[Report] = []
        self.fold_scores: list[float] = []
        self.models: list[bytes] = []
        shape = (task.n_rows,) if task.target == "regression" else (task.n_rows, task.n_classes)
        self.predictions = np.full(shape, np.nan, np.float32)

    def run(self) -> Iterator[Trial]:
        for i in range(len(self.task.splits)):
            done = False
            for snapshot in self._fold(i):
                yield from self._pause(snapshot)
                done = snapshot.status != "running"
            if done:
                return
        yield replace(self._snapshot("finished"), outcome=self._outcome())

    def _pause(self, snapshot: Trial) -> Iterator[Trial]:
        """Hand a snapshot out without counting the time until we are asked again."""
        left = time.perf_counter()
        yield snapshot
        self.idle_seconds += time.perf_counter() - left

    def _fold(self, i: int) -> Iterator[Trial]:
        train, valid = self.task.fold(i)
        model = build(self.candidate.params, self.task)
        scored, cost, progress = time.perf_counter(), 0.0, 0.0
        for progress in model.fit(train, valid):
            out_of_time = self.deadline is not None and time.time() >= self.deadline
            if progress >= 1.0 or out_of_time:
                break
            now = time.perf_counter()
            if cost <= SCORING_SHARE * (now - scored):
                score = self.task.metric.score(valid.y, model.predict(valid.x), valid.weights)
                cost, scored = time.perf_counter() - now, time.perf_counter()
                self._report((i + progress) / len(self.task.splits), score)
                yield self._snapshot("running")
        self._keep(i, model)
        complete = progress >= 1.0
        self._report((i + min(progress, 1.0)) / len(self.task.splits), None)
        last = i + 1 == len(self.task.splits)
        late = self.deadline is not None and time.time() >= self.deadline
        if late and not (last and complete):
            yield replace(self._snapshot("stopped"), outcome=self._outcome())
        elif not last:
            yield self._snapshot("running")

    def _keep(self, i: int, model: Model) -> None:
        _, index = self.task.splits[i]
        valid = self.task.data.take(index)
        prediction = model.predict(valid.x)
        if not np.isfinite(prediction).all():
            raise FloatingPointError(f"the model predicts values that are not finite on fold {i}")
        self.predictions[index] = prediction
        self.fold_scores.append(self.task.metric.score(valid.y, prediction, valid.weights))
        self.models.append(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))

    def _report(self, progress: float, score_in_work: float | None) -> None:
        scores = self.fold_scores if score_in_work is None else [*self.fold_scores, score_in_work]
        self.reports.append(Report(progress, float(np.mean(scores)), self._seconds()))

    def _seconds(self) -> float:
        return time.perf_counter() - self.started - self.idle_seconds

    def _snapshot(self, status: str) -> Trial:
        return Trial(
            self.candidate,
            status,  # type: ignore[arg-type]
            self.reports[-1].score,
            tuple(self.fold_scores),
            tuple(self.reports),
            self._seconds(),
        )

    def _outcome(self) -> Outcome:
        return Outcome(self.predictions, tuple(self.models))
