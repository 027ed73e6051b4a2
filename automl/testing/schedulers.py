"""What every scheduler keeps: it answers for every trial that runs or has ended, and lets the best one go on."""

import inspect
from collections.abc import Mapping
from typing import Any

from automl import options, registry
from automl.schedulers import pauses
from automl.schedulers._ray import RayScheduler
from automl.space import Float
from automl.testing.rules import about, check_methods
from automl.testing.toy import N_FOLDS
from automl.types import Candidate, FoldRef, Report, Scheduler, Status, Trial

# What trials score, again and again; the first ones are seen only at their end, as those of an earlier process.
SCORES = (0.5, 0.7, 0.5, -1e300, 0.9, 0.1, 0.6)
N_TRIALS, N_EARLIER = 30, 5
# Clearly better than all others, in each fold; among the first of a process, and among the last.
BEST, BEST_AT = 10.0, (5, 17, 29)
RAYS = ("on_trial_add", "on_trial_result", "on_trial_complete", "on_trial_error")


def check_scheduler(name: str, configuration: Mapping[str, Any]) -> None:
    """Check the scheduler that ``configuration`` asks for.

    Of one of Ray's that pauses trials, only that it is one: it asks Tune's controller, which there is none of.
    """
    made = _made(name, configuration)
    if made is None:
        return
    is_ours, may_pause = hasattr(made, "on_report"), pauses({"name": name})
    if not is_ours:
        check_methods(made, RAYS, "'make' returns None, what has 'on_report', or a scheduler of Ray Tune; such a one")
        if may_pause:
            return
    scores = (*SCORES, float("nan")) if is_ours else SCORES
    decider: Scheduler = made if is_ours else RayScheduler(made)
    for number in range(N_TRIALS):
        score = BEST if number in BEST_AT else scores[number % len(scores)]
        with about(f"of trial {number}, which scores {score:g}"):
            _follow(decider, number, score, may_pause)
        _tell_without_score(decider, number)


def _made(name: str, configuration: Mapping[str, Any]) -> Any:
    asked = inspect.signature(registry.load("schedulers", name).make).parameters
    given = {"space": {"x": Float(0, 1)}}
    with about("make"):
        arguments = [value for key, value in given.items() if key in asked]
        return options.make("schedulers", {"name": name, **configuration}, *arguments)


def _follow(decider: Scheduler, number: int, score: float, may_pause: bool) -> None:
    """Take a trial to its end, or as far as it may go."""
    done, stopped = 0, False
    while number >= N_EARLIER and done < N_FOLDS - 1 and not stopped:
        done += 1
        stopped = _decision(decider, _snapshot(number, done, "running", score), may_pause) == "stop"
        assert not (stopped and score == BEST), (
            f"the trial that is the best by far goes on to its end; it was stopped after {done} of {N_FOLDS} folds"
        )
    status: Status = "stopped" if stopped else "failed" if number % 7 == 0 else "finished"
    _tell(decider, _snapshot(number, done if stopped else N_FOLDS, status, score))


def _tell_without_score(decider: Scheduler, number: int) -> None:
    """Tell of trials that came to nothing: they broke, or were stopped, before a first report."""
    statuses: tuple[Status, ...] = ("failed", "stopped")
    for status in statuses:
        _tell(decider, Trial(Candidate(f"{status} {number}", {"x": 0.5}), status))


def _decision(decider: Scheduler, trial: Trial, may_pause: bool) -> str:
    with about(f"on_report of a running trial after {len(trial.reports)} folds"):
        decision = decider.on_report(trial)
    allowed = ("continue", "stop", "pause") if may_pause else ("continue", "stop")
    assert decision in allowed, (
        f"'on_report' answers {' or '.join(map(repr, allowed))}, and 'pause' where the scheduler has PAUSES = True; "
        f"got {decision!r}"
    )
    return decision


def _tell(decider: Scheduler, trial: Trial) -> None:
    how = f"{len(trial.folds)} folds" if trial.folds else "no score and no folds"
    with about(f"on_report of a {trial.status} trial with {how}"):
        decider.on_report(trial)


def _snapshot(number: int, done: int, status: Status, score: float) -> Trial:
    folds = tuple(FoldRef(fold, score) for fold in range(done))
    reports = tuple(Report((fold + 1) / N_FOLDS, score, fold + 1.0) for fold in range(done))
    return Trial(Candidate(str(number), {"x": number / 100}), status, {"score": score}, folds, reports, float(done))
