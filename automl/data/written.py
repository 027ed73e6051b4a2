"""How the numbers of a column are written: its decimal mark, its unit, and whether k and M multiply.

A column is read so when nearly all its values take one such form. Two forms that contradict each other, or one that
can be read in two ways, are refused with both readings and the way out, never guessed.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NoReturn

from automl import runtime
from automl.data.decimals import OTHER, Decimals
from automl.data.strays import STRAY_KINDS, are_few, parses, sampled
from automl.errors import DataError
from automl.runtime import GROUPED, SCALES, Number
from automl.task import Column

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
_UNIT_WORDS = (
    "% ‰ kg g mg µg μg t lb oz m cm mm km µm nm in inch ft yd mi mile m2 m3 m² m³ km2 km² sqft ft2 ft² sqm ha "
    "acre l ml dl cl gal pt s sec second ms min minute h hr hour d day week month y yr year kb mb gb tb byte bit "
    "hz khz mhz ghz w kw mw kwh wh v a ma ah mah j kj kcal cal n pa kpa bar psi mmhg °c °f c f k mph km/h kmh kph "
    "m/s bp db px pcs pc"
)
_CURRENCIES = frozenset(_CURRENCY_WORDS.casefold().split())
_UNITS = frozenset(_UNIT_WORDS.split())
# A scale that is nothing else; a lone "5 m" may be metres, "5 t" tonnes, "5 b" bytes.
_SCALES_ALONE = SCALES.keys() - {"m", "mm", "b", "t", "cr"}
_SCALES_OF_MARKS = frozenset((3, 4, 5, 6, 7, 10, 20, 100))
_CODE_DIGITS = 9  # of phone numbers in groups of three, 612 345 678
_MOST_RANGES = 10
_MANY = 50  # numbers such as 1.234, beside whole ones below 1000, that say that the point groups


def read(name: str, counts: Mapping[str, int], decimals: Decimals) -> Column | None:
    """Return how a column of numbers is written, None for one that holds something else.

    ``counts``: how often each text occurs, without gaps. Texts that are no number, but too few to make the column
    something else, are left to be named. Raises ``DataError`` for two conventions, and for one that is ambiguous.
    """
    words = [text for text in counts if not runtime.says_nothing(text)]
    if not words or sum(runtime.split_number(text) is None for text in sampled(words)) > STRAY_KINDS:
        return None
    found = {text: split for text in words if (split := runtime.split_number(text)) is not None}
    strays = [text for text in words if text not in found]
    if not found or (strays and not are_few(strays, counts)):
        return None
    if _are_phone_numbers(found) or _are_padded(found) or _are_ranges(found):
        return None
    unit = _unit(name, found, counts)
    if unit is None:
        return None
    keys, scaled = unit
    if keys and keys[0] in runtime.SECONDS_OF and any(parses(text, runtime.duration) for text in strays):
        return None  # durations: 5 m and 1h 5m
    is_money = any(map(_is_currency, (word for number in found.values() for word in (number.before, number.after))))
    decimal = _decimal(name, found, counts, decimals, is_money)
    strays += [text for text, number in found.items() if not GROUPED[decimal].fullmatch(number.digits)]
    if strays and not are_few(strays, counts):
        return None  # 31.12.2016, 192.168.0.1
    is_plain = decimal == "." and not keys and not scaled and all(map(_is_plain, found))
    return Column(name, "numeric", decimal="" if is_plain else decimal, unit=keys, scaled=scaled)


def _are_ranges(found: Collection[str]) -> bool:
    """Whether most are bounds, such as <30 and >30: names of ranges, and not measurements beside their limits.

    So are some that end openly, as 4+ does, beside few others.
    """
    bounds = [text for text in found if (sign := runtime.BOUND.match(text.strip())) and sign[0][0] in "<>≤≥"]
    n_open = sum(text.endswith("+") or "+ " in text[1:] for text in map(str.strip, found))
    return 2 * len(bounds) > len(found) or (n_open > 0 and len(found) - n_open <= _MOST_RANGES)


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def note(column: Column, counts: Mapping[str, int]) -> str:
    """Say how the numbers of a column are read, with the example that shows the most; "" where they are plain."""
    if not column.decimal:
        return ""
    reading = column.to_dict()
    values = {text: value for text in counts if (value := _value(text, reading)) is not None}
    example = max(values, key=lambda text: (len(set(text) - set("0123456789")), len(text), text))
    more = f", in {' and '.join(map(repr, column.unit))}" if column.unit else ""
    return (
        f"Column '{runtime.shown(column.name)}' is read as numbers{more}: "
        f"'{runtime.shown(example)}' is {_shown(values[example])}."
    )


def _value(text: str, reading: Mapping[str, object]) -> float | None:
    try:
        value = runtime.number(text, reading)
    except ValueError:
        return None
    return value if value == value else None


def _shown(value: float) -> str:
    return f"{value:.15g}"


# ------------------------------------------------------------------------------------------------ codes


def _are_phone_numbers(found: Mapping[str, Number]) -> bool:
    """Whether all are of one length, from nine digits on, in groups of three (612 345 678), or begin with a plus."""
    digits = [number.digits for number in found.values()]
    lengths = {sum(map(str.isdecimal, text)) for text in digits}
    if min(lengths) >= _CODE_DIGITS - 1 and all(text.startswith("+") and "." not in text for text in found):
        return True
    grouped = all(len(text) > 3 and text[:3].isdecimal() and text[3] in " ." and "," not in text for text in digits)
    return grouped and len(lengths) == 1 and lengths.pop() >= _CODE_DIGITS


def _are_padded(found: Mapping[str, Number]) -> bool:
    """Whether some of the bare whole numbers have leading zeros, which say that they name something."""
    bare = [text.lstrip("+-") for text, n in found.items() if not n.before and not n.after]
    return bool(bare) and all(map(str.isdecimal, bare)) and any(len(t) > 1 and t[0] == "0" for t in bare)


# ------------------------------------------------------------------------------------------------ units


def _unit(name: str, found: Mapping[str, Number], counts: Mapping[str, int]) -> tuple[tuple[str, ...], bool] | None:
    """Return the names of the one unit of a column, and whether k and M multiply; None where it has no one unit."""
    if not all(_is_currency(n.before) or runtime.unit_key(n.before) == "%" for n in found.values() if n.before):
        return None
    scaled = _is_scaled(found.values())
    after = {text: runtime.split_scale(n.after)[1] if scaled else n.after for text, n in found.items()}
    spelled: dict[str, Counter[str]] = {"before": Counter(), "after": Counter()}
    examples: dict[str, str] = {}
    for text, number in found.items():
        for place, unit in (("before", number.before), ("after", after[text])):
            key = runtime.unit_key(unit)
            spelled[place][key] += counts[text]
            if key:
                examples.setdefault(key, text)
    keys = sorted(examples)
    if max(len(set(place) - {""}) for place in spelled.values()) > 1 or _is_two(spelled):
        if all(key in runtime.SECONDS_OF for key in keys):
            return None  # durations: 90 min and 2 h
        if all(_is_currency(key) or key.casefold() in _UNITS for key in keys):
            _refuse_two(name, examples[keys[0]], examples[keys[1]], "units", "Convert them to one")
        return None
    n_rows = sum(counts[text] for text in found)
    n_bare = sum(counts[text] for text, n in found.items() if not n.before and not after[text])
    if keys and 2 * n_bare > n_rows and not any(_is_currency(key) or key == "%" for key in keys):
        return None  # a few numbers with a letter, among many without
    if any(key[0] == "/" and key[1:].isdecimal() for key in keys) and not _are_of_a_scale(keys, found, n_bare):
        return None
    if "%" in keys and n_bare:
        _refuse_shares(name, found)
    return tuple(keys), scaled


def _are_of_a_scale(keys: Sequence[str], found: Mapping[str, Number], n_bare: int) -> bool:
    """Whether numbers are marks out of the most there is, "4.5/5", and not fractions or dates."""
    most = float(keys[0][1:])
    given = [number.digits.replace(",", ".") for number in found.values()]
    return len(keys) == 1 and not n_bare and most in _SCALES_OF_MARKS and all(float(d) <= most for d in given)


def _is_two(spelled: Mapping[str, Counter[str]]) -> bool:
    """Whether a currency stands before some numbers and another one after others: $5 and 5 EUR."""
    keys = [{key for key in place if _is_currency(key)} for place in spelled.values()]
    return len(keys[0] | keys[1]) > 1 and any(place[""] for place in spelled.values())


def _is_scaled(found: Iterable[Number]) -> bool:
    heads: set[str] = set()
    others, money = 0, False
    for number in found:
        money = money or _is_currency(number.before) or _is_currency(number.after)
        scale, rest = runtime.split_scale(number.after)
        if scale:
            heads.add(number.after[: len(number.after) - len(rest)].strip(" ."))
            money = money or _is_currency(rest)
        elif number.after and not _is_currency(number.after):
            others += 1
    if not heads or others:
        return False
    names = {head.lower() for head in heads}
    return money or len(names) > 1 or bool(names & _SCALES_ALONE) or bool(heads & {"M", "MM", "B"})


def _is_currency(word: str) -> bool:
    if not word:
        return False
    key = word.strip().rstrip(".").casefold()
    return any(unicodedata.category(c) == "Sc" for c in word) or not _CURRENCIES.isdisjoint(
        (key, runtime.unit_key(word))
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
        _refuse_two(name, percent, next(iter(sizes)), "units", "Write all as percent, or none")


# ------------------------------------------------------------------------------------------------ marks


def _decimal(
    name: str, found: Mapping[str, Number], counts: Mapping[str, int], decimals: Decimals, is_money: bool
) -> str:
    """Return the decimal mark: the one that evidence in the column decides for, else what was asked for, else what
    the rest of the table uses.
    """
    only: dict[str, list[str]] = {".": [], ",": []}  # texts that can be read with this decimal mark alone
    either: dict[str, list[str]] = {".": [], ",": []}  # 1.234 and 1,234, by their mark
    for text, number in found.items():
        fits = [mark for mark, pattern in GROUPED.items() if pattern.fullmatch(number.digits)]
        marks = set(number.digits) & set(GROUPED)
        if len(fits) == 1 or (len(marks) == 1 and number.exponent):  # nobody groups the digits before e+03
            only[fits[0] if len(fits) == 1 else marks.pop()].append(text)
        elif fits and marks:
            either[marks.pop()].append(text)
    if only["."] and only[","]:
        _refuse_two(name, only["."][0], only[","][0], "decimal marks", "Write all with one")
    certain = next((mark for mark, texts in only.items() if texts), "")
    asked = decimals.of(name)
    if certain or not (either["."] or either[","]):
        return certain or asked or "."
    if asked:
        return asked
    for mark, texts in either.items():
        # Thousands have no mark below 1000: "999" beside "1,234". Fractions of three digits would end in zeros too.
        few = 1 if mark == "," else _MANY
        if len(texts) >= few and not either[OTHER[mark]] and _has_small_alone(found):
            return OTHER[mark]
    if either[","] and not either["."] and is_money:
        return "."  # money has no three decimals
    around = decimals.evidence()
    if around or not either[","]:
        return around or "."
    raise _ambiguous(name, either[","][0], either["."][0] if either["."] else None)


def _has_small_alone(found: Mapping[str, Number]) -> bool:
    """Whether whole numbers below 1000, and only these, are written without a mark."""
    bare = [n.digits for n in found.values() if n.digits.isdecimal()]
    return bool(bare) and all(len(digits) <= 3 for digits in bare) and any(digits.strip("0") for digits in bare)


def _refuse_two(name: str, one: str, other: str, what: str, way_out: str) -> NoReturn:
    raise DataError(
        f"Column '{name}' holds numbers in two conventions, with different {what}: '{runtime.shown(one)}' and "
        f"'{runtime.shown(other)}'. {way_out}, or declare the column categorical or drop it."
    )


def _ambiguous(name: str, text: str, other: str | None) -> DataError:
    split = runtime.split_number(text)
    assert split is not None
    point, comma = (_shown(runtime.value_of(split, mark)) for mark in ".,")
    also = f" (and '{runtime.shown(other)}' the other way round)" if other else ""
    return DataError(
        f"Column '{name}' holds numbers such as '{runtime.shown(text)}', which may be {point} or {comma}{also}, and no "
        f"value says which. Say decimal=point, and it is {point}, or decimal=comma, and it is {comma}; for this column "
        f"alone decimal={{{name}: point}}."
    )
