"""Trials in parallel processes, placed by Ray Tune: on this machine, or on a cluster.

Ray lives in a child process that may die or hang; this one holds the searcher and the clock, and goes on.
"""

import contextlib
import logging
import math
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any

from automl.errors import ConfigError, NotApplicable
from automl.machine import n_cores
from automl.options import number
from automl.runners._in_flight import GRACE_SECONDS, TrialsInFlight
from automl.runners._memory import MB, equal_share
from automl.runners._messages import Connect, Known, Resources, RunTrials
from automl.runners._own_processes import OwnProcesses
from automl.runners._pool import PRELOAD, TURN_SECONDS, Pool, check_shares
from automl.runners._ray_child import RayChild, RayLostError
from automl.runners._shared import write
from automl.runners._worker import Job
from automl.runtime.printable import printable
from automl.schedulers import needs_state, pauses
from automl.types import Budget, Objective, Proposer, Trial

RAY_PRELOAD = ("automl.runners._ray_fit", "numpy", "scipy.sparse")
# Ray is started again where this much time is left, and not for ever.
RESTART_SECONDS, MOST_STARTS = 30.0, 3

log = logging.getLogger(__name__)


def make(
    *,
    workers: int | None = None,
    cpus_per_trial: int = 1,
    gpus_per_trial: float | None = None,
    memory_share: float | None = None,
    address: str | None = None,
    storage: str | None = None,
    preload: Sequence[str] = (),
) -> "RayTune":
    """Return a runner on Ray Tune.

    workers: trials at a time (default: as many as the cores allow). cpus_per_trial: cores one fit may
    use. gpus_per_trial: GPUs, or a fraction of one (default: an equal share of what there is).
    memory_share: MB one trial may use before its process is ended (default: 80 % of what is
    available, divided by the workers). address: a cluster to join, "auto" or "host:port", from one
    of its machines (default: the Ray that this process is connected to, else one that is started
    here, on 127.0.0.1). storage: a folder that all nodes of a cluster see, for schedulers that pause
    trials. preload: modules that workers import early.
    """
    check_shares(workers, cpus_per_trial, memory_share)
    address = address or _callers_ray()
    if address is None and cpus_per_trial > n_cores():
        raise ConfigError(
            f"A trial on this machine gets at most its {n_cores()} cores; got cpus_per_trial={cpus_per_trial}. Lower "
            "runner.cpus_per_trial, or give the runner.address of a cluster."
        )
    if gpus_per_trial is not None:
        number("gpus_per_trial of the runner", gpus_per_trial, 0)
    resources = Resources(workers, cpus_per_trial, gpus_per_trial, memory_share)
    return RayTune(resources, address, storage, preload)


