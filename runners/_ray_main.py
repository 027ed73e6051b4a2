"""The process that runs Ray: starts it here, lean and on 127.0.0.1, or joins a cluster; then lets Tune run the trials.

Its driver is ``ray_tune.py``. Whatever goes wrong here ends this process, and the driver sees to what follows.
``ray.init`` has no public way to an address and a folder of one's own: its private ones were read in Ray 2.60.
"""

import importlib
import math
import os
import secrets
import socket
import threading
import time
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import psutil

from automl.errors import AutoMLError, ConfigError
from automl.machine import available_bytes
from automl.runners._child import Channel
from automl.runners._messages import SNAPSHOT, Connect, Connected, Over, Refused, Resources, Running, RunTrials
from automl.runners._shared import read
from automl.runners.blocks import is_ours, make_decider, make_scheduler, reason
from automl.schedulers import pauses
from automl.types import Objective

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

JOIN_SECONDS = 30.0
# Those of Ray's processes without which no trial runs.
DAEMONS = ("gcs_server", "raylet")
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_enable_metrics_collection": "0",
    # The leaderboard is the record of a run: Tune writes no logs, no state and no errors of its own.
    "TUNE_DISABLE_AUTO_INIT": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}

LOCAL = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's own switch for "listen on 127.0.0.1 only"
    "RAY_prestart_worker_first_driver": "0",  # Tune's workers have an environment of their own
}


def main(channel: Channel) -> None:
    """Connect, take up the run, see it to its end, and wait to be ended."""
    try:
        connect: Connect = channel.receive()
        _set_environment(connect)  # some of it is read when Ray is imported
        # A run needs Tune next: import it while Ray's processes start.
        importing = threading.Thread(target=importlib.import_module, args=("ray.tune",), daemon=True)
        import ray

        importing.start()
        _join(connect.address) if connect.address else _start_here(connect, channel)
        importing.join()
        channel.send(Connected([] if connect.address else _daemons()))
        run: RunTrials = channel.receive()
        _tune(run, channel, len(ray.nodes()))
        channel.send(Over())
    except AutoMLError as error:
        channel.send(Refused(error))
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # Ray's own farewell can hang
    channel.receive()


def _set_environment(connect: Connect) -> None:
    os.environ.update(ENVIRONMENT)
    if connect.address is None:
        os.environ.pop("RAY_ADDRESS", None)
        os.environ.update(LOCAL | {"RAY_preload_python_modules": ",".join(connect.preload)})
        # Keeps other users of this machine out; Ray would leave a token in the home folder.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _daemons() -> list[int]:
    return [p.pid for p in psutil.Process().children(recursive=True) if p.name() in DAEMONS]


def _start_here(connect: Connect, channel: Channel) -> None:
    import ray

    ray.init(
        address="local",
        num_cpus=connect.n_cpus,
        include_dashboard=False,
        object_store_memory=int(max(100e6, min(0.25 * available_bytes(), 8e9))),
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(channel.folder / "ray"),
    )


def _join(address: str) -> None:
    import ray

    if address != "auto":
        _knock(address)
    try:
        ray.init(address=address, log_to_driver=False)
    except Exception as error:
        raise no_answer(address, reason(error)) from None


def _knock(address: str) -> None:
    """Wait until something listens at ``host:port``; Ray itself would wait in silence, then abort."""
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise ConfigError(
            f"The address of a cluster is auto or host:port; got {address!r}. Run on a machine that belongs to the "
            "cluster ('ray start --address=host:port' makes it so): a search needs to be near its workers, so Ray "
            "Client (ray://) is not supported."
        )
    give_up_at = time.monotonic() + JOIN_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > give_up_at or isinstance(error, socket.gaierror | ConnectionRefusedError):
                raise no_answer(address, str(error)) from None
            time.sleep(0.5)


def no_answer(address: str, why: str) -> ConfigError:
    """Return the error for a cluster that cannot be joined."""
    return ConfigError(
        f"No Ray cluster answers at '{address}' ({why}). Start one with 'ray start --head', correct runner.address, "
        "or leave it out to run on this machine."
    )


def _tune(run: RunTrials, channel: Channel, n_nodes: int) -> None:
    """Let Tune run the trials until there are no more."""
    import ray
    from ray import tune

    from automl.runners._ray_fit import STEP_SECONDS, FitTrainable, Terms
    from automl.runners._ray_search import Candidates, Heart, Reporter

    slots, gpus = slots_and_gpus(run.resources, ray.cluster_resources())
    objective: Objective = read(run.objective)
    rule = _rule(run, objective)
    limit: float = slots
    if pauses(run.scheduler):
        _check_storage(run, n_nodes)
        limit = getattr(rule, "in_flight", math.inf)
    channel.send(Running(None if pauses(run.scheduler) else slots))
    candidates = Candidates(channel, limit)
    # In a deterministic run each report is decided about before the next one.
    step_seconds = STEP_SECONDS if run.known.lag is None else 0.0
    terms = Terms(run.resources.cpus, run.deadline, run.share_bytes, channel.folder, step_seconds)
    tune.run(
        tune.with_parameters(FitTrainable, objective=objective, terms=terms),
        search_alg=candidates,
        scheduler=rule,
        stop=Heart(channel, candidates),
        resources_per_trial={"cpu": run.resources.cpus, "gpu": gpus},
        callbacks=[Reporter(channel, candidates, channel.folder)],
        storage_path=run.storage or str(channel.folder / "tune"),
        reuse_actors=True,
        max_failures=0,
        raise_on_failed_trial=False,
        verbose=0,
    )


def _rule(run: RunTrials, objective: Objective) -> "TrialScheduler | None":
    """Return Tune's scheduler: one of Ray's as it is, or what makes one of a ``Scheduler``."""
    from automl.runners._ray_scheduler import TuneScheduler

    known: Any = run.known
    made = make_scheduler(run.scheduler, known, objective)
    as_it_is = known.lag is None and (pauses(run.scheduler) or not known.goals.limits)
    if made is None or (not is_ours(made) and as_it_is):
        return made
    decider = make_decider(run.scheduler, known, objective)
    return None if decider is None else TuneScheduler(decider, lambda result: result[SNAPSHOT])


def slots_and_gpus(wanted: Resources, there: Mapping[str, float]) -> tuple[int, float]:
    """Return how many trials fit at a time on what is ``there`` in Ray's words, and the GPUs each gets."""
    cpus, gpus = int(there.get("CPU", 0)), there.get("GPU", 0.0)
    slots = cpus // wanted.cpus
    if wanted.workers is not None:
        slots = min(slots, wanted.workers)
    if slots < 1:
        raise ConfigError(f"A trial needs {wanted.cpus} cores and Ray has {cpus}. Lower runner.cpus_per_trial.")
    share = wanted.gpus
    if share is None:
        share = int(1e4 / math.ceil(slots / gpus)) / 1e4 if gpus else 0.0  # Ray counts in 1e-4
    if share > gpus:
        raise ConfigError(f"A trial needs {share:g} GPUs and Ray has {gpus:g}. Lower runner.gpus_per_trial.")
    if share:  # a trial's share lies on one GPU, or on several whole ones
        slots = min(slots, int(gpus // max(1, share)) * int(max(1, 1 / share) + 1e-9))
    return slots, share


def _check_storage(run: RunTrials, n_nodes: int) -> None:
    if n_nodes > 1 and run.storage is None:
        raise ConfigError(
            f"The scheduler '{run.scheduler['name']}' moves paused trials between the {n_nodes} nodes of this cluster. "
            "Set runner.storage to a folder that all of them see, or use scheduler=halving."
        )
