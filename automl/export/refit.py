"""The last fits of models whose candidates answer with one model each: on all rows, as long as their fold models' fits.

A fold model has not seen the rows of its validation part. One that has seen them too, with nothing left to stop by, is
about as good as all fold models together (AutoGluon's ``refit_full``: Erickson et al., 2020, arXiv:2003.06505).
Its score stays that of the fold models, on rows that they had not seen.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from automl.assemble import build
from automl.errors import in_one_line
from automl.space import Params
from automl.task import Batch, Task
from automl.training.pipeline import Pipeline

# Fewer rows more than a fold model has seen are not worth a fit.
LEAST_GROWTH = 1.02


@dataclass(frozen=True)
class Unfitted:
    """A candidate to fit on all rows. ``models``: loads its fold models, of ``folds``; ``seconds``: a fit's."""

    id: str
    params: Params
    folds: Sequence[int]
    models: Callable[[], Sequence[Pipeline]]
    seconds: float


class Refits:
    """Candidates, each fitted on all rows that any of its fold models has seen, in a thread beside the exports.

    They are fitted one after the other, each on one core: threads that wait for each other are slow where one of them
    has to wait for the exports. They are given up at ``until`` (``time.time()``); what would take longer is not begun.
    """

    def __init__(self, task: Task, candidates: Sequence[Unfitted], until: float, note: Callable[[str], None]) -> None:
        self.task, self.until, self.note = task, until, note
        self.ids = [one.id for one in candidates]
        self._rows: dict[str, np.ndarray] = {}
        self._models: dict[str, Pipeline] = {}
        self._thread = threading.Thread(target=self._run, args=(candidates,), daemon=True)
        self._thread.start()

    def models(self) -> dict[str, Pipeline]:
        """Wait for the models; return those that there are.

        A candidate has none where its family fits none without validation rows, or the time did not do.
        """
        self._thread.join(min(max(0.0, self.until - time.time()), threading.TIMEOUT_MAX))
        return dict(self._models)

    def rows(self, id: str) -> Batch:
        """Return what the model of a candidate was fitted on."""
        return self.task.data.take(self._rows[id])

    def _run(self, candidates: Sequence[Unfitted]) -> None:
        for one in candidates:
            try:
                self._fit(one)
            except Exception as error:  # the fold models are there
                reason = in_one_line(error)
                self.note(f"trial {one.id} could not be fitted on all rows: {type(error).__name__}: {reason}")

    def _fit(self, one: Unfitted) -> None:
        parts = [self.task.splits[fold][0] for fold in one.folds]
        self._rows[one.id] = np.unique(np.concatenate(parts))
        growth = len(self._rows[one.id]) * len(parts) / sum(map(len, parts))
        if growth < LEAST_GROWTH or time.time() + one.seconds * growth >= self.until:
            return
        model = build(one.params, self.task.problem)
        if not model.refits:
            return
        for _ in model.refit(self.rows(one.id), one.models(), growth):
            if time.time() >= self.until:
                return
        self._models[one.id] = model
