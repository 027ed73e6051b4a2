"""What this process may use of its machine: its cores and memory, or those of its container if they are fewer."""

import math
import os
import platform
import time
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def n_cores(cgroup: Path = CGROUP) -> int:
    """Return how many cores this process may use (its affinity, and its container's quota)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup / "cpu.max"
    if quota.exists():
        limit, period = quota.read_text().split()[:2]
        if limit != "max":
            cores = min(cores, max(1, int(limit) // int(period)))
    return cores


def slowness(seconds: float = 0.1) -> float:
    """Return how many times longer than alone this thread takes now, as others share its cores; measured on some work.

    ``seconds``: of the processor, that it takes.
    """
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < seconds:
        sum(range(1000))
    return max(1.0, (time.perf_counter() - began) / seconds)


def worker() -> str:
    """Return the name of this process among those that fit trials, on one machine or many."""
    return f"{platform.node()}:{os.getpid()}"


def total_bytes(cgroup: Path = CGROUP) -> int:
    """Return the memory of this machine, or of this container if that is less."""
    return int(min(psutil.virtual_memory().total, _bytes(cgroup / "memory.max")))


def available_bytes(cgroup: Path = CGROUP) -> int:
    """Return the memory that is free for use on this machine, or in this container if that is less."""
    used = _bytes(cgroup / "memory.current", 0)
    left = _bytes(cgroup / "memory.max") - max(0, used - _cached_bytes(cgroup / "memory.stat"))
    return max(0, int(min(psutil.virtual_memory().available, left)))


def _cached_bytes(stat: Path) -> int:
    """Return what a container's use of memory holds of files that were read: it is given up where others need it."""
    counts = dict(line.split() for line in stat.read_text().splitlines()) if stat.exists() else {}
    return sum(int(counts.get(name, 0)) for name in ("active_file", "inactive_file", "slab_reclaimable"))


def _bytes(file: Path, otherwise: float = math.inf) -> float:
    """Return the number in a file; ``otherwise`` if it is not there or says "max"."""
    text = file.read_text().strip() if file.exists() else "max"
    return otherwise if text == "max" else int(text)
