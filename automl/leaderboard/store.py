"""The leaderboard's database: many runs in one place, SQLite by default. Importing this loads SQLAlchemy."""

import importlib.metadata
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from automl.errors import AutoMLError, UnknownNameError, nearest, unknown_name
from automl.leaderboard import process
from automl.leaderboard.database import Database
from automl.leaderboard.records import Artifact, Board, Ensemble, Run, RunStatus, ShownMetric, StoredMetric
from automl.leaderboard.tables import ArtifactRow, EnsembleRow, RunRow, TrialRow
from automl.types import Blob, Candidate, FoldRef, Report, Trial


class Store:
    """A leaderboard. Every write is one short transaction, on disk before the call returns.

    Several processes may write and read at the same time.

    Parameters
    ----------
    url: an SQLAlchemy URL ("sqlite:///folder/leaderboard.db"), or just a path.
    create: make the database (and its folder) when there is none; otherwise that is an error.

    Raises ``AutoMLError`` when it cannot be opened or written, or is made by a newer version.
    """

    def __init__(self, url: str | Path = "sqlite:///leaderboard.db", *, create: bool = True) -> None:
        self._database = Database(url, create)

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
        versions: Mapping[str, str] | None = None,
    ) -> int:
        """Add a run with status "running" and return its id.

        config, task: plain JSON values, to be shown and to resume from. fingerprint: the hash of
        the data. versions: of the libraries that matter; default: automl's and Python's.
        """
        row = RunRow(
            name=name,
            status="running",
            process=process.current(),
            started_at=time.time(),
            folder=str(Path(folder).resolve()),
            metric=metric.name,
            greater_is_better=metric.greater_is_better,
            seed=seed,
            fingerprint=fingerprint,
            config=config,
            task=task,
            versions=versions or {"automl": importlib.metadata.version("automl"), "python": platform.python_version()},
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            return row.id

    def resume_run(self, run_id: int) -> Run:
        """Mark a run as running again, by this process, and return it.

        Raises ``AutoMLError`` when another process that is still alive runs it.
        """
        with self._database.write() as session:
            row = self._row(session, run_id)
            if row.status == "running" and row.process != process.current() and process.is_alive(row.process):
                raise AutoMLError(
                    f"A run is continued by one process at a time; run {row.id} ('{row.name}') is still running "
                    f"(process {process.pid(row.process)}). Wait for it, end it, or start a new run."
                )
            row.status, row.process, row.ended_at = "running", process.current(), None
            return _run(row)

    def finish_run(self, run_id: int, status: RunStatus = "finished") -> None:
        """Record how a run ended: "finished", "interrupted" or "failed"."""
        with self._database.write() as session:
            row = self._row(session, run_id)
            row.status, row.ended_at = status, time.time()

    def add_trial(self, run_id: int, trial: Trial) -> None:
        """Add an ended trial, in place of an earlier one of the same candidate.

        Raises ``ValueError`` for a trial that is still running.
        """
        if trial.status == "running":
            raise ValueError(f"Only ended trials are stored; trial {trial.candidate.id} is running.")
        candidate, failure = trial.candidate, trial.failure
        row = TrialRow(
            run_id=run_id,
            candidate_id=candidate.id,
            family=candidate.family,
            status=trial.status,
            params=candidate.params,
            score=trial.score,
            values=trial.values,
            folds=[asdict(fold) for fold in trial.folds],
            reports=[vars(report) for report in trial.reports],
            seconds=float(trial.seconds),
            # A library's message may hold bytes that are no text.
            failure=failure and failure.encode("utf-8", "replace").decode(),
            ended_at=time.time(),
        )
        with self._database.write() as session:
            self._row(session, run_id)
            session.execute(delete(TrialRow).filter_by(run_id=run_id, candidate_id=candidate.id))
            session.add(row)

    def save_ensemble(self, run_id: int, members: Sequence[tuple[str, float]], score: float) -> None:
        """Keep a run's ensemble, (candidate id, weight) pairs, in place of an earlier one."""
        pairs = [(str(candidate), float(weight)) for candidate, weight in members]
        with self._database.write() as session:
            self._row(session, run_id)
            session.merge(EnsembleRow(run_id=run_id, members=pairs, score=score))

    def save_artifact(self, run_id: int, artifact: Artifact) -> None:
        """Keep what a run shipped, in place of an earlier artifact at the same path."""
        with self._database.write() as session:
            self._row(session, run_id)
            session.execute(delete(ArtifactRow).filter_by(run_id=run_id, path=artifact.path))
            session.add(ArtifactRow(run_id=run_id, **vars(artifact)))

    def runs(self) -> list[Run]:
        """Return all runs, oldest first. One whose process died shows as "interrupted"."""
        with self._database.read() as session:
            return [_run(row) for row in session.scalars(select(RunRow).order_by(RunRow.id))]

    def run(self, key: int | str | Path | None = None) -> Run:
        """Return a run by id, folder or name (the newest of that name); None is the newest of all.

        Raises ``UnknownNameError`` with the nearest name when there is none.
        """
        runs = self.runs()[::-1]
        if not runs:
            where = self._database.url
            raise AutoMLError(f"The leaderboard {where} has no runs yet. Start a search, or give another leaderboard.")
        if key is None:
            return runs[0]
        folder = str(Path(key).resolve()) if isinstance(key, str | Path) else ""
        matches = (
            [run for run in runs if str(run.id) == str(key)]
            or [run for run in runs if run.name == str(key)]
            or [run for run in runs if run.folder == folder]
        )
        if not matches:
            close = nearest(key, (part for run in runs for part in (run.id, run.name, run.folder)))
            known = ", ".join(f"{run.id} ({run.name})" for run in runs)
            raise UnknownNameError(f"Unknown run '{key}'.{close} By number, name or folder; known: {known}.")
        return matches[0]

    def trials(self, run_id: int) -> list[Trial]:
        """Return a run's ended trials in the order in which they ended."""
        with self._database.read() as session:
            rows = session.scalars(select(TrialRow).filter_by(run_id=run_id).order_by(TrialRow.id))
            return [_trial(row) for row in rows]

    def ensemble(self, run_id: int) -> Ensemble | None:
        """Return a run's ensemble, or None."""
        with self._database.read() as session:
            row = session.get(EnsembleRow, run_id)
            if row is None:
                return None
            return Ensemble(tuple((str(c), float(w)) for c, w in row.members), row.score)

    def artifacts(self, run_id: int) -> list[Artifact]:
        """Return what a run shipped, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(ArtifactRow).filter_by(run_id=run_id).order_by(ArtifactRow.id))
            return [_artifact(row) for row in rows]

    def board(self, key: int | str | Path | None = None) -> Board:
        """Return everything about a run (see ``run`` for the key), ready for ``leaderboard.report``."""
        run = self.run(key)
        return Board(run, tuple(self.trials(run.id)), self.ensemble(run.id), tuple(self.artifacts(run.id)))

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _row(self, session: Session, run_id: int) -> RunRow:
        row = session.get(RunRow, run_id)
        if row is None:
            raise unknown_name("run", run_id, session.scalars(select(RunRow.id)))
        return row


def _run(row: RunRow) -> Run:
    values = {name: getattr(row, name) for name in Run.__dataclass_fields__}
    metric = StoredMetric(row.metric, row.greater_is_better)
    dead = row.status == "running" and not process.is_alive(row.process)
    return Run(**{**values, "metric": metric, "status": "interrupted" if dead else row.status})


def _trial(row: TrialRow) -> Trial:
    return Trial(
        candidate=Candidate(row.candidate_id, row.params),
        status=row.status,  # type: ignore[arg-type]
        values=row.values,
        folds=tuple(map(_fold, row.folds)),
        reports=tuple(Report(**report) for report in row.reports),
        seconds=row.seconds,
        failure=row.failure,
    )


def _fold(stored: Mapping[str, Any]) -> FoldRef:
    blobs = {name: Blob(**stored[name]) for name in ("predictions", "model") if stored.get(name)}
    return FoldRef(stored["fold"], stored["score"], **blobs)


def _artifact(row: ArtifactRow) -> Artifact:
    values = {name: getattr(row, name) for name in Artifact.__dataclass_fields__}
    return Artifact(**{**values, "candidates": tuple(row.candidates)})
