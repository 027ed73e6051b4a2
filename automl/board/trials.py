"""The trials of a run as the page shows them: in any order, by pages, in sums and in samples."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import select, text

from automl.board import families
from automl.board.asked import VALUE, Asked
from automl.board.families import FamilySum
from automl.board.index import STATUSES, Index
from automl.board.source import OpenLeaderboard, Version
from automl.errors import UnknownNameError
from automl.figures.marks import Mark
from automl.goals import Goals, non_dominated
from automl.leaderboard import queries, words
from automl.leaderboard.records import Standing
from automl.leaderboard.store import as_trial
from automl.leaderboard.tables import TrialRow
from automl.leaderboard.ties import tiers
from automl.types import Candidate, Trial

Answer = TypeVar("Answer")
# Tiers are told apart among so many of the best.
_TIERED = 200
# Ranks by several goals take time that grows with the square of the trials; beyond so many the score decides.
MOST_RANKED = 3000
_AT_ONCE = 500
# As the driver gives them, see ``index``.
_IDS = text("SELECT id, candidate_id FROM trial WHERE run_id = :run")
_SHOWN = (
    *(TrialRow.id, TrialRow.candidate_id, TrialRow.family, TrialRow.status, TrialRow.score, TrialRow.fold_scores),
    *(TrialRow.seconds, TrialRow.ended_at, TrialRow.started_at, TrialRow.worker, TrialRow.values),
)


@dataclass(frozen=True)
class ShownTrial:
    """A trial's line. ``rank``: from 1, None without a score. ``tier``: see ``ties.tiers``, None where unknown."""

    rank: int | None
    tier: int | None
    mark: Mark
    fold_scores: tuple[float, ...]

    @property
    def standing(self) -> Standing:
        """What files say of it."""
        mark = self.mark
        known = (mark.id, mark.family, mark.status, mark.score, self.fold_scores, mark.seconds, mark.values)
        return Standing(self.rank, *known)


