"""Ctrl-C: never lost, and not in the way of what must not be left half done."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DEFAULTS: dict[int, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
# So long after an interrupt, an error that nobody foresaw is put down to it.
JUST_NOW_SECONDS = 1.0
_last: float | None = None  # when one came, on the clock of time.monotonic


def listen() -> None:
    """Let SIGTERM, and SIGINT where it is not ignored (as in a shell's background), raise ``KeyboardInterrupt``."""
    global _last
    _last = None
    # Whoever ends this job wants the best so far as much as a person who presses Ctrl-C.
    signal.signal(signal.SIGTERM, _arrive)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _arrive)


def ignore() -> None:
    """Let interrupts pass: all is done, and while this process ends one would only make a failure of it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _arrive(number: int, frame: FrameType | None) -> None:
    global _last
    _last = time.monotonic()
    raise KeyboardInterrupt


def just_now() -> bool:
    """Whether an interrupt came a moment ago. One that breaks off an import may come out as any other error."""
    return _last is not None and time.monotonic() - _last < JUST_NOW_SECONDS


def check() -> None:
    """Raise ``KeyboardInterrupt`` if an interrupt has come since ``listen``, whoever has swallowed it."""
    if _last is not None:
        raise KeyboardInterrupt


@contextmanager
def _handled(handle: Callable[[int, Callable[[], None]], None]) -> Iterator[None]:
    """Let signals call ``handle(number, restore)`` within the block; ``restore`` brings the handlers of before back.

    Signals reach the main thread alone: in any other the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in earlier.items():
            # What a library had set from C is None here, and cannot be brought back.
            signal.signal(number, _DEFAULTS[number] if handler is None else handler)

    try:
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: handle(number, restore))
        yield
    finally:
        restore()


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block interrupts wait; they come at its end. For what takes moments and must not be left half done."""
    came: list[int] = []
    try:
        with _handled(lambda number, restore: came.append(number)):
            yield
    finally:
        if came:
            signal.raise_signal(came[0])


@contextmanager
def first_one_waits(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block the first interrupt only calls ``tell``; the next one is a ``KeyboardInterrupt``."""

    def wait(number: int, restore: Callable[[], None]) -> None:
        restore()
        tell()

    with _handled(wait):
        yield


@contextmanager
def none_is_lost() -> Iterator[Callable[[], None]]:
    """Yield a function that raises ``KeyboardInterrupt`` again if one was raised within the block, and swallowed.

    Python drops an exception that a signal raises in a finalizer or in a callback of a library.
    """
    seen: list[int] = []

    def note(number: int, restore: Callable[[], None]) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if seen:
            raise KeyboardInterrupt

    with _handled(note):
        yield check
