"""Texts in the characters that are read: other scripts' digits and signs in ASCII, nothing that is not seen."""

import re
import unicodedata
from typing import Any

# What is not seen between letters, and joins none: zero-width spaces, soft hyphens, marks of the direction.
_DIRECTIONS = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070))
UNSEEN = dict.fromkeys((0xAD, 0x180E, 0x200B, 0x2060, 0xFEFF, *_DIRECTIONS))
_UNSEEN_IN_NUMBERS = {**UNSEEN, **dict.fromkeys((0x200C, 0x200D, *range(0x2061, 0x2065)))}  # these join letters
RISING, FALLING = "▲△", "▼▽"
# Unicode's spaces, minus signs, apostrophes and full-width characters, as those that are read; others are not seen.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
        **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-"),
        **dict.fromkeys((0x2018, 0x2019, 0x2BC, 0xB4, 0x60, 0x66C), "'"),
        **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        **_UNSEEN_IN_NUMBERS,
        **dict.fromkeys((0x2033, 0x201C, 0x201D), '"'),
        0x2032: "'",
        0xBA: "°",
        0x2103: "°C",
        0x2109: "°F",
        **dict.fromkeys((*map(ord, RISING), 0x2191), "+"),
        **dict.fromkeys((*map(ord, FALLING), 0x2193), "-"),
        0x66A: "%",  # Arabic
        0x66B: ".",
    }
)
_QUOTED = re.compile(r"""=?(?P<mark>["'])(?P<quoted>[^"']*)(?P=mark)|'(?P<text>[^"']*)""")
_INTEGRAL = re.compile(r"[+-]?\d+\.0*")


def as_text(value: Any) -> str:
    """Return a value as a text; bytes are one in UTF-8."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def plain_text(value: Any) -> str:
    """Return a value as a text: "True" for TRUE, "3" for 3.0; letters are composed, what is not seen left out."""
    text = as_text(value).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(UNSEEN)).strip()
    if text.lower() in ("true", "false"):
        return text.capitalize()
    if _INTEGRAL.fullmatch(text):
        text = text[: text.index(".")]
        return "0" if text == "-0" else text
    return text


def seen(text: str) -> str:
    """Return what is seen of a number, or of a word in the place of one, without spaces around it."""
    return text.strip() if text.isascii() else text.translate(_UNSEEN_IN_NUMBERS).strip()


def in_ascii(text: str) -> str:
    """Return a text with the digits, spaces and dashes of other scripts as those of ASCII, without what is not seen."""
    if text.isascii():
        return text.strip()
    return re.sub(r"\d", lambda digit: str(int(digit[0])), text.translate(_SIGNS).strip())


def unquoted(text: str) -> str:
    """Return a number or date without quotes around it, as in ="5", or the apostrophe that makes it text in a sheet."""
    found = _QUOTED.fullmatch(text)
    return text if found is None else (found["quoted"] or found["text"] or "").strip()
