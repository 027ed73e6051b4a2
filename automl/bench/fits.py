"""One fit at a time, each in a process of its own; a call goes on where an earlier one has stopped."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from automl import files, metrics
from automl.bench.datasets import DataSet
from automl.bench.systems import SCRIPTS, System
from automl.errors import in_one_line
from automl.runtime.fault import fault

# A system that takes so many times its budget, and this much more, is ended.
MOST_OVER, GRACE_SECONDS = 3.0, 120.0
LOOK_SECONDS = 0.2
Row = dict[str, Any]
_ROW = {
    "set": str,
    "system": str,
    "budget": (float, None),
    "seed": int,
    "metric": str,
    "greater": bool,
    "model": {"model", "compact"},
    "seconds": float,
    "peak_mb": float,
    ...: object,
}
_SCORED = {"score": float, "row_ms": float, "rows_1000_ms": float, "bytes": float, ...: object}
_FAILED = {"failure": str, ...: object}


@dataclass(frozen=True)
class SystemFit:
    """One system on one data set. ``seconds``: None where the system has no budget."""

    data: DataSet
    system: System
    seconds: float | None
    seed: int

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.data.name} {self.system.name} {self.seconds or 0:g} {self.seed}"


@dataclass(frozen=True)
class Book:
    """Where the rows are: a file of ``rows/`` for each fit that has ended, its log and models in ``fits/``."""

    folder: Path
    environments: Path

    def missing(self, fits: Sequence[SystemFit]) -> list[SystemFit]:
        """Return those that have not ended yet."""
        return [fit for fit in fits if not self._rows_of(fit).exists()]

    def do(self, fit: SystemFit) -> list[Row]:
        """Fit and write down its rows: one for each model that it made, or one that says why there is none.

        Raises ``CalledProcessError``, and writes nothing down, where the system cannot be installed: that says nothing
        about it.
        """
        rows = self._measured(fit)
        self._rows_of(fit).parent.mkdir(parents=True, exist_ok=True)
        files.write(self._rows_of(fit), json.dumps(rows), files.PUBLIC)
        return rows

    def rows(self, note: Callable[[str], None] = lambda text: None) -> list[Row]:
        """Return the rows of all fits that have ended; ``note`` is told of files that are damaged, and left out."""
        found: list[Row] = []
        for file in sorted((self.folder / "rows").glob("*.json")):
            try:
                found += _rows(file)
            except (OSError, ValueError) as error:
                note(f"left out: '{file}' is damaged: {in_one_line(error)}. Remove it, and its fit is done again.")
        return found

    def _rows_of(self, fit: SystemFit) -> Path:
        return self.folder / "rows" / f"{fit.name}.json"

    def _measured(self, fit: SystemFit) -> list[Row]:
        metric = metrics.get(fit.data.metric, fit.data.task)
        row: Row = {"set": fit.data.name, "system": fit.system.name, "budget": fit.seconds, "seed": fit.seed}
        row |= {"metric": metric.name, "greater": metric.greater_is_better, "model": "model"}
        python = fit.system.python(self.environments.resolve())
        folder = (self.folder / "fits" / f"{fit.name} {time.time_ns()}").resolve()
        folder.mkdir(parents=True)
        y = _job(fit, folder)
        script = SCRIPTS / f"fit_{fit.system.script}.py"
        taken, peak, code = _watched([python, str(script), str(folder / "job.json")], folder, fit.seconds)
        row |= {"seconds": round(taken, 1), "peak_mb": round(peak / 1e6)}
        if code or not (folder / "model.json").exists():
            lines = (folder / "log.txt").read_text(errors="replace").strip().splitlines()
            return [row | {"failure": (lines or ["no output"])[-1][:200]}]
        return [row | made for made in _models(folder, metric, y)]


def _rows(file: Path) -> list[Row]:
    """Return the rows of one fit. Raises ``ValueError`` where they are not such."""
    rows = files.read_json(file)
    wrong = fault(rows, [_ROW]) or next(
        filter(None, (fault(row, _FAILED if "failure" in row else _SCORED, f"[{i}]") for i, row in enumerate(rows))), ""
    )
    if wrong:
        raise ValueError(wrong)
    found: list[Row] = rows
    return found


def _job(fit: SystemFit, folder: Path) -> np.ndarray:
    """Write the split and the job; return the target of the test rows."""
    parts, y = fit.data.split(folder, fit.seed)
    job = {
        "folder": str(folder),
        "task": fit.data.task,
        "metric": fit.data.metric,
        "seconds": fit.seconds,
        "seed": fit.seed,
        "setting": fit.system.setting,
        "cores": len(os.sched_getaffinity(0)),
    }
    files.write(folder / "job.json", json.dumps(job | parts), files.PUBLIC)
    return y


def _watched(command: list[str], folder: Path, seconds: float | None) -> tuple[float, int, int]:
    """Run a command; return its seconds, the most memory its whole tree had (bytes), and its exit code."""
    most = np.inf if seconds is None else MOST_OVER * seconds + GRACE_SECONDS
    started, peak = time.time(), 0
    with (folder / "log.txt").open("w") as log:
        process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        seen = {process}  # a server that it has started may outlive it
        try:
            while process.poll() is None:
                tree = _tree(process)
                seen.update(tree)
                peak = max(peak, sum(map(_memory, tree)))
                if time.time() - started > most:
                    _end(tree)
                time.sleep(LOOK_SECONDS)
        finally:  # Ctrl-C too
            _end(seen)
    return time.time() - started, peak, int(process.wait())


def _end(members: Iterable[psutil.Process]) -> None:
    for member in members:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return [process]


def _memory(process: psutil.Process) -> int:
    """Return what the process alone has, in bytes; 0 where it has ended."""
    try:
        info = process.memory_info()
        return int(info.rss - getattr(info, "shared", 0))
    except psutil.Error:
        return 0


def _models(folder: Path, metric: metrics.Metric, y: np.ndarray) -> Iterator[Row]:
    """Yield what was measured of each model; its score as the metric shows it."""
    for name in ("model", "compact"):
        if (folder / f"{name}.json").exists():
            score = metric.shown(metric.score(y, np.load(folder / f"{name}.npy")))
            yield {"model": name, "score": score, **json.loads((folder / f"{name}.json").read_text())}
