"""Ctrl-C while something is finished that must not be left half done."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def first_one_waits(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block the first interrupt only calls ``tell``; the next one is a ``KeyboardInterrupt``.

    Signals reach the main thread alone: in any other the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in earlier.items():
            signal.signal(number, handler)

    def wait(number: int, frame: FrameType | None) -> None:
        restore()
        tell()

    try:
        for number in _SIGNALS:
            signal.signal(number, wait)
        yield
    finally:
        restore()
