"""Files of text: unpacked and decoded."""

import codecs
import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from automl.runtime.detect import ENCODINGS, beyond_ascii, detect
from automl.runtime.errors import PredictionError, nearest

_MENDED_BESIDE = 10  # good characters beyond ASCII for each that is broken: the text is in this encoding nevertheless
_BYTE_ORDER_MARKS = {  # and the encoding; that of UTF-32 begins like that of UTF-16
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_ESCAPES = {b"\x1b$)C": "iso2022_kr", b"\x1b$": "iso2022_jp"}  # from ASCII to other letters in seven bits
_POINTER = b"version https://git-lfs"
_GZIP = b"\x1f\x8b"
_BEGINNING = 4096  # bytes in which zeros tell a text from others
_SHARE_OF_ASCII = 0.05  # that a table has in any language: signs between fields, digits, line ends
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook. Save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook. Save the sheet as CSV",
    b"PAR1": "Parquet. Call it .parquet",
    b"ARROW1": "Feather. Call it .feather",
    b"\x93NUMPY": "a NumPy array. Save it as .npz",
    b"BZh": "compressed by bzip2. Unpack it, or use gzip",
    b"\xfd7zXZ": "compressed by xz. Unpack it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd. Unpack it, or use gzip",
    b"SQLite format 3": "an SQLite database. Write the table as CSV",
    b"\x89HDF": "HDF5. Write the table as CSV",
    b"@relation": "ARFF. Write the table as CSV",
    b"@RELATION": "ARFF. Write the table as CSV",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"<!DOCTYPE": "a web page; the download may have failed",
    b"<html": "a web page; the download may have failed",
}


class Text(NamedTuple):
    """What a file of text holds, and what there is to say. ``encoding``: Python's name of the one that it is in; "" for
    UTF-8 and other forms of Unicode.
    """

    content: str
    notes: tuple[str, ...] = ()
    encoding: str = ""


def ending(path: Path) -> str:
    """Return how the name of a file ends, in small letters: ".csv", or ".csv.gz" where it is compressed."""
    return ("".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix).lower()


def refuse_absent(path: Path) -> None:
    """Raise ``PredictionError`` where there is no such file, with the one that may be meant, or nothing in it."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device. Write what comes out of it into a file"
        raise PredictionError(f"'{path}' must be a plain file; it is {what}.")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise PredictionError(f"There is no file '{path}'.{nearest(path.name, beside)}")
    with path.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise PredictionError(f"'{path}' is only a pointer of Git LFS to the file. Fetch it with: git lfs pull")


def codec(encoding: str) -> str:
    """Return Python's name of an encoding of texts, "" where there is none that is called so."""
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        return ""
    return codecs.lookup(encoding).name


def read_text(path: Path, encoding: str = "") -> Text:
    """Return what a file of text holds, unpacked and decoded; see ``text_of``."""
    return text_of(path, read_bytes(path), encoding)


def text_of(path: Path, raw: bytes, encoding: str = "") -> Text:
    """Return the text in bytes of a file, or of a part of one. Raises ``PredictionError`` for what is no text.

    What is UTF-8, or tells that it is in another form of Unicode, is read so; all else in ``encoding``, or the one that
    ``detect`` finds where that is "".
    """
    other = next((what for magic, what in _NO_TEXT.items() if raw.startswith(magic)), None)
    if other is not None:
        raise PredictionError(f"'{path}' must be a file of text; its content is {other}.")
    raw = raw.removesuffix(b"\x1a")  # the end of a file, to DOS
    for name in _sure(raw, encoding):
        with contextlib.suppress(UnicodeDecodeError):
            return _unsigned(path, raw.decode(name))
    if not encoding and (b"\0" in raw[:_BEGINNING] or any(map(raw.startswith, _BYTE_ORDER_MARKS))):
        way_out = "It may be a binary file, or damaged text in UTF-16. Save it as UTF-8."
        raise PredictionError(f"'{path}' is no text in UTF-8. {way_out}")
    if _is_nearly(raw, "utf-8"):
        text, note = _mended(path, raw, "utf-8")
        return Text(text, (note,))
    return _decoded(path, raw, encoding)


