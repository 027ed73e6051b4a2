"""How the numbers of a column are written: its decimal mark, its unit, and whether k and M multiply.

A column is read so when nearly all its values take one such form. Two forms that contradict each other, or one that
can be read in two ways, are refused with both readings and the way out, never guessed.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from automl.data import dates, units
from automl.data.codes import are_padded
from automl.data.decimals import OTHER, Decimals
from automl.data.strays import STRAY_KINDS, are_few, parses, sampled
from automl.errors import DataError
from automl.runtime.durations import duration
from automl.runtime.missing import says_nothing
from automl.runtime.numbers import is_mixed, number
from automl.runtime.plain import RISING, in_ascii
from automl.runtime.printable import shown
from automl.runtime.units import SECONDS_OF, addends, unit_key
from automl.runtime.written import (
    BLUR,
    BOUND,
    GROUPED,
    Number,
    fallen,
    split_number,
    split_scale,
    unbracketed,
    value_of,
)
from automl.task import Column

_CODE_DIGITS = 9  # of phone numbers in groups of three, 612 345 678
_MOST_RANGES = 10
_MANY = 50  # numbers such as 1.234, beside whole ones below 1000, that say that the point groups


def read(name: str, counts: Mapping[str, int], decimals: Decimals) -> Column | None:
    """Return how a column of numbers is written, None for one that holds something else.

    ``counts``: how often each text occurs, without gaps. Texts that are no number, but too few to make the column
    something else, are left to be named. Raises ``DataError`` for two conventions, and for one that is ambiguous.
    """
    bracketed, falling = _are_bracketed(counts), _are_falling(counts)
    counts = _rewritten(counts, unbracketed) if bracketed else counts
    counts = _rewritten(counts, fallen) if falling else counts
    words = [text for text in counts if not says_nothing(text)]
    if not words or sum(not _holds_numbers(text) for text in sampled(words)) > STRAY_KINDS:
        return None
    if dates.are_months_of_years(words):
        return None
    strays = [text for text in words if not _holds_numbers(text)]
    if len(strays) == len(words) or (strays and not are_few(strays, counts)):
        return None
    counts = _apart(counts)
    found = {text: split for text in counts if (split := split_number(text)) is not None}
    if _are_phone_numbers(found) or _are_padded(found) or _are_ranges(found):
        return None
    unit = units.of(name, found, counts)
    if unit is None:
        lettered = [text for text, number in found.items() if number.before or number.after]
        if not lettered or not are_few([*strays, *lettered], counts):
            return None
        strays += lettered  # 12.5O among many bare numbers
        found = {text: number for text, number in found.items() if text not in set(lettered)}
        unit = (), False
    keys, scaled = unit
    if keys and keys[0] in SECONDS_OF and any(parses(text, duration) for text in strays):
        return None  # durations: 5 m and 1h 5m
    is_money = any(
        units.is_currency(n.before) or units.is_currency(n.after) or units.is_letter(n.before) for n in found.values()
    )
    decimal = _decimal(name, found, counts, decimals, is_money)
    strays += [text for text, number in found.items() if not GROUPED[decimal].fullmatch(number.digits)]
    if strays and not are_few(strays, counts):
        return None  # 31.12.2016, 192.168.0.1
    is_plain = decimal == "." and not (keys or scaled or bracketed or falling) and all(map(_is_plain, found))
    decimal = "" if is_plain else decimal
    return Column(name, "numeric", decimal=decimal, unit=keys, scaled=scaled, bracketed=bracketed, falling=falling)


def _holds_numbers(text: str) -> bool:
    return all(split_number(part) is not None for part in addends(text))


def _are_bracketed(counts: Collection[str]) -> bool:
    """Whether all numbers but zero stand in brackets, as (3,257) does beside a rating: losses stand among gains."""
    given = [text for text in counts if any(c in "123456789" for c in in_ascii(text))]
    return bool(given) and all(unbracketed(text) != text for text in given)


def _are_falling(counts: Collection[str]) -> bool:
    """Whether numbers with a triangle are below zero: others have no sign, as they would where it means a rise."""
    marked = [text for text in counts if text[:1] in RISING]
    others = [text for text in counts if text[:1] not in RISING]
    has_sign = any(in_ascii(text)[:1] in "+-(" for text in others if not says_nothing(text))
    return bool(marked) and not has_sign and any(c in "123456789" for text in others for c in in_ascii(text))


def _rewritten(counts: Mapping[str, int], rewrite: Callable[[str], str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, n in counts.items():
        found[rewrite(text)] += n
    return found


def _apart(counts: Mapping[str, int]) -> Counter[str]:
    """Return how often each number occurs, those of 5' 11" apart."""
    found: Counter[str] = Counter()
    for text, n in counts.items():
        for part in addends(text):
            found[part] += n
    return found


