"""A distribution over the space that is learned by the gradient of the expected score.

Each answer has a distribution of its own, and each branch those of its own answers, so that any conditional space is
one (Williams 1992; over architectures: Zoph and Le 2017, arXiv:1611.01578; factorised, beside weights that are shared:
TuNAS, Bender et al. 2020, arXiv:2008.06120). Unlike the relaxation of DARTS, what is trained is what is chosen in the
end: one path at a time. So nothing is lost when the distribution becomes an answer, and no skip wins for being easy.
"""

import math
from collections import deque
from typing import Annotated

import numpy as np

from automl.errors import SpaceError
from automl.goals import is_scored
from automl.options import Range
from automl.searchers._stream import Stream
from automl.space import Choice, Float, Int, Params, Replay, Scalar, Space, draw
from automl.types import Trial

# A range is learned about in so many parts; within one, values are drawn evenly.
PARTS = 5
# A score is compared with the so many before it.
COMPARED = 30


def make(
    space: Space,
    seed: int = 0,
    *,
    learning_rate: Annotated[float, Range(0)] = 0.15,
    explore: Annotated[float, Range(0, 1)] = 0.1,
) -> "PolicyGradient":
    """Return a learned distribution over ``space``.

    learning_rate: of the logarithms of its probabilities. explore: the share of answers that are drawn evenly, so that
    none dies out.
    """
    return PolicyGradient(space, seed, learning_rate, explore)


class PolicyGradient:
    """Draws from the distribution, and makes what scored better than others lately more likely (REINFORCE).

    Scores count by their ranks among the latest, from -1 to 1, so that no scale is needed and no outlier decides.
    """

    def __init__(self, space: Space, seed: int, learning_rate: float, explore: float) -> None:
        self.space, self.learning_rate, self.explore = space, learning_rate, explore
        self._stream = Stream(seed)
        self._logits: dict[str, np.ndarray] = {}
        self._latest: deque[float] = deque(maxlen=COMPARED)

    def ask(self, number: int) -> Params:
        """Return a candidate that is drawn from the distribution."""
        return draw(self.space, _Drawn(self, self._stream.of(number)))

    def tell(self, trial: Trial) -> None:
        """Move towards a candidate that is better than the latest, and away from one that is worse."""
        replay = Replay(trial.candidate.params)
        try:
            draw(self.space, replay)
        except SpaceError:
            return
        score = trial.score if is_scored(trial) and trial.score is not None else -math.inf
        others = np.array(self._latest)
        advantage = float(np.mean(np.sign(score - others))) if len(others) and np.isfinite(score) else 0.0
        if math.isfinite(score):
            self._latest.append(score)
        for path, domain in replay.asked.items():
            at = _part_of(domain, trial.candidate.params[path])
            logits = self.logits(path, domain)
            gradient = -_softmax(logits)
            gradient[at] += 1
            logits += self.learning_rate * advantage * gradient

    def logits(self, path: str, domain: "Choice | Float | Int") -> np.ndarray:
        """Return the logarithms of the probabilities of an answer's parts, (n,), up to a constant."""
        if path not in self._logits:
            self._logits[path] = np.zeros(len(domain.options) if isinstance(domain, Choice) else PARTS)
        return self._logits[path]

    def probabilities(self, path: str, domain: "Choice | Float | Int") -> np.ndarray:
        """Return how likely each part of an answer is drawn, (n,)."""
        learned = _softmax(self.logits(path, domain))
        return (1 - self.explore) * learned + self.explore / len(learned)


class _Drawn:
    """Answers as the distribution does."""

    def __init__(self, policy: PolicyGradient, rng: np.random.Generator) -> None:
        self.policy, self.rng = policy, rng

    def number(self, path: str, domain: Float | Int) -> float:
        return domain.from_unit((self._part(path, domain) + self.rng.random()) / PARTS)

    def choice(self, path: str, domain: Choice) -> Scalar:
        option: Scalar = list(domain.options)[self._part(path, domain)]
        return option

    def _part(self, path: str, domain: "Choice | Float | Int") -> int:
        probabilities = self.policy.probabilities(path, domain)
        return int(self.rng.choice(len(probabilities), p=probabilities))


def _part_of(domain: "Choice | Float | Int", value: Scalar) -> int:
    """Return which part of its domain a value lies in."""
    if isinstance(domain, Choice):
        return list(domain.options).index(value)
    return min(int(PARTS * domain.to_unit(value)), PARTS - 1)  # type: ignore[arg-type]


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()
