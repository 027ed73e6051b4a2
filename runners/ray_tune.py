"""Trials in parallel processes, placed by Ray Tune: on this machine, or on a cluster."""

import contextlib
import functools
import math
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from automl import registry
from automl.errors import ConfigError, NotApplicable
from automl.machine import available_bytes, n_cores
from automl.options import number
from automl.runners._memory import MB
from automl.runners._ray_session import Session, environment
from automl.runners.blocks import make_scheduler, pauses
from automl.types import Budget, Objective, Searcher, Trial

if TYPE_CHECKING:
    from automl.runners._ray_search import Board

PRELOAD = ("automl.runners._ray_worker", "numpy", "scipy.sparse")
# The leaderboard is the record of a run: Tune writes no logs, no state and no errors of its own.
QUIET_TUNE = {
    "TUNE_DISABLE_AUTO_INIT": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


@dataclass(frozen=True)
class Resources:
    """What a trial gets. ``gpus``: None shares the GPUs there are equally; ``memory_mb``: None likewise."""

    workers: int | None
    cpus: int
    gpus: float | None
    memory_mb: float | None


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
    of its machines (default: Ray is started here, on 127.0.0.1). storage: a folder that all nodes of
    a cluster see, for schedulers that pause trials. preload: modules that workers import early.
    """
    number("cpus_per_trial of the runner", cpus_per_trial, 1, whole=True)
    if address is None and not _connected() and cpus_per_trial > n_cores():
        raise ConfigError(
            f"A trial on this machine gets at most its {n_cores()} cores; got cpus_per_trial={cpus_per_trial}. Lower "
            "runner.cpus_per_trial, or give the runner.address of a cluster."
        )
    if workers is not None:
        number("workers of the runner", workers, 1, whole=True)
    if memory_share is not None:
        number("memory_share of the runner", memory_share, 1)
    if gpus_per_trial is not None:
        number("gpus_per_trial of the runner", gpus_per_trial, 0)
    resources = Resources(workers, cpus_per_trial, gpus_per_trial, memory_share)
    return RayTune(resources, address, storage, (*PRELOAD, *preload))


class RayTune:
    """Runs trials with Ray Tune. See ``automl.types.Runner``.

    ``startup_seconds``: from ``run`` to the first trial, known once that has begun.
    """

    def __init__(
        self, resources: Resources, address: str | None, storage: str | None, preload: Sequence[str] = PRELOAD
    ) -> None:
        self.resources, self.address, self.storage, self.preload = resources, address, storage, preload
        self.threads = resources.cpus
        self.workers = resources.workers or max(1, n_cores() // resources.cpus)
        self.startup_seconds = 0.0
        self._session: Session | None = None

    def start(self) -> None:
        """Begin to connect to Ray in the background; ``run`` does it if nobody did."""
        if self._session is None:
            self._session = Session(self.address, self.workers * self.resources.cpus, self.preload)

    def close(self) -> None:
        """End what ``start`` began; ``run`` does this at its end."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def run(
        self, objective: Objective, searcher: Searcher, scheduler: Mapping[str, Any], budget: Budget
    ) -> Generator[Trial, None, None]:
        """Ask, run and tell until the budget is spent or the searcher is exhausted.

        The searcher is asked and told in a thread of its own. At the deadline trials may stop by
        themselves for two seconds; then their processes are ended. Raises ``ConfigError`` when Ray
        is out of reach or lacks a resource, and ``NotApplicable`` for a scheduler that needs state
        which the objective cannot hand out.
        """
        began = time.monotonic()
        try:
            if getattr(registry.load("schedulers", scheduler.get("name", "none")), "NEEDS_STATE", False):
                _check_resumable(objective, scheduler)
            self.start()
            # Before anything else imports Ray: two threads that do so at once get in each other's way.
            self._session.wait()  # type: ignore[union-attr]
            rule = make_scheduler(scheduler, searcher)

            from automl.runners._ray_search import Board

            board = Board(searcher, budget, self._session.owned and not self.address)  # type: ignore[union-attr]
            thread = threading.Thread(target=self._tune, args=(board, objective, rule, scheduler), daemon=True)
            thread.start()
            try:
                while (snapshot := board.snapshots.get()) is not None:
                    if isinstance(snapshot, BaseException):
                        raise snapshot
                    self.startup_seconds = (board.started_at or began) - began
                    yield snapshot
            finally:
                board.closed = True
                thread.join()
        finally:
            self.close()

    def _tune(self, board: "Board", objective: Objective, rule: Any, scheduler: Mapping[str, Any]) -> None:
        """Let Tune run the trials; whatever goes wrong is raised where the snapshots are read."""
        folder = tempfile.mkdtemp(prefix="automl-tune-", dir=self._session.folder)  # type: ignore[union-attr]
        from automl.runners._ray_search import Over

        try:
            with contextlib.suppress(Over):
                self._run_tune(board, objective, rule, scheduler, self.storage or folder)
            board.stop_all()
        except BaseException as error:
            board.snapshots.put(error)
        finally:
            board.snapshots.put(None)
            shutil.rmtree(folder, ignore_errors=True)

    def _run_tune(
        self, board: "Board", objective: Objective, rule: Any, scheduler: Mapping[str, Any], storage: str
    ) -> None:
        import ray
        from ray import tune
        from ray.tune.execution.class_cache import _ActorClassCache

        from automl.runners._ray_search import Candidates, Deadline, Reporter
        from automl.runners._ray_worker import Fit, Terms

        slots, gpus = self._slots(ray.cluster_resources())
        limit: float = slots
        if pauses(scheduler):
            self._check_storage(scheduler, len(ray.nodes()))
            limit = getattr(rule, "in_flight", float("inf"))
        candidates = Candidates(board, limit)
        terms = Terms(self.threads, board.budget.deadline, self._share_bytes())
        with environment(QUIET_TUNE), mock.patch.object(_ActorClassCache, "get", _in_warm_workers(ray.remote)):
            tune.run(
                tune.with_parameters(Fit, objective=objective, terms=terms),
                search_alg=candidates,
                scheduler=rule,
                stop=Deadline(board, candidates),
                resources_per_trial={"cpu": self.threads, "gpu": gpus},
                callbacks=[Reporter(board)],
                storage_path=storage,
                reuse_actors=True,
                max_failures=0,
                raise_on_failed_trial=False,
                verbose=0,
            )

    def _slots(self, there: Mapping[str, float]) -> tuple[int, float]:
        """Return how many trials fit at a time, and the GPUs each gets."""
        cpus, gpus = int(there.get("CPU", 0)), there.get("GPU", 0.0)
        slots = cpus // self.threads
        if self.resources.workers is not None:
            slots = min(slots, self.resources.workers)
        if slots < 1:
            raise ConfigError(f"A trial needs {self.threads} cores and Ray has {cpus}. Lower runner.cpus_per_trial.")
        share = self.resources.gpus
        if share is None:
            share = int(1e4 / math.ceil(slots / gpus)) / 1e4 if gpus else 0.0  # Ray counts in 1e-4
        if share > gpus:
            raise ConfigError(f"A trial needs {share:g} GPUs and Ray has {gpus:g}. Lower runner.gpus_per_trial.")
        if share:  # a trial's share lies on one GPU, or on several whole ones
            slots = min(slots, int(gpus // max(1, share)) * int(max(1, 1 / share) + 1e-9))
        return slots, share

    def _share_bytes(self) -> float | None:
        if self.resources.memory_mb is not None:
            return self.resources.memory_mb * MB
        return None if self.address else 0.8 * available_bytes() / self.workers

    def _check_storage(self, scheduler: Mapping[str, Any], n_nodes: int) -> None:
        if n_nodes > 1 and self.storage is None:
            raise ConfigError(
                f"The scheduler '{scheduler['name']}' moves paused trials between the {n_nodes} nodes of this cluster. "
                "Set runner.storage to a folder that all of them see, or use scheduler=asha."
            )


def _connected() -> bool:
    """Return whether this process is connected to a Ray already, which may span more machines."""
    return "ray" in sys.modules and sys.modules["ray"].is_initialized()


def _in_warm_workers(remote: Callable[[type], Any]) -> Callable[[Any, type], Any]:
    """Return what makes an actor class for Tune. Tune's own way sets an environment variable, and Ray
    starts new processes for that instead of using those that stand ready.
    """
    cached = functools.cache(remote)
    return lambda cache, trainable: cached(trainable)


def _check_resumable(objective: Objective, scheduler: Mapping[str, Any]) -> None:
    if not hasattr(objective, "resume"):
        raise NotApplicable(
            f"The scheduler '{scheduler['name']}' hands the state of one half-done trial to another, and these trials "
            "have no state to hand out. Use scheduler=asha."
        )
