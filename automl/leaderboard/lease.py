"""The right to write into a run. One driver at a time holds it, renews it, and is told when it lost it.

Clocks of several machines differ, and any of them may be set while a driver runs. So a run is only taken over from a
driver that this machine sees to be gone, or that was watched, by a steady clock, and did not renew. What is shown of a
run cannot wait for that: there the time of the last renewal decides.
"""

import threading
import time
import uuid
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from automl.errors import AutoMLError, unknown_name
from automl.leaderboard import words
from automl.leaderboard.database import Database
from automl.leaderboard.process import Process, current
from automl.leaderboard.tables import RunRow

RENEW_SECONDS = 3.0
# Silent for so long, a driver is believed dead. A busy machine or database delays a renewal by less.
LEASE_SECONDS = 25.0
_WATCH_EVERY = 0.5


class Led(Protocol):
    """What of a run's row says whether its driver lives."""

    status: str
    process: str
    renewed_at: float | None


class Lease:
    """One driver's lease of a run: taken by ``take_over`` or ``new``, renewed by a thread until ``release``."""

    def __init__(self, database: Database, run_id: int, token: str) -> None:
        self.run_id = run_id
        self._database, self._token = database, token
        self._lost: str | None = None
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease of run {run_id}", daemon=True)
        self._thread.start()

    def check(self, row: RunRow | None = None) -> None:
        """Raise ``AutoMLError`` when the lease is lost: by the run's row, or without it as far as is known."""
        if row is not None and row.lease != self._token:
            self._lost = _lost(row)
        if self._lost is not None:
            raise AutoMLError(self._lost)

    def release(self) -> None:
        """End the renewals."""
        self._released.set()
        self._thread.join()

    def _renew(self) -> None:
        while self._lost is None and not self._released.wait(RENEW_SECONDS):
            try:
                with self._database.write() as session:
                    row = locked(session, self.run_id)
                    self.check(row)
                    row.renewed_at = session.scalars(select(self._database.now())).one()
            except AutoMLError:
                pass  # lost, which ends this; or busy or out of reach, where the next one may come through


def new(row: RunRow, now: float) -> str:
    """Give the lease of a run to this process; return its token, with which to make the ``Lease``."""
    row.status, row.ended_at = "running", None
    row.process, row.lease, row.leased_at, row.renewed_at = str(current()), uuid.uuid4().hex, now, now
    return row.lease


def take_over(database: Database, run_id: int) -> str:
    """Give the lease of an earlier run to this process; wait, up to ``LEASE_SECONDS``, where its driver may be alive.

    Returns the lease's token. Raises ``AutoMLError`` when the driver renews its lease meanwhile.
    """
    seen, until = None, 0.0
    while True:
        with database.write() as session:
            row = locked(session, run_id)
            now = session.scalars(select(database.now())).one()
            held = row.lease, row.renewed_at
            if seen is None:
                seen, until = held, time.monotonic() + _to_watch(row, now)
            if held != seen:
                raise AutoMLError(_refusal(row, now))
            if row.status != "running" or Process.parse(row.process).is_gone() or time.monotonic() >= until:
                return new(row, now)
        time.sleep(_WATCH_EVERY)


def is_driven(row: Led, now: float) -> bool:
    """Return whether a run's driver is believed to be alive: its process, and a renewal within ``LEASE_SECONDS``."""
    return row.status == "running" and not Process.parse(row.process).is_gone() and _silent(row, now) <= LEASE_SECONDS


def locked(session: Session, run_id: int) -> RunRow:
    """Return a run's row, which no other process changes until the session's transaction ends."""
    row = session.get(RunRow, run_id, with_for_update=True)
    if row is None:
        raise unknown_name("run", run_id, session.scalars(select(RunRow.id)))
    return row


def _silent(row: Led, now: float) -> float:
    # A renewal in the future is from before the clock was set back.
    return LEASE_SECONDS + 1 if row.renewed_at is None else abs(now - row.renewed_at)


def _to_watch(row: RunRow, now: float) -> float:
    # What the clock says of the last renewal shortens it, but for some renewals it is watched all the same.
    return max(LEASE_SECONDS - _silent(row, now), 3 * RENEW_SECONDS)


def _refusal(row: RunRow, now: float) -> str:
    process = Process.parse(row.process)
    since = words.duration(now - (row.leased_at or now))
    return (
        f"A run is driven by one process at a time; run {row.id} ('{row.name}') has been driven for {since} "
        f"by process {process.pid} on host '{process.host}', which is alive. Wait for it, end it, or start a new run."
    )


def _lost(row: RunRow) -> str:
    process = Process.parse(row.process)
    return (
        f"A driver renews the lease of its run every {RENEW_SECONDS:g} s; this one was silent for longer than "
        f"{LEASE_SECONDS:g} s, and process {process.pid} on host '{process.host}' took run {row.id} "
        f"('{row.name}') over. Nothing more of this process is written into it; what it had finished before is kept."
    )
