"""The last fit of a model that is shipped alone: on all rows, for as long as its fold models were fitted.

A fold model has not seen the rows of its validation part. One that has seen them too, with nothing left to stop by, is
about as good as all fold models together (AutoGluon's ``refit_full``: Erickson et al., 2020, arXiv:2003.06505).
Its score stays that of the fold models, on rows that they had not seen.
"""

import threading
import time
from collections.abc import Callable

import numpy as np

from automl.assemble import build
from automl.kept import KeptTrials
from automl.task import Task
from automl.training.pipeline import Pipeline

# Fewer rows more than a fold model has seen are not worth a fit.
LEAST_GROWTH = 1.02


class Refit:
    """The candidate ``id`` fitted on all rows that any of its fold models has seen, in a thread beside the exports.

    It is given up at ``until`` (``time.time()``), and not begun where the fold models say that it would take longer.
    """

    def __init__(self, task: Task, kept: KeptTrials, id: str, until: float, note: Callable[[str], None]) -> None:
        self.task, self.kept, self.id, self.until, self.note = task, kept, id, until, note
        self.trial = kept.trial(id)
        parts = [task.splits[ref.fold][0] for ref in self.trial.folds]
        self.rows = np.unique(np.concatenate(parts))
        self.growth = len(self.rows) * len(parts) / sum(map(len, parts))
        self._model: Pipeline | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        seconds = self.trial.seconds / len(self.trial.folds) * self.growth
        self._worth = self.growth >= LEAST_GROWTH and time.time() + seconds < until
        if self._worth:
            self._thread.start()

    def model(self) -> Pipeline | None:
        """Wait for the model; None where its family fits none without validation rows, or the time did not do."""
        if self._worth:
            self._thread.join(min(max(0.0, self.until - time.time()), threading.TIMEOUT_MAX))
        return self._model

    def _run(self) -> None:
        try:
            like = [self.kept.model(self.id, ref.fold) for ref in self.trial.folds]
            if not hasattr(like[0].model, "refit"):
                return
            model = build(self.trial.candidate.params, self.task.problem)
            for _ in model.refit(self.task.data.take(self.rows), like, self.growth):
                if time.time() >= self.until:
                    return
            self._model = model
        except Exception as error:  # the fold models are there
            reason = " ".join(str(error).split())[:200]
            self.note(f"trial {self.id} could not be fitted on all rows: {type(error).__name__}: {reason}")
