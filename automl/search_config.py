"""What a person decides about a search, checked when it is made; it loads nothing that fits or ships."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from automl import options, registry
from automl.assemble import SpaceConfig
from automl.clock import INLINE_SECONDS, RAY_SECONDS, TimePlan
from automl.errors import ConfigError, unknown_name
from automl.export.config import ShipConfig
from automl.goals import LIMITABLE, MEASURABLE, SCORE, ZERO_COST, Goals
from automl.machine import n_cores
from automl.schedulers import pauses
from automl.types import Runner

Named = Mapping[str, Any]
# runner=auto: up to so many trials, worker processes take longer to start than they save.
INLINE_TRIALS = 8


@dataclass(frozen=True)
class SearchConfig:
    """What is searched, how, and for how long.

    ``seconds``: wall clock from ``started`` (``time.time()``) to the end, everything included.
    ``trials``: how many are started at most. At least one of the two is given. ``searcher``,
    ``scheduler`` and ``runner`` are ``{"name": ..., **options}``; the runner "auto" picks by the
    size of the work. ``export``: whether the search also ships, or only chooses. ``goals``: what orders the
    trials. ``measure``: what else is measured of each, of ``goals.MEASURABLE`` and ``goals.ZERO_COST``. ``report``:
    whether time is kept for a report at the end. ``store``: where trials leave their models, a folder or an fsspec URL
    that all nodes of a cluster see; None for the run's folder. ``deterministic``: the same trials with any number of
    workers, and over kills (``automl.proposals.InOrder``).
    """

    seconds: float | None = 600.0
    trials: int | None = None
    searcher: Named = field(default_factory=lambda: {"name": "tpe"})
    scheduler: Named = field(default_factory=lambda: {"name": "halving"})
    runner: Named = field(default_factory=lambda: {"name": "auto"})
    space: SpaceConfig = field(default_factory=SpaceConfig)
    ship: ShipConfig = field(default_factory=ShipConfig)
    started: float = field(default_factory=time.time)
    export: bool = True
    goals: Goals = field(default_factory=Goals)
    measure: Sequence[str] = ()
    store: str | None = None
    deterministic: bool = False
    report: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("seconds", "number"), ("trials", "whole number")):
            value = getattr(self, name)
            if value is not None and not _is_limit(value, whole=name == "trials"):
                raise ConfigError(f"budget.{name} is a {kind} greater than zero, or null for no limit; got {value!r}.")
        if self.seconds is None and self.trials is None:
            raise ConfigError("A search needs an end: set budget.seconds, budget.trials or both.")
        for what, names, known in (
            ("goal", self.goals.objectives, (SCORE, *MEASURABLE)),
            ("limit", self.goals.limits, LIMITABLE),
            ("value to measure", self.measure, (*MEASURABLE, *ZERO_COST)),
        ):
            if unknown := [name for name in names if name not in known]:
                raise unknown_name(what, unknown[0], known)
        if self.trials is not None:
            object.__setattr__(self, "trials", int(self.trials))  # 5.0 is 5
        options.check("searchers", self.searcher)
        options.check("schedulers", self.scheduler)
        if options.flag("key 'deterministic'", self.deterministic):
            self._check_deterministic()

    def _check_deterministic(self) -> None:
        if self.trials is None:
            raise ConfigError(
                "A deterministic search ends after a number of trials, since no clock is exact: set budget.trials."
            )
        if pauses(self.scheduler):
            raise ConfigError(
                f"The scheduler '{self.scheduler['name']}' compares trials that run at the same time, which no two "
                "runs do alike. For deterministic=true, use scheduler=halving, asha, median_stopping, race or none."
            )

    @property
    def plan(self) -> TimePlan:
        """When the parts of the run have to be over."""
        return TimePlan(self.started, self.seconds, self.export, self.report)


def _is_limit(value: Any, whole: bool) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf and not (whole and value % 1)


def make_runner(config: SearchConfig) -> Runner:
    """Return the configured runner; "auto", with the options of ``ray_tune``, chooses by the size of the work."""
    chosen = config.runner
    if chosen.get("name") != "auto":
        return options.make("runners", chosen)
    # Made in any case: a wrong option is refused also where another runner will do.
    ray = options.make("runners", {**chosen, "name": "ray_tune"})
    name = _runner_by_size(config)
    if name == "ray_tune":
        return ray
    known = options.parameters(registry.load("runners", name).make)
    return options.make("runners", {"name": name} | {key: chosen[key] for key in chosen.keys() & known.keys()})


def _runner_by_size(config: SearchConfig) -> str:
    """This process for small work, worker processes for short budgets, and Ray for all else and where it is needed."""
    given = config.runner
    if given.get("address") or given.get("gpus_per_trial") is not None or pauses(config.scheduler):
        return "ray_tune"
    few = config.trials is not None and config.trials <= INLINE_TRIALS
    seconds = math.inf if config.seconds is None else config.seconds
    if n_cores() == 1 or few or seconds < INLINE_SECONDS:
        return "inline"
    return "processes" if seconds < RAY_SECONDS else "ray_tune"
