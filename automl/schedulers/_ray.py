"""Any of Ray's schedulers as a ``Scheduler``: for the runners that are not Ray Tune."""

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from automl.types import Decision, Trial

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

DECISIONS: dict[str, Decision] = {"CONTINUE": "continue", "PAUSE": "pause", "STOP": "stop"}


class RayScheduler:
    """Asks ``rule``, a ``ray.tune.schedulers.TrialScheduler``; its trials are told apart by their candidates' ids.

    A rule that pauses trials asks Tune's controller about them, which there is none of: such a one runs in Ray Tune
    only. A rule is given every report once, also when several come at a time or a trial is first seen at its end.
    """

    def __init__(self, rule: "TrialScheduler") -> None:
        self.rule = rule
        self._in_work: dict[str, _StandIn] = {}

    def on_report(self, trial: Trial) -> Decision:
        """Return what the rule says to what is new of ``trial``."""
        id, ended = trial.candidate.id, trial.status != "running"
        stand_in = self._in_work.get(id) or self._add(id)
        last = len(trial.reports) - ended  # the last word of an ended trial is said in another way
        decision: Decision = "continue"
        for report in trial.reports[stand_in.n_seen : last]:
            if not stand_in.stopped:  # Ray's rules do not expect more of a trial that they have stopped
                decision = DECISIONS[self.rule.on_trial_result(None, stand_in, _result(report.progress, report.score))]  # type: ignore[arg-type]
                stand_in.stopped = decision == "stop"
        stand_in.n_seen = last
        if ended:
            self._end(trial)
        return "stop" if stand_in.stopped else decision

    def _add(self, id: str) -> "_StandIn":
        stand_in = self._in_work[id] = _StandIn(id)
        with _numpy_seeded(zlib.crc32(id.encode())):
            self.rule.on_trial_add(None, stand_in)  # type: ignore[arg-type]
        return stand_in

    def _end(self, trial: Trial) -> None:
        stand_in = self._in_work.pop(trial.candidate.id)
        if trial.status == "failed" or not trial.reports:
            self.rule.on_trial_error(None, stand_in)  # type: ignore[arg-type]
        else:
            last = trial.reports[-1]
            self.rule.on_trial_complete(None, stand_in, _result(last.progress, last.score))  # type: ignore[arg-type]


class _StandIn:
    """Stands in for Ray's trial: its rules only compare and index by it."""

    def __init__(self, id: str) -> None:
        self.trial_id = id
        self.n_seen = 0
        self.stopped = False


def result_of(trial: Trial) -> dict[str, float]:
    """Return what Ray's rules look at: ``progress`` in percent, and ``score``, NaN before the first report."""
    progress = 1.0 if trial.status == "finished" else trial.reports[-1].progress if trial.reports else 0.0
    return _result(progress, math.nan if trial.score is None else trial.score)


def _result(progress: float, score: float) -> dict[str, float]:
    # Rounded, so that three fifths are the rung at 60 and not 0.1e-13 short of it.
    return {"progress": round(100 * progress, 6), "score": score}


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """ASHA draws a trial's bracket from NumPy's global generator: let it depend on the trial, and leave no trace."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
