"""Which candidate is the compact model, and how many of its fold models answer."""

import math
from collections.abc import Callable, Collection
from functools import cache, partial

from automl.errors import DamagedError
from automl.export.choose import Ensemble
from automl.export.compress import loses_little
from automl.export.refit import Refit
from automl.kept import KeptTrials
from automl.task import Task
from automl.training.pipeline import Pipeline
from automl.types import Trial

# All that a compact model may lose has to halve its size so often.
HALVINGS = 4


def last_fit(task: Task, kept: KeptTrials, id: str, until: float, note: Callable[[str], None]) -> Refit:
    """Begin to fit the kept trial ``id`` on all rows."""
    trial = kept.trial(id)
    folds = [ref.fold for ref in trial.folds]
    seconds = trial.seconds / len(folds)

    def models() -> list[Pipeline]:
        return [kept.model(id, fold) for fold in folds]

    return Refit(task, id, trial.candidate.params, folds, models, seconds, until, note)


def small_near(chosen: Ensemble, kept: KeptTrials, refused: Collection[str], max_loss: float) -> tuple[str, int]:
    """Return a small candidate within ``max_loss`` (relative) of what is shipped; how many of its fold models answer.

    One, where its family can be fitted on all rows in the end, else all. A part of the loss has to make the model
    smaller by as much as ``HALVINGS`` says: the smallest of many would use up all that may be lost. Where none is so
    near, the nearest is taken. Only those count that saw as much as the first. Of what is shipped itself, where that is
    one candidate and no other is near, half of the fold models answer.
    """
    n_answering = cache(partial(_n_answering, kept))  # which reads a model
    ids = [id for id in kept.ids() if id not in refused]
    alike = [t for t in map(kept.trial, ids) if t.status == kept.trial(ids[0]).status]
    same = [t for t in alike if chosen.weights.keys() == {t.candidate.id} and n_answering(t.candidate.id) > 1]
    near = [t for t in alike if t not in same and loses_little(chosen.score, t.score or 0.0, max_loss)]
    if same and not near:
        return same[0].candidate.id, -(-len(same[0].folds) // 2)
    allowed = max_loss * abs(chosen.score) or 1.0

    def cost(trial: Trial) -> float:
        n_bytes = bytes_of_folds(kept, trial.candidate.id, n_answering(trial.candidate.id))
        return math.log2(max(1.0, n_bytes)) - HALVINGS * (trial.score or 0.0) / allowed

    best = min(near, key=cost) if near else max(alike, key=lambda t: t.score or 0.0)
    return best.candidate.id, n_answering(best.candidate.id)


def _n_answering(kept: KeptTrials, id: str) -> int:
    """Return how many fold models are as good as all of them: one that is fitted on all rows in the end is."""
    folds = kept.trial(id).folds
    try:
        return 1 if kept.model(id, folds[0].fold).refits else len(folds)
    except DamagedError:
        return len(folds)


def bytes_of_folds(kept: KeptTrials, id: str, n_folds: int) -> float:
    """Return about how many bytes so many fold models of a kept trial have."""
    return kept.n_bytes(id) * n_folds / len(kept.trial(id).folds)
