"""Asynchronous successive halving that spares what the ensemble would gain by."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np

from automl.options import Range
from automl.types import Decision, Trial

PAUSES = False

Predicted = Callable[[Trial, int], np.ndarray | None]
FoldScore = Callable[[int, np.ndarray], float]
# The weights with which a candidate is tried beside the best.
WEIGHTS = (0.1, 0.2, 0.35, 0.5)
# Predictions of so many finished trials are remembered: who is best differs a little by how many folds are looked at.
REMEMBERED = 8


def make(
    predicted: Predicted | None = None,
    fold_score: FoldScore | None = None,
    *,
    eta: Annotated[float, Range(1.01)] = 3,
    grace_percent: Annotated[float, Range(0.1, 100)] = 4,
    beside: Annotated[int, Range(0)] = 3,
) -> "Halving":
    """Return a scheduler that ends a candidate which is neither good for its folds nor good for the ensemble.

    At a rung (at ``grace_percent`` of a trial, and at further ones ``eta`` times as far each) the best 1/``eta`` of
    those that got there go on (asynchronous successive halving: Li et al., MLSys 2020, arXiv:1810.05934): of recorded
    curves, rungs from 4 % on find better ones than later rungs for the same epochs. Of the others, one goes on by whose
    predictions the mean of the best ``beside`` candidates gains, at one of a few weights, on the folds that it has:
    models of different kinds make different mistakes, so a weaker one may be what an ensemble lacks (Caruana et al.,
    ICML 2004). ``beside=0``: nobody is spared.

    ``predicted(trial, fold)`` returns what a trial predicts of a fold's validation rows, (n, width), or None where that
    is not known; ``fold_score(fold, predictions)`` the score of such predictions, greater is better. Without these, and
    between two folds, scores decide alone.
    """
    n_beside = beside if predicted and fold_score else 0
    return Halving(RungScores(eta, grace_percent), n_beside, predicted or _unknown, fold_score or (lambda fold, _: 0.0))


class Halving:
    """Decides at each rung. See ``make``."""

    def __init__(self, rungs: "RungScores", n_beside: int, predicted: Predicted, fold_score: FoldScore) -> None:
        self.rungs, self.n_beside, self.predicted, self.fold_score = rungs, n_beside, predicted, fold_score
        self._trials: dict[str, Trial] = {}  # that run, and the best that have finished
        self._predictions: dict[str, list[np.ndarray]] = {}  # of their first folds

    def on_report(self, trial: Trial) -> Decision:
        """Return "stop" for a trial that is not among the best of its rung, and adds nothing to the best."""
        id = trial.candidate.id
        if trial.status in ("failed", "stopped"):
            for report in trial.reports:  # of an earlier process: who was ended got to its rungs too
                self.rungs.passes(id, 100 * report.progress, report.score)
            self._forget(id)
            return "continue"
        if self.n_beside:
            self._remember(trial)
        decision: Decision = "continue"
        for report in trial.reports:
            if not self.rungs.passes(id, 100 * report.progress, report.score):
                decision = "stop"
        if trial.status != "running" or decision == "continue" or self._gain(trial) > 0:
            return "continue"
        self._forget(id)
        return "stop"

    def _gain(self, trial: Trial) -> float:
        """Return by how much the best, as far as the trial got, are better with it than without."""
        own, n_folds = self._predictions.get(trial.candidate.id, []), len(trial.fold_scores)
        others = [id for id, known in self._predictions.items() if len(known) >= n_folds and id != trial.candidate.id]
        best = sorted(others, key=lambda id: self._mean(id, n_folds), reverse=True)[: self.n_beside]
        if not best or not n_folds or len(own) < n_folds:
            return 0.0
        gains = np.zeros((n_folds, len(WEIGHTS)))
        for fold in range(n_folds):
            ensemble = np.mean([self._predictions[id][fold] for id in best], axis=0)
            without = self.fold_score(fold, ensemble)
            with_it = [self.fold_score(fold, (1 - w) * ensemble + w * own[fold]) for w in WEIGHTS]
            gains[fold] = np.subtract(with_it, without)
        return float(np.nan_to_num(gains.mean(axis=0), nan=0.0).max())

    def _remember(self, trial: Trial) -> None:
        id = trial.candidate.id
        known = self._predictions.setdefault(id, [])
        for fold in range(len(known), len(trial.folds)):
            if (prediction := self.predicted(trial, fold)) is None:
                break
            known.append(prediction)
        self._trials[id] = trial
        finished = [t.candidate.id for t in self._trials.values() if t.status == "finished"]
        for other in sorted(finished, key=lambda id: self._mean(id), reverse=True)[REMEMBERED:]:
            self._forget(other)

    def _mean(self, id: str, n_folds: int | None = None) -> float:
        return float(np.mean(self._trials[id].fold_scores[:n_folds] or [-np.inf]))

    def _forget(self, id: str) -> None:
        self._trials.pop(id, None)
        self._predictions.pop(id, None)


class RungScores:
    """The scores that trials had when they got to each rung, in percent of the way."""

    def __init__(self, eta: float, first: float) -> None:
        self.eta = eta
        self._seen: dict[float, dict[str, float]] = {}
        while first < 100:
            self._seen[first] = {}
            first *= eta

    def passes(self, id: str, percent: float, score: float) -> bool:
        """Write down a score at the highest rung that was got to; return whether it is in the best part there."""
        # Rounded, so that three fifths are the rung at 60 and not 0.1e-13 short of it.
        reached = [rung for rung in self._seen if rung <= round(percent, 6)]
        if not reached or id in self._seen[max(reached)]:
            return True
        seen = self._seen[max(reached)]
        earlier = [*_finite(seen)]
        seen[id] = score
        return not earlier or bool(score >= np.percentile(earlier, 100 * (1 - 1 / self.eta)))


def _finite(scores: Mapping[str, float]) -> Sequence[float]:
    return [score for score in scores.values() if np.isfinite(score)]


def _unknown(trial: Trial, fold: int) -> None:
    return None
