"""What the runners share: the scheduler of a run, how trials end."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from automl import options, registry
from automl.errors import AutoMLError
from automl.types import Candidate, Searcher, Trial

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler


def pauses(config: Mapping[str, Any]) -> bool:
    """Return whether the scheduler of ``config`` pauses trials, so that several must be in flight."""
    return bool(getattr(registry.load("schedulers", config.get("name", "none")), "PAUSES", False))


def make_scheduler(config: Mapping[str, Any], searcher: Searcher) -> "TrialScheduler | None":
    """Make the scheduler of ``{"name": ..., **options}``; one that needs the space gets the searcher's.

    Raises ``UnknownNameError`` or ``ConfigError`` naming the nearest option.
    """
    given = {"name": "none", **config}
    takes_space = "space" in options.parameters(registry.load("schedulers", given["name"]).make)
    space = {"space": searcher.space} if takes_space else {}  # type: ignore[attr-defined]
    return options.make("schedulers", given, **space)


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
