"""Several objectives for searchers that know one: each of a few searchers is told another number of the same trials."""

from collections.abc import Callable

import numpy as np

from automl.goals import SCORE, Goals, is_scored
from automl.space import Params
from automl.types import Searcher, Trial

# So many directions for each objective, and one between all of them.
DIRECTIONS = 2
# The scale of each objective is taken anew when there are so many trials, and whenever there are twice as many.
FIRST_SCALE = 8
# The worst of the scale is this quantile: a few failures say nothing about the rest.
WORST = 0.9


class Scalarised:
    """Proposes, by ``make(i)``, the searchers, for all ``goals``; they take turns.

    Searcher i sees a trial as min(gain_j / direction_ij) over the objectives j, where a gain is 0 at the worst and 1 at
    the best that was seen; all but the score are compared by their logarithms. Over all directions, the largest of
    these numbers are the hypervolume (Golovin and Zhang 2020, arXiv:2006.04655), so searchers that raise them, each its
    own, widen the front. When the scale has changed, new searchers are told all trials anew.
    """

    def __init__(self, make: Callable[[int], Searcher], goals: Goals) -> None:
        self.make, self.goals = make, goals
        self.directions = _directions(len(goals.objectives))
        self._told: list[Trial] = []
        self._begin()

    def ask(self, number: int) -> Params | None:
        """Return what the searcher whose turn it is proposes."""
        return self._searchers[number % len(self._searchers)].ask(number)

    def tell(self, trial: Trial) -> None:
        """Let all searchers learn from an ended trial."""
        self._told.append(trial)
        if len(self._told) >= self._due:
            self._begin()
        else:
            self._tell(trial)

    def _begin(self) -> None:
        costs = self._costs([trial for trial in self._told if is_scored(trial)])
        known = costs[np.isfinite(costs).all(axis=1)]
        if len(known) > 1:
            self._best, worst = known.min(axis=0), np.quantile(known, WORST, axis=0)
            self._range = np.where(worst > self._best, worst - self._best, 1.0)
        else:
            self._best, self._range = np.zeros(costs.shape[1]), np.ones(costs.shape[1])
        self._due = max(FIRST_SCALE, 2 * len(self._told))
        self._searchers = [self.make(i) for i in range(len(self.directions))]
        for trial in self._told:
            self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        gains = 1 - (self._costs([trial])[0] - self._best) / self._range
        for searcher, direction in zip(self._searchers, self.directions, strict=True):
            if not is_scored(trial):
                searcher.tell(trial)
                continue
            # What was not measured is as bad as can be, and still a number.
            worth = float(np.nan_to_num(gains / direction, neginf=-1e3).min())
            searcher.tell(Trial(trial.candidate, trial.status, {SCORE: worth}, seconds=trial.seconds))

    def _costs(self, trials: list[Trial]) -> np.ndarray:
        costs = self.goals.costs([trial.values for trial in trials])
        for column, name in enumerate(self.goals.objectives):
            if name != SCORE:
                costs[:, column] = np.log(np.maximum(costs[:, column], 1e-9))
        return costs


def _directions(n_objectives: int) -> np.ndarray:
    """Return unit vectors of positive numbers, (n, n_objectives): the one between all, and others spread around it."""
    from scipy.stats import norm, qmc

    drawn = qmc.Halton(n_objectives, scramble=False).random(DIRECTIONS * n_objectives + 1)[1:]
    spread = np.abs(norm.ppf(drawn)) + 0.05
    all_ = np.vstack([np.ones(n_objectives), spread])
    return np.asarray(all_ / np.linalg.norm(all_, axis=1, keepdims=True))
