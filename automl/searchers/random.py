"""Random search: every candidate is drawn anew (Bergstra and Bengio, JMLR 2012)."""

import numpy as np

from automl.space import Params, Random, Space, draw
from automl.types import Trial


def make(space: Space, seed: int = 0) -> "RandomSearch":
    """Return a searcher that draws from ``space``, uniformly or log-uniformly."""
    return RandomSearch(space, seed)


class RandomSearch:
    """Draws from a stream of its own for each number, so that a resumed run draws what it would have drawn."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed
        self._number, self._random = -1, Random(np.random.default_rng(seed))

    def ask(self, number: int) -> Params:
        """Return random parameters; others when the same ``number`` is asked again."""
        if number != self._number:
            self._number, self._random = number, Random(np.random.default_rng([self.seed, number]))
        return draw(self.space, self._random)

    def tell(self, trial: Trial) -> None:
        """Learn nothing."""
