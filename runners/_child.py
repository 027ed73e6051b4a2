"""A Python process of our own at the other end of a pipe, and both ends of that pipe."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import psutil

from automl.runtime.printable import printable

KILL_SECONDS = 5.0  # a process in the middle of a system call that cannot be interrupted is left after this
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Child:
    """Runs ``module.main(channel)`` in a new process that imports what this one can.

    It has a session of its own: signals from a terminal do not reach it, and all that it starts is found and ended
    with it. It ends by itself, and removes ``folder``, when this process is gone. What it prints is in ``log``.
    """

    def __init__(
        self, module: str, folder: Path, environment: Mapping[str, str], without: tuple[str, ...] = ()
    ) -> None:
        self.connection, theirs = Pipe()
        self.log = folder / f"{module.rpartition('.')[2]}-{theirs.fileno()}-{time.monotonic_ns()}.log"
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; from automl.runners._child import Channel; "
            f"from {module} import main; main(Channel({theirs.fileno()}, {str(folder)!r}))"
        )
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "TMPDIR": str(folder), **environment},
            )

    def send(self, message: Any) -> None:
        """Send ``message``; to a process that is gone it goes unheard."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def last_line(self) -> str:
        """Return the last line that the process wrote, as it may reach a terminal: it may hold what data holds."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return printable(lines[-1].strip()) if lines else "it said nothing"

    def end(self) -> int:
        """Kill the process and all that it started, and return its exit code, negative for a signal."""
        end_session(self.process.pid)
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(KILL_SECONDS)
        return self.process.returncode or 0


class Channel:
    """The child's end: ``receive`` and ``send``. When the other end is gone, the child and all it started end."""

    def __init__(self, descriptor: int, folder: str) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.folder = Path(folder)
        self._connection = Connection(descriptor)
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sending = threading.Lock()
        threading.Thread(target=self._listen, daemon=True, name="channel").start()

    def receive(self) -> Any:
        """Return the next message; wait for it."""
        return self._inbox.get()

    @property
    def waiting(self) -> bool:
        """Whether a message is there."""
        return not self._inbox.empty()

    def send(self, message: Any) -> None:
        """Send ``message`` to the driver."""
        with self._sending:
            self._connection.send(message)

    def _listen(self) -> None:
        try:
            while True:
                self._inbox.put(self._connection.recv())
        except (EOFError, OSError):
            shutil.rmtree(self.folder, ignore_errors=True)
        except BaseException:
            traceback.print_exc()
        end_session(os.getpid())
        os._exit(1)


def end_session(session: int) -> None:
    """Kill all processes of a session but this one, whoever their parent is by now, until there are none."""
    give_up_at = time.monotonic() + KILL_SECONDS
    while time.monotonic() < give_up_at:
        members = [pid for pid in psutil.pids() if pid != os.getpid() and _is_alive_in(session, pid)]
        if not members:
            return
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _is_alive_in(session: int, pid: int) -> bool:
    try:
        return os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False
