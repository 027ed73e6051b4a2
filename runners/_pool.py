"""Worker processes of this machine, as their driver sees them."""

import math
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from automl.errors import ConfigError
from automl.options import number
from automl.runners._child import THREAD_VARIABLES, Child
from automl.runners._in_flight import GRACE_SECONDS, TrialsInFlight
from automl.runners._worker import Job, LastWords, Ready
from automl.runners.blocks import given_up
from automl.types import Trial

# What most trials need, imported one by one while the data is still being read.
PRELOAD = ("numpy", "scipy.sparse", "pandas", "scipy.stats", "sklearn.base", "sklearn.utils.multiclass")
# How long a driver waits for workers before it looks at the clock again.
TURN_SECONDS = 0.1
# A machine on which no worker gets as far as its first trial is not tried for ever.
MOST_FALSE_STARTS = 5


def check_shares(workers: int | None, cpus: int, memory_mb: float | None, most_cpus: float = math.inf) -> None:
    """Raise ``ConfigError`` for what a runner's trials cannot have: the number of them, their cores, their memory."""
    number("cpus_per_trial of the runner", cpus, 1, most_cpus, whole=True)
    if workers is not None:
        number("workers of the runner", workers, 1, whole=True)
    if memory_mb is not None:
        number("memory_share of the runner", memory_mb, 1)


@dataclass
class Worker:
    """A worker process. ``trial``: what it is fitting; ``ready``: whether it awaits candidates."""

    child: Child
    ready: bool = False
    trial: str | None = None
    last_words: str = ""


class Pool:
    """Up to ``size`` worker processes that import ``preload``, and fit trials once ``open`` has given them a job.

    ``hiring``: whether workers take up candidates; where not, they leave when they have none.
    """

    def __init__(self, size: int, threads: int, preload: Sequence[str], folder: Path) -> None:
        self.size, self.threads, self.preload, self.folder = size, threads, tuple(preload), folder
        self.hiring = True
        self._job: Job | None = None
        self._goes_on: Callable[[Trial], bool] = lambda snapshot: True
        self._false_starts = 0
        self._workers: list[Worker] = []

    @property
    def readers(self) -> list[Connection]:
        """What to wait for."""
        return [worker.child.connection for worker in self._workers]

    @property
    def busy(self) -> bool:
        """Whether a trial is under way."""
        return any(worker.trial for worker in self._workers)

    def fill(self) -> None:
        """Start the workers that are wanted and not there."""
        while self.hiring and len(self._workers) < self.size:
            self._workers.append(self._start())

    def open(self, job: Job, goes_on: Callable[[Trial], bool] | None = None) -> None:
        """Give the workers what they need for trials; ``goes_on(snapshot)`` is asked after each report."""
        self._job, self._goes_on = job, goes_on or self._goes_on
        for worker in self._workers:
            worker.child.send(job)

    def turn(self, board: TrialsInFlight) -> Iterator[Trial]:
        """Take in what the workers sent, end what is late, and give candidates to those who wait; never block."""
        if not board.closed:
            self.fill()
        for worker in list(self._workers):
            yield from self._hear(worker, board)
            if worker not in self._workers:
                continue
            if worker.trial:
                if board.late(GRACE_SECONDS):
                    yield from self._bury(worker, board)
            elif not self.hiring:
                yield from self._bury(worker, board)
            elif worker.ready and (candidate := board.next()):
                worker.trial = candidate.id
                worker.child.send(candidate)
                yield from board.begin(candidate.id)

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        while self._workers:
            self._workers.pop().child.end()

    def _start(self) -> Worker:
        environment = dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        worker = Worker(Child("automl.runners._worker", self.folder, environment))
        worker.child.send(self.preload)
        if self._job:
            worker.child.send(self._job)
        return worker

    def _hear(self, worker: Worker, board: TrialsInFlight) -> Iterator[Trial]:
        try:
            while worker.child.connection.poll():
                yield from self._take(worker, worker.child.connection.recv(), board)
        except (EOFError, OSError):
            yield from self._missed(worker, board)

    def _take(self, worker: Worker, message: Any, board: TrialsInFlight) -> Iterator[Trial]:
        if isinstance(message, Ready):
            worker.ready, self._false_starts = True, 0
        elif isinstance(message, LastWords):
            worker.last_words = message.why
        elif message.status == "running" and self._goes_on(message):
            worker.child.send(True)
            yield from board.report(message)
        else:
            if message.status == "running":
                worker.child.send(False)
                message = given_up(message)
            worker.trial = None
            yield from board.report(message)

    def _missed(self, worker: Worker, board: TrialsInFlight) -> Iterator[Trial]:
        """A worker died: find out what of."""
        why = worker.last_words or worker.child.last_line()
        self._false_starts += not worker.ready
        if not worker.ready and (worker.last_words or self._false_starts >= MOST_FALSE_STARTS):
            raise ConfigError(
                f"The workers cannot take up trials: {why}. What trials need must be installed and importable in a new "
                "process of this Python."
            )
        yield from self._bury(worker, board)

    def _bury(self, worker: Worker, board: TrialsInFlight) -> Iterator[Trial]:
        """End a worker, and see to its trial."""
        self._workers.remove(worker)
        exit_code = worker.child.end()
        if worker.trial:
            killed = not worker.last_words and exit_code in (-signal.SIGKILL, -signal.SIGTERM)
            yield from board.lose(worker.trial, _cause_of_death(worker.last_words, exit_code), again=killed)


def _cause_of_death(last_words: str, exit_code: int) -> str:
    if last_words:
        return f"the worker process died: {last_words}"
    if exit_code == -signal.SIGKILL:
        return "the worker process was killed; if nobody did, the machine ran out of memory"
    how = signal.Signals(-exit_code).name if exit_code < 0 else f"exit code {exit_code}"
    return f"the worker process crashed ({how}), in a library or in the model"
