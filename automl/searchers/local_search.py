"""Local search: change one thing of the best; begin anew where nothing helps (White et al., 2021, arXiv:2005.02960)."""

from typing import Annotated

from automl.errors import SpaceError
from automl.goals import Goals
from automl.options import Range
from automl.searchers._stream import Stream
from automl.space import Choice, Params, Random, Space, draw, mutate, questions, validate
from automl.types import Trial

# How often a neighbour is drawn before all of them seem to be known.
DRAWS = 100


def make(space: Space, seed: int = 0, *, startup_trials: Annotated[int, Range(1)] = 10) -> "LocalSearch":
    """Return a hill climber. startup_trials: how many random candidates each climb begins with, at the best of them."""
    return LocalSearch(space, seed, startup_trials)


class LocalSearch:
    """Proposes neighbours of the best trial of the climb, which differ from it in one option or by one step.

    A climb ends when as many neighbours as there are have brought nothing better. A number counts as two neighbours:
    one up, one down.
    """

    def __init__(self, space: Space, seed: int, startup_trials: int) -> None:
        self.space, self.startup_trials = space, startup_trials
        self._stream = Stream(seed)
        self._known: set[tuple] = set()
        self._begin()

    def _begin(self) -> None:
        self._best: Trial | None = None
        self._n_random = self._n_in_vain = 0

    def ask(self, number: int) -> Params:
        """Return a neighbour that was not proposed yet, or a random candidate."""
        rng = self._stream.of(number)
        if self._best is not None and self._n_random >= self.startup_trials:
            for _ in range(DRAWS):
                params = mutate(self.space, self._best.candidate.params, rng)
                if _key(params) not in self._known:
                    self._known.add(_key(params))
                    return params
            self._begin()
        params = draw(self.space, Random(rng))
        self._known.add(_key(params))
        return params

    def tell(self, trial: Trial) -> None:
        """Go on from a better trial; begin anew after too many worse ones."""
        try:
            params = validate(self.space, trial.candidate.params)
        except SpaceError:
            return
        self._known.add(_key(params))
        self._n_random += 1
        if Goals().best([self._best, trial] if self._best else [trial]) is trial:
            self._best, self._n_in_vain = trial, 0
        elif self._n_random > self.startup_trials:
            self._n_in_vain += 1
            if self._best is not None and self._n_in_vain >= n_neighbours(self.space, self._best.candidate.params):
                self._begin()


def n_neighbours(space: Space, params: Params) -> int:
    """Return how many candidates differ from ``params`` in one thing; a number counts as two."""
    domains = questions(space, params).values()
    return sum(len(d.options) - 1 if isinstance(d, Choice) else 2 * (d.low < d.high) for d in domains)


def _key(params: Params) -> tuple:
    return tuple(params.items())
