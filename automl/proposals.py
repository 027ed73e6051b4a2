"""The driver of a searcher: ids, first candidates, duplicates, replay, and the narrowing near the end."""

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from automl.errors import ConfigError
from automl.goals import Goals
from automl.searchers._tolerant import TolerantSearcher
from automl.space import Choice, Params, Random, Space, draw
from automl.types import Candidate, Searcher, Trial

MakeSearcher = Callable[[Space, int], Searcher]
Within = Callable[[Space, Params, np.random.Generator], Params | None]

# How often a searcher may propose what is known already before we draw something new, and how often we try to.
ASKS, DRAWS = 20, 100
# What is beyond a limit is so bad, times its share of the limit: worse than any score, and the more so the farther.
BEYOND = 1e100
# A trial that gets this far is of use: the folds that it has are kept.
USEFUL = 0.5
# A deterministic run learns from a trial this many candidates later, so that as many may run at a time.
LAG = 8


class Proposals:
    """The one driver of a searcher: gives its proposals numbers, and teaches it what came of them.

    Candidates count up from "0", and go on after the replayed trials of a resumed run. First come the ``starts``, then
    what the searcher proposes; nothing is proposed twice. Near the ``deadline`` (``time.time()``) the space narrows
    to the families that usually get half of the way in the time left: a new searcher over these is made, and
    told all trials. A trial that was stopped counts with what it would have taken at its pace; a family that was
    never tried stays.

    ``make(space, n)``: the searcher for a space, being the ``n``-th. ``within(space, params, rng)``: the parameters, or
    others near them that are within the limits of what is known beforehand; None where there are none. ``goals``: a
    trial beyond their limits teaches the searcher how far it is beyond.
    """

    lag: int | None = None  # see ``InOrder``

    def __init__(
        self,
        make: MakeSearcher,
        space: Space,
        *,
        starts: Sequence[Params] = (),
        deadline: float | None = None,
        seed: int = 0,
        within: Within | None = None,
        goals: Goals | None = None,
    ) -> None:
        self.make, self.space, self.deadline, self.seed = make, space, deadline, seed
        self.within, self.goals = within, goals or Goals()
        self._searcher, self._n_made = TolerantSearcher(make(space, 0), space, seed), 1
        self._starts = deque(starts)
        self._known: set[str] = set()
        self._next = 0
        self._told: list[Trial] = []
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    @property
    def trials(self) -> list[Trial]:
        """The trials that were told so far."""
        return self._told

    @property
    def ready(self) -> bool:
        """Whether ``ask`` has an answer already; else it has one when a trial that runs is told."""
        return True

    def extend(self, deadline: float) -> None:
        """Propose until a later ``deadline``, where there was one."""
        if self.deadline is not None:
            self.deadline = deadline

    def ask(self) -> Candidate | None:
        """Return the next candidate; None where the space is exhausted, or nothing is likely to be of use in time."""
        params = self._propose(self._next)
        if params is None:
            return None
        self._next += 1
        return Candidate(str(self._next - 1), params)

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial, also from one of an earlier process."""
        self._told.append(trial)
        self._known.add(_key(trial.candidate.params))
        if trial.candidate.id.isdigit():
            self._next = max(self._next, int(trial.candidate.id) + 1)
        if trial.reports and trial.reports[-1].progress > 0:
            self._seconds[_family(trial)].append(trial.seconds / trial.reports[-1].progress)
        self._searcher.tell(self._lesson(trial))

    def _propose(self, number: int) -> Params | None:
        """Return parameters that were not proposed before: a start, the searcher's, or at last drawn ones."""
        rng = np.random.default_rng([self.seed, number])
        while self._starts:
            if (params := self._usable(self._starts.popleft(), rng)) is not None:
                return params
        if not self._narrow():
            return None
        for _ in range(ASKS):
            proposed = self._searcher.ask(number)
            if proposed is None:
                return None
            if (params := self._usable(proposed, rng)) is not None:
                return params
            refused = Candidate(str(number), proposed)
            self._searcher.tell(Trial(refused, "failed", failure="proposed before, or beyond a limit"))
        random = Random(rng)
        drawn = (draw(self.space, random) for _ in range(DRAWS if self.within is None else ASKS))
        return next((found for params in drawn if (found := self._usable(params, rng)) is not None), None)

    def _usable(self, params: Params, rng: np.random.Generator) -> Params | None:
        """Return ``params``, or what of them is within the limits, where that is new."""
        found = params if self.within is None else self.within(self.space, params, rng)
        return found if found is not None and self._is_new(found) else None

    def _lesson(self, trial: Trial) -> Trial:
        """Return what the searcher is to learn: what is beyond a limit is bad, the worse the farther it is beyond."""
        if (excess := self.goals.excess(trial.values)) <= 1:
            return trial
        return Trial(trial.candidate, "finished", {"score": -BEYOND * excess}, seconds=trial.seconds)

    def _is_new(self, params: Params) -> bool:
        """Return whether ``params`` were not seen before; from now on they were."""
        known = _key(params) in self._known
        self._known.add(_key(params))
        return not known

    def _narrow(self) -> bool:
        """Leave out the families that take too long by now; return whether any is left."""
        families = self._families()
        if self.deadline is None or not families:
            return True
        left = (self.deadline - time.time()) / USEFUL
        fitting = {f: s for f, s in families.items() if median(self._seconds.get(str(f)) or [0.0]) <= left}
        if fitting and len(fitting) < len(families):
            self.space = {**self.space, "family": Choice(fitting)}
            self._searcher = TolerantSearcher(self.make(self.space, self._n_made), self.space, self.seed)
            self._n_made += 1
            for trial in self._told:
                self._searcher.tell(self._lesson(trial))
        return bool(fitting)

    def _families(self) -> Mapping[Any, Space]:
        """Return the families that are left, with their spaces."""
        family = self.space.get("family")
        return family.options if isinstance(family, Choice) else {}


