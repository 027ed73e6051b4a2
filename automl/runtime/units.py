"""Units: their names, what they measure, and numbers in several of them."""

import functools
import itertools
import re

from automl.runtime.plain import in_ascii

_UNIT_NAMES = {
    "pct": "%", "percent": "%", "prozent": "%", "$": "usd", "us$": "usd", "€": "eur", "euro": "eur", "£": "gbp",
    "₹": "inr", "rs": "inr",
}  # fmt: skip
# What units measure, and how large each is; by ``unit_key``. The others of a column tell what " stands for.
_SIZES: dict[str, dict[float, str]] = {
    "length": {
        1e-9: "nm", 1e-6: "μm um micron", 1e-3: "mm millimeter millimetre", 0.01: "cm centimeter centimetre",
        0.1: "dm", 1: "m meter metre mtr", 1e3: "km kilometer kilometre", 0.0254: "in inch inche \"",
        0.3048: "ft foot feet '", 0.9144: "yd yard", 1609.344: "mi mile", 1852: "nmi",
    },
    "mass": {
        1e-9: "ng", 1e-6: "μg ug mcg", 1e-3: "mg MG milligram", 1: "g gr gm gram gramme", 1e3: "kg kilo kilogram",
        1e6: "t ton tonne", 28.349523125: "oz ounce", 453.59237: "lb pound", 6350.29318: "st stone",
    },
    "volume": {
        1e-6: "μl ul", 1e-3: "ml mL ML cc cm3 cm³", 0.01: "cl", 0.1: "dl", 1: "l liter litre ltr dm3 dm³", 100: "hl",
        1e3: "m3 m³", 0.0295735295625: "floz", 3.785411784: "gal gallon",
    },
    "area": {
        1e-6: "mm2 mm²", 1e-4: "cm2 cm²", 1: "m2 m² sqm qm", 1e4: "ha hectare", 1e6: "km2 km² sqkm",
        0.09290304: "ft2 ft² sqft sf", 0.83612736: "yd2 sqyd", 4046.8564224: "ac acre", 2589988.110336: "mi2 sqmi",
    },
    "energy": {
        1: "j", 1e3: "kj", 1e6: "MJ", 4.184: "cal", 4184: "kcal", 3600: "wh", 3.6e6: "kwh", 3.6e9: "mwh",
        3.6e12: "gwh",
    },
    "power": {1e-3: "mW", 1: "w watt", 1e3: "kw", 1e6: "MW", 1e9: "gw", 745.69987158: "hp", 735.49875: "ps"},
    "pressure": {
        1: "pa", 100: "hpa mbar", 1e3: "kpa", 1e6: "mpa", 1e5: "bar", 6894.757293: "psi", 133.322387: "mmhg torr",
        3386.389: "inhg", 101325: "atm",
    },
    "frequency": {1: "hz", 1e3: "khz", 1e6: "mhz", 1e9: "ghz"},
    "data": {
        0.125: "bit", 1: "b byte", 1e3: "kb", 1e6: "mb Mb MB", 1e9: "gb", 1e12: "tb", 1e15: "pb", 2**10: "kib",
        2**20: "mib", 2**30: "gib", 2**40: "tib",
    },
    "current": {1e-6: "μa ua", 1e-3: "mA ma", 1: "a amp ampere"},
    "voltage": {1e-6: "μv uv", 1e-3: "mV mv", 1: "v volt", 1e3: "kv"},
    "resistance": {1: "ω ohm", 1e3: "kω kohm", 1e6: "MΩ"},
    "share": {0.01: "%", 1e-3: "‰", 1e-6: "ppm", 1e-9: "ppb"},
    "amount": {1: "mol", 1e-3: "mmol", 1e-6: "μmol umol", 1e-9: "nmol", 1e-12: "pmol"},
    "balance": {1: "cr", -1: "dr"},
    "era": {1: "ad ce", -1: "bc bce"},
    "latitude": {1: "n", -1: "s"},
    "longitude": {1: "e", -1: "w"},
    "angle": {1: "°", 1 / 60: "'", 1 / 3600: '"'},
}  # fmt: skip
MEASURES = {
    kind: {name: size for size, names in known.items() for name in names.split()} for kind, known in _SIZES.items()
}
# By ``unit_key``: without the "s" of a plural.
TIMES = {
    365.25 * 86_400: "y yr year jahr jahre jahren an année año ano anno anni",
    365.25 * 86_400 / 12: "mo mon mth month monat monate monaten moi mese mesi mê",
    7 * 86_400: "w wk week woche wochen semaine semana settimana settimane",
    86_400: "d day tag tage tagen jour día dia giorno giorni",
    3_600: "h hr hour std stunde stunden heure hora ora ore",
    60: "m min minute minuten minuto minuti",
    1: "s sec second sek sekunde sekunden seconde segundo secondo secondi",
}
SECONDS_OF = {name: float(size) for size, names in TIMES.items() for name in names.split()}
SECONDS_OF |= {"ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "μs": 1e-6, "microsecond": 1e-6, "ns": 1e-9}
_RATES = {"kmh": "km/h", "kph": "km/h", "mph": "mi/h", "kn": "nmi/h", "knot": "nmi/h", "kt": "nmi/h"}
_TEMPERATURES = {  # in degrees Celsius: the factor, and what is added then
    **dict.fromkeys(("°c", "c", "degc", "celsiu"), (1.0, 0.0)),
    **dict.fromkeys(("°f", "f", "degf", "fahrenheit"), (5 / 9, -160 / 9)),
    **dict.fromkeys(("k", "kelvin"), (1.0, -273.15)),
}
_NEXT_UNIT = {"'": '"', "ft": "in", "m": "cm", "st": "lb", "lb": "oz", "°": "'"}  # of 6'2, 12st4 or 1m80
_FRACTION = r"(?:[.,]\d+)?(?:\s?[¼-¾⅐-⅞]|\s\d/\d\d?)?"
_MEASURE = re.compile(rf"(\d+{_FRACTION})\s*([^\W\d_]{{1,10}}\.?|['\"°])")
# Its unit goes without saying; "5 m2" is an area.
_LAST_MEASURE = re.compile(rf"(?:(?<=['°\s])|(?=\d\d))\d\d?{_FRACTION}")
_IN_SEVERAL_UNITS = re.compile(
    rf"(?P<sign>-)?(?:(?P<first>[NSEW])\s?)?(?P<parts>{_MEASURE.pattern}(?:\s*(?:,|&|and)?\s*{_MEASURE.pattern})*)"
    rf"(?:\s*(?P<last>{_LAST_MEASURE.pattern}))?\s*(?P<hemisphere>(?<=[\s'\"])[NSEW])?"
)


def unit_key(unit: str) -> str:
    """Return the one name of a unit: "$" and "US$" are "usd", "Years" is "year", "percent" is "%"."""
    key = re.sub(r"[\s.^]", "", unit)
    if not (len(key) == 2 and key[0] in "mM"):  # mW is not MW
        key = key.casefold()
    if len(key) > 2 and key[-1] == "s" and key[:-1].isalpha():
        key = key[:-1]
    return _UNIT_NAMES.get(key, key.replace("outof", "/"))


def addends(text: str) -> list[str]:
    """Return what a number in several units is the sum of, as 5' 11", 8 lb 3 oz or 52°31'12"N; else the text alone."""
    found = _IN_SEVERAL_UNITS.fullmatch(in_ascii(text).replace("''", '"'))
    parts = [] if found is None else _MEASURE.findall(found["parts"])
    if found is not None and found["last"]:
        parts.append((found["last"], _NEXT_UNIT.get(unit_key(parts[-1][1]), "")))
    keys = [unit_key(unit) for _, unit in parts]
    factors = [converted[0] if (converted := conversion(key, keys[0])) else 0.0 for key in keys]
    is_sum = len(keys) > 1 and min(factors) > 0 and factors == sorted(set(factors), reverse=True)
    if found is None or not is_sum or keys[0] in _TEMPERATURES or (found["first"] and keys[0] != "°"):
        return [text]
    sign = "-" if found["sign"] or (found["hemisphere"] or found["first"] or "N") in "SW" else ""
    return [f"{sign}{amount} {unit}" for amount, unit in parts]


@functools.cache
def conversion(unit: str, to: str) -> tuple[float, float] | None:
    """Return the factor of a unit and what is added then, in another one; None where they measure different things."""
    if unit == to:
        return 1.0, 0.0
    if unit in _TEMPERATURES and to in _TEMPERATURES:
        (factor, zero), (other, other_zero) = _TEMPERATURES[unit], _TEMPERATURES[to]
        return factor / other, (zero - other_zero) / other
    here, there = sizes(unit), sizes(to)
    kind = next((kind for kind in here if kind in there), None)
    return None if kind is None else (here[kind] / there[kind], 0.0)


@functools.cache
def sizes(unit: str) -> dict[str, float]:
    """Return how large a unit is, by what it may measure: {"length": 0.01}, of "mg/dl" {"mass/volume": 0.01}."""
    above, per, below = _RATES.get(unit, unit).partition("/")
    if per:
        pairs = itertools.product(sizes(above).items(), [*sizes(below).items(), ("time", SECONDS_OF.get(below, 0.0))])
        return {f"{a}/{b}": size / other for (a, size), (b, other) in pairs if other}
    return {kind: size for kind, known in MEASURES.items() for name, size in known.items() if name == above}
