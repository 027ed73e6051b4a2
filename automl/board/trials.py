"""The trials of a run as the page shows them: in any order, by pages, in sums and in samples, all by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select

from automl.board.asked import VALUE, Asked
from automl.board.source import OpenLeaderboard, Version
from automl.errors import unknown_name
from automl.figures.marks import Mark
from automl.goals import SCORE, Goals
from automl.leaderboard import queries
from automl.leaderboard.store import as_trial
from automl.leaderboard.tables import TrialRow
from automl.leaderboard.ties import tiers
from automl.types import Candidate, Trial

# Tiers are told apart among so many of the best.
_TIERED = 200
# Ranks by several goals take time that grows with the square of the trials; beyond so many the score decides.
MOST_RANKED = 3000
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


@dataclass(frozen=True)
class FamilySum:
    """What became of a family. ``best``: the id of its best trial, None where none has a score."""

    family: str
    counts: Mapping[str, int]
    seconds: float
    best: str | None
    score: float | None
    first: str

    @property
    def n(self) -> int:
        """How many trials it had."""
        return sum(self.counts.values())


class Trials:
    """The trials of one run at one version of it."""

    def __init__(self, source: OpenLeaderboard, run_id: int, version: Version, goals: Goals) -> None:
        self.source, self.run_id, self.version, self.goals = source, run_id, version, goals

    def page(self, choice: Asked, size: int) -> tuple[list[ShownTrial], int]:
        """Return the lines of the chosen page, and how many there are in all."""
        rows = self.order(choice)
        shown = rows[(choice.page - 1) * size : choice.page * size]
        return self._lines([int(row) for row in shown]), len(rows)

    def lines_of(self, ids: Sequence[str]) -> list[ShownTrial]:
        """Return the lines of some trials."""
        with self.source.database.read() as session:
            query = select(TrialRow.id).where(TrialRow.run_id == self.run_id).where(TrialRow.candidate_id.in_(ids))
            rows = list(session.scalars(query))
        return self._lines(rows)

    def order(self, choice: Asked | None = None) -> np.ndarray:
        """Return the rows of the chosen trials in the chosen order; by default all, best first."""
        choice = choice or Asked()
        return self._once(("order", choice.filters), lambda: self._order(choice))

    def families(self) -> list[FamilySum]:
        """Return the families with what became of them, the best first."""
        return self._once("families", self._families)

    def tiers(self) -> dict[int, int | None]:
        """Return the tiers of the best trials, by their rows."""
        return self._once("tiers", self._tiers)

    def front(self) -> list[str]:
        """Return the ids of the trials that no other one is better than in every goal."""
        return self._once("front", self._front)

    def ids_of(self, rows: Sequence[int]) -> list[str]:
        """Return the candidates' ids of rows, in their order."""
        with self.source.database.read() as session:
            found = session.execute(select(TrialRow.id, TrialRow.candidate_id).where(TrialRow.id.in_(rows)))
            known = {row.id: str(row.candidate_id) for row in found}
        return [known[row] for row in rows if row in known]

    def trial(self, id: str) -> tuple[Trial, float]:
        """Return a trial with all that is known of it, and when it ended. Raises ``UnknownNameError``."""
        with self.source.database.read() as session:
            row = session.scalars(
                select(TrialRow).where(TrialRow.run_id == self.run_id, TrialRow.candidate_id == id)
            ).one_or_none()
            if row is None:
                known = select(TrialRow.candidate_id).where(TrialRow.run_id == self.run_id).limit(1000)
                raise unknown_name("trial", id, session.scalars(known))
            return as_trial(row), row.ended_at

    def whole(self, rows: Sequence[int]) -> list[Trial]:
        """Return the trials in these rows with all that is known of them, in this order."""
        with self.source.database.read() as session:
            found = {row.id: as_trial(row) for row in session.scalars(select(TrialRow).where(TrialRow.id.in_(rows)))}
        return [found[row] for row in rows if row in found]

    def best(self, number: int, family: str | None = None) -> list[Trial]:
        """Return the best trials, of one family or of all."""
        choice = Asked(families=() if family is None else (family,))
        return self.whole([int(row) for row in self.order(choice)[:number]])

    def marks(self, most: int) -> list[Mark]:
        """Return marks of all trials, or of an even sample and of those that were the best when they ended."""
        return self._once(("marks", most), lambda: self._sample(most))

    def newest(self, number: int) -> list[Mark]:
        """Return marks of the trials that ended last, earliest first."""
        newest = select(TrialRow.id).where(TrialRow.run_id == self.run_id).order_by(TrialRow.id.desc()).limit(number)
        return self._marks(newest)

    def _once(self, key: Any, ask: Any) -> Any:
        return self.source.once((self.run_id, self.version, key), ask)

    def _order(self, choice: Asked) -> np.ndarray:
        if (
            choice.filters == Asked().filters
            and len(self.goals.objectives) > 1
            and self.version.n_trials <= MOST_RANKED
        ):
            return np.array(self._ranked_by_goals(), np.int64)
        query = select(TrialRow.id).where(TrialRow.run_id == self.run_id)
        if choice.families:
            query = query.where(TrialRow.family.in_(choice.families))
        if choice.statuses:
            query = query.where(TrialRow.status.in_(choice.statuses))
        if choice.find:
            query = query.where(_matches(self.run_id, choice.find))
        with self.source.database.read() as session:
            if choice.sort.startswith(VALUE):
                return self._by_value(session.execute(query.add_columns(TrialRow.values)), choice)
            rows = np.fromiter(session.scalars(query.order_by(*_sorted_by(choice))), np.int64)
        return rows[::-1] if choice.sort == "rank" and choice.descending else rows

    def _by_value(self, found: Any, choice: Asked) -> np.ndarray:
        name = choice.sort.removeprefix(VALUE)
        values = [(row, (values or {}).get(name)) for row, values in found]
        known = sorted((v, row) for row, v in values if v is not None and v == v)
        unknown = [row for row, v in values if v is None or v != v]
        ordered = [row for _, row in known]
        return np.array((ordered[::-1] if choice.descending else ordered) + unknown, np.int64)

    def _ranked_by_goals(self) -> list[int]:
        with self.source.database.read() as session:
            found = select(TrialRow.id, TrialRow.status, TrialRow.values).where(TrialRow.run_id == self.run_id)
            rows = session.execute(found.order_by(TrialRow.id))
            # The row stands in for the candidate's id.
            trials = [Trial(Candidate(str(row), {}), status, values or {}) for row, status, values in rows]
        return [int(trial.candidate.id) for trial in self.goals.rank(trials)]

    def _lines(self, rows: Sequence[int]) -> list[ShownTrial]:
        with self.source.database.read() as session:
            found = {row.id: row for row in session.execute(select(*_SHOWN).where(TrialRow.id.in_(rows)))}
        places = self._once("places", lambda: _places(self.order()))
        tiered = self.tiers()
        lines = []
        for row in rows:
            mark = _mark(found[row])
            rank = int(places[row]) if mark.is_scored else None
            lines.append(ShownTrial(rank, tiered.get(row), mark, tuple(found[row].fold_scores)))
        return lines

    def _tiers(self) -> dict[int, int | None]:
        best = [int(row) for row in self.order(Asked(sort="score"))[:_TIERED]]
        with self.source.database.read() as session:
            query = select(TrialRow.id, TrialRow.fold_scores).where(
                TrialRow.id.in_(best), TrialRow.status == "finished"
            )
            scores = dict(session.execute(query).all())  # type: ignore[arg-type]
        ordered = [row for row in best if row in scores]
        return dict(zip(ordered, tiers([scores[row] for row in ordered]), strict=True))

    def _front(self) -> list[str]:
        if len(self.goals.objectives) == 1:
            return self.ids_of([int(row) for row in self.order()[:1]])
        with self.source.database.read() as session:
            found = select(TrialRow.candidate_id, TrialRow.score, TrialRow.values).where(
                TrialRow.run_id == self.run_id, TrialRow.status == "finished"
            )
            rows = session.execute(found).all()
        costs = np.array([[_cost(name, (v or {}).get(name)) for name in self.goals.objectives] for _, _, v in rows])
        return [str(rows[i].candidate_id) for i in non_dominated(costs)] if rows else []

    def _families(self) -> list[FamilySum]:
        counted = (
            select(TrialRow.family, TrialRow.status, func.count(), func.sum(TrialRow.seconds), func.min(TrialRow.id))
            .where(TrialRow.run_id == self.run_id)
            .group_by(TrialRow.family, TrialRow.status)
        )
        with self.source.database.read() as session:
            rows = session.execute(counted).all()
            best = dict(session.execute(queries.best_of_families(self.run_id)).all())  # type: ignore[arg-type]
            first: dict[str, int] = {}
            for family, _, _, _, row in rows:
                first[family] = min(row, first.get(family, row))
            wanted = select(*_SHOWN[:5]).where(TrialRow.id.in_([*best.values(), *first.values()]))
            known = {row.id: row for row in session.execute(wanted)}
        sums = []
        for family in first:
            top = known[best[family]] if family in best else None
            of = [row for row in rows if row[0] == family]
            counts, seconds = {row[1]: row[2] for row in of}, sum(row[3] for row in of)
            score, id = (top.score, str(top.candidate_id)) if top is not None else (None, None)
            sums.append(FamilySum(family, counts, seconds, id, score, str(known[first[family]].candidate_id)))
        return sorted(sums, key=lambda one: -float("inf") if one.score is None else one.score, reverse=True)

    def _sample(self, most: int) -> list[Mark]:
        own = select(TrialRow.id).where(TrialRow.run_id == self.run_id)
        if self.version.n_trials <= most:
            return self._marks(own)
        every = -(-self.version.n_trials // most)
        return self._marks(own.where(TrialRow.id % every == 0), queries.improvements(self.run_id))

    def _marks(self, *chosen: Select[Any]) -> list[Mark]:
        with self.source.database.read() as session:
            rows = {int(row) for query in chosen for row in session.scalars(query)}
            found = []
            ordered = sorted(rows)
            for begin in range(0, len(ordered), 500):
                part = ordered[begin : begin + 500]
                found += session.execute(select(*_SHOWN).where(TrialRow.id.in_(part)).order_by(TrialRow.id)).all()
        return [_mark(row) for row in found]


def non_dominated(costs: np.ndarray) -> list[int]:
    """Return which rows of costs (n, k), less is better, no other row is at least as good as everywhere and better."""
    left = np.lexsort(costs.T[::-1])
    front: list[int] = []
    while len(left):
        first = left[0]
        front.append(int(first))
        worse = (costs[left] >= costs[first]).all(axis=1) & (costs[left] != costs[first]).any(axis=1)
        worse[0] = True
        left = left[~worse]
    return sorted(front)


def _places(order: np.ndarray) -> dict[int, int]:
    return {int(row): place for place, row in enumerate(order, start=1)}


def _mark(row: Any) -> Mark:
    known = (str(row.candidate_id), row.family, row.status, row.score, row.seconds, row.ended_at)
    return Mark(*known, row.started_at, row.worker or "", row.values or {})


def _cost(name: str, value: float | None) -> float:
    if value is None or value != value:
        return float("inf")
    return -value if name == SCORE else value


def _matches(run_id: int, find: str) -> ColumnElement[bool]:
    """Return the condition that a trial's id is this, or its family holds it."""
    escaped = find.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    by_family = func.lower(TrialRow.family).like(f"%{escaped}%", escape="\\")
    wanted = find.removeprefix("#")
    by_id = select(TrialRow.id).where(TrialRow.run_id == run_id, TrialRow.candidate_id == wanted)
    return TrialRow.id.in_(by_id) | by_family


def _sorted_by(choice: Asked) -> Sequence[Any]:
    if choice.sort in ("rank", "score"):
        standing = queries.STANDING
        return standing if choice.sort == "rank" or not choice.descending else _reverse_score()
    if choice.sort == "id":  # in the order of their numbers
        column: Any = func.length(TrialRow.candidate_id)
        own: list[Any] = [column, TrialRow.candidate_id]
        return [one.desc() for one in own] if choice.descending else own
    column = getattr(TrialRow, choice.sort)
    return [column.desc() if choice.descending else column, TrialRow.id]


def _reverse_score() -> Sequence[Any]:
    return [queries.UNSCORED, TrialRow.score, TrialRow.id]
