"""Regularised evolution (Real et al., AAAI 2019, arXiv:1802.01548): parents are young and win a tournament."""

from collections import deque
from typing import Annotated

from automl.goals import Goals, is_scored
from automl.options import Range, number
from automl.searchers._stream import Stream
from automl.space import Cross, Params, Random, Space, draw, mutate
from automl.types import Trial


def make(
    space: Space,
    seed: int = 0,
    *,
    population: Annotated[int, Range(2)] = 20,
    tournament: Annotated[int, Range(1)] = 5,
    crossover: Annotated[float, Range(0, 1)] = 0.0,
) -> "RegularisedEvolution":
    """Return an evolution in which the oldest die.

    population: how many trials live, and are drawn at random at first. tournament: of how many of these, drawn at
    random, the best is a parent. crossover: the share of children that have two parents; each child is mutated once.
    """
    number("tournament of evolution", tournament, 1, population, whole=True)
    return RegularisedEvolution(space, seed, population, tournament, crossover)


class RegularisedEvolution:
    """Mutates the winners of tournaments among the last ``population`` trials."""

    def __init__(self, space: Space, seed: int, population: int, tournament: int, crossover: float) -> None:
        self.space, self.population, self.tournament, self.crossover = space, population, tournament, crossover
        self._stream = Stream(seed)
        self._living: deque[Trial] = deque(maxlen=population)

    def ask(self, number: int) -> Params:
        """Return a random candidate until the population is full, then a child."""
        rng = self._stream.of(number)
        if len(self._living) < self.population:
            return draw(self.space, Random(rng))

        def parent() -> Params:
            drawn = rng.choice(len(self._living), self.tournament, replace=False)
            return Goals().rank(self._living[i] for i in drawn)[0].candidate.params

        child = parent()
        if rng.random() < self.crossover:
            child = draw(self.space, Cross(child, parent(), rng))
        return mutate(self.space, child, rng)

    def tell(self, trial: Trial) -> None:
        """Let a trial join, and the oldest die; one without a score does not live."""
        if is_scored(trial):
            self._living.append(trial)
