"""Files of text: unpacked and decoded."""

import contextlib
import gzip
import zlib
from pathlib import Path

from automl.runtime.errors import PredictionError, nearest

_MENDED_BESIDE = 10  # good characters beyond ASCII for each that is broken: the text is UTF-8 nevertheless
_BYTE_ORDER_MARKS = {  # and the encoding; that of UTF-32 begins like that of UTF-16
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
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


def ending(path: Path) -> str:
    """Return how the name of a file ends, in small letters: ".csv", or ".csv.gz" where it is compressed."""
    return ("".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix).lower()


def refuse_absent(path: Path) -> None:
    """Raise ``PredictionError`` where there is no such file, with the one that may be meant."""
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise PredictionError(f"There is no file '{path}'.{nearest(path.name, beside)}")


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return what a file of text holds, unpacked and decoded, with notes. Raises ``PredictionError`` for others."""
    refuse_absent(path)
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b" or (path.suffix.lower() == ".gz" and len(raw.splitlines()) < 2):
            raw = gzip.decompress(raw)  # a .gz that a browser has unpacked is read as it is
    except (OSError, EOFError, zlib.error) as error:
        raise PredictionError(f"'{path}' cannot be read: {error}.") from None
    other = next((what for magic, what in _NO_TEXT.items() if raw.startswith(magic)), None)
    if other is not None:
        raise PredictionError(f"'{path}' must be a file of text; its content is {other}.")
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if raw.startswith(mark)), "") or _unmarked(raw)
    raw = raw.removesuffix(b"\x1a")  # the end of a file, to DOS
    try:
        return _unsigned(path, raw.decode(encoding))
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or b"\0" in raw[:4096]:
            way_out = "It may be a binary file, or text in UTF-16. Save it as UTF-8."
            raise PredictionError(f"'{path}' is no text in UTF-8 ({error.reason}). {way_out}") from None
    mended = raw.decode("utf-8", "replace")
    n_bad = mended.count("\ufffd")
    if sum(not c.isascii() for c in mended) > _MENDED_BESIDE * n_bad:
        return mended, (f"'{path.name}' is UTF-8, but for {n_bad:,} bytes that are none; they were replaced.",)
    with contextlib.suppress(UnicodeDecodeError):
        return raw.decode("cp1252"), (_not_utf8(path, "Windows-1252"),)
    return raw.decode("latin-1"), (_not_utf8(path, "Latin-1"),)


def _unsigned(path: Path, text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without zero characters, and without the byte order marks of files that were put together."""
    n_zeros = text.count("\0")
    notes = (f"'{path.name}' holds {n_zeros:,} zero characters (NUL), which were left out.",) if n_zeros else ()
    return text.replace("\ufeff", "").replace("\0", ""), notes


def _unmarked(raw: bytes) -> str:
    """Return the encoding of a text without a mark: every other byte of UTF-16 is zero in most languages' tables."""
    first = raw[:1000]
    if len(first) > 1 and len(first) % 2 == 0 and first[:2] != b"\0\0":
        return "utf-16-le" if not any(first[1::2]) else "utf-16-be" if not any(first[::2]) else "utf-8"
    return "utf-8"


def _not_utf8(path: Path, encoding: str) -> str:
    return f"'{path.name}' is not UTF-8; it was read as {encoding}. Save it as UTF-8 if letters are wrong."
