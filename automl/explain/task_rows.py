"""Importance on the rows that a task holds: of fitted models out of fold, or of a shipped graph on locked rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse as sp

from automl.explain.importance import Importance, permutation_importance
from automl.explain.mixed import RowPool, Subject
from automl.explain.sample import sampled
from automl.export.member import Member, mean_score, validation_prediction
from automl.runtime.schema import numeric_parts
from automl.task import Batch, Rows, Schema, Task

# More rows than these tell little more about which features matter.
MOST_ROWS = 2000


@dataclass(frozen=True)
class TaskRows:
    """Encoded rows whose features can be mixed, as raw ones can (``mixed.RowPool``).

    ``parts``: of each feature, its columns in each field of ``Rows``. ``subwords``: of each feature, where the ids of
    its subwords begin and end.
    """

    features: tuple[str, ...]
    rows: Rows
    parts: tuple[tuple[str, np.ndarray], ...]
    arrays: RowPool | None = None
    subwords: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, schema: Schema, rows: Rows) -> "TaskRows":
        """Take rows of a task."""
        if schema.kind in ("image", "sequence"):
            x = rows.image if schema.kind == "image" else rows.sequence
            pool = Subject(schema.to_dict(), lambda x, _: x, bytes).pool((x, rows.lengths))
            return cls(pool.features, rows, (), pool)
        used = [column for column in schema.columns if column.role != "dropped"]
        at = {"numeric": 0, "categories": 0, "sparse": 0}
        parts = []
        ends = np.cumsum([2, *(len(column.subwords) for column in used)]).tolist()
        for column in used:
            field, width = {"categorical": ("categories", 1), "text": ("sparse", len(column.terms))}.get(
                column.role, ("numeric", len(numeric_parts(vars(column))))
            )
            parts.append((field, np.arange(at[field], at[field] + width)))
            at[field] += width
        return cls(tuple(column.name for column in used), rows, tuple(parts), subwords=tuple(pairwise(ends)))

    def mixed(self, source: np.ndarray) -> Rows:
        """Return the rows whose feature j is that of row ``source[r, j]``, (m, p)."""
        if self.arrays is not None:
            x, lengths = self.arrays.mixed(source)
            return replace(self.rows, **{self._array: x, **({} if lengths is None else {"lengths": lengths})})
        new: dict[str, Any] = {}
        for field in ("numeric", "categories"):
            array = getattr(self.rows, field)
            if array is not None:
                new[field] = np.empty((len(source), array.shape[1]), array.dtype)
        blocks = []
        for j, (field, columns) in enumerate(self.parts):
            if field == "sparse":
                blocks.append(self.rows.sparse[source[:, j]][:, columns])  # type: ignore[index]
            else:
                new[field][:, columns] = getattr(self.rows, field)[source[:, j, None], columns]
        if blocks:
            new["sparse"] = sp.hstack(blocks, format="csr")
        if self.rows.subwords is not None:
            new["subwords"] = self._mixed_subwords(self.rows.subwords, source)
        return replace(self.rows, **new)

    def _mixed_subwords(self, subwords: sp.csr_matrix, source: np.ndarray) -> sp.csr_matrix:
        """Put the texts of each row one after the other; an unknown character stays with the first of its row."""
        rows, ids = [], []
        for j, (start, end) in enumerate(self.subwords):
            own = subwords[source[:, j]].tocoo()
            kept = (own.data >= start) & (own.data < end) | ((own.data == 1) & (j == 0))
            rows.append(own.row[kept])
            ids.append(own.data[kept])
        order = np.argsort(np.concatenate(rows), kind="stable")
        row, data = np.concatenate(rows)[order], np.concatenate(ids)[order]
        ends = np.cumsum(np.bincount(row, minlength=len(source)))
        starts = np.concatenate([[0], ends])
        return sp.csr_matrix((data, np.arange(len(data)) - starts[row], starts), shape=(len(source), subwords.shape[1]))

    @property
    def _array(self) -> str:
        return "sequence" if self.rows.image is None else "image"


def out_of_fold(
    task: Task,
    members: Sequence[Member],
    repeats: int,
    seed: int,
    most: int = MOST_ROWS,
    goes_on: Callable[[], bool] = lambda: True,
) -> Importance:
    """Return the permutation importance on training rows, each answered by the models that had not seen it."""
    chosen = sampled(np.unique(np.concatenate([member.index for member in members])), most, seed)
    rows = TaskRows.of(task.schema, task.data.x.take(chosen))
    own = [np.flatnonzero(np.isin(chosen, member.index)) for member in members]

    def score(source: np.ndarray) -> float:
        answered = [
            replace(
                member,
                index=chosen[at],
                prediction=np.asarray(member.model.predict(rows.mixed(source[at])), np.float64),
            )
            for member, at in zip(members, own, strict=True)
            if len(at)
        ]
        return mean_score(task, validation_prediction(task, answered))

    return permutation_importance(score, rows.features, len(chosen), repeats, seed, goes_on)


def on_locked(
    task: Task,
    answer: Callable[[Rows], np.ndarray],
    locked: Batch,
    repeats: int,
    seed: int,
    most: int = MOST_ROWS,
    goes_on: Callable[[], bool] = lambda: True,
) -> Importance:
    """Return the permutation importance of what is shipped on rows that were locked away."""
    batch = locked.take(sampled(np.arange(len(locked)), most, seed))
    rows = TaskRows.of(task.schema, batch.x)

    def score(source: np.ndarray) -> float:
        return task.metric.score(batch.y, answer(rows.mixed(source)), batch.weights)

    return permutation_importance(score, rows.features, len(batch), repeats, seed, goes_on)
