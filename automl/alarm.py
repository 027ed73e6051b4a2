"""An alarm that ends what is being made when its time is up, but for what must not be cut in two."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(BaseException):
    """The time is up; no ``except Exception`` of a library holds it."""


# How many blocks of ``whole`` there are, and whether it has rung within them.
_depth, _rung = 0, False


@contextmanager
def until(end: float) -> Iterator[None]:
    """Raise ``OutOfTime`` within the block at ``end``. Only the main thread can be told so."""
    global _rung
    left = end - time.time()
    if left <= 0:
        raise OutOfTime
    if not _is_main():
        yield
        return
    before, _rung = signal.signal(signal.SIGALRM, _ring), False
    signal.setitimer(signal.ITIMER_REAL, left)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        _rung = False


@contextmanager
def whole() -> Iterator[None]:
    """Let the block end before ``OutOfTime`` is raised.

    PyTorch calls Python back where nothing may be raised: that ends the process, as does a library half loaded.
    """
    global _depth, _rung
    if not _is_main():
        yield
        return
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _rung and not _depth:
            _rung = False
            raise OutOfTime


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _ring(*_: object) -> None:
    global _rung
    if not _depth:
        raise OutOfTime
    _rung = True
