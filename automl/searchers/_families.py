"""One searcher per family, for strategies that need a fixed set of parameters; a bandit picks the family."""

import math
from collections.abc import Callable
from dataclasses import replace

from automl.space import Choice, Params, Space, scope
from automl.types import Candidate, Searcher, Trial

MakeOne = Callable[[Space, int], Searcher]


class PerFamily:
    """Picks a family by upper confidence bound (Auer et al., 2002), then asks that family's searcher.

    Scores are turned into ranks, so that the bound needs no scale: a family's value is the rank (0 to
    1) of its best trial, plus ``explore * sqrt(log(n) / tried)``. ``explore`` infinite: the family tried least. A
    space without a choice called "family" is searched as a whole.
    """

    def __init__(self, space: Space, seed: int, make_one: MakeOne, explore: float) -> None:
        self.explore = explore
        family = space.get("family")
        branches: dict[str, Space] = (
            {str(name): nested for name, nested in family.options.items()}
            if isinstance(family, Choice)
            else {"": space}
        )
        self._searchers = {name: make_one(part, seed + i) for i, (name, part) in enumerate(branches.items())}
        # What each trial of a family has scored by its id, -inf until it has finished.
        self._scores: dict[str, dict[str, float]] = {name: {} for name in branches}
        self._exhausted: set[str] = set()

    def ask(self, number: int) -> Params | None:
        """Return parameters of the most promising family; None when all are exhausted."""
        while open_ := [name for name in self._searchers if name not in self._exhausted]:
            name = max(open_, key=self._bound)
            params = self._searchers[name].ask(number)
            if params is None:
                self._exhausted.add(name)
                continue
            self._scores[name][str(number)] = -math.inf
            return {"family": name, **{f"family.{name}.{p}": v for p, v in params.items()}} if name else params
        return None

    def tell(self, trial: Trial) -> None:
        """Teach the trial to its family's searcher."""
        id, params = trial.candidate.id, trial.candidate.params
        name = str(params.get("family", ""))
        if name not in self._searchers:
            return
        scored = trial.status == "finished" and trial.score is not None and math.isfinite(trial.score)
        self._scores[name][id] = trial.score if scored and trial.score is not None else -math.inf
        inner = Candidate(id, scope(params, f"family.{name}") if name else params)
        self._searchers[name].tell(replace(trial, candidate=inner))

    def _bound(self, name: str) -> float:
        tried = len(self._scores[name])
        if not tried or math.isinf(self.explore):
            return math.inf if not tried else -tried
        scores = [s for of in self._scores.values() for s in of.values() if math.isfinite(s)]
        best = max(self._scores[name].values())
        rank = sum(s <= best for s in scores) / len(scores) if scores else 0.0
        n_tried = sum(map(len, self._scores.values()))
        return rank + self.explore * math.sqrt(math.log(1 + n_tried) / tried)
