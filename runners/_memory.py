"""A trial's share of the memory: a thread that ends the process when it is passed."""

import os
import threading
from collections.abc import Callable

import psutil

from automl.machine import available_bytes

POLL_SECONDS = 0.1
MB = 1e6
# Of the memory, what trials may use together.
SHARE = 0.8


def equal_share(n_trials: int) -> float:
    """Return the bytes that each of so many trials may use of what is free on this machine."""
    return SHARE * available_bytes() / n_trials


def own_bytes(process: psutil.Process) -> int:
    """Return the resident memory of a process without what it shares (the data all trials read)."""
    memory = process.memory_info()
    return memory.rss - getattr(memory, "shared", 0)


class Watch:
    """Ends this process when it has grown by more than ``share_bytes`` since the last ``restart``.

    ``last_words`` is called with the reason first. Nothing less than the end of the process gets
    memory back from a library that is in the middle of a computation.
    """

    def __init__(self, share_bytes: float, last_words: Callable[[str], None]) -> None:
        self.share_bytes = share_bytes
        self.last_words = last_words
        self.process = psutil.Process()
        self.base_bytes = own_bytes(self.process)
        threading.Thread(target=self._watch, daemon=True, name="memory-watch").start()

    def restart(self) -> None:
        """Measure the growth from here on."""
        self.base_bytes = own_bytes(self.process)

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(POLL_SECONDS):
            grown = own_bytes(self.process) - self.base_bytes
            if grown > self.share_bytes:
                used, share = f"{grown / MB:.0f} MB", f"{self.share_bytes / MB:.0f} MB"
                self.last_words(f"the trial used {used} of memory, more than its share of {share}")
                os._exit(1)
