"""Random search: every candidate is drawn anew (Bergstra and Bengio, JMLR 2012)."""

from typing import Any

import numpy as np

from automl.options import refuse_unknown
from automl.searchers._start import key
from automl.space import Random, Space, draw
from automl.types import Candidate, Trial

TRIES = 100


def make(space: Space, seed: int = 0, **unknown: Any) -> "RandomSearch":
    """Return a searcher that draws from ``space``, uniformly or log-uniformly."""
    refuse_unknown("searcher 'random'", unknown, make)
    return RandomSearch(space, seed)


class RandomSearch:
    """Draws candidates that were not seen before; None when ``TRIES`` draws bring nothing new."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self._random = Random(np.random.default_rng(seed))
        self._known: set[str] = set()
        self._next = 0

    def ask(self) -> Candidate | None:
        """Return a new random candidate."""
        for _ in range(TRIES):
            params = draw(self.space, self._random)
            if key(params) not in self._known:
                self._known.add(key(params))
                self._next += 1
                return Candidate(str(self._next - 1), params)
        return None

    def tell(self, trial: Trial) -> None:
        """Remember what was tried, so that it is not drawn again."""
        self._known.add(key(trial.candidate.params))
        if trial.candidate.id.isdigit():
            self._next = max(self._next, int(trial.candidate.id) + 1)
