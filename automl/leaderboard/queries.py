"""What is read of the leaderboard: of each row what is shown, by the database's own order and pages."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from automl.errors import AutoMLError, UnknownNameError, nearest
from automl.leaderboard import lease
from automl.leaderboard.database import Database
from automl.leaderboard.records import Run, RunSummary, Standing, StoredMetric
from automl.leaderboard.tables import RunRow, TrialRow

# Of so many runs, the newest, the names are compared with one that does not exist, and so many are listed.
_COMPARED, _LISTED = 1000, 20
_SHOWN = [getattr(RunRow, name) for name in RunSummary.__dataclass_fields__ if name != "metric"]
_SUMMARY = (*_SHOWN, RunRow.metric, RunRow.greater_is_better, RunRow.process, RunRow.renewed_at)
UNSCORED = or_(TrialRow.status == "failed", TrialRow.score.is_(None), TrialRow.score == math.nan)
# Best first: ranked before unscored before failed ones, whole before partial scores, then by score, then as they ended.
_STANDING = (
    case((TrialRow.status == "failed", 2), (UNSCORED, 1), else_=0),
    case((TrialRow.status == "finished", 0), else_=1),
    case((UNSCORED, 0.0), else_=TrialRow.score).desc(),
    TrialRow.id,
)


def runs(session: Session, database: Database) -> list[RunSummary]:
    """Return all runs, oldest first."""
    rows: Sequence[Any] = session.execute(select(*_SUMMARY, database.now()).order_by(RunRow.id)).all()
    return [_summary(row) for row in rows]


def find_run(session: Session, database: Database, key: int | str | Path | None) -> RunSummary:
    """Return a run by id, name or folder, the newest where several fit, or the newest of all (None).

    Raises ``UnknownNameError`` with the nearest name when there is none, ``AutoMLError`` when there are none at all.
    """
    row = session.execute(_matching(select(*_SUMMARY, database.now()), key).limit(1)).first()
    if row is None:
        raise _unknown(session, database, key)
    return _summary(row)


def with_config(session: Session, run: RunSummary) -> Run:
    """Return a run with its configuration."""
    return Run(**vars(run), config=session.scalars(select(RunRow.config).filter_by(id=run.id)).one())


def counts(session: Session, run_id: int) -> dict[str, int]:
    """Return how many trials of a run ended with each status."""
    query = select(TrialRow.status, func.count()).filter_by(run_id=run_id).group_by(TrialRow.status)
    return dict(session.execute(query).all())


def standings(session: Session, run_id: int, limit: int) -> list[Standing]:
    """Return the ``limit`` best of a run's trials, best first."""
    # The order is made from the index alone; whole rows are read of the page only.
    page = select(TrialRow.id).filter_by(run_id=run_id).order_by(*_STANDING).limit(limit).subquery()
    query = select(
        *(
            TrialRow.candidate_id,
            TrialRow.family,
            TrialRow.status,
            TrialRow.score,
            TrialRow.fold_scores,
            TrialRow.values,
        ),
        *(TrialRow.seconds, UNSCORED.label("unscored")),
    )
    rows = session.execute(query.join(page, page.c.id == TrialRow.id).order_by(*_STANDING))
    return [_standing(i, row) for i, row in enumerate(rows, start=1)]


def failures(session: Session, run_id: int) -> Sequence[tuple[str, str | None, int]]:
    """Return the different failures of a run, the earliest first: family, text, how often."""
    query = select(TrialRow.family, TrialRow.failure, func.count()).filter_by(run_id=run_id, status="failed")
    query = query.group_by(TrialRow.family, TrialRow.failure).order_by(func.min(TrialRow.id))
    return [(family, failure, n) for family, failure, n in session.execute(query)]


def sums_of_runs() -> Select[Any, Any, Any]:
    """Return the query for what the trials of each run came to: ``run_id``, ``n``, ``best`` of those that finished."""
    finished = and_(TrialRow.status == "finished", ~UNSCORED)
    best = func.max(case((finished, TrialRow.score)))
    return select(TrialRow.run_id, func.count().label("n"), best.label("best")).group_by(TrialRow.run_id)


def _matching(query: Select[Any], key: int | str | Path | None) -> Select[Any]:
    if key is None:
        return query.order_by(RunRow.id.desc())
    text = str(key)
    by_id = int(text) if text.isdecimal() and len(text) < 10 else -1
    by_folder = str(Path(text).resolve())
    preference = case((RunRow.id == by_id, 0), (RunRow.name == text, 1), else_=2)
    found = or_(RunRow.id == by_id, RunRow.name == text, RunRow.folder == by_folder)
    return query.where(found).order_by(preference, RunRow.id.desc())


def _unknown(session: Session, database: Database, key: int | str | Path | None) -> AutoMLError:
    newest = select(RunRow.id, RunRow.name, RunRow.folder).order_by(RunRow.id.desc()).limit(_COMPARED)
    found = session.execute(newest).all()
    if not found:
        return AutoMLError(
            f"The leaderboard {database.url} has no runs yet. Start a search, or give another leaderboard."
        )
    close = nearest(key, (part for row in found for part in row))
    known = ", ".join(f"{row.id} ({row.name})" for row in found[:_LISTED])
    more = ", ..." if len(found) > _LISTED else ""
    return UnknownNameError(f"Unknown run '{key}'.{close} By number, name or folder; known: {known}{more}.")


def _summary(row: Row[Any]) -> RunSummary:
    values = {name: getattr(row, name) for name in RunSummary.__dataclass_fields__}
    metric = StoredMetric(row.metric, row.greater_is_better)
    dead = row.status == "running" and not lease.is_driven(row, row[-1])
    return RunSummary(**{**values, "metric": metric, "status": "interrupted" if dead else row.status})


def _standing(place: int, row: Row[Any]) -> Standing:
    rank = None if row.unscored else place
    scores = tuple(row.fold_scores)
    return Standing(rank, row.candidate_id, row.family, row.status, row.score, scores, row.seconds, row.values or {})
