"""Trials in parallel worker processes of this machine: ready within a second, for searches of any length."""

import contextlib
from collections.abc import Generator, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any

from automl.errors import ConfigError
from automl.machine import n_cores
from automl.runners._in_flight import TrialsInFlight
from automl.runners._memory import MB, equal_share
from automl.runners._messages import Known
from automl.runners._own_processes import OwnProcesses
from automl.runners._pool import PRELOAD, TURN_SECONDS, Pool, check_shares
from automl.runners._shared import write
from automl.runners._verdicts import SchedulerParts, Verdicts
from automl.runners._worker import Job
from automl.schedulers import pauses
from automl.types import Budget, Objective, Proposer, Trial


def make(
    *,
    workers: int | None = None,
    cpus_per_trial: int = 1,
    memory_share: float | None = None,
    preload: Sequence[str] = (),
) -> "Processes":
    """Return a runner on worker processes of this machine.

    workers: trials at a time (default: as many as the cores allow). cpus_per_trial: cores one fit may
    use. memory_share: MB one trial may use before its process is ended (default: 80 % of what is
    available, divided by the workers). preload: modules that workers import early. Workers see the
    GPUs that this process sees.
    """
    check_shares(workers, cpus_per_trial, memory_share, n_cores())
    cpus = int(cpus_per_trial)
    return Processes(n_cores() // cpus if workers is None else workers, cpus, memory_share, (*PRELOAD, *preload))


class Processes(OwnProcesses):
    """Runs trials in worker processes. See ``automl.types.Runner``."""

    def __init__(self, workers: int, threads: int, memory_mb: float | None, preload: Sequence[str]) -> None:
        self.workers, self.threads, self.memory_mb, self.preload = workers, threads, memory_mb, tuple(preload)

    def begin(self, until_closed: contextlib.ExitStack) -> None:
        """Start the workers, which import what trials need."""
        self._pool = Pool(self.workers, self.threads, self.preload, self.folder)
        until_closed.callback(self._pool.close)
        self._pool.fill()

    def run(
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Ask, run and tell until the budget is spent or the space is exhausted.

        At the deadline trials may stop by themselves for two seconds; then their processes are ended. Raises
        ``ConfigError`` for a scheduler that pauses trials, and when the workers cannot load ``objective``.
        """
        refuse_pauses(scheduler)
        yield from self.timed(self._trials(objective, proposals, scheduler, budget))

    def _trials(
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        file = self.folder / "objective"
        write(objective, file)
        share = self.memory_mb * MB if self.memory_mb else equal_share(self.workers)
        known = Known(proposals.space, proposals.lag, proposals.trials, proposals.goals)
        hurries = budget.deadline is not None and proposals.lag is None
        with contextlib.closing(Verdicts(SchedulerParts(scheduler, known, file), self.folder, hurries)) as verdicts:
            self._pool.open(Job(file, self.threads, budget.deadline, share), verdicts.goes_on)
            board = TrialsInFlight(proposals, budget)
            while not board.over:
                for snapshot in self._pool.turn(board):
                    if snapshot.status != "running":
                        verdicts.goes_on(snapshot)
                    yield snapshot
                yield from board.pulse()
                wait(self._pool.readers, TURN_SECONDS)
            yield from board.stop_all()


def refuse_pauses(scheduler: Mapping[str, Any]) -> None:
    """Raise ``ConfigError`` for a scheduler that pauses trials."""
    if pauses(scheduler):
        raise ConfigError(
            f"The scheduler '{scheduler['name']}' pauses trials, and runner=processes runs each to its end. Use "
            "runner=ray_tune, or scheduler=halving."
        )
