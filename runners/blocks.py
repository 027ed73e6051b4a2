"""What the runners share: the scheduler of a run, how trials end."""

import inspect
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from automl import options, registry
from automl.errors import AutoMLError, in_one_line
from automl.machine import worker
from automl.schedulers._lagged import Lagged
from automl.schedulers._limited import limited
from automl.schedulers._ray import RayScheduler
from automl.schedulers._sparing import Sparing
from automl.types import BY_SCHEDULER, Candidate, Objective, Proposer, Scheduler, Trial

# What schedulers may ask about the predictions of trials: see ``automl.training.objective.FitFolds``.
JUDGED = ("row_losses", "predicted", "fold_score")


def make_scheduler(config: Mapping[str, Any], proposals: Proposer, objective: Objective) -> Any:
    """Make the scheduler of ``{"name": ..., **options}``: one of Ray's, one of ours, or None.

    One that asks for the ``space`` gets that of ``proposals``, and what it asks of ``JUDGED`` it gets from the
    ``objective``; not in a deterministic run, as what trials have left depends on what else has ended by then.
    Raises ``UnknownNameError`` or ``ConfigError`` naming the nearest option.
    """
    named = {"name": "none", **config}
    judges = objective if proposals.lag is None else None
    given = {"space": proposals.space} | {name: getattr(judges, name, None) for name in JUDGED}
    asked = inspect.signature(registry.load("schedulers", named["name"]).make).parameters
    return options.make("schedulers", named, *[value for name, value in given.items() if name in asked])


def is_ours(scheduler: Any) -> bool:
    """Return whether a scheduler that was made is a ``Scheduler``, and not one of Ray's."""
    return hasattr(scheduler, "on_report")


def make_decider(config: Mapping[str, Any], proposals: Proposer, objective: Objective) -> Scheduler | None:
    """Make the scheduler of ``config`` as one of ours, whosever it is; it is told the trials of earlier processes.

    Within limits, one that compares trials beyond them with their like; with several goals, one that spares the front.
    In a deterministic run, one that decides alike with any number of workers. Raises as ``make_scheduler`` does.
    """

    def plain() -> Any:
        made = make_scheduler(config, proposals, objective)
        return made if made is None or is_ours(made) else RayScheduler(made)

    def sparing() -> Any:
        within = plain()
        return within if within is None or len(proposals.goals.objectives) == 1 else Sparing(within, proposals.goals)

    def make() -> Any:
        return limited(sparing, proposals.goals) if proposals.goals.limits else sparing()

    scheduler: Scheduler | None = make()
    if scheduler is None:
        return None
    if proposals.lag is not None:
        return Lagged(make, proposals.lag, proposals.trials)
    for trial in proposals.trials:
        scheduler.on_report(trial)
    return scheduler


def reason(error: BaseException) -> str:
    """Return ``error`` in one line for the leaderboard."""
    text = in_one_line(error, 500)
    return text if isinstance(error, AutoMLError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def started(candidate: Candidate) -> Trial:
    """Return the first snapshot of a trial, as its driver has it."""
    return Trial(candidate, "running")


def taken_up(candidate: Candidate) -> Trial:
    """Return the first snapshot of a trial, as the process that fits it has it."""
    return Trial(candidate, "running", worker=worker(), started_at=time.time())


def stopped(snapshot: Trial) -> Trial:
    """Return a running trial as stopped where it stands, with what it has."""
    return replace(snapshot, status="stopped")


def given_up(snapshot: Trial) -> Trial:
    """Return a running trial as stopped by its scheduler: too weak for what it has to be kept."""
    return replace(snapshot.without_models(), status="stopped", failure=BY_SCHEDULER)


def failed(snapshot: Trial, why: str) -> Trial:
    """Return a running trial as failed."""
    return replace(snapshot.without_models(), status="failed", failure=why)
