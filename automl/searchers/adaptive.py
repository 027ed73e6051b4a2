"""A portfolio: trials go to the strategy whose proposals have paid most of late."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from automl import options
from automl.errors import ConfigError
from automl.goals import is_scored
from automl.options import Range
from automl.searchers._stream import Stream
from automl.space import Params, Space
from automl.types import Searcher, Trial

# A trial has paid when it is among the best such share of all so far.
PAYING = 0.1


def make(
    space: Space,
    seed: int = 0,
    *,
    strategies: Sequence[str] = ("gp", "evolution", "tpe", "random"),
    memory: Annotated[float, Range(1)] = 20,
) -> "Adaptive":
    """Return a portfolio of other searchers. strategies: their names; memory: after how many trials a credit has faded.

    Every strategy learns from every trial, whoever has proposed it.
    """
    names = [strategies] if isinstance(strategies, str) else list(strategies)
    if not names or "adaptive" in names:
        raise ConfigError(f"The strategies of adaptive are names of other searchers, at least one; got {names}.")
    made = {name: options.make("searchers", {"name": name}, space, seed + i) for i, name in enumerate(names)}
    return Adaptive(made, seed, memory)


class Adaptive:
    """Draws the strategy of each candidate by discounted Thompson sampling (Raj and Kalyani, 2017, arXiv:1707.09727).

    A proposal pays when its trial is among the best tenth so far, so that ranks count and no scale is needed. What a
    strategy has earned fades by ``1 / memory`` with each trial: who is good at the beginning need not be so later on.
    """

    def __init__(self, strategies: Mapping[str, Searcher], seed: int, memory: float) -> None:
        self.strategies, self.memory = dict(strategies), memory
        self._stream = Stream(seed)
        self._paid = dict.fromkeys(strategies, 0.0)
        self._failed_to = dict.fromkeys(strategies, 0.0)
        self._open: dict[str, str] = {}
        self._scores: list[float] = []

    def ask(self, number: int) -> Params | None:
        """Return the proposal of the strategy that is drawn; None when all are exhausted."""
        rng = self._stream.of(number)
        while self.strategies:
            promise = {name: rng.beta(1 + self._paid[name], 1 + self._failed_to[name]) for name in self.strategies}
            name = max(promise, key=promise.__getitem__)
            params = self.strategies[name].ask(number)
            if params is not None:
                self._open[str(number)] = name
                return params
            del self.strategies[name]
        return None

    def tell(self, trial: Trial) -> None:
        """Teach all strategies, and credit the one whose proposal it was."""
        for searcher in self.strategies.values():
            searcher.tell(trial)
        score = trial.score if is_scored(trial) else None
        name = self._open.pop(trial.candidate.id, None)
        if name is not None:
            better = sum(other > score for other in self._scores) if score is not None else len(self._scores) + 1
            self._credit(name, paid=better <= PAYING * len(self._scores))
        if score is not None:
            self._scores.append(score)

    def _credit(self, name: str, paid: bool) -> None:
        for earned in (self._paid, self._failed_to):
            for other in earned:
                earned[other] *= 1 - 1 / self.memory
        (self._paid if paid else self._failed_to)[name] += 1
