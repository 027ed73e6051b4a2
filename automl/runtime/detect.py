"""The encoding of a text that is not UTF-8, told by its letters: those that some language has, where it has them."""

import itertools
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from automl.runtime.alphabets import letters


class Encoding(NamedTuple):
    """What people call an encoding, how much less likely than Windows-1252 it is beforehand (a difference of
    logarithms), and the languages that are written in it.
    """

    title: str
    less: float
    languages: tuple[str, ...]


_WEST = (
    *("western", "French", "German", "Spanish", "Portuguese", "Italian", "Nordic", "Dutch", "Finnish", "Catalan"),
    "Icelandic",
)
_MIDDLE = ("German", "Polish", "Czech", "Slovak", "Hungarian", "Romanian", "South Slavic")
_CYRILLIC = ("Russian", "Ukrainian", "Belarusian", "Bulgarian", "Serbian")
ENCODINGS: Mapping[str, Encoding] = {  # by Python's name
    "cp1252": Encoding("Windows-1252", 0, _WEST),
    "cp1250": Encoding("Windows-1250", 4, _MIDDLE),
    "cp1251": Encoding("Windows-1251", 4, _CYRILLIC),
    "cp1253": Encoding("Windows-1253", 4, ("Greek",)),
    "cp1254": Encoding("Windows-1254", 4, ("Turkish", "German")),
    "cp1255": Encoding("Windows-1255", 4, ("Hebrew",)),
    "cp1256": Encoding("Windows-1256", 4, ("Arabic", "Persian", "French")),
    "cp1257": Encoding("Windows-1257", 4, ("Lithuanian", "Latvian", "Estonian")),
    "cp874": Encoding("Windows-874", 4, ("Thai",)),
    "gb18030": Encoding("GB18030 (GBK)", 4, ("Chinese",)),
    "cp950": Encoding("Big5", 4, ("traditional Chinese",)),
    "cp932": Encoding("Shift-JIS", 4, ("Japanese",)),
    "cp949": Encoding("EUC-KR", 4, ("Korean",)),
    "koi8_r": Encoding("KOI8-R", 5, ("Russian",)),
    "koi8_u": Encoding("KOI8-U", 5.5, ("Ukrainian",)),
    "euc_jp": Encoding("EUC-JP", 6, ("Japanese",)),
    "cp850": Encoding("DOS 850", 6, _WEST),
    "cp852": Encoding("DOS 852", 6, _MIDDLE),
    "cp866": Encoding("DOS 866", 6, ("Russian", "Ukrainian", "Belarusian")),
    "mac_roman": Encoding("Mac Roman", 6, _WEST),
    "iso8859_2": Encoding("ISO 8859-2", 6, _MIDDLE),
    "iso8859_5": Encoding("ISO 8859-5", 6, _CYRILLIC),
    "iso8859_7": Encoding("ISO 8859-7", 6, ("Greek",)),
    "iso8859_15": Encoding("ISO 8859-15", 6, _WEST),
}
_OF_TWO_BYTES = ("gb18030", "cp950", "cp932", "cp949", "euc_jp")
_LOOKED_AT = 1_000_000  # bytes that are looked at
_MOST = 4_000  # bytes of words that are weighed
_CLOSE = 3.0  # a difference of log likelihoods that may be chance
_TOKENS = re.compile(rb"[0-9@-~\x80-\xff]+")  # of all bytes that a letter may have
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_FITTING = re.compile(  # where they usually stand, with what is before and after them; beside a word are spaces
    r"[\d ]°[ CFKcf]|n[º°]|[mM][²³]|\d[ªº½¼¾]| [½¼¾]|[ \d][±×÷][ \d]|\d[€£¥]|[€£¥]\d| [€£¥] | µ[a-zA-Z ]|\w[®™©]| [®©]|"
    r"\w[’´]\w|\w[»”’“…]| [«“„‘¿¡–—•·§¶№]|\d\xa0|\xa0[:;!?»€%]"
)
# Letters that begin no word, and letters before others that do not follow them, in whatever language.
_STRANGE = re.compile(
    r"\b[èìòùðëïûãõñýěůńąęğų]\w|[ìù]\w|[çñ][b-df-hj-np-tv-z]|ã[^\Woe]|(?<=[bcdgpvxz])ã\b", re.IGNORECASE
)
_MIXED = re.compile(r"[a-z](?=[^\x00-\x7f])|[^\x00-\x7f](?=[a-z])")  # of two scripts
_VOWELS = frozenset("aeiouyøæœıå")
# How often a letter is a vowel between vowels (v), consonants (c) and ends of a word.
_VOWEL = {"cc": 0.85, "vv": 0.1, "cv": 0.3, "vc": 0.35, " c": 0.6, " v": 0.12, "c ": 0.8, "v ": 0.25, "  ": 0.9}
_EITHER = frozenset("ßøØ")
# Log probabilities of a character, and of what it is beside others of them.
_ASCII, _ACCENT, _OF_SIGN, _RARE, _BROKEN = -3.5, math.log(0.08), -4.0, -9.0, -13.0
_CAPITAL, _SMALL, _CAPITAL_INSIDE, _TWO_SCRIPTS, _ODD = -1.2, -0.3, -6.0, -5.0, -2.5
_FOREIGN = 0.1  # words of another language
_LATER = 0.3  # by which a language is less likely than the one before it