def _are_ranges(found: Collection[str]) -> bool:
    """Whether most are bounds, such as <30 and over 30: names of ranges, and not measurements beside their limits.

    So are some that end openly, as 4+ and "4 or more" do, beside few others.
    """
    texts = [text.strip() for text in found]
    n_bounds = sum((sign := BOUND.match(text)) is not None and sign["bound"] is not None for text in texts)
    n_open = sum(any(end["plus"] or end["open"] for end in BLUR.finditer(text)) for text in texts)
    return 2 * n_bounds > len(found) or (n_open > 0 and len(found) - n_open <= _MOST_RANGES)


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
    if is_mixed(reading):
        of_unit = {addends(text)[-1].strip(" -0123456789.,"): text for text in values}
        examples = [f"'{shown(text)}' is {values[text]:.6g}" for text in list(of_unit.values())[:3]]
        read = f"all in '{column.unit[0]}': {', '.join(examples)}"
        return f"Column '{shown(column.name)}' is read as numbers, {read}."
    telling = [text for text in values if fallen(text) != text] if column.falling else values
    example = max(telling, key=lambda text: (len(set(text) - set("0123456789")), len(text), text))
    around = " and ".join(map(repr, _spelled(column.unit, values)))
    more = f", beside which {around} may stand" if len(column.unit) > 1 else f", in {around}" if around else ""
    why = ", as all of them stand in brackets; a minus makes them negative" if column.bracketed else ""
    why += ", as the others have no sign" if column.falling else ""
    return (
        f"Column '{shown(column.name)}' is read as numbers{more}: '{shown(example)}' is {_shown(values[example])}{why}."
    )


def _spelled(keys: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Return the units of a column as its first texts write them: "days ago" for "dayago"."""
    spelled: dict[str, str] = {}
    for split in filter(None, map(split_number, texts)):
        for unit in (split.before, split.after, split_scale(split.after)[1]):
            spelled.setdefault(unit_key(unit), unit)
    return [spelled.get(key, key) for key in keys]


def _value(text: str, reading: Mapping[str, object]) -> float | None:
    try:
        value = number(text, reading)
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
    """Whether the bare whole numbers have leading zeros that say that they name something."""
    bare = [text.lstrip("+-") for text, n in found.items() if not n.before and not n.after]
    return bool(bare) and all(map(str.isdecimal, bare)) and are_padded(bare)


# ------------------------------------------------------------------------------------------------ marks


def _decimal(
    name: str, found: Mapping[str, Number], counts: Mapping[str, int], decimals: Decimals, is_money: bool
) -> str:
    """Return the decimal mark: the one that evidence in the column decides for, else what was asked for, else what
    the rest of the table uses.
    """
    only: dict[str, list[str]] = {".": [], ",": []}  # texts that can be read with this decimal mark alone
    either: dict[str, list[str]] = {".": [], ",": []}  # 1.234 and 1,234, by their mark
    for text, split in found.items():
        fits = [mark for mark, pattern in GROUPED.items() if pattern.fullmatch(split.digits)]
        marks = set(split.digits) & set(GROUPED)
        if len(fits) == 1 or (len(marks) == 1 and split.exponent):  # nobody groups the digits before e+03
            only[fits[0] if len(fits) == 1 else marks.pop()].append(text)
        elif fits and marks:
            either[marks.pop()].append(text)
    if only["."] and only[","]:
        units.refuse_two(name, only["."][0], only[","][0], "decimal marks", "Write all with one")
    certain = next((mark for mark, texts in only.items() if texts), "")
    asked = decimals.of(name)
    if certain or not (either["."] or either[","]):
        return certain or asked or "."
    if asked:
        return asked
    for mark, texts in either.items():
        # Thousands have no mark below 1000: "999" beside "1,234". Fractions of three digits would end in zeros too.
        few = 1 if mark == "," or is_money else _MANY  # money has no three decimals
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


def _ambiguous(name: str, text: str, other: str | None) -> DataError:
    split = split_number(text)
    assert split is not None
    point, comma = (_shown(value_of(split, mark)) for mark in ".,")
    also = f" (and '{shown(other)}' the other way round)" if other else ""
    return DataError(
        f"Column '{name}' holds numbers such as '{shown(text)}', which may be {point} or {comma}{also}, and no "
        f"value says which. Say decimal=point, and it is {point}, or decimal=comma, and it is {comma}; for this column "
        f"alone decimal={{{name}: point}}."
    )
