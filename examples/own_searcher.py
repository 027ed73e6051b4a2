"""A searcher of one's own: a (1+1) evolution strategy with Rechenberg's one-fifth rule (Rechenberg 1973).

automl search ... searcher=own_searcher searcher.step=0.1
"""

from collections import Counter
from typing import Annotated

import numpy as np

from automl.goals import Goals, is_scored
from automl.options import Range
from automl.space import Params, Random, Space, draw, mutate
from automl.types import Trial

# A step is longer after a success and shorter after a failure, so that it stays where one in five succeeds.
GROWTH = 1.5
SHORTEST, LONGEST = 0.01, 1.0


def make(space: Space, seed: int = 0, *, step: Annotated[float, Range(SHORTEST, LONGEST)] = 0.2) -> "HillClimber":
    """Return the searcher. Keyword-only parameters are its configuration.

    step: the first standard deviation of a change, as a share of a parameter's range.
    """
    return HillClimber(space, seed, step)


class HillClimber:
    """Changes one thing of the best trial so far; what is as good as it takes its place."""

    def __init__(self, space: Space, seed: int, step: float) -> None:
        self.space, self.seed, self.step = space, seed, step
        self.best: Trial | None = None
        self._asked: Counter[int] = Counter()

    def ask(self, number: int) -> Params:
        """Return a neighbour of the best; random parameters while there is none.

        Random numbers come from ``number``: a resumed run proposes what it would have proposed. Where the answer was
        known already the same number is asked again, for another one.
        """
        rng = np.random.default_rng([self.seed, number, self._asked[number]])
        self._asked[number] += 1
        if self.best is None:
            return draw(self.space, Random(rng))
        return mutate(self.space, self.best.candidate.params, rng, scale=self.step)

    def tell(self, trial: Trial) -> None:
        """Learn from an ended trial, also from one that was never asked for; failed ones teach nothing."""
        if not is_scored(trial):
            return
        rivals = [trial, self.best] if self.best else [trial]
        success = Goals().best(rivals) is trial
        if success:
            self.best = trial
        factor = GROWTH if success else GROWTH**-0.25
        self.step = float(np.clip(self.step * factor, SHORTEST, LONGEST))
