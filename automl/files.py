"""Files that are written whole and read within limits, and temporary folders that outlive nobody."""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from automl.errors import AutoMLError, in_one_line
from automl.runtime.whole import DRAFT, whole

PRIVATE, PUBLIC = 0o600, 0o644
# Of a file with a configuration or a record; ours have less than a tenth.
MOST_BYTES, MOST_LEVELS = 10_000_000, 60
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OWNER = "owner.lock"
# A draft is written in less.
_DRAFT_SECONDS = 60.0


def write(path: Path, content: str | bytes, permissions: int = PRIVATE) -> None:
    """Write a file whole: a failure at any moment leaves the old one, or none. Raises ``AutoMLError``, see ``room``."""
    with room(path.parent), whole(path, permissions, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def locked(path: Path, permissions: int = PRIVATE) -> Iterator[None]:
    """Within the block, a small file that several processes add to is this one's; it is made, empty, if need be.

    What is added is written whole: read the file, and ``write`` it again.
    """
    while True:
        with room(path.parent):
            lock = os.open(path, os.O_RDWR | os.O_CREAT, permissions)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            # Whoever held the lock may have put another file in this one's place.
            if os.path.samestat(os.fstat(lock), path.stat()):
                yield
                return
        finally:
            os.close(lock)


def with_line(content: bytes, line: str) -> bytes:
    """Return the content of a file of lines with one more, which is its own whoever has written the last one."""
    return content + (b"\n" if content and not content.endswith(b"\n") else b"") + line.encode()


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses while something is written to ``folder`` into an ``AutoMLError`` that names it."""
    try:
        yield
    except OSError as error:
        raise AutoMLError(
            f"What is written must fit on the disk: '{error.filename or folder}' cannot be written "
            f"({error.strerror or error}). All that was written before is kept; make room in '{folder}' and go on."
        ) from error


def read_json(path: Path) -> Any:
    """Return what a small JSON file holds. Raises ``OSError`` where there is none, ``ValueError`` in words."""
    try:
        return json.loads(_read(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_yaml(path: Path) -> Any:
    """Return what a small YAML file holds; see ``yaml_text``."""
    text = yaml_text(path)
    try:
        return yaml.load(text, _LOADER)
    except yaml.YAMLError as error:
        raise ValueError(in_one_line(error)) from None


def yaml_text(path: Path) -> str:
    """Return the text of a small YAML file without aliases, which could unfold without end.

    Raises ``OSError`` where there is none, ``ValueError`` in words.
    """
    text = _read(path)
    level = 0
    try:
        for event in yaml.parse(text, _LOADER):
            level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("it has aliases (*), which are not read")
            if level > MOST_LEVELS:
                raise ValueError(f"it is nested in more than {MOST_LEVELS} levels")
    except yaml.YAMLError as error:
        raise ValueError(in_one_line(error)) from None
    return text


def _read(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
    return path.read_text(encoding="utf-8")


@contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a folder for the block, named from ``prefix``; those of processes that were killed are removed first.

    Its owner holds a lock, which ends with the process however that ends.
    """
    _clear_scratch(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        # The lock is held before it has the name that others look for.
        with (folder / f"{_OWNER}.new").open("wb") as lock:
            with suppress(OSError):  # a file system without locks, where nobody can take it either
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(lock.name, folder / _OWNER)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_scratch(parent: Path, prefix: str) -> None:
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # others' folders; the lock of a living owner; no folder of this kind
            if folder.lstat().st_uid == os.geteuid() and not folder.is_symlink():
                with (folder / _OWNER).open("rb") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)


def clear_drafts(folder: Path) -> None:
    """Remove the files that killed processes were writing in ``folder``."""
    for draft in folder.glob(f"{DRAFT}*"):
        with suppress(OSError):
            if draft.is_file() and time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                draft.unlink()
