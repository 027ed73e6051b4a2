"""A connection to Ray: one started here, lean and bound to 127.0.0.1, or a cluster that is joined."""

import atexit
import contextlib
import ctypes
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from unittest import mock

from automl.errors import ConfigError
from automl.machine import available_bytes
from automl.runners.blocks import reason

JOIN_SECONDS = 30.0
# Of Ray's processes, those that a search on one machine has no use for: together they cost some
# three seconds of every start, one of every end, and 250 MB.
UNUSED_PROCESSES = ("start_api_server", "start_monitor", "start_log_monitor")
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's own switch for "listen on 127.0.0.1 only"
}

# Keeps other users of this machine out; Ray would leave one in the home folder. One per process, as Ray caches it.
TOKEN = secrets.token_hex(32)


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in (*variables, "RAY_AUTH_MODE")}  # which Ray sets by itself
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Session(threading.Thread):
    """Connects in the background. ``wait`` for it; ``close`` ends what was started here.

    The thread lives as long as the session: Ray's processes end with the thread that started them.
    A Ray that this process is already connected to is used as it is, and left alone.
    """

    def __init__(self, address: str | None, n_cpus: int, preload: Sequence[str]) -> None:
        super().__init__(name="ray-session", daemon=True)
        self.address, self.n_cpus, self.preload = address, n_cpus, tuple(preload)
        self.ready, self.closing = threading.Event(), threading.Event()
        self.failure: ConfigError | None = None
        self.owned = False
        self.folder = _short_folder()
        self.start()
        atexit.register(self.close)

    def wait(self) -> None:
        """Return when connected. Raises ``ConfigError`` when that fails or takes too long."""
        if not self.ready.wait(JOIN_SECONDS if self.address else None):
            self.failure = _no_answer(self.address or "", f"no answer within {JOIN_SECONDS:.0f} s")
        if self.failure:
            raise self.failure

    def close(self) -> None:
        """Leave Ray, end it if it was started here, and remove its files."""
        self.closing.set()
        # Ray that is just starting can only be ended once it has; one that never answers is left to wait.
        self.join(None if self.address is None or self.ready.is_set() else 1.0)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def run(self) -> None:
        """Connect, wait for ``close``, disconnect."""
        try:
            import ray
        except ImportError as error:
            self.failure = _not_started(self.address, error)
            self.ready.set()
            return
        # What befalls a trial stands on the leaderboard; Ray would print it, too.
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        with mock.patch.object(ray._private.worker, "print_to_stdstream"):
            try:
                if not ray.is_initialized():
                    self.owned = True
                    self._connect()
            except Exception as error:
                self.failure = error if isinstance(error, ConfigError) else _not_started(self.address, error)
            self.ready.set()
            self.closing.wait()
            if self.owned:
                ray.shutdown()

    def _connect(self) -> None:
        # A run needs Tune next: import it while Ray's processes start.
        importing = threading.Thread(target=importlib.import_module, args=("ray.tune",), daemon=True)
        importing.start()
        _join(self.address) if self.address else self._start_here()
        importing.join()

    def _start_here(self) -> None:
        import ray
        from ray._private import ray_constants
        from ray._private.node import Node

        variables = {
            "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN", TOKEN),
            "RAY_preload_python_modules": ",".join(self.preload),  # in the processes that await the first trials
        }
        with contextlib.ExitStack() as stack:
            stack.enter_context(environment(ENVIRONMENT | variables))
            stack.enter_context(_signals_kept())
            stack.enter_context(mock.patch.object(ray_constants, "ENABLE_RAY_CLUSTER", False))
            for method in UNUSED_PROCESSES:
                stack.enter_context(mock.patch.object(Node, method))
            ray.init(
                num_cpus=self.n_cpus,
                include_dashboard=False,
                object_store_memory=int(max(100e6, min(0.25 * available_bytes(), 8e9))),
                configure_logging=False,
                log_to_driver=False,
                _node_ip_address="127.0.0.1",
                _temp_dir=self.folder,
            )


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep SIGTERM as it is: Ray would have it dump every stack and end the process."""
    # Python's own signal.signal works in the main thread alone, and Ray is started beside it.
    ctypes.pythonapi.PyOS_getsig.restype = ctypes.c_void_p
    handler = ctypes.c_void_p(ctypes.pythonapi.PyOS_getsig(signal.SIGTERM))
    try:
        yield
    finally:
        ctypes.pythonapi.PyOS_setsig(signal.SIGTERM, handler)


def _join(address: str) -> None:
    import ray

    if address != "auto":
        _knock(address)
    with _signals_kept():
        ray.init(address=address, configure_logging=False, log_to_driver=False)


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
                raise _no_answer(address, str(error)) from None
            time.sleep(0.5)


def _no_answer(address: str, why: str) -> ConfigError:
    return ConfigError(
        f"No Ray cluster answers at '{address}' ({why}). Start one with 'ray start --head', correct runner.address, "
        "or leave it out to run on this machine."
    )


def _not_started(address: str | None, error: Exception) -> ConfigError:
    if address:
        return _no_answer(address, reason(error))
    return ConfigError(f"Ray could not be started on this machine ({reason(error)}). runner=inline does without it.")


def _short_folder() -> str:
    """Make a folder for Ray's files; its sockets live there, and their paths are at most 107 characters long."""
    parent = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="automl-", dir=parent if len(parent) <= 30 else "/tmp")
