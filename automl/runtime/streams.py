"""The standard streams of a process that was started without some of them, as by ``>&-`` in a shell."""

import io
import os
import sys
from typing import TextIO

from automl.runtime.errors import PredictionError


class Closed(io.StringIO):
    """Standard output that is closed, in a command whose result is what it prints."""

    def write(self, text: str, /) -> int:
        """Refuse what is printed."""
        raise PredictionError("The result is printed, and standard output is closed. Give it a file, or /dev/null.")


def open_streams(prints: bool) -> None:
    """Open what is closed of standard input, output and error: else the next file gets its number, and what others
    print. Nobody reads what goes there, but where a command ``prints`` its result, that is refused.
    """
    closed = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if name in closed:
            _fill(number)
    if "stdout" in closed:
        sys.stdout = Closed() if prints else _nowhere()
    if "stderr" in closed:
        sys.stderr = _nowhere()


def _nowhere() -> TextIO:
    """Return a file that nobody reads, which is open as long as the process is."""
    return open(os.devnull, "w", encoding="utf-8")


def _fill(number: int) -> None:
    """Let a number of a file that may be free stand for one that nobody reads, in child processes too."""
    try:
        os.fstat(number)
    except OSError:
        nobody = os.open(os.devnull, os.O_RDWR)
        os.dup2(nobody, number)  # which is inherited
        if nobody != number:
            os.close(nobody)
