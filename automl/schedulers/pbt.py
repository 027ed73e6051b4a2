"""Population based training: weak trials take over the state of strong ones, with their parameters mutated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.options import number
from automl.space import Choice, Float, Int, Params, Random, Scalar, Space, draw

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

PAUSES = True  # a trial gives way to others between two exchanges
NEEDS_STATE = True  # a trial goes on from another's state
FACTORS = (0.8, 1.2)


def make(
    *,
    space: Space,
    population: int = 8,
    interval_percent: float = 10,
    quantile: float = 0.25,
    resample: float = 0.25,
    mutate: Sequence[str] = ("*.optimizer.*", "*.loss.*"),
    seed: int = 0,
) -> "TrialScheduler":
    """Return Ray's PBT over progress in percent (Jaderberg et al., 2017, arXiv:1711.09846).

    space: what is searched over; the runner gives it. population: trials in flight at once.
    interval_percent: progress between two exchanges. quantile: the share at the bottom that copies
    from the share at the top. resample: how often a number is drawn anew instead of multiplied by
    0.8 or 1.2. mutate: patterns of the paths that may change while a trial runs; only numbers that
    do not shape the network can.
    """
    number("population of pbt", population, 2, whole=True)
    number("interval_percent of pbt", interval_percent, 0.1, 100)
    number("quantile of pbt", quantile, 0, 0.5)
    number("resample of pbt", resample, 0, 1)
    from ray.tune.schedulers import PopulationBasedTraining

    rng = np.random.default_rng(seed)

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        """Mutate the parameters of Tune's ``config``; called with the strong trial's."""
        return {**config, "params": draw(space, Mutation(config["params"], rng, tuple(mutate), resample))}

    scheduler = PopulationBasedTraining(
        time_attr="progress",
        metric="score",
        mode="max",
        perturbation_interval=interval_percent,
        quantile_fraction=quantile,
        custom_explore_fn=explore,
        log_config=False,
    )
    scheduler.in_flight = population  # type: ignore[attr-defined]  # which the runner looks at
    return scheduler


@dataclass
class Mutation:
    """Answers ``draw`` with ``params``, where the numbers that match ``patterns`` are changed a little."""

    params: Params
    rng: np.random.Generator
    patterns: tuple[str, ...]
    resample: float
    fresh: Random = field(init=False)

    def __post_init__(self) -> None:
        self.fresh = Random(self.rng)

    def number(self, path: str, domain: Float | Int) -> float:
        """Return the number at ``path``: drawn anew, multiplied by a factor, or as it is."""
        value = self.params[path]
        if not any(fnmatch(path, pattern) for pattern in self.patterns):
            return value
        if self.rng.random() < self.resample:
            return self.fresh.number(path, domain)
        value = min(max(value * self.rng.choice(FACTORS), domain.low), domain.high)
        return round(value) if isinstance(domain, Int) else value

    def choice(self, path: str, domain: Choice) -> Scalar:
        """Return the option at ``path``."""
        return self.params[path]
