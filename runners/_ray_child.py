"""The process that runs Ray, as its driver sees it: whatever happens there is noticed here within seconds."""

import contextlib
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from automl.runners._child import Child
from automl.runners._in_flight import TrialsInFlight
from automl.runners._messages import (
    Alive,
    Began,
    Connect,
    Connected,
    Free,
    Lost,
    Nothing,
    Over,
    Refused,
    Running,
    RunTrials,
)
from automl.types import Trial

# How long Ray may take to start or to join, and may be silent afterwards: its loop turns ten times a second.
START_SECONDS, SILENCE_SECONDS = 60.0, 15.0


class RayLostError(Exception):
    """Ray died, or does not answer."""


class RayChild:
    """A child process that connects to Ray now, and runs trials once ``open`` has given it a run.

    ``slots``: how many trials it runs at a time once that is known; None for as many as its scheduler wants.
    ``over``: whether it will run no more.
    """

    def __init__(self, connect: Connect, folder: Path) -> None:
        self.child = Child("automl.runners._ray_main", folder, {})
        self.child.send(connect)
        self.connected = self.running = self.over = False
        self._turns = False
        self.slots: int | None = None
        self._daemons: list[psutil.Process] = []
        self._trials: set[str] = set()
        self._heard_at = time.monotonic()

    @property
    def readers(self) -> list[Connection]:
        """What to wait for."""
        return [self.child.connection]

    def open(self, run: RunTrials) -> None:
        """Give it what it needs for trials."""
        self.child.send(run)

    def turn(self, board: TrialsInFlight) -> Iterator[Trial]:
        """Take in what it sent, and give it candidates; never block. Raises ``RayLostError``."""
        if self.over:  # it waits to be ended, in silence
            return
        try:
            while self.child.connection.poll():
                message = self.child.connection.recv()
                self._heard_at = time.monotonic()
                yield from self._take(message, board)
        except (EOFError, OSError):
            raise RayLostError(self.child.last_line()) from None
        patience = SILENCE_SECONDS if self._turns else START_SECONDS
        if time.monotonic() - self._heard_at > patience:
            raise RayLostError(f"no answer within {patience:.0f} s")
        for daemon in self._daemons:
            if not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE:
                raise RayLostError("one of its processes died")

    def close(self) -> None:
        """End it and all it started, whatever it is doing."""
        self.child.end()

    def lose_all(self, board: TrialsInFlight, why: str) -> Iterator[Trial]:
        """See to the trials that were there when it died."""
        for id in self._trials:
            yield from board.lose(id, f"Ray died: {why}", again=True)

    def _take(self, message: Any, board: TrialsInFlight) -> Iterator[Trial]:
        match message:
            case Connected(daemons):
                self.connected = True
                with contextlib.suppress(psutil.NoSuchProcess):
                    self._daemons = [psutil.Process(pid) for pid in daemons]
            case Running(slots):
                self.running, self.slots = True, slots
            case Free():
                candidate = board.next()
                if candidate is not None:
                    self._trials.add(candidate.id)
                self.child.send(candidate or Nothing(spent=board.closed))
            case Began(id):
                yield from board.begin(id)
            case Lost(id, why, again):
                self._trials.discard(id)
                yield from board.lose(id, why, again)
            case Refused(error):
                raise error
            case Alive():
                self._turns = True
            case Over():
                self.over = True
            case Trial():
                if message.status != "running":
                    self._trials.discard(message.candidate.id)
                yield from board.report(message)