class Trials:
    """The trials of one run at one version of it."""

    def __init__(self, source: OpenLeaderboard, run_id: int, version: Version, goals: Goals) -> None:
        self.source, self.run_id, self.version, self.goals = source, run_id, version, goals

    @property
    def index(self) -> Index:
        """The columns of all trials."""
        return self._once("index", lambda: self.source.index(self.run_id, self.version.n_trials))

    def page(self, asked: Asked, size: int) -> tuple[list[ShownTrial], int]:
        """Return the lines of the page that is asked for, and how many there are in all."""
        rows = self.order(asked)
        return self.lines(rows[(asked.page - 1) * size : asked.page * size]), len(rows)

    def lines_of(self, ids: Sequence[str]) -> list[ShownTrial]:
        """Return the lines of some trials."""
        return self.lines(self._rows_of(ids))

    def order(self, asked: Asked | None = None) -> np.ndarray:
        """Return the rows of the trials that are asked for, in order; by default all, best first."""
        wanted = asked or Asked()
        return self._once(("order", wanted.filters), lambda: self._order(wanted))

    def eligible(self) -> np.ndarray:
        """Return which of the trials, in the order of the index, may be called the best: see ``Goals.eligible``."""
        return self._once("eligible", self._eligible)

    def families(self) -> list[FamilySum]:
        """Return the families with what became of them, the best first."""
        return self._once("families", self._families)

    def tiers(self) -> dict[int, int | None]:
        """Return the tiers of the best trials, by their rows."""
        return self._once("tiers", self._tiers)

    def front(self) -> list[str]:
        """Return the ids of the trials that no other one is better than in every goal."""
        return self._once("front", self._front)

    def failures(self) -> list[tuple[int, str, str]]:
        """Return how often trials failed, of which family and why, the most frequent first."""

        def ask() -> list[tuple[int, str, str]]:
            with self.source.database.read() as session:
                return words.failures(queries.failures(session, self.run_id))

        return self._once("failures", ask)

    def trial(self, id: str) -> tuple[Trial, float]:
        """Return a trial with all that is known of it, and when it ended. Raises ``UnknownNameError``."""
        with self.source.database.read() as session:
            own = select(TrialRow).where(TrialRow.run_id == self.run_id, TrialRow.candidate_id == id)
            row = session.scalars(own).one_or_none()
            if row is None:
                raise UnknownNameError(f"Run {self.run_id} has no trial '{id}' that has ended.")
            return as_trial(row), row.ended_at

    def whole(self, rows: Sequence[int] | np.ndarray) -> list[Trial]:
        """Return the trials in these rows with all that is known of them, in this order."""
        found: dict[int, Trial] = {}
        with self.source.database.read() as session:
            for part in _parts(rows):
                query = select(TrialRow).where(TrialRow.id.in_(part))
                found |= {row.id: as_trial(row) for row in session.scalars(query)}
        return [found[int(row)] for row in rows if int(row) in found]

    def told(self, rows: np.ndarray) -> dict[str, tuple[str | None, Mapping[str, Any]]]:
        """Return why the trials in these rows failed and their parameters, by their ids."""
        with self.source.database.read() as session:
            query = select(TrialRow.candidate_id, TrialRow.failure, TrialRow.params)
            parts = [session.execute(query.where(TrialRow.id.in_(part))).all() for part in _parts(rows)]
        return {id: (failure, params) for part in parts for id, failure, params in part}

    def best(self, number: int, family: str | None = None) -> list[Trial]:
        """Return the best trials, of one family or of all."""
        return self.whole(self.order(Asked(families=() if family is None else (family,)))[:number])

    def marks(self, most: int) -> list[Mark]:
        """Return marks of all trials, or of an even sample and of those that were the best when they ended."""
        return self._once(("marks", most), lambda: self._sample(most))

    def newest(self, number: int) -> list[Mark]:
        """Return marks of the trials that ended last, earliest first."""
        return self._once(("newest", number), lambda: self._marks(self.index.row[-number:]))

    def _once(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        return self.source.once((self.run_id, self.version, key), ask)

    def _order(self, asked: Asked) -> np.ndarray:
        if asked.sort == "id" or asked.sort.startswith(VALUE):
            places = self._by_what_is_read(asked)
        elif asked.sort == "rank":
            places = self._standing()[:: -1 if asked.descending else 1]
        else:
            places = self.index.sorted_by(asked.sort, asked.descending)
        wanted = self.index.chosen(asked.families, asked.statuses)
        if asked.find:
            wanted &= self._matches(asked.find)
        return self.index.row[places[wanted[places]]]

    def _standing(self) -> np.ndarray:
        several = len(self.goals.objectives) > 1
        if self.goals.by_score_alone or (several and len(self.index) > MOST_RANKED):
            return self.index.standing
        with self.source.database.read() as session:
            found = select(TrialRow.id, TrialRow.status, TrialRow.values).where(TrialRow.run_id == self.run_id)
            rows = session.execute(found.order_by(TrialRow.id))
            # The row stands in for the candidate's id.
            trials = [Trial(Candidate(str(row), {}), status, values or {}) for row, status, values in rows]
        ranked = np.array([int(trial.candidate.id) for trial in self.goals.rank(trials)], np.int64)
        return self._places(ranked)

    def _eligible(self) -> np.ndarray:
        index = self.index
        if not self.goals.limits:
            return index.is_scored
        with self.source.database.read() as session:
            found = session.execute(select(TrialRow.id, TrialRow.values).where(TrialRow.run_id == self.run_id))
            within = [row for row, values in found if self.goals.allows(values or {})]
        allowed = index.is_scored & np.isin(index.row, within)
        return allowed if allowed.any() else index.is_scored

    def _by_what_is_read(self, asked: Asked) -> np.ndarray:
        """Return the places of all trials by the number in their id, or by a measured value; those without it last."""
        name = asked.sort.removeprefix(VALUE)
        with self.source.database.read() as session:
            if asked.sort == "id":
                found = session.connection().execute(_IDS, {"run": self.run_id}).cursor.fetchall()
                values = [float(id) if id.isdecimal() else np.nan for _, id in found]
            else:
                found = session.execute(
                    select(TrialRow.id, TrialRow.values).where(TrialRow.run_id == self.run_id)
                ).all()
                values = [np.nan if (own or {}).get(name) is None else own[name] for _, own in found]
        rows, keys = np.array([row for row, _ in found], np.int64), np.array(values, float)
        order = np.lexsort((rows, -keys if asked.descending else keys))
        return self._places(rows[order])

    def _places(self, rows: np.ndarray) -> np.ndarray:
        """Return where rows are in the index; what ended since is not there yet."""
        there = rows[np.isin(rows, self.index.row)]
        return np.searchsorted(self.index.row, there)

    def _matches(self, find: str) -> np.ndarray:
        """Return whether a trial's family holds what is looked for, or its id is that."""
        index = self.index
        of_family = np.array([find.lower() in family.lower() for family in index.families], bool)
        return of_family[index.family] | np.isin(index.row, self._rows_of([find.removeprefix("#")]))

    def _rows_of(self, ids: Sequence[str]) -> np.ndarray:
        with self.source.database.read() as session:
            query = select(TrialRow.id).where(TrialRow.run_id == self.run_id, TrialRow.candidate_id.in_(ids))
            return np.fromiter(session.scalars(query), np.int64)

    def lines(self, rows: np.ndarray) -> list[ShownTrial]:
        """Return the lines of the trials in these rows, in this order."""
        scores: dict[int, tuple[float, ...]] = {}
        marks = dict(self._read(rows, scores))
        ranks, tiered = self._once("ranks", self._ranks), self.tiers()
        lines = []
        for row in (int(row) for row in rows if int(row) in marks):
            place = int(np.searchsorted(self.index.row, row))
            known = place < len(self.index)  # else it ended since
            rank = int(ranks[place]) if known and self.index.is_scored[place] else None
            lines.append(ShownTrial(rank, tiered.get(row), marks[row], scores[row]))
        return lines

    def _ranks(self) -> np.ndarray:
        """Return the rank of each trial, in the order of the index."""
        ranks = np.empty(len(self.index), np.int64)
        ranks[np.searchsorted(self.index.row, self.order())] = np.arange(1, len(self.index) + 1)
        return ranks

    def _tiers(self) -> dict[int, int | None]:
        best = self.order(Asked(sort="score", statuses=("finished",)))
        best = best[np.isin(best, self.index.row[self.eligible()])][:_TIERED]
        scores: dict[int, tuple[float, ...]] = {}
        ordered = [row for row, _ in self._read(best, scores)]
        return dict(zip(ordered, tiers([scores[row] for row in ordered]), strict=True))

    def _front(self) -> list[str]:
        if len(self.goals.objectives) == 1:
            return [mark.id for mark in self._marks(self.order()[:1])]
        with self.source.database.read() as session:
            finished = TrialRow.run_id == self.run_id, TrialRow.status == "finished"
            rows = session.execute(select(TrialRow.candidate_id, TrialRow.values).where(*finished)).all()
        rows = [row for row in rows if self.goals.allows(row.values or {})]
        return [str(rows[i].candidate_id) for i in non_dominated(self.goals.costs([v or {} for _, v in rows]))]

    def _families(self) -> list[FamilySum]:
        index = self.index
        found = families.places(index, self._places(self.order()))
        wanted = [place for one in found.values() for place in (one.best, one.first) if place is not None]
        scores: dict[int, tuple[float, ...]] = {}
        ids = {row: mark.id for row, mark in self._read(index.row[wanted], scores)}
        sums = []
        for code, one in found.items():
            own = index.family == code
            statuses = np.bincount(index.status[own], minlength=len(STATUSES))
            counts = {status: int(n) for status, n in zip(STATUSES, statuses, strict=True) if n}
            known: tuple[str | None, float | None, int, bool] = (None, None, 0, False)
            if one.best is not None:
                row, is_partial = int(index.row[one.best]), index.status[one.best] != STATUSES.index("finished")
                known = (ids[row], float(index.score[one.best]), len(scores[row]), bool(is_partial))
            seconds = float(index.seconds[own].sum())
            sums.append(FamilySum(index.families[code], counts, seconds, *known, ids[int(index.row[one.first])]))
        return sums

    def _sample(self, most: int) -> list[Mark]:
        rows = self.index.row
        if len(rows) > most:
            even = np.linspace(0, len(rows) - 1, most).astype(int)
            rows = rows[np.union1d(even, self.index.improvements(self.eligible()))]
        return self._marks(rows)

    def _marks(self, rows: np.ndarray) -> list[Mark]:
        return [mark for _, mark in self._read(rows)]

    def _read(self, rows: np.ndarray, scores: dict[int, tuple[float, ...]] | None = None) -> list[tuple[int, Mark]]:
        """Return marks with their rows, in the order that is given; fold scores go into ``scores``."""
        found: dict[int, Mark] = {}
        with self.source.database.read() as session:
            for part in _parts(rows):
                for row in session.execute(select(*_SHOWN).where(TrialRow.id.in_(part))):
                    found[row.id] = _mark(row)
                    if scores is not None:
                        scores[row.id] = tuple(row.fold_scores)
        return [(int(row), found[int(row)]) for row in rows if int(row) in found]


def _parts(rows: Sequence[int] | np.ndarray) -> list[list[int]]:
    """Return rows in parts that a query takes at once."""
    return [[int(row) for row in rows[i : i + _AT_ONCE]] for i in range(0, len(rows), _AT_ONCE)]


def _mark(row: Any) -> Mark:
    known = (str(row.candidate_id), row.family, row.status, row.score, row.seconds, row.ended_at)
    return Mark(*known, row.started_at, row.worker or "", row.values or {})
