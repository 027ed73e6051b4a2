"""Fits one candidate on every fold and says how far it is: what a runner runs."""

import math
import pickle
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl import clock, energy, epochs, machine, temperature
from automl.assemble import build, is_network
from automl.errors import ArtifactError, TooLittleTimeError
from automl.formulas import MeanPinball
from automl.goals import JOULES
from automl.metrics import mean
from automl.model_store import ModelStore
from automl.space import Params, Space
from automl.task import Problem, Task
from automl.training.pipeline import Pipeline
from automl.training.torch_model import TorchModel
from automl.types import LAST, ONE_SHOT, RUNG, RUNG_SECONDS, Candidate, FoldRef, Report, Status, Trial, Values

# From this many folds on a trial reports after each; with fewer it also reports from within a fit.
FOLDS_ARE_ENOUGH = 3
THREADED_ROWS = 2_000
# Predictions of candidates are compared on at most so many rows of a fold.
MOST_ROWS = 20_000


@dataclass(frozen=True)
class FitFolds:
    """The objective of a search: the mean score over the task's folds.

    ``store``: where each fold's predictions and model are left; None keeps scores alone. ``measure``: what else
    is measured of the first fold's model, as values of the trial. ``deterministic``: fits do not look at the time
    but to end at the deadline, and use one core, so that they come to the same anywhere. ``build``: makes the unfitted
    model of a candidate's parameters. ``space``: what a one-shot search draws its candidates from; None where none is
    asked for.
    """

    task: Task
    store: ModelStore | None = None
    measure: Callable[[Task, Pipeline], Values] | None = None
    deterministic: bool = False
    build: Callable[[Params, Problem], Pipeline] = build
    space: Space | None = None

    def __call__(self, candidate: Candidate, threads: int, deadline: float | None) -> "Fit":
        """Yield ``running`` snapshots, then a ``finished`` trial, or ``stopped`` at the deadline.

        A trial stopped by the deadline keeps what it has: the folds so far and the model in work. One whose fits would
        not get anywhere in their time is stopped with the reason (``failure``). A candidate that asks for a one-shot
        search (``types.ONE_SHOT``) is one: it ends as ``stopped``, and has no score.
        """
        return Fit(self, candidate, threads, deadline)

    def resume(self, candidate: Candidate, threads: int, deadline: float | None, state: bytes) -> "Fit":
        """Go on from another fit's ``state`` with this candidate's parameters (population-based training).

        Finished folds are taken over. The model in work is continued where its family can
        (``continue_from``), else that fold begins again.
        """
        return Fit(self, candidate, threads, deadline, pickle.loads(state))

    def row_losses(self, trial: Trial, fold: int) -> np.ndarray | None:
        """Return the loss of each validation row of a trial's fold, (n_rows,), smaller is better: of classes the
        logarithmic loss, of values the squared error, of quantiles the pinball loss. None where its predictions were
        not kept, or are damaged.
        """
        if (prediction := self._kept(trial, fold)) is None:
            return None
        y = self.task.data.y[self.task.splits[fold][1]]
        if self.task.target.is_classification:
            return -np.log(np.maximum(prediction[np.arange(len(y)), y], 1e-15))
        if self.task.target.quantiles:
            return MeanPinball(self.task.target.quantiles).of_rows(y, prediction)
        return np.square(prediction[:, 0] - y)

    def predicted(self, trial: Trial, fold: int) -> np.ndarray | None:
        """Return what a trial predicts of a fold's validation rows, (n, width); of ``MOST_ROWS`` of them where there
        are more, the same for all trials. None where its predictions were not kept, or are damaged.
        """
        prediction = self._kept(trial, fold)
        return None if prediction is None else prediction[self._compared(fold)]

    def fold_score(self, fold: int, predicted: np.ndarray) -> float:
        """Return the score of predictions of the rows of ``predicted``; greater is better."""
        rows = self.task.splits[fold][1][self._compared(fold)]
        data = self.task.data
        return self.task.metric.score(data.y[rows], predicted, None if data.weights is None else data.weights[rows])

    def _kept(self, trial: Trial, fold: int) -> np.ndarray | None:
        ref = next(ref for ref in trial.folds if ref.fold == fold)
        if self.store is None or ref.predictions is None:
            return None
        try:
            return self.store.predictions(ref)
        except ArtifactError:
            return None

    def _compared(self, fold: int) -> np.ndarray:
        n_rows = len(self.task.splits[fold][1])
        if n_rows <= MOST_ROWS:
            return np.arange(n_rows)
        return np.sort(np.random.default_rng(fold).choice(n_rows, MOST_ROWS, replace=False))


