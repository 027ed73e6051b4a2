"""Files that are written whole, or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

DRAFT = ".automl-"  # how the names of files begin that are being written


@contextlib.contextmanager
def whole(path: Path, permissions: int = 0o644, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file to write that stands at ``path`` when the block ends, complete and on the disk, or not at all.

    It is written beside its place and renamed: a failure leaves no half file and no lost old one.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    as_text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with open(handle, mode, **as_text) as file:
            yield file
            file.flush()
            os.fsync(handle)
        os.chmod(draft, permissions)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
