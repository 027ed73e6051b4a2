"""The leaderboard: many runs in one database, SQLite by default. Importing this loads SQLAlchemy."""

import importlib.metadata
import platform
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from automl.errors import AutoMLError
from automl.goals import is_scored
from automl.leaderboard import lease, queries
from automl.leaderboard.database import Database
from automl.leaderboard.records import (
    ArtifactRecord,
    Board,
    EnsembleRecord,
    Page,
    Run,
    RunStatus,
    RunSummary,
    ShownMetric,
    Standing,
)
from automl.leaderboard.tables import ArtifactRow, EnsembleRow, RunRow, TrialRow
from automl.types import Blob, Candidate, FoldRef, Report, Trial


class Store:
    """A leaderboard. Every write is one short transaction, on disk before the call returns.

    Several processes may write and read at the same time. A run is written by its driver alone: the store that started
    or resumed it, which holds its lease (``automl.leaderboard.lease``) until it finishes the run or is closed.

    Parameters
    ----------
    url: an SQLAlchemy URL ("sqlite:///folder/leaderboard.db", "postgresql://user@host/name"), or just a path. The
        database is made, and an older one upgraded, when need be.
    read_only: nothing is changed, made or upgraded; where there is no leaderboard, that is an error.

    Raises ``AutoMLError`` when it cannot be opened or written, or is made by a newer version.
    """

    def __init__(self, url: str | Path = "sqlite:///leaderboard.db", *, read_only: bool = False) -> None:
        self._database = Database(url, read_only)
        self._leases: dict[int, lease.Lease] = {}

    def start_run(
        self,
        *,
        name: str,
        folder: str | Path,
        metric: ShownMetric,
        config: Mapping[str, Any],
        task: Mapping[str, Any],
        fingerprint: str = "",
        seed: int = 0,
        started: float | None = None,
    ) -> int:
        """Add a run with status "running" and return its id.

        config, task: plain JSON values, to be shown and to resume from. fingerprint: the hash of
        the data. started: when its command began, ``time.time()``; default: now.
        """
        row = RunRow(
            name=name,
            started_at=time.time() if started is None else started,
            folder=str(Path(folder).resolve()),
            metric=metric.name,
            greater_is_better=metric.greater_is_better,
            seed=seed,
            fingerprint=fingerprint,
            config=config,
            task=task,
            versions=_versions(),
        )
        with self._database.write() as session:
            token = lease.new(row, session.scalars(select(self._database.now())).one())
            session.add(row)
            session.flush()
            run_id = row.id
        self._leases[run_id] = lease.Lease(self._database, run_id, token)
        return run_id

    def resume_run(self, run_id: int) -> Run:
        """Mark a run as running again, by this process, and return it.

        Where another process ran it when it was last heard of, that one is waited for, up to ``lease.LEASE_SECONDS``:
        raises ``AutoMLError`` when it is alive. Where this machine sees that it is not, there is nothing to wait for.
        """
        token = lease.take_over(self._database, run_id)
        self._leases[run_id] = lease.Lease(self._database, run_id, token)
        return self.run(run_id)

    def check_lease(self, run_id: int) -> None:
        """Raise ``AutoMLError`` when this process is known to have lost the run to another. Asks no database."""
        self._leases[run_id].check()

    def finish_run(self, run_id: int, status: RunStatus = "finished") -> None:
        """Record how a run ended: "finished", "interrupted" or "failed"; that gives its lease back."""
        try:
            with self._database.write() as session:
                row = self._mine(session, run_id)
                row.status, row.lease, row.ended_at = status, None, time.time()
        finally:
            if run_id in self._leases:
                self._leases.pop(run_id).release()

    def add_trial(self, run_id: int, trial: Trial) -> None:
        """Add an ended trial, in place of an earlier one of the same candidate.

        Raises ``ValueError`` for a trial that is still running.
        """
        if trial.status == "running":
            raise ValueError(f"Only ended trials are stored; trial {trial.candidate.id} is running.")
        candidate = trial.candidate
        row = TrialRow(
            run_id=run_id,
            candidate_id=candidate.id,
            family=candidate.family,
            status=trial.status,
            params=candidate.params,
            score=trial.score,
            fold_scores=trial.fold_scores,
            values=trial.values,
            folds=[asdict(fold) for fold in trial.folds],
            reports=[vars(report) for report in trial.reports],
            seconds=float(trial.seconds),
            failure=trial.failure,
            ended_at=time.time(),
            worker=trial.worker or None,
            started_at=trial.started_at,
            found=list(trial.found) or None,
        )
        with self._database.write() as session:
            self._mine(session, run_id)
            session.execute(delete(TrialRow).filter_by(run_id=run_id, candidate_id=candidate.id))
            session.add(row)

    def save_ensemble(self, run_id: int, members: Sequence[tuple[str, float]], score: float) -> None:
        """Keep a run's ensemble, (candidate id, weight) pairs, in place of an earlier one."""
        pairs = [(str(candidate), float(weight)) for candidate, weight in members]
        with self._database.write() as session:
            self._mine(session, run_id)
            session.merge(EnsembleRow(run_id=run_id, members=pairs, score=score))

    def save_artifacts(self, run_id: int, artifacts: Sequence[ArtifactRecord]) -> None:
        """Keep what a run shipped, in place of all that it shipped earlier."""
        with self._database.write() as session:
            self._mine(session, run_id)
            session.execute(delete(ArtifactRow).filter_by(run_id=run_id))
            session.add_all([ArtifactRow(run_id=run_id, **vars(artifact)) for artifact in artifacts])

    def runs(self) -> list[RunSummary]:
        """Return all runs, oldest first. One whose driver died shows as "interrupted"."""
        with self._database.read() as session:
            return queries.runs(session, self._database)

    def run(self, key: int | str | Path | None = None) -> Run:
        """Return a run by id, folder or name (the newest of that name); None is the newest of all.

        Raises ``UnknownNameError`` with the nearest name when there is none.
        """
        with self._database.read() as session:
            return queries.with_config(session, queries.find_run(session, self._database, key))

    def trials(self, run_id: int) -> list[Trial]:
        """Return a run's ended trials in the order in which they ended."""
        with self._database.read() as session:
            rows = session.scalars(select(TrialRow).filter_by(run_id=run_id).order_by(TrialRow.id))
            return [as_trial(row) for row in rows]

    def ensemble(self, run_id: int) -> EnsembleRecord | None:
        """Return a run's ensemble, or None."""
        with self._database.read() as session:
            row = session.get(EnsembleRow, run_id)
            return None if row is None else as_ensemble(row)

    def artifacts(self, run_id: int) -> list[ArtifactRecord]:
        """Return what a run shipped, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(ArtifactRow).filter_by(run_id=run_id).order_by(ArtifactRow.id))
            return [as_artifact(row) for row in rows]

    def page(self, key: int | str | Path | None = None, top: int | None = None) -> Page:
        """Return what is shown of a run (see ``run`` for the key) with its ``top`` trials (None: all)."""
        with self._database.read() as session:
            run = queries.find_run(session, self._database, key)
            counts = queries.counts(session, run.id)
            failed = counts.get("failed", 0)
            ranked = sum(counts.values()) - failed
            n_shown = ranked if top is None else min(top, ranked)
            failures = queries.failures(session, run.id) if failed else ()
            if run.goals.by_score_alone:
                standings = queries.standings(session, run.id, n_shown)
                front = [s.id for s in standings[:1]]
            else:  # an order that no database knows
                trials = run.goals.rank(self.trials(run.id))
                standings = [Standing.of(rank, trial) for rank, trial in enumerate(trials[:n_shown], start=1)]
                allowed = [trial for trial in trials if is_scored(trial) and run.goals.allow(trial)]
                front = [trial.candidate.id for trial in run.goals.front(allowed)]
        return Page(run, counts, standings, failures, self.ensemble(run.id), self.artifacts(run.id), front)

    def board(self, key: int | str | Path | None = None) -> Board:
        """Return everything about a run (see ``run`` for the key), ready for ``leaderboard.report``."""
        run = self.run(key)
        return Board(run, tuple(self.trials(run.id)), self.ensemble(run.id), tuple(self.artifacts(run.id)))

    def close(self) -> None:
        """Close the connections. A run that is still driven from here is left as "interrupted"."""
        for run_id in list(self._leases):
            with suppress(AutoMLError):
                self.finish_run(run_id, "interrupted")
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _mine(self, session: Session, run_id: int) -> RunRow:
        """Return a run's row, for its driver to write into the run."""
        row = lease.locked(session, run_id)
        if run_id not in self._leases:
            raise AutoMLError(f"A run is written by the process that started or resumed it; run {run_id} is another's.")
        self._leases[run_id].check(row)
        return row


