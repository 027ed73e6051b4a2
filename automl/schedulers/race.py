"""Racing: a candidate is dropped as soon as its finished folds say that it will not matter."""

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np

from automl.goals import Goals, is_scored
from automl.options import Range
from automl.types import Decision, Trial

PAUSES = False

RowLosses = Callable[[Trial, int], np.ndarray | None]


def make(
    row_losses: RowLosses | None = None,
    *,
    keep: Annotated[int, Range(1)] = 5,
    alpha: Annotated[float, Range(1e-9, 0.5)] = 0.05,
) -> "Race":
    """Return a scheduler that compares each candidate with finished ones on the folds that it has finished.

    A candidate is dropped when both hold:

    1. The mean of its folds is below the worst fold of the leader, the finished candidate of the best score: the
       forgiving rule of Bergman, Purucker and Hutter (Don't Waste Your Time: Early Stopping Cross-Validation,
       AutoML 2024, arXiv:2405.03389).
    2. The ``keep`` finished candidates that are best on the same folds are all better than it by more than chance:
       one-sided paired t-tests at level ``alpha``, over the losses of the single rows; where these are not known,
       over the scores of the folds, with the correction of Nadeau and Bengio (Machine Learning, 2003) as folds
       share their training rows.

    So nothing is dropped before ``keep`` candidates have finished, and what may be among the best ``keep``, which an
    ensemble chooses from, goes on. One fold without row losses is nothing to test: the candidate goes on, as it
    does on a single holdout. ``row_losses(trial, fold)`` returns the loss of each row of the fold's validation part,
    shape (n_rows,), smaller is better, in the same order for every trial, or None.
    """
    return Race(row_losses or (lambda trial, fold: None), keep, alpha)


class Race:
    """Decides after each fold. See ``make``."""

    def __init__(self, row_losses: RowLosses, keep: int, alpha: float) -> None:
        self.row_losses, self.keep, self.alpha = row_losses, keep, alpha
        self._finished: dict[str, Trial] = {}
        self._n_judged: dict[str, int] = {}

    def on_report(self, trial: Trial) -> Decision:
        """Return "stop" for a trial whose latest fold says that it will not matter."""
        id, n_folds = trial.candidate.id, len(trial.fold_scores)
        if trial.status != "running":
            self._n_judged.pop(id, None)
            if trial.status == "finished" and is_scored(trial):
                self._finished[id] = trial
            return "continue"
        if n_folds <= self._n_judged.get(id, 0):
            return "continue"
        self._n_judged[id] = n_folds
        return "stop" if self._will_not_matter(trial) else "continue"

    def _will_not_matter(self, trial: Trial) -> bool:
        scores = np.array(trial.fold_scores)
        finished = [t for t in self._finished.values() if len(t.fold_scores) > len(scores)]
        if len(finished) < self.keep:
            return False
        leader = Goals().best(finished)
        if leader is None or not scores.mean() < min(leader.fold_scores):
            return False
        here = sorted(finished, key=lambda t: float(np.mean(t.fold_scores[: len(scores)])), reverse=True)
        # The least of them first: it is the likeliest to end the question.
        return all(self._p_value(trial, other) < self.alpha for other in reversed(here[: self.keep]))

    def _p_value(self, trial: Trial, other: Trial) -> float:
        """Return how likely ``trial`` would look this bad, were it as good as ``other``."""
        folds = range(len(trial.fold_scores))
        pairs = [(self.row_losses(trial, fold), self.row_losses(other, fold)) for fold in folds]
        by_row = [own - its for own, its in pairs if own is not None and its is not None]
        if len(by_row) == len(folds):
            return paired_p_value(np.concatenate(by_row))
        lost = np.subtract(other.fold_scores[: len(folds)], trial.fold_scores)
        # Of k folds, one is tested on for k - 1 that are trained on.
        return paired_p_value(lost, shared=1 / (len(other.fold_scores) - 1))


def paired_p_value(differences: np.ndarray, shared: float = 0.0) -> float:
    """Return the one-sided p-value of a paired t-test for a mean of ``differences``, shape (n,), above zero.

    shared: what Nadeau and Bengio add to 1 / n, the share of the test rows to the training rows; 0: the
    differences are independent. A single one says nothing: 1.
    """
    from scipy.special import stdtr

    n = len(differences)
    if n < 2:
        return 1.0
    mean, spread = float(np.mean(differences)), float(np.std(differences, ddof=1))
    error = spread * math.sqrt(1 / n + shared)
    if error == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stdtr(n - 1, -mean / error))
