"""Near the end of a search the space narrows to the families whose trials may still be of use."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from automl.space import Choice, Space
from automl.types import Candidate, Searcher, Trial

# A trial that gets this far is of use: the folds that it has are kept.
USEFUL = 0.5


class InTime:
    """Asks a searcher over the families that usually get half of the way in the time left.

    When one of them falls out, a new searcher over the others is made, and told all trials of theirs.
    A trial that was stopped counts with what it would have taken at its pace; a family that was never
    tried stays.

    ``make(space, n)``: the searcher for a space, being the ``n``-th. ``space`` has a choice "family".
    ``deadline``: when trials have to be over, as ``time.time()``.
    """

    def __init__(self, make: Callable[[Space, int], Searcher], space: Space, deadline: float) -> None:
        self.make, self.space, self.deadline = make, space, deadline
        self._searcher, self._n_made = make(space, 0), 1
        self._asked: set[str] = set()
        self._told: list[Trial] = []
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)

    def ask(self) -> Candidate | None:
        """Return the next candidate; None where none is likely to be of use."""
        if not self._narrow():
            return None
        candidate = self._searcher.ask()
        if candidate is not None:
            self._asked.add(candidate.id)
        return candidate

    def tell(self, trial: Trial) -> None:
        """Learn from the trial, and how long it took."""
        if trial.reports and trial.reports[-1].progress > 0:
            self._seconds[trial.candidate.family].append(trial.seconds / trial.reports[-1].progress)
        self._told.append(trial)
        self._pass_on(trial)

    def _narrow(self) -> bool:
        """Leave out the families that take too long by now; return whether any is left."""
        families = self._families()
        left = (self.deadline - time.time()) / USEFUL
        fitting = {f: s for f, s in families.items() if median(self._seconds.get(str(f)) or [0.0]) <= left}
        if fitting and len(fitting) < len(families):
            self.space = {**self.space, "family": Choice(fitting)}
            self._searcher = self.make(self.space, self._n_made)
            self._n_made += 1
            self._asked.clear()
            for trial in self._told:
                self._pass_on(trial)
        return bool(fitting)

    def _pass_on(self, trial: Trial) -> None:
        """Tell the searcher, under a name that is not its own where an earlier one has asked for it."""
        own = trial.candidate
        if own.params["family"] in self._families():
            id = own.id if own.id in self._asked else f"earlier-{own.id}"
            self._searcher.tell(replace(trial, candidate=Candidate(id, own.params)))

    def _families(self) -> Mapping[Any, Space]:
        """Return the families that are left, with their spaces."""
        family = self.space["family"]
        assert isinstance(family, Choice)
        return family.options
