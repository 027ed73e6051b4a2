"""Trials for tests, in one place: what a trial is made of may change, what tests say about it does not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from automl.model_store import ModelStore
from automl.types import Candidate, FoldRef, Report, Status, Trial


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
    values: dict[str, float] | None = None,
) -> Trial:
    """A trial with one report; by default with one fold, which has its score."""
    scores = tuple(fold_scores) if fold_scores is not None else (() if score is None else (score,))
    folds = tuple(FoldRef(i, score) for i, score in enumerate(scores))
    known = {} if score is None else {"score": score}
    reports = () if score is None else (Report(progress, score, seconds),)
    return Trial(of or candidate(), status, known | (values or {}), folds, reports, seconds, failure)


def left(
    store: ModelStore, of: Trial, predictions: np.ndarray, models: Sequence[Any], valid_rows: Sequence[np.ndarray]
) -> Trial:
    """The trial, having left the first folds' parts of ``predictions`` (n_rows, ...) and ``models`` in ``store``."""
    store.create()
    folds = tuple(
        store.put(of.candidate.id, i, of.score or 0.0, predictions[valid_rows[i]], model)
        for i, model in enumerate(models)
    )
    return replace(of, folds=folds)
