"""A value in a file that many processes read: its large arrays are in memory once."""

import pickle
from pathlib import Path
from typing import Any

ALIGNMENT = 64  # bytes, of each array


def write(value: Any, file: Path) -> None:
    """Write a value for ``read``: pickled, its large arrays apart, so that all who read share their memory.

    Raises ``AutoMLError`` where the disk, which is that of temporary files, has no room for it.
    """
    import cloudpickle

    from automl import files

    buffers: list[pickle.PickleBuffer] = []
    head = cloudpickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [buffer.raw() for buffer in buffers]
    with files.room(file.parent), file.open("wb") as out:
        pickle.dump([len(head), *(part.nbytes for part in parts)], out)
        for part in (head, *parts):
            out.write(b"\0" * (-out.tell() % ALIGNMENT))
            out.write(part)


def read(file: Path) -> Any:
    """Return what ``write`` wrote; its arrays are read-only and lie in the file."""
    import numpy as np

    with file.open("rb") as opened:
        sizes = pickle.load(opened)
        offset = opened.tell()
    whole = np.memmap(file, np.uint8, "r")
    parts = []
    for size in sizes:
        offset += -offset % ALIGNMENT
        parts.append(whole[offset : offset + size].data)
        offset += size
    return pickle.loads(parts[0], buffers=parts[1:])
