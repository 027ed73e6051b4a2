"""One searcher per family, for strategies that need a fixed set of parameters; a bandit picks the family."""

import math
from collections.abc import Callable
from dataclasses import replace

from automl.space import Choice, Space, scope
from automl.types import Candidate, Searcher, Trial

MakeOne = Callable[[Space, int], Searcher]


class PerFamily:
    """Picks a family by upper confidence bound (Auer et al., 2002), then asks that family's searcher.

    Scores are turned into ranks, so that the bound needs no scale: a family's value is the rank (0 to
    1) of its best trial, plus ``explore * sqrt(log(n) / tried)``. ``explore`` infinite: the family tried least. A
    space without a choice called "family" is searched as a whole.
    """

    def __init__(self, space: Space, seed: int, make_one: MakeOne, explore: float) -> None:
        self.space, self.explore = space, explore
        family = space.get("family")
        self._branches: dict[str, Space] = (
            {str(name): nested for name, nested in family.options.items()}
            if isinstance(family, Choice)
            else {"": space}
        )
        self._searchers = {name: make_one(part, seed + i) for i, (name, part) in enumerate(self._branches.items())}
        self._tried = dict.fromkeys(self._branches, 0)
        self._scores: dict[str, list[float]] = {name: [] for name in self._branches}
        self._exhausted: set[str] = set()

    def ask(self) -> Candidate | None:
        """Return the next candidate of the most promising family; None when all are exhausted."""
        while len(self._exhausted) < len(self._branches):
            name = max((n for n in self._branches if n not in self._exhausted), key=self._bound)
            candidate = self._searchers[name].ask()
            if candidate is None:
                self._exhausted.add(name)
                continue
            self._tried[name] += 1
            return self._outer(name, candidate)
        return None

    def tell(self, trial: Trial) -> None:
        """Teach the trial to its family's searcher."""
        name = trial.candidate.family if "family" in trial.candidate.params else ""
        if name not in self._branches:
            return
        prefix = f"{name}:"
        own_id = trial.candidate.id
        asked_here = own_id.startswith(prefix)
        if not asked_here:
            self._tried[name] += 1
        params = scope(trial.candidate.params, f"family.{name}") if name else trial.candidate.params
        inner = Candidate(own_id.removeprefix(prefix) if asked_here else f"told-{own_id}", params)
        self._searchers[name].tell(replace(trial, candidate=inner))
        if trial.status == "finished" and trial.score is not None and math.isfinite(trial.score):
            self._scores[name].append(trial.score)

    def _outer(self, name: str, candidate: Candidate) -> Candidate:
        if not name:
            return Candidate(f":{candidate.id}", candidate.params)
        params = {f"family.{name}.{path}": value for path, value in candidate.params.items()}
        return Candidate(f"{name}:{candidate.id}", {"family": name, **params})

    def _bound(self, name: str) -> float:
        tried = self._tried[name]
        if not tried or math.isinf(self.explore):
            return math.inf if not tried else -tried
        scores = sorted(s for all_ in self._scores.values() for s in all_)
        best = max(self._scores[name], default=-math.inf)
        rank = sum(s <= best for s in scores) / len(scores) if scores else 0.0
        return rank + self.explore * math.sqrt(math.log(1 + sum(self._tried.values())) / tried)
