"""Rows of a file of text by their places in it: which ones are read is decided before any of them is decoded."""

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.runtime.layout import beginning
from automl.runtime.text_file import Text, is_packed, read_bytes, read_text, text_of

_HEAD = 1 << 20  # bytes that tell the encoding and the layout
_BLOCK = 1 << 26  # bytes that are looked through at once
_NEWLINE, _QUOTE, _COMMENT = b'\n"#'


@dataclass(frozen=True)
class Lines:
    """The rows of a file of text, unpacked; of a plain file, only those that are taken get into memory.

    ``starts``, ``ends``: (n,) places in ``raw``. ``numbers``: (n,) how many lines, with those that are no rows, there
    are up to each, without the header's. ``header``: as it stands in the file, with its line end; empty for JSON.
    ``encoding``: that is asked for, "" where rows tell their own. ``decoded``: what was found out in decoding all of
    it, where rows cannot be told before.
    """

    path: Path
    raw: bytes | mmap.mmap
    starts: np.ndarray
    ends: np.ndarray
    numbers: np.ndarray
    encoding: str
    decoded: Text | None
    header: bytes = b""
    separator: str = ""

    @classmethod
    def of_table(cls, path: Path, encoding: str = "") -> "Lines":
        """Return the rows of a table of text: all lines but empty ones and comments.

        What begins with # is a row where it has as many fields as the header. Raises ``PredictionError``.
        """
        raw, head, decoded = _content(path, encoding)
        place, separator = beginning(path, head.content)
        start = _after_lines(raw, head.content.count("\n", 0, place))
        behind = place - head.content.rfind("\n", 0, place) - 1
        if behind:  # the "#" of a header in a comment
            start = raw.find(b"#", start) + behind
        ends = _line_ends(raw, start, quoted=True)
        starts = np.concatenate([[start], ends])[:-1]
        header = raw[start : int(ends[0])]
        sign = separator.encode()
        n_signs = header.count(sign)

        def is_row(line: bytes) -> bool:
            return bool(line.strip()) and (line[:1] != b"#" or (n_signs > 0 and line.count(sign) == n_signs))

        kept = _kept(raw, starts[1:], ends[1:], n_signs + 2, is_row)
        return cls(path, raw, *kept, encoding, decoded, header, separator)

    @classmethod
    def of_json(cls, path: Path, encoding: str = "") -> "Lines":
        """Return the lines of a file of JSON that are not empty. Raises ``PredictionError``."""
        raw, _, decoded = _content(path, encoding)
        ends = _line_ends(raw, 0, quoted=False)
        starts = np.concatenate([[0], ends])[:-1]
        kept = _kept(raw, starts, ends, 2, lambda line: bool(line.strip()))
        return cls(path, raw, *kept, encoding, decoded)

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, index: np.ndarray) -> Text:
        """Return the header and the rows at ``index``. Raises ``PredictionError`` where they cannot be decoded."""
        rows = self.header + b"".join(self._each(index))
        if self.decoded is not None:
            return self.decoded._replace(content=rows.decode())
        return text_of(self.path, rows, self.encoding)

    def each(self, index: np.ndarray) -> Iterator[str]:
        """Yield the rows at ``index``, with a sign in the place of what cannot be decoded."""
        encoding = "utf-8" if self.decoded is not None else self.encoding or "utf-8"
        return (row.decode(encoding, "replace") for row in self._each(index))

    def _each(self, index: np.ndarray) -> Iterator[bytes]:
        for start, end in zip(self.starts[index].tolist(), self.ends[index].tolist(), strict=True):
            row = self.raw[start:end]
            yield row if row.endswith(b"\n") else row + b"\n"


def _content(path: Path, encoding: str) -> tuple[bytes | mmap.mmap, Text, Text | None]:
    """Return what a file holds, in bytes in which line ends and quotes are those of ASCII, and its beginning decoded;
    the last is what all of it is, decoded, where it had to be: it is given in UTF-8 then.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    raw: bytes | mmap.mmap = read_bytes(path) if is_packed(path, mapped[:_HEAD]) else mapped
    head = raw[:_HEAD]
    if b"\0" in head or b"\x1b" in head or (encoding and '\n,"'.encode(encoding) != b'\n,"'):
        whole = read_text(path, encoding)  # in two bytes for each character, or in seven bits
        return whole.content.encode(), whole, whole._replace(content="")
    begun = head if len(head) == len(raw) else head[: head.rfind(b"\n") + 1] or head
    return raw, text_of(path, begun, encoding), None


def _after_lines(raw: bytes | mmap.mmap, n: int) -> int:
    """Return where the line after the first ``n`` begins."""
    place = 0
    for _ in range(n):
        place = raw.find(b"\n", place) + 1
    return place


def _line_ends(raw: bytes | mmap.mmap, start: int, quoted: bool) -> np.ndarray:
    """Return the places behind each line from ``start`` on; ``quoted``: line ends between double quotes are none."""
    found, n_quotes = [], 0
    for place in range(start, len(raw), _BLOCK):
        block = np.frombuffer(raw, np.uint8, min(_BLOCK, len(raw) - place), place)
        ends = np.flatnonzero(block == _NEWLINE)
        if quoted:
            quotes = np.flatnonzero(block == _QUOTE)
            ends = ends[(n_quotes + np.searchsorted(quotes, ends)) % 2 == 0]
            n_quotes += len(quotes)
        found.append(ends + (place + 1))
    if not found or not len(found[-1]) or found[-1][-1] < len(raw):
        found.append(np.array([len(raw)]))  # the last line has no end
    return np.concatenate(found)


def _kept(
    raw: bytes | mmap.mmap, starts: np.ndarray, ends: np.ndarray, n_short: int, is_row: Callable[[bytes], bool]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts, ends and numbers of the lines that are rows; only those up to ``n_short`` bytes long, and those
    that begin like a comment, are looked at one by one.
    """
    keep = np.ones(len(starts), bool)
    begins = np.frombuffer(raw, np.uint8)[np.minimum(starts, len(raw) - 1)]
    for i in np.flatnonzero((ends - starts <= n_short) | (begins == _COMMENT)).tolist():
        keep[i] = is_row(raw[int(starts[i]) : int(ends[i])])
    return starts[keep], ends[keep], np.flatnonzero(keep) + 1