class Fit(Iterator[Trial]):
    """One candidate being fitted: an iterator of snapshots whose ``state`` can be saved between two."""

    def __init__(
        self,
        objective: FitFolds,
        candidate: Candidate,
        threads: int,
        deadline: float | None,
        state: dict[str, Any] | None = None,
    ) -> None:
        # Threads cost small data more than they bring.
        several = threads > 1 and objective.task.n_rows >= THREADED_ROWS and not objective.deterministic
        self.task = objective.task.on_threads(threads if several else 1)
        self.store, self.measure, self.build = objective.store, objective.measure, objective.build
        self.deterministic, self.space = objective.deterministic, objective.space
        self.candidate, self.deadline = candidate, deadline
        # On a rung the time is given, and nobody ends the trial before.
        self.on_rung, self.on_last = RUNG in candidate.params, candidate.params.get(RUNG) == LAST
        self.fit_seconds: float | None = None
        state = state or {}
        self.folds: list[FoldRef] = [self._taken_over(fold) for fold in state.get("folds", ())]
        self.reports: list[Report] = state.get("reports", [])
        self.values: dict[str, float] = state.get("values", {})
        self.in_work: tuple[Pipeline, float] | None = state.get("in_work")
        self.earlier_seconds: float = state.get("seconds", 0.0)
        self.energy = energy.Meter(state.get("joules", 0.0))
        self.started, self.started_at = time.perf_counter(), time.time()
        self.idle_seconds = 0.0
        self.ticks = clock.Counting() if objective.deterministic else None
        self._snapshots = self._run()

    def __next__(self) -> Trial:
        with clock.use(self.ticks):
            return next(self._snapshots)

    def close(self) -> None:
        """End the fit where it is."""
        self._snapshots.close()

    def state(self) -> bytes:
        """Return all that ``FitFolds.resume`` needs to go on from here."""
        names = ("folds", "reports", "values", "in_work")
        so_far = {"seconds": self._seconds(), "joules": self.energy.joules}
        return pickle.dumps({name: getattr(self, name) for name in names} | so_far)

    def _taken_over(self, fold: FoldRef) -> FoldRef:
        """Return another trial's fold as one of this trial: each leaves its own files."""
        return self.store.copy(fold, self.candidate.id) if self.store and fold.model else fold

    def _run(self) -> Generator[Trial, None, None]:
        try:
            yield from self._one_shot() if ONE_SHOT in self.candidate.params else self._folds()
        except TooLittleTimeError as reason:
            yield replace(self._snapshot("stopped"), failure=str(reason))

    def _one_shot(self) -> Generator[Trial, None, None]:
        """Search by weights that networks share, instead of fitting one."""
        from automl.training import one_shot

        assert self.space is not None
        until = None if self.deterministic else self.deadline
        search = one_shot.asked(self.task, self.space, self.build, self.candidate.params, until)
        told = clock.stopwatch()
        for _ in search.run():
            if clock.stopwatch() - told >= clock.YIELD_SECONDS:
                told = clock.stopwatch()
                yield from self._hand_out(self._snapshot("running"))
        yield replace(self._snapshot("stopped"), found=search.found)

    def _folds(self) -> Generator[Trial, None, None]:
        n_folds = len(self.task.splits)
        self._check_loading()
        for i in range(len(self.folds), n_folds):
            if self.folds and self._late():
                yield replace(self._snapshot("stopped"), failure=clock.OUT_OF_TIME)
                return
            model = self.build(self.candidate.params, self._problem())
            self.energy.begin()
            progress = yield from self._fold(i, model, self._slow_at(i))
            if self.on_last:
                progress = 1.0
            told = epochs.told(i, getattr(model.model, "take_epochs", list)())
            self._keep(i, model)
            self.energy.end()
            self._report((i + progress) / n_folds, extra=told)
            last = i + 1 == n_folds
            if progress < 1.0:
                why = None if self.on_rung else clock.OUT_OF_TIME if self._late() else clock.TOO_SLOW
                yield replace(self._snapshot("stopped"), failure=why)
                return
            if not last:
                yield from self._hand_out(self._snapshot("running"))
        yield self._snapshot("finished")

    def _check_loading(self) -> None:
        """Raise ``TooLittleTimeError`` where the deadline leaves a network no time but to load PyTorch."""
        left = math.inf if self.deadline is None else self.deadline - time.time()
        if self.on_rung or left >= clock.LOADING_SECONDS or "torch" in sys.modules:
            return
        if is_network(self.candidate.family, self.task):
            raise TooLittleTimeError(f"Loading PyTorch takes most of the {left:.2g} s that are left. Raise the budget.")

    def _fold(self, i: int, model: Pipeline, slow_at: float) -> Generator[Trial, None, float]:
        """Fit on one fold until ``slow_at``, with a snapshot now and then; return how far the fit got."""
        train, valid = self.task.fold(i)
        if self.in_work is not None and hasattr(model, "continue_from"):
            model.continue_from(*self.in_work)
        scored, cost, progress = clock.stopwatch(), 0.0, 0.0
        for progress in model.fit(train, valid):
            self.in_work = (model, progress)
            self.energy.look()
            if progress >= 1.0 or time.time() >= slow_at:
                break
            now = clock.stopwatch()
            if self.on_rung or len(self.task.splits) >= FOLDS_ARE_ENOUGH or cost > clock.SCORING_SHARE * (now - scored):
                continue
            score = self.task.metric.score(valid.y, model.predict(valid.x), valid.weights)
            cost, scored = clock.stopwatch() - now, clock.stopwatch()
            self._report((i + progress) / len(self.task.splits), score)
            yield from self._hand_out(self._snapshot("running"))
        else:  # it ended by itself, maybe as the time that it was given did
            progress = progress if self.on_rung else 1.0
        self.in_work = None
        return min(progress, 1.0)

    def _hand_out(self, snapshot: Trial) -> Iterator[Trial]:
        """Yield without counting the time until we are asked again, nor the energy."""
        left = time.perf_counter()
        self.energy.end()
        yield snapshot
        self.energy.begin()
        self.idle_seconds += time.perf_counter() - left

    def _keep(self, i: int, model: Pipeline) -> None:
        valid = self.task.data.take(self.task.splits[i][1])
        prediction = np.asarray(model.predict(valid.x), self.task.target.dtype)
        if not np.isfinite(prediction).all():
            raise FloatingPointError(f"the model predicts values that are not finite on fold {i}")
        metric, judged = self.task.metric, (valid.y, prediction, valid.weights)
        if metric.needs == "probabilities":
            prediction, score, model.temperature = temperature.calibrated(metric, *judged)
        else:
            score = metric.score(*judged)
        kept = self.store.put(self.candidate.id, i, score, prediction, model) if self.store else FoldRef(i, score)
        self.folds.append(kept)
        if self.store and i == 0 and isinstance(model.model, TorchModel):
            self.store.put_diagram(self.candidate.id, model.model.diagram())
        if self.measure and i == 0:
            self.values |= self.measure(self.task, model)

    def _problem(self) -> Problem:
        self.fit_seconds = self._fit_seconds()
        stretch = clock.LAST_STRETCH if self.on_last else 1.0
        return replace(self.task.problem, fit_seconds=self.fit_seconds, stretch=stretch)

    def _fit_seconds(self) -> float | None:
        """Return what the fit of the next fold gets: what its rung says, else its part of the time that is left.

        No more than the one before: where time turns out to be short, all folds to come are shorter.
        """
        seconds: float | None = self.candidate.params.get(RUNG_SECONDS)
        n_folds = len(self.task.splits)
        if seconds is None and self.deadline is not None and not self.deterministic and n_folds >= FOLDS_ARE_ENOUGH:
            part = clock.fold_seconds(self.deadline, n_folds - len(self.folds))
            return part if self.fit_seconds is None else min(part, self.fit_seconds)
        return seconds

    def _late(self) -> bool:
        return self.deadline is not None and time.time() >= self.deadline

    def _slow_at(self, fold: int) -> float:
        """Return when the fold that begins now has to be over, as ``time.time()``."""
        if self.deadline is None:
            return math.inf
        if fold or self.deterministic:
            return self.deadline
        return clock.first_fold_until(self.deadline, len(self.task.splits))

    def _report(self, progress: float, *in_work: float, extra: Mapping[str, float] | None = None) -> None:
        """Report the mean score of the finished folds and of the one in work; ``extra``: see ``Report``."""
        scores = [fold.score for fold in self.folds]
        self.reports.append(Report(progress, mean([*scores, *in_work]), self._seconds(), extra or {}))

    def _seconds(self) -> float:
        return self.earlier_seconds + time.perf_counter() - self.started - self.idle_seconds

    def _snapshot(self, status: Status) -> Trial:
        values = self.values | ({"score": self.reports[-1].score} if self.reports else {})
        if self.folds and self.energy.joules is not None:
            values[JOULES] = self.energy.joules
        done = tuple(self.folds), tuple(self.reports), self._seconds()
        return Trial(self.candidate, status, values, *done, worker=machine.worker(), started_at=self.started_at)
