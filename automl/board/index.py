"""All trials of a run as columns in memory, some fifty bytes each: any order, sum and sample of them is then quick.

It is read once, and what ended since is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from automl.leaderboard.tables import TrialRow

STATUSES = ("finished", "stopped", "failed")
_READ = (TrialRow.id, TrialRow.family, TrialRow.status, TrialRow.score, TrialRow.seconds, TrialRow.ended_at)


@dataclass(frozen=True)
class Index:
    """Columns of n trials in the order in which they ended.

    ``row``: (n,) ids of the rows, rising. ``family``, ``status``: (n,) places in ``families`` and ``STATUSES``.
    ``score``: (n,), NaN where there is none. ``seconds``, ``ended_at``: (n,).
    """

    families: tuple[str, ...]
    row: np.ndarray
    family: np.ndarray
    status: np.ndarray
    score: np.ndarray
    seconds: np.ndarray
    ended_at: np.ndarray

    @classmethod
    def read(cls, session: Session, run_id: int, earlier: "Index | None" = None) -> "Index":
        """Return the trials of a run; ``earlier``: those of an earlier moment, of which all are still there."""
        after = int(earlier.row[-1]) if earlier and len(earlier.row) else 0
        query = select(*_READ).where(TrialRow.run_id == run_id, TrialRow.id > after).order_by(TrialRow.id)
        columns = list(zip(*session.connection().execute(query), strict=True)) or [()] * len(_READ)
        known = {family: i for i, family in enumerate(earlier.families if earlier else ())}
        families = np.array([known.setdefault(family, len(known)) for family in columns[1]], np.int32)
        new = cls(
            families=tuple(known),
            row=np.array(columns[0], np.int64),
            family=families,
            status=np.array([STATUSES.index(status) for status in columns[2]], np.int8),
            score=np.array([np.nan if score is None else score for score in columns[3]], float),
            seconds=np.array(columns[4], float),
            ended_at=np.array(columns[5], float),
        )
        return new if earlier is None else earlier._with(new)

    def _with(self, new: "Index") -> "Index":
        names = ("row", "family", "status", "score", "seconds", "ended_at")
        joined = {name: np.concatenate([getattr(self, name), getattr(new, name)]) for name in names}
        return replace(self, families=new.families, **joined)

    def __len__(self) -> int:
        return len(self.row)

    @cached_property
    def is_scored(self) -> np.ndarray:
        """(n,) whether a trial has a score to be ranked by."""
        return ~np.isnan(self.score) & (self.status != STATUSES.index("failed"))

    @cached_property
    def standing(self) -> np.ndarray:
        """(n,) places of the trials, best first: the order of ``queries.standings``."""
        group = np.where(self.status == STATUSES.index("failed"), 2, np.where(self.is_scored, 0, 1))
        score = np.where(self.is_scored, -np.nan_to_num(self.score, nan=0.0), 0.0)
        return np.lexsort((self.row, score, self.status != STATUSES.index("finished"), group))

    @cached_property
    def improvements(self) -> np.ndarray:
        """Places of the finished trials that were better than all that had finished before."""
        finished = np.flatnonzero(self.is_scored & (self.status == STATUSES.index("finished")))
        best = np.maximum.accumulate(self.score[finished]) if len(finished) else np.zeros(0)
        return finished[np.r_[True, best[1:] > best[:-1]]] if len(finished) else finished

    def sorted_by(self, column: str, descending: bool) -> np.ndarray:
        """(n,) places of the trials by "family", "score", "seconds", "status" or "ended_at", then as they ended."""
        if column == "score":
            order = self.standing
            scored = order[self.is_scored[order]]
            by_score = scored[np.argsort(-self.score[scored], kind="stable")]
            return np.r_[by_score[::-1] if descending else by_score, order[~self.is_scored[order]]]
        keys: Any = getattr(self, column)
        if column in ("family", "status"):
            keys = _alphabetical(self.families if column == "family" else STATUSES)[keys]
        return np.argsort(-keys if descending else keys, kind="stable")

    def chosen(self, families: Sequence[str], statuses: Sequence[str]) -> np.ndarray:
        """(n,) whether a trial is of one of these families and statuses; none given: of any."""
        of_family = np.array([not families or family in families for family in self.families], bool)
        of_status = np.array([not statuses or status in statuses for status in STATUSES], bool)
        return of_family[self.family] & of_status[self.status] if len(self) else np.zeros(0, bool)


def _alphabetical(names: Sequence[str]) -> np.ndarray:
    """Return the place of each name in the alphabet of all."""
    places = np.empty(len(names), int)
    places[sorted(range(len(names)), key=lambda i: names[i])] = np.arange(len(names))
    return places