def is_packed(path: Path, raw: bytes) -> bool:
    """Whether a file that begins with ``raw`` is compressed by gzip; a .gz that a browser has unpacked is not."""
    return raw[:2] == _GZIP or (path.suffix.lower() == ".gz" and len(raw[:_BEGINNING].splitlines()) < 2)


def read_bytes(path: Path) -> bytes:
    """Return what is in a file, unpacked where gzip has compressed it. Raises ``PredictionError``."""
    refuse_absent(path)
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if is_packed(path, raw) else raw
    except (OSError, EOFError, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None


def _sure(raw: bytes, encoding: str) -> Iterator[str]:
    """Yield the encodings of which a text is the first that it can be decoded in, without a guess."""
    marked = next((name for mark, name in _BYTE_ORDER_MARKS.items() if raw.startswith(mark)), "")
    if marked:
        yield marked
        return
    first = raw[: min(1000, len(raw) // 2 * 2)]
    if first and first[:2] != b"\0\0":  # of ASCII in UTF-16, every other byte is zero
        yield from ["utf-16-le"] * (not any(first[1::2])) + ["utf-16-be"] * (not any(first[::2]))
    if raw.isascii():
        yield from (name for escape, name in _ESCAPES.items() if escape in raw)
        if encoding and ",1".encode(encoding) == b",1":  # which may be one in seven bits
            yield encoding
    yield "utf-8"
    low, high = raw[:_BEGINNING:2].count(0), raw[1:_BEGINNING:2].count(0)
    if max(low, high) > max(_SHARE_OF_ASCII * len(raw[:_BEGINNING:2]), 10 * min(low, high)):
        yield "utf-16-le" if high > low else "utf-16-be"


def _unsigned(path: Path, text: str) -> Text:
    """Return a text without zero characters, and without the byte order marks of files that were put together."""
    n_zeros = text.count("\0")
    notes = (f"'{path.name}' holds {n_zeros:,} zero characters (NUL), which were left out.",) if n_zeros else ()
    return Text(text.replace("\ufeff", "").replace("\0", ""), notes)


def _is_nearly(raw: bytes, encoding: str) -> bool:
    """Whether a text is in an encoding, but for a few bytes."""
    part = beyond_ascii(raw).decode(encoding, "replace")
    return len(part) - len(part.encode("ascii", "ignore")) > _MENDED_BESIDE * part.count("\ufffd")


def _mended(path: Path, raw: bytes, encoding: str) -> tuple[str, str]:
    """Return a text with a sign in the place of bytes that are none of its encoding, and a note."""
    text = raw.decode(encoding, "replace")
    n_bad = text.count("\ufffd")
    return text, f"'{path.name}' is {_title(encoding)}, but for {n_bad:,} bytes that are none; they were replaced."


def _decoded(path: Path, raw: bytes, asked: str) -> Text:
    """Return a text that is not Unicode, read in the encoding that is asked for, or else in the most likely one."""
    encoding, other = (asked, "") if asked else detect(raw)
    may_be = f" It may be {_title(other)} as well (data.encoding={other})." if other else ""
    way_out = f"{may_be} If letters are wrong, save it as UTF-8, or train with data.encoding=NAME."
    said = f"'{path.name}' is not UTF-8; it was read as {{}}.{'' if asked else way_out}"
    try:
        return Text(raw.decode(encoding), (said.format(_title(encoding)),), encoding)
    except UnicodeDecodeError as error:
        if encoding == "cp1252":  # some bytes are none there
            return Text(raw.decode("latin-1"), (said.format("Latin-1"),), encoding)
        if not asked or _is_nearly(raw, encoding):
            text, note = _mended(path, raw, encoding)
            return Text(text, (said.format(_title(encoding)), note), encoding)
        raise PredictionError(
            f"'{path}' is neither UTF-8 nor {_title(encoding)} ({error.reason}). It may be {_title(detect(raw)[0])}. "
            "Save it as UTF-8, or train with another data.encoding."
        ) from None


def _title(encoding: str) -> str:
    return ENCODINGS[encoding].title if encoding in ENCODINGS else encoding.upper()
