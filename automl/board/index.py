"""All trials of a run as columns in memory, some fifty bytes each: any order, sum and sample of them is then quick.

It is read once, and what ended since is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

STATUSES = ("finished", "stopped", "failed")
_CODES = {status: code for code, status in enumerate(STATUSES)}
# As the driver gives it: what SQLAlchemy does for each row takes longer than all else. NaN may be a word, none NULL;
# NumPy takes both.
_READ = text(
    "SELECT id, family, status, score, seconds, ended_at FROM trial WHERE run_id = :run AND id > :after ORDER BY id"
)


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
        found = session.connection().execute(_READ, {"run": run_id, "after": after})
        columns = list(zip(*found.cursor.fetchall(), strict=True)) or [()] * 6
        row, family, status, score, seconds, ended_at = columns
        known = {name: code for code, name in enumerate(earlier.families if earlier else ())}
        codes = [known.setdefault(name, len(known)) for name in family]
        new = cls(
            families=tuple(known),
            row=np.array(row, np.int64),
            family=np.array(codes, np.int32),
            status=np.array([_CODES[name] for name in status], np.int8),
            score=np.array(score, float),
            seconds=np.array(seconds, float),
            ended_at=np.array(ended_at, float),
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

    def improvements(self, among: np.ndarray) -> np.ndarray:
        """Return the places of the finished trials ``among`` these, (n,), that were better than all before them."""
        finished = np.flatnonzero(among & self.is_scored & (self.status == STATUSES.index("finished")))
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
