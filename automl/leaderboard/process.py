"""Which process runs a search: so that a run whose process was killed is not taken for a running one."""

import platform
from functools import cache

import psutil


@cache
def current() -> str:
    """Return "host pid birth" of this process; the birth tells it from a later one with the same number."""
    me = psutil.Process()
    return f"{platform.node()} {me.pid} {me.create_time():.2f}"


def pid(name: str) -> int:
    """Return the number of a process that ``current`` named."""
    return int(name.split()[-2])


def is_alive(name: str) -> bool:
    """Return whether a process that ``current`` named still runs; one on another host is believed to."""
    host, number, birth = name.rsplit(" ", 2)
    if host != platform.node():
        return True
    try:
        found = psutil.Process(int(number))
        return abs(found.create_time() - float(birth)) < 1.0 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
