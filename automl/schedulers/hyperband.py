"""HyperBand: brackets of trials that are halved together, from many short ones to few long ones."""

from typing import TYPE_CHECKING, Annotated

from automl.options import Range

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

PAUSES = True  # a trial waits, without a worker, until its bracket is complete


def make(*, eta: Annotated[float, Range(2)] = 3) -> "TrialScheduler":
    """Return Ray's HyperBand over progress in percent (Li et al., JMLR 2018, arXiv:1603.06560).

    eta: the share that goes on at each halving is 1/eta.
    """
    from ray.tune.schedulers import HyperBandScheduler

    return HyperBandScheduler(
        time_attr="progress", metric="score", mode="max", max_t=100, reduction_factor=eta, stop_last_trials=False
    )
