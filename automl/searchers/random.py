"""Random search: every candidate is drawn anew (Bergstra and Bengio, JMLR 2012)."""

import numpy as np

from automl.searchers._start import Numbered
from automl.space import Random, Space, draw
from automl.types import Candidate, Trial

TRIES = 100


def make(space: Space, seed: int = 0) -> "RandomSearch":
    """Return a searcher that draws from ``space``, uniformly or log-uniformly."""
    return RandomSearch(space, seed)


class RandomSearch:
    """Draws candidates that were not seen before; None when ``TRIES`` draws bring nothing new."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self._random = Random(np.random.default_rng(seed))
        self._numbers = Numbered()

    def ask(self) -> Candidate | None:
        """Return a new random candidate."""
        for _ in range(TRIES):
            params = draw(self.space, self._random)
            if (candidate := self._numbers.new(params)) is not None:
                return candidate
        return None

    def tell(self, trial: Trial) -> None:
        """Remember what was tried, so that it is not drawn again."""
        self._numbers.seen(trial)
