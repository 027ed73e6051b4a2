"""Which of a search's better trials answer together."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from automl import ensemble
from automl.errors import DamagedError, ExportError
from automl.export.config import ShipConfig
from automl.export.member import fold_scores, mean_score
from automl.kept import KeptTrials
from automl.task import Task

Note = Callable[[str], None]
# How many of the trials that were stopped early are tried as members; what fewer rows say of one is chance.
PARTIAL_TRIALS, PARTIAL_ROWS = 3, 30
# By so many standard errors one has to help: the best of many was tried, on the folds where it was seen.
SURE = 2.0


@dataclass(frozen=True)
class Ensemble:
    """The chosen candidates, their weights, and their common out-of-fold score (greater is better).

    ``n_folds``: how many fold models of each answer; None for all of them.
    """

    weights: Mapping[str, float]
    score: float
    n_folds: int | None = None


def choose(
    task: Task, kept: KeptTrials, config: ShipConfig, note: Note, without: frozenset[str] = frozenset()
) -> Ensemble:
    """Choose the ensemble among the kept trials. One whose files are damaged is dropped, with a note.

    It is chosen among the trials that predicted the most rows. One that was stopped on the way has fewer
    models to average, and was seen on fewer rows: it joins them only if the ensemble with it is better on
    the rows that it has by more than the spread over folds lets chance be, of as many folds as it has.
    """
    predictions = _predictions(kept, note, without)
    if not predictions:
        raise ExportError("No kept model could be exported; the notes above say why.")
    seen = {i: np.isfinite(p).all(axis=1) for i, p in predictions.items()}
    most = max(rows.sum() for rows in seen.values())
    complete = [i for i in predictions if seen[i].sum() == most][: config.candidates]
    best = _select(task, {i: predictions[i] for i in complete}, config)
    spread = float(np.nanstd(fold_scores(task, _together(task, predictions, best))))
    for partial in [i for i in predictions if PARTIAL_ROWS <= seen[i].sum() < most][:PARTIAL_TRIALS]:
        joined = _select(task, {i: predictions[i] for i in (*best, partial)}, config)
        on_its_rows = 0 * predictions[partial]  # NaN elsewhere
        before, after = (
            mean_score(task, _together(task, predictions, weights) + on_its_rows) for weights in (best, joined)
        )
        n_folds = len(fold_scores(task, predictions[partial]))
        chance = spread * math.sqrt(1 / n_folds - 1 / len(task.splits))
        if partial in joined and after > before + SURE * chance:
            best = joined
    chosen = _scored(task, predictions, best)
    # It was chosen on some of the rows, or with labels decided once: the best single one may be better after all.
    single = max(complete, key=lambda id: kept.trial(id).score or -math.inf)
    alone = _scored(task, predictions, {single: 1.0})
    return chosen if chosen.score >= alone.score else alone


def _predictions(kept: KeptTrials, note: Note, without: frozenset[str]) -> dict[str, np.ndarray]:
    """Return the out-of-fold predictions of the kept trials, best first; drop what cannot be read."""
    found = {}
    for id in kept.ids():
        if id not in without:
            try:
                found[id] = kept.predictions(id)
            except DamagedError as error:
                note(str(error))
                kept.drop(id)
    return found


def _select(task: Task, predictions: Mapping[str, np.ndarray], config: ShipConfig) -> dict[str, float]:
    data, limits = task.data, (config.rounds, config.max_members, task.seed)
    return ensemble.select(task.target, predictions, data.y, task.metric, task.valid_rows, data.weights, *limits)


def score_of(task: Task, kept: KeptTrials, weights: Mapping[str, float]) -> Ensemble:
    """Return the candidates with these weights as an ensemble, scored on the rows that all of them predicted."""
    return _scored(task, {i: kept.predictions(i) for i in weights}, weights)


def out_of_fold(task: Task, kept: KeptTrials, weights: Mapping[str, float]) -> np.ndarray:
    """Return what kept trials with these weights predict together out of fold, (n, width), NaN where one has none."""
    return _together(task, {id: kept.predictions(id) for id in weights}, weights)


def _together(task: Task, predictions: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    return ensemble.blend(task.target, predictions, weights)


def _scored(task: Task, predictions: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> Ensemble:
    return Ensemble(weights, mean_score(task, _together(task, predictions, weights)))
