"""Numbers as people write them, taken apart."""

import re
import unicodedata
from typing import NamedTuple

from automl.runtime.plain import RISING, in_ascii, unquoted

_LONGEST_NUMBER = 80  # characters
_NEAR = r"(?=\W{0,4}(?:[^\W\d_]{1,3}\W{0,2})?\d)"  # after a word: a number, maybe with a currency before it
_BLURRED = (
    r"(?:(?:ca|circa|approx|approximately|about|around|nearly|almost|roughly|only|from|starting (?:at|from)|etwa|env|"
    rf"environ)\b\.?|c\.){_NEAR}"
)
_TOO_LITTLE = r"(?:(?:nd|n\.d\.|bdl|lod|bld|blq|trace)\s*(?=<))?"  # that it could be measured: ND<0.1
_BOUNDED = (
    r"(?:less than|fewer than|more than|at least|at most|up to|under|over|below|above|min|max|unter|über|bis)\b\.?"
    rf"{_NEAR}"
)
BOUND = re.compile(  # what bounds or blurs a number
    rf"(?i)^(?:(?P<bound>{_TOO_LITTLE}[<>]=?|[≤≥]|{_BOUNDED})|[~≈±]|\+/-|{_BLURRED})\s*(?=[^\s<>=≤≥~≈])"
)
_OPEN = r"\s*(?:or|and|&)\s(?:more|over|older|above|up|higher|greater|less|fewer|under|below|younger|lower)$"
BLUR = re.compile(  # what follows it
    rf"(?i)(?<=[\d.,])\s*(?:±|\+/?-)\s*\d[\d.,]*|(?<=\d)\s?(?P<plus>\+)(?=$|\s*[^\W\d_]+$)|(?<=\S)(?P<open>{_OPEN})"
)
_MINUS = re.compile(r"(?i)^(?:minus|moins|menos|meno)\s(?=\W?\d)")
_GUESSED = r"\(?(?:est|estd|estimated?|approx|approximate|prov|provisional|prelim|preliminary)\b\.?\)?"
_FOOTNOTE = re.compile(
    rf"(?i)(?<=\d)(?:\s?(?:[*†‡§]{{1,4}}|\[\w{{1,3}}\]|\([^\W\d_]{{1,2}}\))|[⁰¹²³⁴-⁹]{{1,2}}|\s{_GUESSED})$|^[#№]\s?(?=\d)"
)
_ORDINAL = re.compile(
    r"(?<=\d)(?:(?i:(?<!1\d)(?:(?<=1)st|(?<=2)nd|(?<=3)rd)|th)|(?<=1)(?:er|re|ère)|ème|eme|e)(?=$|\s)"
)
_SUPERSCRIPTS = re.compile("(?<=[x×*·\\s])10([⁺⁻]?[⁰¹²³⁴-⁹]+)")
_VULGAR = re.compile("(\\d?)\\s?([¼-¾⅐-⅞])")
_HEMISPHERES = frozenset("NSEW")
_AROUND = r"[^\d\s.,()+'_:;=<>?!&@~^|\\\[\]{}#*-]"  # what the name of a unit begins with
_NUMBER = re.compile(
    rf"(?P<sign>[+-])?\s*(?P<before>(?:{_AROUND}(?:[^\d.,()+'_-]|(?<=[^\W\d_])\.|(?<=/)\.)*?)?)\s*(?P<inner>[+-])?\s*"
    r"(?P<digits>(?:\d[\d.,' _]*\d|\d|(?<![^\W\d_])[.,]\d+)(?:[.,](?=-{0,2}(?:\s|$)))?)"
    r"(?:(?<=[.,])-{1,2}|[:/]-(?=\s|$))?(?:\s(?P<above>\d{1,2})/(?P<below>\d{1,2}))?"
    r"(?:(?:[eE]|[dD](?=[+-]))(?P<exponent>[+-]?\d{1,3})|(?:\s?[x×*·]\s?|(?<=\d)\s)10(?:\^|\*\*?)(?P<power>[+-]?\d{1,3}))?"
    rf"(?P<last>-(?=\s*[^\w\s]?$))?\s*(?P<after>(?:{_AROUND}(?:[^\d()]{{0,30}}[^\d()\s])?(?:(?<=[^\W\d_])\^?[23])?"
    r"|(?:(?<!\s\d)(?<!\s\d\d)/|out of)\s?[1-9]\d{0,2}(?:\s[^\W\d_]+)?|(?:per|/)\s?10+(?:[,. ]000)*|'(?=$))?)"
)
_ACCOUNTING = re.compile(r"-?([^\W\d_]{0,3}[^\w\s()+-]?\s*)\(\s*([^()+-]*\d[^()]*?)\s*\)(\s*[^\W\d_]{0,3}[^\w\s()+-]?)")
_BRACKETED = re.compile(r"([^\d()\[\]{}]*)[(\[{]([^()\[\]{}]+)[)\]}]([^\d()\[\]{}]*)")
GROUPED = {
    ".": re.compile(r"(?:\d+|[1-9]\d{0,2}([,' _])\d{3}(?:\1\d{3})*|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d*)?|\.\d+"),
    ",": re.compile(r"(?:\d+|[1-9]\d{0,2}([.' _])\d{3}(?:\1\d{3})*)(?:,\d*)?|,\d+"),
}
# Powers of ten, by the words for them; those of East Asia may be followed by a unit without a space.
_SCALE_WORDS = {
    3: "k tsd tausend thousand mil mila mille тыс тис tys bin ribu",
    5: "lakh lac l",
    6: "m mm mn mln mio mi million millions millionen milhão milhões milhao milhoes millón millones millon milione "
    "milioni miljoen miljon miljoner milion miliony milionów milyon juta млн",
    7: "cr crore",
    9: "b bn bln bi mrd mld mdr billion billions milliard milliards milliarde milliarden miliardo miliardi miljard "
    "miljarder miliard miliardy miliardów milyar miliar bilhão bilhões bilhao bilhoes млрд",
    12: "t tn tri trn trillion trillions trilhão trilhões billones трлн",
}
_ASIAN_SCALES = {
    3: "千 천",
    4: "万 萬 만",
    6: "百万 百萬 백만",
    7: "千万 千萬 천만",
    8: "亿 億 억",
    9: "十亿 十億 십억",
    12: "兆 조",
}
SCALES = {
    word: power for known in (_SCALE_WORDS, _ASIAN_SCALES) for power, words in known.items() for word in words.split()
}
_OTHER_SCALES, _NEXT_TO_UNITS = (
    "|".join(sorted(" ".join(known.values()).split(), key=len, reverse=True)) for known in (_SCALE_WORDS, _ASIAN_SCALES)
)
_SCALE = re.compile(rf"(?i:(?:{_OTHER_SCALES})(?![^\W\d_])\.?|{_NEXT_TO_UNITS})")


