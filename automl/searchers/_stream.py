"""Random numbers of a candidate's own, so that what is proposed depends on its number and on the trials alone."""

import numpy as np


class Stream:
    """Gives each candidate's number its own generator; asked for the same number again, this one goes on."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._number, self._rng = -1, np.random.default_rng(seed)

    def of(self, number: int) -> np.random.Generator:
        """Return the generator of candidate ``number``."""
        if number != self._number:
            self._number, self._rng = number, np.random.default_rng([self.seed, number])
        return self._rng
