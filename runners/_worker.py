"""A worker process of this machine: fits one candidate after the other. Its driver is ``_pool.py``."""

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from automl.runners._child import Channel
from automl.runners._memory import Watch
from automl.runners._shared import read
from automl.runners.blocks import failed, reason, taken_up
from automl.types import Candidate, Objective


@dataclass(frozen=True)
class Job:
    """What all trials of a run have in common. ``objective``: a file that ``_shared.read`` reads."""

    objective: Path
    threads: int
    deadline: float | None
    share_bytes: float


@dataclass(frozen=True)
class Ready:
    """The worker awaits candidates."""


@dataclass(frozen=True)
class LastWords:
    """The worker ends itself, and why."""

    why: str


def main(channel: Channel) -> None:
    """Import what trials need, take up the job, then fit candidates until the driver is gone."""
    preload: Sequence[str] = channel.receive()
    for module in preload:
        if not channel.waiting:  # else what this job needs comes first
            importlib.import_module(module)
    job: Job = channel.receive()
    try:
        objective: Objective = read(job.objective)
    except Exception as error:
        channel.send(LastWords(reason(error)))
        os._exit(1)
    watch = Watch(job.share_bytes, lambda why: channel.send(LastWords(why)))
    channel.send(Ready())
    while True:
        candidate: Candidate = channel.receive()
        watch.restart()
        _fit(objective, candidate, job, channel)


def _fit(objective: Objective, candidate: Candidate, job: Job, channel: Channel) -> None:
    """Send the snapshots of one trial to its end; after each running one the driver says whether to go on."""
    snapshot, steps = taken_up(candidate), None
    try:
        steps = objective(candidate, job.threads, job.deadline)
        for snapshot in steps:
            channel.send(snapshot)
            if snapshot.status != "running" or not channel.receive():
                return
        raise RuntimeError("the trial came to no end")
    except Exception as error:
        channel.send(failed(snapshot, reason(error)))
    finally:
        if steps is not None and hasattr(steps, "close"):
            steps.close()
