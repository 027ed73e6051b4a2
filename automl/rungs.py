"""Successive halving over seconds: many networks are told apart in a short time each, and the few best get the rest.

A candidate of a family that can end its training in a given time (``Problem.fit_seconds``) climbs a ladder. On the
first rung each gets the same few seconds and a schedule that ends in them, so no candidate eats the budget unseen, and
a slow one is judged by what it makes of its time. On each rung the best third is promoted as soon as it is known
(asynchronous successive halving: Li et al., MLSys 2020, arXiv:1810.05934) and is trained anew for three times as long.
Who had all epochs is compared on the higher rungs as well. When ``LAST_SHARE`` of the time is left, free workers take
up the best candidates, one each, for all the time there is: longer schedules are better ones, so epochs do not end it.

A rung is part of a candidate's parameters: ``rung`` is its number or "last", ``rung.seconds`` what the fit of a fold
gets. So it stands on the leaderboard, survives a resume, and needs no word from runners. A trial that did not get
through all its epochs ends as ``stopped``, unless it was the last one of its candidate.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from automl.goals import Goals, is_scored
from automl.proposals import MakeSearcher, Proposals, Within
from automl.space import Choice, Params, Space, mutate
from automl.types import LAST, ONE_SHOT, RUNG, RUNG_SECONDS, Candidate, Trial

# In half an hour, more than sixty candidates are told apart on two workers before the last rung; fewer where that would
# leave each so little time that it has hardly begun to learn.
FIRST_SHARE, LEAST_SECONDS, ETA = 1 / 200, 6.0, 3
# No rung before the last takes more of the time than this.
MOST_SHARE = 1 / 10
LAST_SHARE = 0.55
# Of the time left, what the last rung may use: what is scored and kept afterwards takes the rest.
LAST_FITS = 0.93
# A last rung that is shorter than so many times what the candidate had is not worth while.
WORTH = 2.0
# So many candidates near each of the best known beginnings come first, each with so many changes.
NEAR, CHANGES = 8, 3


class Rungs(Proposals):
    """The proposals of a search with a deadline over families that climb.

    ``climbing``: the names of these families; candidates of others are tried as they are. ``n_folds``: of the task.
    ``known``: those of the ``starts`` that are known to be good: they come first, then others near them, then the rest
    of the starts. None: all of them are.
    """

    def __init__(
        self,
        make: MakeSearcher,
        space: Space,
        *,
        climbing: Collection[str],
        n_folds: int,
        deadline: float,
        starts: Sequence[Params] = (),
        known: Sequence[Params] | None = None,
        seed: int = 0,
        within: Within | None = None,
        goals: Goals | None = None,
    ) -> None:
        # What is near a good default is a better beginning than what is drawn from a large space.
        rng = np.random.default_rng(seed)
        known = [start for start in starts if known is None or start in known]
        near = [_changed(space, start, rng) for _ in range(NEAR) for start in known if start["family"] in climbing]
        rest = [start for start in starts if start not in known]
        super().__init__(make, space, starts=[*known, *near, *rest], seed=seed, within=within, goals=goals)
        self.climbing, self.n_folds = set(climbing), n_folds
        self.extend(deadline)
        self._ladder: list[dict[str, Trial]] = []  # what each rung has seen, by what tells candidates apart
        self._complete: set[str] = set()  # who has had all epochs
        self._taken: set[tuple[int | str, str]] = set()  # who was told to climb where
        self._had: dict[str, float] = {}  # the seconds of last trainings, also of an earlier process

    def extend(self, deadline: float) -> None:
        """Divide the time from now to ``deadline`` among the rungs."""
        self.ends, self.total = deadline, max(0.0, deadline - time.time())
        self.first = min(max(LEAST_SECONDS, FIRST_SHARE * self.total), MOST_SHARE * self.total)

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial; the searcher learns what a candidate scored on its highest rung so far."""
        rung = trial.candidate.params.get(RUNG)
        if rung is None:
            super().tell(trial)
            return
        key = _key(trial.candidate)
        if rung == LAST:
            self._had[key] = max(self._had.get(key, 0.0), trial.candidate.params[RUNG_SECONDS])
        else:
            self._taken.add((rung, key))
        if rung != LAST and is_scored(trial):
            while len(self._ladder) <= rung:
                self._ladder.append({})
            # On one rung all are compared alike, whether they had all their epochs or not.
            self._ladder[rung][key] = replace(trial, status="finished")
            if trial.status == "finished":
                self._complete.add(key)
        status = "finished" if is_scored(trial) else trial.status
        bare = Candidate(trial.candidate.id, _bare(trial.candidate.params))
        super().tell(Trial(bare, status, trial.values, trial.folds, trial.reports, trial.seconds, trial.failure))

    def _propose(self, number: int) -> Params | None:
        """Return the next step: a last training near the end, a promotion, or somebody new on the first rung."""
        left = self.ends - time.time()
        if left <= LAST_SHARE * self.total and (params := self._last(left)):
            return params
        if left <= WORTH * self.first:
            return None
        if params := self._promoted(left):
            return params
        new = super()._propose(number)
        if new is None:
            return self._last(left)
        climbs = new.get("family") in self.climbing and ONE_SHOT not in new
        return self._on(new, 0, self.first) if climbs else new

    def _narrow(self) -> bool:
        """Rungs know what a candidate takes: no family has to be left out."""
        return True

    def _promoted(self, left: float) -> Params | None:
        """Return the best of the best third of a rung that was not promoted yet; higher rungs come first."""
        for rung in reversed(range(len(self._ladder))):
            seconds = self.first * ETA ** (rung + 1)
            if seconds > min(MOST_SHARE * self.total, left):
                continue
            ranked = self._ranked(rung)
            # Where each new one is better than all before, promotions must not outgrow the third either.
            if sum(taken == rung + 1 for taken, _ in self._taken) >= len(ranked) // ETA:
                continue
            for trial in ranked[: len(ranked) // ETA]:
                key = _key(trial.candidate)
                if key not in self._complete and (rung + 1, key) not in self._taken:
                    return self._on(_bare(trial.candidate.params), rung + 1, seconds)
        return None

    def _last(self, left: float) -> Params | None:
        """Return the best candidate that has not had its last training, if it would gain by all the time left."""
        seen: set[str] = set()
        seconds = LAST_FITS * left / self.n_folds
        for rung in reversed(range(len(self._ladder))):
            for trial in self._ranked(rung):
                key = _key(trial.candidate)
                if key in seen or (LAST, key) in self._taken:
                    continue
                seen.add(key)
                had = trial.seconds / self.n_folds if key in self._complete else trial.candidate.params[RUNG_SECONDS]
                if seconds >= WORTH * max(had, self._had.get(key, 0.0)):
                    return self._on(_bare(trial.candidate.params), LAST, seconds)
        return None

    def _ranked(self, rung: int) -> list[Trial]:
        """Return the trials of a rung that are within the limits, the best first.

        Those that had all their epochs on a lower one are among them: more time would not have changed them.
        """
        lower = [item for each in self._ladder[:rung] for item in each.items()]
        trials = [*self._ladder[rung].values(), *(trial for key, trial in lower if key in self._complete)]
        return self.goals.rank(t for t in trials if self.goals.excess(t.values) <= 1)

    def _on(self, params: Params, rung: int | str, seconds: float) -> Params:
        self._taken.add((rung, _key(Candidate("", params))))
        return {**params, RUNG: rung, RUNG_SECONDS: round(seconds, 1)}


def _changed(space: Space, params: Params, rng: np.random.Generator) -> Params:
    """Return a candidate of the same family."""
    families, name = space["family"], params["family"]
    assert isinstance(families, Choice)
    space = {**space, "family": Choice({name: families.options[name]})}
    for _ in range(CHANGES):
        params = mutate(space, params, rng, scale=0.1)
    return params


def _bare(params: Params) -> Params:
    """Return parameters without their rung."""
    return {path: value for path, value in params.items() if path not in (RUNG, RUNG_SECONDS)}


def _key(candidate: Candidate) -> str:
    return repr(sorted(_bare(candidate.params).items()))