class RayTune(OwnProcesses):
    """Runs trials with Ray Tune. See ``automl.types.Runner``.

    While a Ray of our own starts, and after one has died, worker processes of this machine try candidates, each to its
    end.
    """

    def __init__(
        self, resources: Resources, address: str | None, storage: str | None, preload: Sequence[str] = ()
    ) -> None:
        self.resources, self.address, self.storage, self.preload = resources, address, storage, tuple(preload)
        self.threads = resources.cpus
        self.workers = resources.workers or max(1, n_cores() // resources.cpus)

    def begin(self, until_closed: contextlib.ExitStack) -> None:
        """Begin to connect to Ray, and start workers beside it."""
        self._ray: RayChild | None = None
        self._n_starts = 0
        until_closed.callback(self._end_ray)
        self._start_ray()
        here = min(self.workers, max(1, n_cores() // self.threads))
        self._pool = Pool(here, self.threads, (*PRELOAD, *self.preload), self.folder)
        self._pool.hiring = self.address is None
        until_closed.callback(self._pool.close)
        self._pool.fill()

    def run(
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Ask, run and tell until the budget is spent or the space is exhausted.

        At the deadline trials may stop by themselves for two seconds; then their processes are ended. Raises
        ``ConfigError`` when Ray is out of reach or lacks a resource, and ``NotApplicable`` for a scheduler that needs
        state which the objective cannot hand out.
        """
        if needs_state(scheduler):
            _check_resumable(objective, scheduler)
        yield from self.timed(self._trials(objective, proposals, scheduler, budget))

    def _trials(
        self, objective: Objective, proposals: Proposer, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        file = self.folder / "objective"
        write(objective, file)
        share = self.resources.memory_mb * MB if self.resources.memory_mb else None
        here = share or equal_share(self._pool.size)
        self._pool.open(Job(file, self.threads, budget.deadline, here))
        known = Known(proposals.space, proposals.lag, proposals.trials, proposals.goals)
        share_there = share if self.address else here
        job = RunTrials(file, scheduler, known, self.resources, budget.deadline, share_there, self.storage)
        yield from self._follow(TrialsInFlight(proposals, budget), job)

    def _follow(self, board: TrialsInFlight, run: RunTrials) -> Iterator[Trial]:
        """Yield what the trials report, of Ray and of the pool beside it, until all is over."""
        if _needs_ray(run):
            self._pool.hiring = False
        if self._ray:
            self._ray.open(run)
        while not board.over and (self._ray or self._pool.hiring or self._pool.busy):
            yield from self._pool.turn(board)
            try:
                if self._ray:
                    yield from self._ray.turn(board)
            except (RayLostError, ConfigError) as error:
                if isinstance(error, ConfigError) and self._n_starts == 1:
                    raise
                yield from self._go_on(board, run, str(error))
            if board.late(GRACE_SECONDS) or (self._ray and self._ray.over and not self._pool.busy):
                break
            self._hand_over(board)
            yield from board.pulse()
            wait([*self._pool.readers, *(self._ray.readers if self._ray else [])], TURN_SECONDS)
        yield from board.stop_all()

    def _hand_over(self, board: TrialsInFlight) -> None:
        """Let the pool go once Ray can run trials: one that ends there makes room for one in Ray."""
        if self._ray and self._ray.running:
            board.limit = self._ray.slots or math.inf
            self._pool.hiring = False

    def _go_on(self, board: TrialsInFlight, run: RunTrials, why: str) -> Iterator[Trial]:
        """Ray is lost: start it again if that is worth it, and try candidates here meanwhile, or for what is left."""
        lost = self._end_ray()
        assert lost is not None
        needed = _needs_ray(run)
        if needed and not lost.running:
            raise _not_started(self.address, why)
        board.limit = math.inf
        yield from lost.lose_all(board, why)
        self._pool.hiring = not needed
        deadline = board.budget.deadline
        again = self._n_starts < MOST_STARTS and (deadline is None or deadline - time.time() > RESTART_SECONDS)
        then = "it is started again" if again else "the run goes on without it"
        log.warning("Ray was lost (%s); %s.", printable(why), then)
        if again:
            self._start_ray().open(run)

    def _start_ray(self) -> RayChild:
        self._n_starts += 1
        n_cpus = self.workers * self.threads
        self._ray = RayChild(Connect(self.address, n_cpus, (*RAY_PRELOAD, *self.preload)), self.folder)
        return self._ray

    def _end_ray(self) -> RayChild | None:
        ended, self._ray = self._ray, None
        if ended:
            ended.close()
        return ended


def _needs_ray(run: RunTrials) -> bool:
    """Whether the pool cannot run trials: it pauses none, and asks no scheduler, as a deterministic run always does."""
    return pauses(run.scheduler) or (run.known.lag is not None and run.scheduler.get("name", "none") != "none")


def _callers_ray() -> str | None:
    """Return the address of the Ray that this process is connected to already, if it is."""
    ray = sys.modules.get("ray")
    return ray.get_runtime_context().gcs_address if ray and ray.is_initialized() else None


def _not_started(address: str | None, why: str) -> ConfigError:
    where = f"at '{address}' was lost" if address else "could not be started on this machine"
    return ConfigError(f"Ray {where} ({why}). runner=processes does without it, with a scheduler like halving.")


def _check_resumable(objective: Objective, scheduler: Mapping[str, Any]) -> None:
    if not hasattr(objective, "resume"):
        raise NotApplicable(
            f"The scheduler '{scheduler['name']}' hands the state of one half-done trial to another, and these trials "
            "have no state to hand out. Use scheduler=halving."
        )
