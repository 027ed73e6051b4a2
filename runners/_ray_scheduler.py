"""A ``Scheduler`` of ours as one of Ray's, so that Ray Tune can run it.

That Ray keeps results back has no public switch: its private one was read in Ray 2.60.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from automl.runners.blocks import failed
from automl.types import Scheduler, Trial

ACTIONS = {
    "continue": TrialScheduler.CONTINUE,
    "pause": TrialScheduler.PAUSE,
    "stop": TrialScheduler.STOP,
}


class TuneScheduler(FIFOScheduler):
    """Asks ``scheduler`` about every result of Tune's trials, which start in the order they come.

    ``snapshot_of(result)``: the ``Trial`` that a worker has sent with a result. Tune asks its callbacks before it says
    that a trial is complete, and shows its last result only then: the snapshot must still be in it.
    """

    _supports_buffered_results = False  # each result is decided about before the next one

    def __init__(self, scheduler: Scheduler, snapshot_of: Callable[[dict[str, Any]], Trial]) -> None:
        super().__init__()
        self.scheduler, self.snapshot_of = scheduler, snapshot_of
        self._last: dict[str, Trial] = {}

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Return what the scheduler decides."""
        snapshot = self._last[trial.trial_id] = self.snapshot_of(result)
        if snapshot.status != "running" or not snapshot.reports:
            return ACTIONS["continue"]
        return ACTIONS[self.scheduler.on_report(snapshot)]

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:
        """Tell how a trial ended; one that still ran was stopped by the scheduler."""
        snapshot = self.snapshot_of(result)
        self._last.pop(trial.trial_id, None)
        self.scheduler.on_report(replace(snapshot, status="stopped") if snapshot.status == "running" else snapshot)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Tell of a trial that died."""
        if trial.trial_id in self._last:
            self.scheduler.on_report(failed(self._last.pop(trial.trial_id), "the worker process died"))
