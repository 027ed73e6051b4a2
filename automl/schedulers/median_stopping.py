"""Median stopping: a trial whose best score is below the median of the others' running means ends."""

import math
from typing import TYPE_CHECKING, Annotated

from automl.options import Range

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

PAUSES = False


def make(
    *, grace_percent: Annotated[float, Range(0, 100)] = 20, min_trials: Annotated[int, Range(1)] = 5
) -> "TrialScheduler":
    """Return Ray's median stopping rule over progress in percent (Golovin et al., Vizier, KDD 2017).

    grace_percent: no trial is stopped earlier. min_trials: how many others a median needs.
    """
    from ray.tune.schedulers import MedianStoppingRule

    return MedianStoppingRule(
        time_attr="progress",
        metric="score",
        mode="max",
        grace_period=grace_percent,
        min_samples_required=min_trials,
        min_time_slice=math.inf,  # type: ignore[arg-type]  # never pause a trial to let others catch up
    )