def as_trial(row: TrialRow) -> Trial:
    """Return the trial that a row holds."""
    return Trial(
        candidate=Candidate(row.candidate_id, row.params),
        status=row.status,  # type: ignore[arg-type]
        values=row.values,
        folds=tuple(map(_fold, row.folds)),
        reports=tuple(Report(**report) for report in row.reports),
        seconds=row.seconds,
        failure=row.failure,
        worker=row.worker or "",
        started_at=row.started_at,
        found=tuple(row.found or ()),
    )


def _fold(stored: Mapping[str, Any]) -> FoldRef:
    blobs = {name: Blob(**stored[name]) for name in ("predictions", "model") if stored.get(name)}
    return FoldRef(stored["fold"], stored["score"], **blobs)


def as_ensemble(row: EnsembleRow) -> EnsembleRecord:
    """Return the ensemble that a row holds."""
    return EnsembleRecord(tuple((str(id), float(weight)) for id, weight in row.members), row.score)


def as_artifact(row: ArtifactRow) -> ArtifactRecord:
    """Return the artifact that a row holds."""
    values = {name: getattr(row, name) for name in ArtifactRecord.__dataclass_fields__}
    return ArtifactRecord(**{**values, "candidates": tuple(row.candidates)})


def _versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries that it needs."""
    found = {"automl": importlib.metadata.version("automl"), "python": platform.python_version()}
    for needed in importlib.metadata.requires("automl") or ():
        name = re.match(r"[\w.-]+", needed)
        if name and "extra" not in needed:
            with suppress(importlib.metadata.PackageNotFoundError):
                found[name.group()] = importlib.metadata.version(name.group())
    return found
