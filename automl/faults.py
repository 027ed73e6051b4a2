"""What goes wrong, told to a person on standard error: one message and an exit code, never a traceback."""

import errno
import os
import shlex
import sys
import tempfile
import traceback

from automl import interrupts
from automl.errors import AutoMLError
from automl.runtime.errors import PredictionError
from automl.runtime.printable import printable

CORRECTABLE, UNFORESEEN, INTERRUPTED = 2, 3, 130
# Without the name of a file; the last one is said where there is no room in any temporary folder, which are listed.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOENT}


def tell(error: BaseException) -> int:
    """Print what happened, and return the exit code.

    2: a person can put it right. 130: an interrupt. 3: nobody foresaw it, and a file holds the details.
    """
    if isinstance(error, KeyboardInterrupt):
        return _say(str(error) or "interrupted", INTERRUPTED)
    if isinstance(error, (AutoMLError, PredictionError)):
        return _say(str(error), CORRECTABLE)
    if interrupts.just_now():
        return _say("interrupted", INTERRUPTED)
    if isinstance(error, MemoryError):
        return _say("The memory of this machine does not suffice. Give fewer rows or columns.", CORRECTABLE)
    if isinstance(error, OSError) and (error.filename or error.errno in _DISK):
        where = f"'{error.filename}'" if error.filename else "A file"
        return _say(f"{where} cannot be used ({error.strerror}). Make room, or give another path.", CORRECTABLE)
    kept = _kept(error)
    details = f"The details are in '{kept}'" if kept else "There is no room for a file with the details"
    return _say(f"This should not have happened: {_line(error)}. {details}; please report it.", UNFORESEEN)


def _say(message: str, code: int) -> int:
    print(f"automl: {printable(message)}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # on a full disk it would fail again, loudly, when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _line(error: BaseException) -> str:
    first = next(iter(str(error).splitlines()), "")[:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _kept(error: BaseException) -> str | None:
    """Write the traceback into a file that only this user can read; return its path."""
    from automl import __version__

    try:
        handle, path = tempfile.mkstemp(prefix="automl-error-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"automl {__version__}, Python {sys.version}\n{shlex.join(sys.argv)}\n\n")
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return path
