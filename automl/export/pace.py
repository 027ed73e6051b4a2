"""How long exports take on this machine, by what one fold model of each candidate takes."""

import time
from collections.abc import Mapping

from automl.clock import EXPORT_SECONDS, SECONDS_PER_COLUMN, seconds_to_export
from automl.export.member import members_of, predict, to_onnx
from automl.export.package import CHUNK_ROWS, opened_graph
from automl.kept import KeptTrials
from automl.machine import n_cores
from automl.task import Task

# So many cores answer many rows at once, where there are as many.
ANSWERING_CORES = 2


class Pace:
    """Knows how long a fold model of each candidate takes to be loaded, written, scored and replayed.

    One of them is taken through all of it, once; the others are alike. As that is done while trials run, the seconds of
    this process count, not those that it waits. What does not get through, as it is damaged or refused, is estimated
    from its size.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self._known: dict[str, float] = {}
        self._families: set[str] = set()

    def seconds(self, kept: KeptTrials, n_models: Mapping[str, int]) -> float:
        """Return about how long the export of so many models of each candidate takes, on the safe side."""
        whole = EXPORT_SECONDS + SECONDS_PER_COLUMN * len(self.task.schema.columns)
        return whole + sum(n * self._of_one(kept, id) for id, n in n_models.items())

    def _of_one(self, kept: KeptTrials, id: str) -> float:
        if id not in self._known:
            family, first = kept.trial(id).candidate.family, self._taken(kept, id)
            # A family's first one loads what all of them need.
            self._known[id] = first if family in self._families else self._taken(kept, id)
            self._families.add(family)
        return self._known[id]

    def _taken(self, kept: KeptTrials, id: str) -> float:
        sample, rows = self.task.data.x.take(self.task.sample_index), self.task.data.x.take(slice(CHUNK_ROWS))
        began = time.process_time()
        try:
            members = members_of(self.task, kept, {id: 1.0}, n_folds=1)
            answer = opened_graph(to_onnx(self.task, members), self.task.schema)
            predict(self.task, members, sample)
            seconds = time.process_time() - began
            answer(rows)
            per_row = (time.process_time() - began - seconds) / len(rows) / min(ANSWERING_CORES, n_cores())
            return seconds + per_row * self.task.n_test
        except Exception:  # shipping says what is wrong with it
            n_bytes = kept.n_bytes(id) / len(kept.trial(id).folds)
            return seconds_to_export(n_bytes, self.task.n_test, self.task.target.width) - EXPORT_SECONDS
