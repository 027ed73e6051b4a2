"""What the page may do to a run: end its search as Ctrl-C would, or go on with it in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from automl import run_folder
from automl.board.source import OpenLeaderboard
from automl.errors import AutoMLError, unknown_name
from automl.leaderboard.process import Process, current

_MOST_SECONDS = 7 * 24 * 3600.0


class Actions:
    """Acts on runs, and remembers the processes that it started, so that a run is not gone on with twice."""

    def __init__(self) -> None:
        self._resumed: dict[str, subprocess.Popen[bytes]] = {}

    def act(self, source: OpenLeaderboard, run_id: int, action: str, seconds: float) -> str:
        """Do ``action``, "stop" or "resume" (for ``seconds``), and say what becomes of it.

        Raises ``AutoMLError`` where it cannot be done.
        """
        if action not in ("stop", "resume"):
            raise unknown_name("action", action, ("stop", "resume"))
        return self._stop(source, run_id) if action == "stop" else self._resume(source, run_id, seconds)

    def _stop(self, source: OpenLeaderboard, run_id: int) -> str:
        run, process = source.summary(run_id), Process.parse(source.process(run_id))
        if run.status != "running" or process.is_gone():
            raise AutoMLError(f"Only a run that goes on can be stopped; run {run_id} is {run.status}.")
        if process.machine != current().machine:
            raise AutoMLError(
                f"A run is stopped on the machine that drives it; run {run_id} is driven on '{process.host}' "
                f"(process {process.pid}). Press Ctrl-C there."
            )
        os.kill(process.pid, signal.SIGINT)
        return "The search ends, and the best so far is shipped."

    def _resume(self, source: OpenLeaderboard, run_id: int, seconds: float) -> str:
        run = source.summary(run_id)
        if not 0 < seconds <= _MOST_SECONDS:
            raise AutoMLError(f"A run goes on for up to {_MOST_SECONDS:g} s; got {seconds:g}.")
        earlier = self._resumed.get(run.folder)
        if run.status == "running" or (earlier and earlier.poll() is None):
            raise AutoMLError(f"Run {run_id} goes on already. Wait for its end, or stop it.")
        folder = run_folder.find(run.folder)  # of this user alone: its models are code
        if not folder.config.exists():
            raise AutoMLError("Only runs of `automl search` go on from here: this one was started from Python.")
        log = (folder.path / "board.log").open("wb")
        command = [sys.executable, "-m", "automl.cli", "resume", str(folder.path), f"budget.seconds={seconds:g}"]
        with log:
            self._resumed[run.folder] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Metrics and options of one's own lie where the search was begun.
                cwd=folder.begun_in if folder.begun_in and Path(folder.begun_in).is_dir() else folder.path.parent,
            )
        return f"The run goes on for {seconds / 60:g} minutes; what it says is in '{log.name}'."
