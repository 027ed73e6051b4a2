"""Trials in this process, one after the other: for tiny searches, tests and debugging."""

import time
from collections.abc import Generator, Mapping
from typing import Any

from automl.errors import ConfigError
from automl.machine import n_cores
from automl.options import number
from automl.runners.blocks import failed, given_up, make_decider, reason, taken_up
from automl.schedulers import pauses
from automl.schedulers._tolerant import TolerantScheduler
from automl.types import Budget, Candidate, Objective, Proposer, Scheduler, Trial


def make(*, threads: int | None = None) -> "Inline":
    """Return a runner for this process. threads: cores one fit may use (default: all of them)."""
    return Inline(n_cores() if threads is None else number("threads of the runner", threads, 1, whole=True))


class Inline:
    """Runs trials in this process. See ``automl.types.Runner``."""

    startup_seconds = 0.0

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.workers = 1

    def start(self) -> None:
        """Do nothing: this process is already here."""

    def close(self) -> None:
        """Do nothing."""

    def run(
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Ask, run and tell until the budget is spent or the space is exhausted.

        Raises ``ConfigError`` for a scheduler that needs several trials at once.
        """
        if pauses(scheduler):
            raise ConfigError(
                f"The scheduler '{scheduler['name']}' needs several trials at once, and runner=inline runs one after "
                "the other. Use runner=ray_tune, or scheduler=halving."
            )
        decider = TolerantScheduler(make_decider(scheduler, proposals, objective))
        n_started = 0
        while not _spent(budget, n_started):
            candidate = proposals.ask()
            if candidate is None:
                return
            n_started += 1
            ended = yield from self._trial(objective, candidate, decider, budget.deadline)
            proposals.tell(ended)
            yield ended

    def _trial(
        self, objective: Objective, candidate: Candidate, decider: Scheduler, deadline: float | None
    ) -> Generator[Trial, None, Trial]:
        """Yield the running snapshots of one trial and return its ended one."""
        snapshot = taken_up(candidate)
        steps = None
        try:
            yield snapshot
            steps = objective(candidate, self.threads, deadline)
            for snapshot in steps:
                if snapshot.status != "running":
                    break
                if decider.on_report(snapshot) == "stop":
                    snapshot = given_up(snapshot)
                    break
                yield snapshot
            else:
                snapshot = failed(snapshot, "the trial came to no end")
        except Exception as error:
            snapshot = failed(snapshot, reason(error))
        finally:
            if steps is not None and hasattr(steps, "close"):
                steps.close()
        decider.on_report(snapshot)
        return snapshot


def _spent(budget: Budget, n_started: int) -> bool:
    late = budget.deadline is not None and time.time() >= budget.deadline
    return late or (budget.trials is not None and n_started >= budget.trials)