class InOrder(Proposals):
    """The proposals of a deterministic run, which depend neither on the number of workers nor on who ends first.

    Candidate k is proposed when all trials up to k - ``lag`` have ended, and from these alone, told in the order of
    their numbers; workers beyond ``lag`` wait. A resumed run proposes the same candidates under the same numbers, and
    passes over those that have ended: what ran when it was killed runs again. Time narrows nothing.
    """

    def __init__(
        self,
        make: MakeSearcher,
        space: Space,
        *,
        starts: Sequence[Params] = (),
        seed: int = 0,
        lag: int = LAG,
        within: Within | None = None,
        goals: Goals | None = None,
    ) -> None:
        super().__init__(make, space, starts=starts, seed=seed, within=within, goals=goals)
        self.lag: int = lag
        self._ended: dict[int, Trial] = {}
        self._n_learned = 0

    @property
    def trials(self) -> list[Trial]:
        """The trials that were told so far, in the order of their numbers."""
        return [self._ended[number] for number in sorted(self._ended)]

    @property
    def ready(self) -> bool:
        """Whether all trials have ended that the next candidate is proposed from."""
        number = self._next
        while number in self._ended:
            number += 1
        return all(k in self._ended for k in range(self._n_learned, number - self.lag + 1))

    def ask(self) -> Candidate | None:
        """Return the next candidate that has not ended in an earlier process; None where the space is exhausted.

        Only where ``ready``. Raises ``ConfigError`` where an earlier process has proposed something else.
        """
        if not self.ready:
            raise RuntimeError(f"Candidate {self._next} is asked for before what it depends on has ended.")
        while True:
            while self._n_learned <= self._next - self.lag:
                super().tell(self._ended[self._n_learned])
                self._n_learned += 1
            candidate = super().ask()
            ended = candidate and self._ended.get(int(candidate.id))
            if not (candidate and ended):
                return candidate
            _check_same(candidate, ended)

    def tell(self, trial: Trial) -> None:
        """Keep an ended trial until its turn comes; one that has no number is passed over."""
        if trial.candidate.id.isdigit():
            self._ended[int(trial.candidate.id)] = trial


class Listed(Proposals):
    """Candidates that are known beforehand, in their order, and no others."""

    def __init__(self, candidates: Sequence[Params]) -> None:
        super().__init__(lambda space, n: _Nothing(), {}, starts=candidates)


class _Nothing:
    """A searcher without a proposal."""

    def ask(self, number: int) -> Params | None:
        """Propose nothing."""
        return None

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""


def _check_same(candidate: Candidate, ended: Trial) -> None:
    if _key(candidate.params) != _key(ended.candidate.params):
        raise ConfigError(
            "A deterministic run goes on with the space, the searcher and the seed it began with; candidate "
            f"{candidate.id} was {ended.candidate.params} and would be {candidate.params} now. Change back what has "
            "changed, or go on with deterministic=false."
        )


def _family(trial: Trial) -> str:
    return str(trial.candidate.params.get("family", ""))


def _key(params: Params) -> str:
    """Return what tells two candidates apart."""
    return json.dumps(params, sort_keys=True)