def detect(raw: bytes) -> tuple[str, str]:
    """Return Python's name of the encoding that a text that is not UTF-8 is most likely in, and of the one that is
    about as likely and would give another text ("" where there is none).

    It looks at ``beyond_ascii``.
    """
    words = _words(raw)
    found = sorted(((_likelihood(words, name) - one.less, name) for name, one in ENCODINGS.items()), reverse=True)
    (best, first), *others = found
    text = [word.decode(first, "replace") for word in words]
    close = (name for score, name in others if score > best - _CLOSE)
    return first, next((name for name in close if [word.decode(name, "replace") for word in words] != text), "")


def beyond_ascii(raw: bytes) -> bytes:
    """Return a megabyte of a text, from the first line on that is not ASCII."""
    first = _BEYOND_ASCII.search(raw)
    start = raw.rfind(b"\n", 0, first.start()) + 1 if first else 0
    return raw[start : start + _LOOKED_AT]


def _words(raw: bytes) -> list[bytes]:
    """Return some of the different words with bytes beyond ASCII: what repeats says nothing new."""
    tokens = (match[0] for match in _TOKENS.finditer(beyond_ascii(raw)))
    different = list(dict.fromkeys(token[:_MOST] for token in tokens if not token.isascii()))
    sizes = itertools.accumulate(map(len, different))
    return [word for word, size in zip(different, sizes, strict=True) if size <= _MOST]


def _likelihood(words: Sequence[bytes], encoding: str) -> float:
    """Return the log likelihood of words of one language, with a few of others, in an encoding."""
    languages = ENCODINGS[encoding].languages
    of_two_bytes = encoding in _OF_TWO_BYTES
    texts = [word.decode(encoding, "replace") for word in words]
    common = sum(map(_of_mixture if of_two_bytes else _of_shape, texts))
    each = np.array([[_of_letters(text, letters(name), of_two_bytes) for name in languages] for text in texts])
    foreign = np.logaddexp.reduce(each, axis=1) - math.log(len(languages)) + math.log(_FOREIGN)
    of_one = np.logaddexp(each + math.log(1 - _FOREIGN), foreign[:, None]).sum(axis=0)
    return float(common + np.logaddexp.reduce(of_one - _LATER * np.arange(len(languages))))


def _of_letters(text: str, known: Mapping[str, float], with_signs: bool) -> float:
    """Return what the letters beyond ASCII say, ``with_signs`` all characters."""
    some = (c for c in text if not c.isascii() and not _is_broken(c) and (with_signs or _is_alphabetic(c)))
    return sum(known.get(c.lower(), _RARE) for c in some)


def _of_mixture(text: str) -> float:
    """Return what ASCII says beside characters of two bytes."""
    ascii_ = sum(map(str.isascii, text))
    return _ASCII * ascii_ + _BROKEN * sum(map(_is_broken, text)) + _TWO_SCRIPTS * len(_MIXED.findall(text))


def _of_shape(text: str) -> float:
    """Return what is said by all but the letters themselves: their case, what stands beside them, and signs."""
    padded = f" {text} "
    total = _ODD * len(_STRANGE.findall(text))
    for before, c, after in zip(padded, text, padded[2:], strict=False):
        if c.isascii():
            total += _ASCII
        elif _is_broken(c):
            total += _BROKEN
        elif _is_alphabetic(c):
            total += _of_case(before, c, after) + _of_neighbours(before, c, after)
        elif _FITTING.search(before + c + after):
            total += _OF_SIGN
        else:
            total += _BROKEN if before.isalpha() and after.isalpha() and c not in "\xa0\xad" else _RARE
    return total


def _of_case(before: str, c: str, after: str) -> float:
    if not c.isupper():
        return _SMALL
    return _CAPITAL_INSIDE if before.islower() or (before.isalpha() and after.islower()) else _CAPITAL


def _of_neighbours(before: str, c: str, after: str) -> float:
    """Return what stands beside a letter says: letters of two scripts, and digits, are rare there."""
    latin = _is_latin(c)
    strange = sum(other.isdigit() or (other.isalpha() and _is_latin(other) != latin) for other in (before, after))
    return _TWO_SCRIPTS * strange + (_ACCENT + _of_sound(before, c, after) if latin else 0.0)


def _of_sound(before: str, c: str, after: str) -> float:
    if c in _EITHER:
        return math.log(0.6)
    vowel = _VOWEL[_sound(before) + _sound(after)]
    return math.log(vowel if _sound(c) == "v" else 1 - vowel)


def _sound(c: str) -> str:
    return " " if not c.isalpha() else "v" if unicodedata.normalize("NFD", c)[0].lower() in _VOWELS else "c"


def _is_alphabetic(c: str) -> bool:
    """Whether a character is a letter, or a mark of one; µ, ª and º are signs of numbers."""
    return (c.isalpha() and c not in "µªº") or unicodedata.category(c).startswith("M")


def _is_broken(c: str) -> bool:
    """Whether no text has such a character: one that the encoding does not know, or one of control."""
    return unicodedata.category(c) in ("Cc", "Co", "Cn") or c == "\ufffd"


def _is_latin(c: str) -> bool:
    return c < "\u0250"
