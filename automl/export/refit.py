"""The last fit of a model that is shipped alone: on all rows, for as long as its fold models were fitted.

A fold model has not seen the rows of its validation part. One that has seen them too, with nothing left to stop by, is
about as good as all fold models together (AutoGluon's ``refit_full``: Erickson et al., 2020, arXiv:2003.06505).
Its score stays that of the fold models, on rows that they had not seen.
"""

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from automl.assemble import build
from automl.errors import in_one_line
from automl.space import Params
from automl.task import Task
from automl.training.pipeline import Pipeline

# Fewer rows more than a fold model has seen are not worth a fit.
LEAST_GROWTH = 1.02


class Refit:
    """The candidate ``id`` fitted on all rows that any of its fold models has seen, in a thread beside the exports.

    ``models``: loads those of ``folds``; ``seconds``: how long one of them took. It is given up at ``until``
    (``time.time()``), and not begun where it would take longer.
    """

    def __init__(
        self,
        task: Task,
        id: str,
        params: Params,
        folds: Sequence[int],
        models: Callable[[], Sequence[Pipeline]],
        seconds: float,
        until: float,
        note: Callable[[str], None],
    ) -> None:
        self.task, self.id, self.params, self.models, self.until, self.note = task, id, params, models, until, note
        parts = [task.splits[fold][0] for fold in folds]
        self.rows = np.unique(np.concatenate(parts))
        self.growth = len(self.rows) * len(parts) / sum(map(len, parts))
        self._model: Pipeline | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._worth = self.growth >= LEAST_GROWTH and time.time() + seconds * self.growth < until
        if self._worth:
            self._thread.start()

    def model(self) -> Pipeline | None:
        """Wait for the model; None where its family fits none without validation rows, or the time did not do."""
        if self._worth:
            self._thread.join(min(max(0.0, self.until - time.time()), threading.TIMEOUT_MAX))
        return self._model

    def _run(self) -> None:
        try:
            model = build(self.params, self.task.problem)
            if not model.refits:
                return
            for _ in model.refit(self.task.data.take(self.rows), self.models(), self.growth):
                if time.time() >= self.until:
                    return
            self._model = model
        except Exception as error:  # the fold models are there
            reason = in_one_line(error)
            self.note(f"trial {self.id} could not be fitted on all rows: {type(error).__name__}: {reason}")
