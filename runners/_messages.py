"""What the driver and the process that runs Ray say to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.goals import Goals
from automl.space import Space
from automl.types import Trial

# Where a trial's snapshot stands in what a worker hands to Tune.
SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Connect:
    """To Ray: join the one at ``address``, else start one with ``n_cpus``. ``preload``: what its workers import."""

    address: str | None
    n_cpus: int
    preload: Sequence[str]


@dataclass(frozen=True)
class Resources:
    """What a trial gets. ``gpus``: None shares the GPUs there are equally; ``memory_mb``: None likewise."""

    workers: int | None
    cpus: int
    gpus: float | None
    memory_mb: float | None


@dataclass(frozen=True)
class Known:
    """What schedulers ask of the driver's ``Proposer`` as it was when the run began."""

    space: Space
    lag: int | None
    trials: Sequence[Trial]
    goals: Goals


@dataclass(frozen=True)
class RunTrials:
    """To Ray: run trials of the ``objective`` in that file."""

    objective: Path
    scheduler: Mapping[str, Any]
    known: Known
    resources: Resources
    deadline: float | None
    share_bytes: float | None
    storage: str | None


@dataclass(frozen=True)
class Nothing:
    """To Ray, asked for a candidate: there is none now. ``spent``: nor later, unless a trial is lost."""

    spent: bool


@dataclass(frozen=True)
class Alive:
    """From Ray, once a second: Tune's loop turns."""


@dataclass(frozen=True)
class Connected:
    """From Ray: workers can be had. ``daemons``: the processes that must not die."""

    daemons: Sequence[int]


@dataclass(frozen=True)
class Running:
    """From Ray: this many trials run at a time; None: those that the scheduler wants."""

    slots: int | None


@dataclass(frozen=True)
class Free:
    """From Ray: a worker is free; answered by a candidate or ``Nothing``."""


@dataclass(frozen=True)
class Began:
    """From Ray: a worker has taken up a trial."""

    id: str


@dataclass(frozen=True)
class Lost:
    """From Ray: a trial's worker died. ``again``: whether another may fare better."""

    id: str
    why: str
    again: bool


@dataclass(frozen=True)
class Refused:
    """From Ray: no trial can succeed."""

    error: AutoMLError


@dataclass(frozen=True)
class Over:
    """From Ray: all is done, or only paused trials are left that nobody will wake."""
