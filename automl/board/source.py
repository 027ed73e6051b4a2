"""One leaderboard behind the page: what is asked of it twice while nothing changed is answered once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select

from automl import run_folder
from automl.board.index import Index
from automl.errors import AutoMLError
from automl.leaderboard import queries
from automl.leaderboard.database import Database
from automl.leaderboard.records import Run, RunSummary
from automl.leaderboard.tables import ArtifactRow, EnsembleRow, RunRow, TrialRow
from automl.model_store import ModelStore

Answer = TypeVar("Answer")
_KEPT = 64


@dataclass(frozen=True)
class Version:
    """What of a run changes as it goes on: equal ones show the same."""

    status: str
    n_trials: int
    last: int
    n_shipped: int
    ended_at: float | None

    def __str__(self) -> str:
        return f"{self.status}-{self.n_trials}-{self.last}-{self.n_shipped}-{self.ended_at or 0:.3f}"


class OpenLeaderboard:
    """A leaderboard by its URL or path, opened to read. Raises ``AutoMLError`` where there is none."""

    def __init__(self, url: str | Path) -> None:
        self.database = Database(url, read_only=True)
        self._indexes: dict[int, Index] = {}
        self._reading = threading.Lock()
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The leaderboard for people; a URL without its password."""
        url = self.database.url
        return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string()

    def index(self, run_id: int, n_trials: int | None = None) -> Index:
        """Return the trials of a run now; ``n_trials``: how many there are, where that is known.

        Where there are not as many as there were and came since, one was tried again, and all are read anew.
        """
        with self._reading:  # who asks meanwhile waits for the same answer
            earlier = self._indexes.get(run_id)
            with self.database.read() as session:
                found = Index.read(session, run_id, earlier)
                if earlier is not None and n_trials is not None and len(found) != n_trials:
                    found = Index.read(session, run_id)
            self._indexes[run_id] = found
            return found

    def runs(self) -> list[RunSummary]:
        """Return all runs, newest first."""
        with self.database.read() as session:
            return queries.runs(session, self.database)[::-1]

    def run(self, run_id: int) -> Run:
        """Return a run. Raises ``UnknownNameError``."""
        with self.database.read() as session:
            return queries.with_config(session, queries.find_run(session, self.database, run_id))

    def summary(self, run_id: int) -> RunSummary:
        """Return a run without its configuration. Raises ``UnknownNameError``."""
        with self.database.read() as session:
            return queries.find_run(session, self.database, run_id)

    def process(self, run_id: int) -> str:
        """Return which process drives a run, or did, as a ``Process`` writes it."""
        with self.database.read() as session:
            return session.scalars(select(RunRow.process).filter_by(id=run_id)).one()

    def version(self, run: RunSummary) -> Version:
        """Return the version of what is known of a run now."""
        with self.database.read() as session:
            newest = func.coalesce(func.max(TrialRow.id), 0)
            n_trials, last = session.execute(select(func.count(), newest).where(TrialRow.run_id == run.id)).one()
            n_shipped = sum(
                session.scalars(select(func.count()).where(row.run_id == run.id)).one()
                for row in (ArtifactRow, EnsembleRow)
            )
        return Version(run.status, n_trials, last, n_shipped, run.ended_at)

    def once(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        """Return what ``ask`` answered for ``key`` before, or does now; the answers that were used last are kept."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]  # type: ignore[no-any-return]
        answer = ask()
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return answer

    def models(self, run: Run) -> ModelStore:
        """Return where a run's trials have left their predictions."""
        try:
            folder = run_folder.find(run.folder, trust=True)  # nothing is unpickled
        except AutoMLError:  # it is gone, or has not begun
            folder = run_folder.RunFolder(Path(run.folder), "")
        return ModelStore(folder.models(run.config.get("run", {}).get("store")))

    def close(self) -> None:
        """Close the connections."""
        self.database.close()
