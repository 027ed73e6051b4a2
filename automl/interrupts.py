"""Ctrl-C: never lost, and not in the way of what must not be left half done."""

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


@contextmanager
def none_is_lost() -> Iterator[Callable[[], None]]:
    """Yield a function that raises ``KeyboardInterrupt`` again if one was raised within the block, and swallowed.

    Python drops an exception that a signal raises in a finalizer or in a callback of a library. Signals reach the main
    thread alone: in any other the function does nothing.
    """
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    earlier = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number in _SIGNALS:
            signal.signal(number, note)
        yield check
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
