"""Population based training: weak trials take over the state of strong ones, with their parameters mutated."""

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from automl.options import Range
from automl.space import Choice, Mutate, Params, Space, draw, questions

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

PAUSES = True  # a trial gives way to others between two exchanges
NEEDS_STATE = True  # a trial goes on from another's state
STEP = 0.05  # of a rate that is searched over three decades: a factor of about 1.4


def make(
    space: Space,
    *,
    population: Annotated[int, Range(2)] = 8,
    interval_percent: Annotated[float, Range(0.1, 100)] = 10,
    quantile: Annotated[float, Range(0, 0.5)] = 0.25,
    resample: Annotated[float, Range(0, 1)] = 0.25,
    mutate: Sequence[str] = ("*.optimizer.*", "*.loss.*"),
    seed: int = 0,
) -> "TrialScheduler":
    """Return Ray's PBT over progress in percent (Jaderberg et al., 2017, arXiv:1711.09846).

    space: what is searched over; the runner gives it. population: trials in flight at once.
    interval_percent: progress between two exchanges. quantile: the share at the bottom that copies
    from the share at the top. resample: how often a number is drawn anew instead of moved by a step
    of some 5 % of its range. mutate: patterns of the paths that may change while a trial runs; only
    numbers that do not shape the network can.
    """
    from ray.tune.schedulers import PopulationBasedTraining

    rng = np.random.default_rng(seed)

    def explored(config: dict[str, Any]) -> dict[str, Any]:
        """Change the parameters of Tune's ``config``; called with the strong trial's."""
        return {**config, "params": explore(space, config["params"], rng, mutate, resample)}

    scheduler = PopulationBasedTraining(
        time_attr="progress",
        metric="score",
        mode="max",
        perturbation_interval=interval_percent,
        quantile_fraction=quantile,
        custom_explore_fn=explored,
        log_config=False,
    )
    scheduler.in_flight = population  # type: ignore[attr-defined]  # which the runner looks at
    return scheduler


def explore(space: Space, params: Params, rng: np.random.Generator, patterns: Sequence[str], resample: float) -> Params:
    """Return ``params`` with every number that matches one of ``patterns`` moved a step, or drawn anew."""
    numbers = [path for path, domain in questions(space, params).items() if not isinstance(domain, Choice)]
    free = [path for path in numbers if any(fnmatch(path, pattern) for pattern in patterns)]
    anew = {path for path in free if rng.random() < resample}
    kept = {path: value for path, value in params.items() if path not in anew}
    return draw(space, Mutate(kept, rng, [path for path in free if path not in anew], scale=STEP))
