"""What the runners share: the scheduler of a run, how trials end."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from automl import options, registry
from automl.errors import AutoMLError
from automl.schedulers._lagged import Lagged
from automl.schedulers._ray import RayScheduler
from automl.types import Candidate, Proposer, Scheduler, Trial


def pauses(config: Mapping[str, Any]) -> bool:
    """Return whether the scheduler of ``config`` pauses trials, so that several must be in flight."""
    return bool(getattr(registry.load("schedulers", config.get("name", "none")), "PAUSES", False))


def make_scheduler(config: Mapping[str, Any], proposals: Proposer) -> Any:
    """Make the scheduler of ``{"name": ..., **options}``: one of Ray's, one of ours, or None.

    One that needs the space gets that of ``proposals``. Raises ``UnknownNameError`` or ``ConfigError`` naming the
    nearest option.
    """
    given = {"name": "none", **config}
    takes_space = "space" in inspect.signature(registry.load("schedulers", given["name"]).make).parameters
    return options.make("schedulers", given, *[proposals.space] if takes_space else [])


def make_decider(config: Mapping[str, Any], proposals: Proposer) -> Scheduler | None:
    """Make the scheduler of ``config`` as one of ours, whosever it is; it is told the trials of earlier processes.

    In a deterministic run, one that decides alike with any number of workers. Raises as ``make_scheduler`` does.
    """
    if make_scheduler(config, proposals) is None:
        return None

    def make() -> Scheduler:
        made = make_scheduler(config, proposals)
        return made if hasattr(made, "on_report") else RayScheduler(made)

    if proposals.lag is not None:
        return Lagged(make, proposals.lag, proposals.trials)
    scheduler = make()
    for trial in proposals.trials:
        scheduler.on_report(trial)
    return scheduler


def reason(error: BaseException) -> str:
    """Return ``error`` in one line for the leaderboard."""
    text = " ".join(str(error).split())
    line = text if isinstance(error, AutoMLError) and text else f"{type(error).__name__}: {text}".rstrip(": ")
    return line if len(line) <= 500 else line[:497] + "..."


def started(candidate: Candidate) -> Trial:
    """Return the first snapshot of a trial."""
    return Trial(candidate, "running")


def stopped(snapshot: Trial) -> Trial:
    """Return a running trial as stopped where it stands, with what it has."""
    return replace(snapshot, status="stopped")


def given_up(snapshot: Trial) -> Trial:
    """Return a running trial as stopped by its scheduler: too weak for what it has to be kept."""
    return replace(snapshot.without_models(), status="stopped")


def failed(snapshot: Trial, why: str) -> Trial:
    """Return a running trial as failed."""
    return replace(snapshot.without_models(), status="failed", failure=why)


def result_of(snapshot: Trial) -> dict[str, float]:
    """Return what schedulers look at: ``progress`` in percent and ``score`` (NaN before the first report)."""
    progress = 1.0 if snapshot.status == "finished" else snapshot.reports[-1].progress if snapshot.reports else 0.0
    # Rounded, so that three fifths are the rung at 60 and not 0.1e-13 short of it.
    return {"progress": round(100 * progress, 6), "score": float("nan") if snapshot.score is None else snapshot.score}
