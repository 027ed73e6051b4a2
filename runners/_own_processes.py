"""What runners with processes of their own have in common: these live, with a private folder, from start to close."""

import contextlib
import tempfile
import time
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path

from automl import files
from automl.interrupts import held_back
from automl.types import Trial

# Ray keeps its sockets in its temporary folder, and the path of a socket has at most 107 characters.
SHORT_PATH = 20


def private_folder() -> AbstractContextManager[Path]:
    """Make a folder that nobody else may read, with a short path, for a block; those of killed runs are removed."""
    parent = tempfile.gettempdir()
    return files.scratch(Path(parent if len(parent) <= SHORT_PATH else "/tmp"), "automl-")


class OwnProcesses:
    """Starts what trials need in ``begin``, and ends it.

    ``startup_seconds``: from ``run`` to the first trial, known once that has begun.
    """

    startup_seconds = 0.0
    folder: Path
    _until_closed: contextlib.ExitStack | None = None

    def start(self) -> None:
        """Start what trials need, in the background; ``run`` does it if nobody did."""
        if self._until_closed is None:
            self._until_closed = contextlib.ExitStack()
            self.folder = self._until_closed.enter_context(private_folder())
            self.begin(self._until_closed)

    def close(self) -> None:
        """End what ``start`` began; ``run`` does this at its end."""
        with held_back():
            if self._until_closed is not None:
                self._until_closed.close()
                self._until_closed = None

    def begin(self, until_closed: contextlib.ExitStack) -> None:
        """Start processes, which may use ``folder``; what ends them is put into ``until_closed``."""
        raise NotImplementedError

    def timed(self, trials: Generator[Trial, None, None]) -> Generator[Trial, None, None]:
        """Yield what ``trials`` yields once all is started, and close in the end."""
        began = time.monotonic()
        with contextlib.closing(self), contextlib.closing(trials):
            self.start()
            for snapshot in trials:
                self.startup_seconds = self.startup_seconds or time.monotonic() - began
                yield snapshot
