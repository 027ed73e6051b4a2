"""Which process drives a run, and whether this machine can see that it is gone."""

import json
import os
import platform
import uuid
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Process:
    """A process by what no other one shares.

    host: the name, for people. machine: this start of this machine, and its processes (a container has its own), since
    host names are not unique. birth: when it began, which tells it from a later one with the same ``pid``.
    """

    host: str
    machine: str
    pid: int
    birth: str

    @classmethod
    def parse(cls, text: str) -> "Process":
        """Return the process that ``str`` wrote down."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def is_gone(self) -> bool:
        """Return whether it is known to have ended: it ran here, and does not any more."""
        if self.machine != _machine():
            return False
        try:
            zombie = psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
            return zombie or _birth(self.pid) != self.birth
        except (psutil.NoSuchProcess, FileNotFoundError):
            return True


def current() -> Process:
    """Return this process."""
    return Process(platform.node(), _machine(), os.getpid(), _birth(os.getpid()))


@cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # no Linux
        return f"{uuid.getnode():x}"


def _birth(pid: int) -> str:
    if Path("/proc/self/stat").exists():
        # In ticks since the machine started: a clock that is set does not change it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{psutil.Process(pid).create_time():.0f}"