class Number(NamedTuple):
    """A number in its parts: "-$1,234.5e2 kg" has the digits "1,234.5", and stands between "$" and "kg".

    ``fraction``: of "2½" and "2 1/2", what is added to the digits.
    """

    negative: bool
    digits: str
    exponent: int
    before: str
    after: str
    fraction: float = 0.0


def split_number(text: str) -> Number | None:
    """Take a number apart, whatever its decimal mark; None where it is none. Accounting's (5) and 5- are -5.

    What bounds or blurs it, as in "<0.5" below what can be measured, "~12", "90+" or "12 ± 1", is left out, and so are
    marks of a footnote, a "#", quotes around it and the "nd" of an ordinal.
    """
    if len(text) > _LONGEST_NUMBER:
        return None
    text = _MINUS.sub("-", BOUND.sub("", unquoted(in_ascii(text))))
    if not text.isascii():
        text = _SUPERSCRIPTS.sub(lambda power: f"10^{in_ascii(unicodedata.normalize('NFKC', power[1]))}", text)
        text = _VULGAR.sub(_in_digits, text)
    text = _ORDINAL.sub("", _FOOTNOTE.sub("", BLUR.sub("", text)))
    in_parentheses = _ACCOUNTING.fullmatch(text)
    if in_parentheses is not None:
        text = "".join(in_parentheses.groups())
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    signs = [sign for sign in found.group("sign", "inner", "last") if sign]
    if len(signs) + (in_parentheses is not None) > 1:
        return None
    before, after = (part.strip() for part in found.group("before", "after"))
    is_negative = in_parentheses is not None or "-" in signs
    exponent = int(found["exponent"] or found["power"] or 0)
    above, below = int(found["above"] or 0), int(found["below"] or 1)
    if above > 0 and (above >= below or exponent):  # "5 9/2" is no number
        return None
    if after == "\N{DEGREE SIGN}" and before in _HEMISPHERES:
        before, after = "", after + before
    if after[:1] == "\N{DEGREE SIGN}" and after[1:].strip() in _HEMISPHERES:
        is_negative, after = is_negative != (after[-1] in "SW"), after[0]
    return Number(is_negative, found["digits"], exponent, before, after, above / below)


def unbracketed(text: str) -> str:
    """Return a number without the brackets around it, as in (3,257), [12] or $(5)."""
    found = _BRACKETED.fullmatch(in_ascii(text))
    return text if found is None else "".join(found.groups())


def fallen(text: str) -> str:
    """Return a number with a minus in the place of the triangle of an accountant in Japan: ▲5 is -5."""
    return re.sub(f"[{RISING}]", "-", text)


def _in_digits(found: re.Match[str]) -> str:
    above, below = unicodedata.normalize("NFKC", found[2]).split("\N{FRACTION SLASH}")
    return f"{found[1] or '0'} {above}/{below}"


def value_of(found: Number, decimal: str, scale: int = 0) -> float:
    """Return the value of a number whose decimal mark is ``decimal``, times ten to the ``scale``.

    Raises ``ValueError`` where its digits are not grouped as that asks: by three, or as in 12,34,567.
    """
    if not GROUPED[decimal].fullmatch(found.digits):
        raise ValueError(found.digits)
    digits = "".join(c for c in found.digits if c.isdecimal() or c == decimal).replace(decimal, ".")
    value = float(f"{digits}e{found.exponent + scale}")
    if found.fraction:
        value += found.fraction * 10.0**scale
    return -value if found.negative else value


def split_scale(after: str) -> tuple[int, str]:
    """Split what follows a number, "M USD", into the power of ten that it stands for and the unit: (6, "USD")."""
    head = _SCALE.match(after)
    return (0, after) if head is None else (SCALES[head[0].lower().rstrip(".")], after[head.end() :].strip())
