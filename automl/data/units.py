"""What stands around the numbers of a column: a currency, a unit, or several units of one kind, which are converted."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NoReturn

from automl.data.strays import sampled
from automl.errors import DataError
from automl.runtime.printable import shown
from automl.runtime.units import SECONDS_OF, conversion, sizes, unit_key
from automl.runtime.written import GROUPED, SCALES, Number, split_number, split_scale

# ISO 4217, and what is written in their place.
_CURRENCY_WORDS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTC BTN BWP BYN BZD CAD "
    "CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB ETH EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ "
    "GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR "
    "LRD LSL LTL LVL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB "
    "PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB "
    "TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XAG XAU XCD XOF XPF YER ZAR ZMW ZWL "
    "RMB 円 元 圆 원 euro dollar pound yen yuan rupee peso lira tl kr fr sfr rs rp rm zł kč lei руб р ft kn"
)
# Besides those of ``sizes``.
_UNIT_WORDS = (
    "pt s sec second ms min minute h hr hour d day week month y yr year va ah mah n °c °f c f k bp bps db px pcs pc"
)
_CURRENCIES = frozenset(_CURRENCY_WORDS.casefold().split())
_UNITS = frozenset(_UNIT_WORDS.split())
# A scale that is nothing else; a lone "5 m" may be metres, "5 t" tonnes, "5 b" bytes, "5 mi" miles, "5 mil" of an inch.
_SCALES_ALONE = SCALES.keys() - {"m", "mm", "b", "t", "cr", "l", "mi", "mil", "bi", "bin", "兆"}
_MEASURES = {"m", "mm", "mi", "mil", "t", "l"}
_RUPEES = ("inr", "pkr", "npr", "lkr", "rupee")
_MOST_LEVELS = 20  # that need no word on why they are levels
_TOLD = 0.8  # of some values
# Of rand, kwacha, quetzal, lempira, pula, naira, dalasi, ...
_LETTERS_OF_MONEY = frozenset("BCDEFGKLMNPQRST")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.\d*)?|(?:[.' ]\d{3})+,\d*|(?:[' ]\d{3})+\.\d*)")
_FLAG = re.compile(r"\d\s+[^\W\d_]{1,2}$")
_SCALES_OF_MARKS = frozenset((3, 4, 5, 6, 7, 10, 20, 100))


def of(name: str, found: Mapping[str, Number], counts: Mapping[str, int]) -> tuple[tuple[str, ...], bool] | None:
    """Return the names of the one unit of a column, and whether k and M multiply; None where it has no one unit."""
    if not _is_label(found) and not all(
        is_currency(n.before) or unit_key(n.before) == "%" for n in found.values() if n.before
    ):
        return None
    scaled = _is_scaled(found.values())
    after = {text: split_scale(n.after)[1] if scaled else n.after for text, n in found.items()}
    spelled: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    examples: dict[str, str] = {}
    for text, number in found.items():
        for place, unit in (("before", number.before), ("after", after[text])):
            key = unit_key(unit)
            spelled[place][key] += counts[text]
            if key:
                examples.setdefault(key, text)
    keys = sorted(examples)
    n_rows = sum(counts[text] for text in found)
    n_bare = sum(counts[text] for text, n in found.items() if not n.before and not after[text])
    if keys and 4 * n_bare >= n_rows and _are_flags(keys, found):
        return tuple(keys), False
    if keys and 2 * n_bare > n_rows and not any(is_currency(key) or key == "%" for key in keys):
        return None  # a few numbers with a letter, among many without
    if max(len(set(place) - {""}) for place in spelled.values()) > 1 or _is_two(spelled):
        if all(key in SECONDS_OF for key in keys):
            return None  # durations: 90 min and 2 h
        known = [key for key, _ in spelled["after"].most_common() if key]
        known.sort(key=lambda key: min(sizes(key).values(), default=0) < 0)  # north and east count as positive
        if len(known) == len(keys) and all(conversion(key, known[0]) for key in known):
            _refuse_bare(name, known, found, after)
            return tuple(known), False
        if all(map(is_known, keys)) and "b" not in keys:  # 1A and 2B are seats, not amperes and bytes
            one, other = _two_of(spelled)
            refuse_two(name, examples[one], examples[other], "units", "Convert them to one")
        return None
    if any(key[0] == "/" and key[1:].isdecimal() for key in keys) and not _are_of_a_scale(keys, found, n_bare):
        return None
    if "%" in keys and n_bare:
        _refuse_shares(name, found)
    return tuple(keys), scaled


def _is_label(found: Mapping[str, Number]) -> bool:
    """Whether one text stands before all numbers, and these have marks: "Rated 4.5", unlike T28, "Level 5" and v2.7.

    A letter is a currency where thousands are grouped: R 1,234.50; no code is written so.
    """
    before = {number.before for number in found.values()}
    if len(before) > 1 or not before:
        return False
    text = before.pop()
    if is_letter(text):
        return text in _LETTERS_OF_MONEY and any(_THOUSANDS.fullmatch(number.digits) for number in found.values())
    return (len(text) > 1 or not text.isalpha()) and any(
        m in number.digits for number in found.values() for m in GROUPED
    )


def is_letter(before: str) -> bool:
    """Whether a letter stands before a number, as the R of rands does."""
    return len(before) == 1 and before.isalpha()


def _are_flags(keys: Sequence[str], found: Mapping[str, Number]) -> bool:
    """Whether what follows some of the numbers are flags, as of statistics and laboratories: 12.0 e, 7.3 H."""
    are_apart = all(_FLAG.search(text) for text, number in found.items() if number.after)
    return are_apart and not any(is_known(key) and (len(key) > 1 or len(keys) == 1) for key in keys)


def _are_of_a_scale(keys: Sequence[str], found: Mapping[str, Number], n_bare: int) -> bool:
    """Whether numbers are marks out of the most there is, "4.5/5", and not fractions or dates."""
    most = float(keys[0][1:])
    given = [number.digits.replace(",", ".") for number in found.values()]
    return len(keys) == 1 and not n_bare and most in _SCALES_OF_MARKS and all(float(d) <= most for d in given)


def _is_two(spelled: Mapping[str, Counter[str]]) -> bool:
    """Whether a currency stands before some numbers and another one after others: $5 and 5 EUR."""
    keys = [{key for key in place if is_currency(key)} for place in spelled.values()]
    return len(keys[0] | keys[1]) > 1 and any(place[""] for place in spelled.values())


def _two_of(spelled: Mapping[str, Counter[str]]) -> list[str]:
    """Return two units that contradict each other: in one place, or else a currency before and one after numbers."""
    places = [[key for key in place if key] for place in spelled.values()]
    alone = next((place for place in places if len(place) > 1), None)
    return sorted(alone)[:2] if alone else [next(filter(is_currency, place)) for place in places]


def _is_scaled(found: Collection[Number]) -> bool:
    heads: set[str] = set()
    beside: set[str] = set()  # what stands beside numbers, and behind scales
    plain: set[str] = set()  # and behind numbers without a scale
    for number in found:
        scale, rest = split_scale(number.after)
        if scale:
            heads.add(number.after[: len(number.after) - len(rest)].strip(" ."))
        else:
            plain.add(unit_key(rest))
        beside |= {unit_key(number.before), *([unit_key(rest)] if scale or is_currency(rest) else [])}
    if not heads or plain - beside - {""}:
        return False
    names = {head.lower() for head in heads}
    money = any(map(is_currency, beside)) or any(is_letter(number.before) for number in found)
    if names == {"l"}:
        return not beside.isdisjoint(_RUPEES)  # lakh; else litres
    if heads <= {"m", "mm"}:
        return money  # metres
    are_several = len(names) > 1 and not names <= _MEASURES
    return money or are_several or bool(names & _SCALES_ALONE) or bool(heads & {"M", "MM", "B"})


def unlike(texts: Sequence[str]) -> tuple[str, str] | None:
    """Return two texts that differ in a word of several letters after a number, where most of many have numbers."""
    some = sampled(texts)
    found = {text: number.after for text in some if (number := split_number(text)) is not None}
    examples = {unit_key(after): text for text, after in found.items() if len(after) != 1 and after[:1] != "/"}
    if len(texts) <= _MOST_LEVELS or len(found) < _TOLD * len(some) or len(examples) < 2 or not any(examples):
        return None
    first, second, *_ = sorted(examples, reverse=True)
    return examples[first], examples[second]


def is_known(key: str) -> bool:
    """Whether a ``unit_key`` is that of a currency or a unit that is known."""
    return is_currency(key) or bool(sizes(key)) or key.casefold() in _UNITS


def is_currency(word: str) -> bool:
    """Whether a word or sign stands for money, by itself or as its ``unit_key``."""
    if not word:
        return False
    key = word.strip().rstrip(".").casefold()
    return any(unicodedata.category(c) == "Sc" for c in word) or not _CURRENCIES.isdisjoint((key, unit_key(word)))


def _refuse_bare(name: str, units: Sequence[str], found: Mapping[str, Number], after: Mapping[str, str]) -> None:
    """Refuse a number without a unit in a column of several: it may be any of them."""
    bare = next((text for text, number in found.items() if not number.before and not after[text]), None)
    if bare is not None:
        either = " or ".join(f"{shown(bare)} {unit}" for unit in units[:2])
        raise DataError(
            f"Column '{name}' holds numbers in the units {' and '.join(map(repr, units))}, and '{shown(bare)}' "
            f"without one, which may be {either}. Write its unit, say that it is missing with "
            f"missing=[{shown(bare)}], or declare the column categorical."
        )


def _refuse_shares(name: str, found: Mapping[str, Number]) -> None:
    """Refuse a column in which 45 % stands as 45% here and as .45 there."""
    bare = {
        text: n for text, n in found.items() if not n.after and not n.before and any(c in n.digits for c in "123456789")
    }
    sizes = {
        text: float(n.digits.replace(",", "."))
        for text, n in bare.items()
        if n.digits.count(".") <= 1 >= n.digits.count(",")
    }
    if sizes and len(sizes) == len(bare) and all(size <= 1 for size in sizes.values()):
        percent = next(text for text, n in found.items() if n.after or n.before)
        refuse_two(name, percent, next(iter(sizes)), "units", "Write all as percent, or none")


def refuse_two(name: str, one: str, other: str, what: str, way_out: str) -> NoReturn:
    """Raise ``DataError`` for two values that are written in different ways."""
    raise DataError(
        f"Column '{name}' holds numbers in two conventions, with different {what}: '{shown(one)}' and "
        f"'{shown(other)}'. {way_out}, or declare the column categorical or drop it."
    )
