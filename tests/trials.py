"""Trials for tests, in one place: what a trial is made of may change, what tests say about it does not."""

from collections.abc import Sequence
from typing import Any

from automl.types import Candidate, Report, Status, Trial


def candidate(id: str = "0", **params: Any) -> Candidate:
    """A candidate of the family "a", or of the one in ``params``."""
    return Candidate(id, {"family": "a", **params})


def trial(
    of: Candidate | None = None,
    score: float | None = None,
    status: Status = "finished",
    *,
    fold_scores: Sequence[float] | None = None,
    progress: float = 1.0,
    seconds: float = 1.0,
    failure: str | None = None,
) -> Trial:
    """A trial with one report; by default with one fold, which has its score."""
    scores = tuple(fold_scores) if fold_scores is not None else (() if score is None else (score,))
    reports = () if score is None else (Report(progress, score, seconds),)
    return Trial(of or candidate(), status, score, scores, reports, seconds, failure)
