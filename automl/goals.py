"""What a search is after: one objective or several, and hard limits. Nothing else compares two trials."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol, TypeVar

import numpy as np

from automl.errors import ConfigError
from automl.space.domains import is_number
from automl.types import Trial

SCORE = "score"
# What can be measured beside it: counted of a network before it is trained, or measured on the exported graph.
COUNTED, ON_GRAPH = ("parameters", "multiply_adds"), ("bytes", "row_ms")
LIMITABLE = (*ON_GRAPH, *COUNTED)
# What a trial took, known of each where the machine says it (``energy``): not of what is shipped, so nothing limits it.
JOULES = "joules"
MEASURABLE = (*LIMITABLE, JOULES)
# Of a network before it is trained, greater is better (``training.zero_cost``): measured where asked for, never a goal.
ZERO_COST = ("grad_norm", "synflow", "nwot", "zen")


class Measured(Protocol):
    """What has measured values: a trial, or its mark in a figure."""

    @property
    def values(self) -> Mapping[str, float]:
        """The values by name."""


One = TypeVar("One", bound=Measured)


@dataclass(frozen=True)
class Goals:
    """Orders trials by what they measured.

    ``objectives``: names of values; of "score" more is better, of all others less. ``limits``: the largest value
    that is allowed, by name. A value that was not measured is the worst there is.

    A trial within the limits comes before one beyond them, one that saw every fold before one that was stopped, and
    then the greater score, or, with several objectives, the earlier front (non-dominated sorting: Deb et al.,
    NSGA-II, 2002) and within it the first objective. Failed trials come last.
    """

    objectives: tuple[str, ...] = (SCORE,)
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def by_score_alone(self) -> bool:
        """Whether the score is all that orders whole trials."""
        return self.objectives == (SCORE,) and not self.limits

    @property
    def measured(self) -> tuple[str, ...]:
        """What has to be measured of a fitted model."""
        names = (*self.objectives, *self.limits)
        return tuple(dict.fromkeys(name for name in names if name not in (SCORE, JOULES)))

    def rank(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the trials, best first; equal ones stay in their order."""
        left = sorted(trials, key=self._order)
        if len(self.objectives) == 1:
            return left
        ranked: list[Trial] = []
        for group in _groups(left, lambda trial: self._order(trial)[:-1]):
            while group:
                first = self.front(group)
                ranked += first
                group = [trial for trial in group if not any(trial is other for other in first)]
        return ranked

    def best(self, trials: Iterable[Trial]) -> Trial | None:
        """Return the first of ``rank`` that has a score, or None."""
        scored = [trial for trial in trials if is_scored(trial)]
        return self.rank(scored)[0] if scored else None

    def front(self, trials: Iterable[Trial]) -> list[Trial]:
        """Return the trials that no other one is at least as good as in every objective and better in one."""
        given = list(trials)
        return [given[i] for i in non_dominated(self.costs([trial.values for trial in given]))]

    def costs(self, values: Sequence[Mapping[str, float]]) -> np.ndarray:
        """Return the objectives of each of n trials as what is to be small, (n, k): infinite where not measured."""
        costs = [[_cost(name, own.get(name)) for name in self.objectives] for own in values]
        return np.reshape(np.array(costs, float), (-1, len(self.objectives)))

    def allow(self, one: Measured) -> bool:
        """Return whether all values that have a limit are known, and within it."""
        return self.allows(one.values)

    def allows(self, values: Mapping[str, float]) -> bool:
        """Return whether all values that have a limit are among these, and within it."""
        return all(values.get(name, math.inf) <= limit for name, limit in self.limits.items())

    def eligible(self, scored: Iterable[One]) -> list[One]:
        """Return those, of what has a score, that one of may be called the best: within the limits, or all if none is.

        ``rank`` has one of them in front.
        """
        given = list(scored)
        return [one for one in given if self.allow(one)] or given

    def limited_to(self, names: Collection[str]) -> "Goals":
        """Return the goals with those of the limits that have one of these names."""
        return replace(self, limits={name: limit for name, limit in self.limits.items() if name in names})

    def excess(self, values: Mapping[str, float]) -> float:
        """Return the largest of the values' shares of their limits: at most 1 is within all that are known."""
        return max((values[name] / limit for name, limit in self.limits.items() if name in values), default=0.0)

    def describe(self, values: Mapping[str, float]) -> str:
        """Return the values that have a limit beside it: "bytes 12,345 (limit 10,000)"."""
        known = [(name, values.get(name), limit) for name, limit in self.limits.items()]
        return ", ".join(
            f"{name} {'not measured' if v is None else f'{v:,.4g}'} (limit {m:,.4g})" for name, v, m in known
        )

    def _order(self, trial: Trial) -> tuple[bool, bool, bool, bool, tuple[float, ...]]:
        failed, partial = trial.status == "failed", trial.status != "finished"
        costs = tuple(_cost(name, trial.values.get(name)) for name in self.objectives) if is_scored(trial) else ()
        return failed, not is_scored(trial), not self.allow(trial), partial, costs


def non_dominated(costs: np.ndarray) -> list[int]:
    """Return which rows of costs (n, k), less is better, no other row is at least as good as everywhere and better."""
    left = np.lexsort(costs.T[::-1])
    front: list[int] = []
    while len(left):
        first = left[0]
        front.append(int(first))
        worse = (costs[left] >= costs[first]).all(axis=1) & (costs[left] != costs[first]).any(axis=1)
        worse[0] = True
        left = left[~worse]
    return sorted(front)


def limits_of(given: Mapping[str, Any]) -> dict[str, float]:
    """Return the limits that are set among ``given``: name -> number, None for no limit. Raises ``ConfigError``."""
    set_ = {name: limit for name, limit in given.items() if limit is not None}
    for name, limit in set_.items():
        if not is_number(limit) or not 0 < limit < math.inf:
            raise ConfigError(f"limits.{name} is a number greater than zero, or null for no limit; got {limit!r}.")
    return {name: float(limit) for name, limit in set_.items()}


def is_scored(trial: Trial) -> bool:
    """Return whether the trial has a score that it can be compared by."""
    return trial.status != "failed" and trial.score is not None and not math.isnan(trial.score)


def _cost(name: str, value: float | None) -> float:
    if value is None or math.isnan(value):
        return math.inf
    return -value if name == SCORE else value


def _groups(trials: list[Trial], key: Callable[[Trial], object]) -> Iterable[list[Trial]]:
    return (list(group) for _, group in groupby(trials, key))
