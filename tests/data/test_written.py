"""Numbers as people write them: read right, said, refused with both readings, or left alone because they are names."""

import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays, load, rows
from automl.data.decimals import Decimals
from automl.data.infer import infer_columns
from automl.errors import DataError, UnknownNameError
from automl.runtime.numbers import number, numbers
from automl.runtime.units import MEASURES

rng = np.random.default_rng(0)
VALUES = [float(f"{v:.2f}") for v in np.exp(rng.uniform(0, 14, 80)) * rng.choice([1, -1], 80)]
WHOLE = rng.integers(1_000, 999_999, 60).tolist()
CURRENCY_SIGNS = [chr(c) for c in range(sys.maxunicode) if unicodedata.category(chr(c)) == "Sc"]


def english(v: float, group: str = ",", decimal: str = ".") -> str:
    return f"{v:,.2f}".replace(",", "_").replace(".", decimal).replace("_", group)


def german(v: float) -> str:
    return english(v, ".", ",")


def indian(v: float) -> str:
    whole, fraction = f"{abs(v):.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    while head:
        head, tail = head[:-2], f"{head[-2:]},{tail}"
    return f"{'-' if v < 0 else ''}{tail}.{fraction}"


def short(v: float) -> str:
    power, letter = next((p, s) for p, s in ((1e6, "M"), (1e3, "k"), (1, "")) if abs(v) >= p or p == 1)
    return f"{round(v / power, 9):.10g}{letter}"


def scaled(*words: tuple[float, str], before: str = "") -> Callable[[float], str]:
    """Return the form of numbers with the first of the words that is not beyond them, or the last one."""

    def form(v: float) -> str:
        power, word = next((pair for pair in words if pair[0] <= abs(v)), words[-1])
        return f"{before}{v / power:.12f}".rstrip("0").rstrip(".").replace(".", ",") + word

    return form


FORMS: dict[str, Callable[..., str]] = {
    "english": english,
    "german": german,
    "indian": indian,
    **{f"grouped by {g!r}": lambda v, g=g: english(v, g, ",") for g in " \u00a0\u2009\u202f'’_"},
    **{f"grouped by {g!r}, point": lambda v, g=g: english(v, g) for g in " \u00a0\u2009\u202f'’_"},
    "comma": lambda v: f"{v:.2f}".replace(".", ","),
    "percent": lambda v: f"{v:.2f}%",
    "percent with a space": lambda v: f"{v:.2f} %".replace(".", ","),
    "accounting": lambda v: f"({-v:,.2f})" if v < 0 else f"{v:,.2f}",
    "accounting, dollars": lambda v: f"(${-v:,.2f})" if v < 0 else f"${v:,.2f}",
    "accounting, dollars outside": lambda v: f"$ ({-v:,.2f})" if v < 0 else f"$ {v:,.2f} ",
    "minus at the end": lambda v: f"{-v:,.2f}-" if v < 0 else f"{v:,.2f}",
    "minus at the end, euros": lambda v: f"{german(-v)}- €" if v < 0 else f"{german(v)} €",
    "some below a limit": lambda v: f"<{v:.2f}" if abs(v) % 4 < 1 else f"{v:.2f}",
    "some beyond a limit": lambda v: f">= {english(v)}" if abs(v) % 4 < 1 else english(v),
    "about": lambda v: f"~{german(v)}",
    "plus": lambda v: f"{v:+,.2f}",
    "true minus": lambda v: f"{v:,.2f}".replace("-", "−"),
    "en dash": lambda v: f"{v:,.2f}".replace("-", "–"),
    "minus before the sign": lambda v: f"-${-v:,.2f}" if v < 0 else f"${v:,.2f}",
    "minus after the sign": lambda v: f"${v:,.2f}",
    "code before": lambda v: f"USD {v:,.2f}",
    "code after": lambda v: f"{german(v)} EUR",
    "code without a space": lambda v: f"{v:,.2f}CHF",
    "sign and code": lambda v: f"${v:,.2f} USD",
    "reals": lambda v: f"R$ {german(v)}",
    "rupees": lambda v: f"Rs.{indian(v)}" if v > 0 else f"-Rs. {indian(-v)}",
    "crowns": lambda v: f"{english(v, ' ', ',')} kr.",
    "exponent and unit": lambda v: f"{v:.8e} kg",
    "exponent, comma": lambda v: f"{v:.8e}".replace(".", ","),
    "power of ten": lambda v: f"{v / 100:.10g} x 10^2",
    **{f"unit {u}": lambda v, u=u: f"{v:.2f} {u}" for u in ("kg", "km/h", "°C", "m²", "m2", "µg/m³", "sq. ft.")},
    "per month": lambda v: f"€{german(v)} per month",
    **{f"unit {u}, no space": lambda v, u=u: f"{v:,.2f}{u}" for u in ("kg", "lbs", '"', "€/kg", "%", "V")},
    "some without the unit": lambda v: f"{v:.2f}" + (" kg" if v > 5 else ""),
    "plural": lambda v: f"{v:.2f} year{'s' if v > 50 else ''}",
    "thousands and millions": short,
    "dollars in thousands and millions": lambda v: f"${short(v)}",
    "thousands and millions of a code": lambda v: f"{short(v)} USD",
    "uncertain": lambda v: f"{v:,.2f} ± {abs(v) / 10:.1f}",
    "uncertain, unit": lambda v: f"{v:.2f}+/-0.5 kg",
    "about, in a word": lambda v: f"approx. {v:.2f}" if abs(v) % 3 < 2 else f"ca {v:.2f}",
    "some that end openly": lambda v: f"{v:.2f}+" if abs(v) % 4 < 1 else f"{v:.2f}",
    "footnotes": lambda v: f"{v:.2f}{'*' * int(abs(v) % 4)}" if abs(v) % 2 < 1 else f"{v:.2f} [1]",
    "quotes": lambda v: f"'{german(v)}'",
    "double quotes": lambda v: f'"{english(v)}"',
    "text of a sheet": lambda v: f"'{v:.2f}",
    "formula of a sheet": lambda v: f'="{v:.2f}"',
    "exponent of Fortran": lambda v: f"{v:.8E}".replace("E", "D"),
    "power of ten, raised": lambda v: f"{v / 100:.10g}×10²",
    "power of ten, starred": lambda v: f"{v * 100:.10g}*10**-2",
    "unit m^2": lambda v: f"{v:.2f} m^2",
    "rupees only": lambda v: f"Rs. {indian(v)}/-" if v > 0 else f"-Rs. {indian(-v)}/-",
    "yen": lambda v: f"{v:,.2f}円",
    "lira": lambda v: f"{german(v)} TL",
    "millions of euros": lambda v: f"{v / 1e6:.8f} Mio. €".replace(".", ",", 1),
    "latitude": lambda v: f"{abs(v):.2f}° {'S' if v < 0 else 'N'}",
    "longitude": lambda v: f"{abs(v):.2f}°{'W' if v < 0 else 'E'}",
    "flags": lambda v: f"{v:.2f}{('', '', ' e', ' bd')[int(abs(v) % 4)]}",
    "flags of a laboratory": lambda v: f"{v:.2f}{('', '', ' H', ' L')[int(abs(v) % 4)]}",
    "flags in parentheses": lambda v: f"{v:.2f}{('', ' (e)')[int(abs(v) % 2)]}",
    "rank": lambda v: f"#{v:,.2f}" if v > 0 else f"-{-v:,.2f}",
    "rate": lambda v: f"{v:.2f} per 100,000",
    "stars": lambda v: f"{v:.2f} out of 5 stars",
    "counts of cells": lambda v: f"{v / 1000:.10g} 10*3/uL",
    "negative power of ten": lambda v: f"{v * 100:.10g}×10⁻²",
    "hemispheres": lambda v: f"{abs(v):.2f}{'S' if v < 0 else 'N'}",
    "from, of some": lambda v: f"from £{v:,.2f}" if abs(v) % 4 < 2 else f"£{v:,.2f}",
    "about, with a code": lambda v: f"approx. USD {v:,.2f}",
    "bounds in words": lambda v: f"over {v:.2f} kg" if abs(v) % 4 < 1 else f"{v:.2f} kg",
    "open ends in words": lambda v: f"{v:.2f} or more" if abs(v) % 4 < 1 else f"{v:.2f}",
    "open ends of a unit": lambda v: f"{v:.2f} years and older" if abs(v) % 4 < 1 else f"{v:.2f} years",
    "minus, in a word": lambda v: f"minus {-v:.2f}" if v < 0 else f"{v:.2f}",
    "up and down": lambda v: f"▼{-v:.2f}%" if v < 0 else f"▲{v:.2f}%",
    "era": lambda v: f"{abs(v):.2f} {'BC' if v < 0 else 'AD'}",
    "label": lambda v: f"Index {v:,.2f} points",
    "debit and credit": lambda v: f"{abs(v):,.2f} {'DR' if v < 0 else 'CR'}",
    "thousands and millions, Russian": scaled((1e9, " млрд"), (1e6, " млн"), (1e3, " тыс.")),
    "thousands of rubles": scaled((1e3, " тыс. руб.")),
    "thousands and millions, Brazilian": scaled((1e9, " bilhões"), (1e6, " milhões"), (1e3, " mil"), before="R$ "),
    "millions of reals, short": scaled((1e9, " bi"), (1e6, " mi"), before="R$ "),
    "thousands and millions, Spanish": scaled((1e6, " millones"), (1e3, " mil")),
    "thousands and millions, French": scaled((1e9, " milliards"), (1e6, " millions"), (1e3, " mille")),
    "thousands and millions, German": scaled((1e9, " Mrd."), (1e6, " Millionen"), (1e3, " Tausend")),
    "thousands and millions, Polish": scaled((1e9, " mld"), (1e6, " mln"), (1e3, " tys.")),
    "ten thousands, Chinese": scaled((1e8, "亿"), (1e4, "万")),
    "ten thousands of yuan": scaled((1e8, "亿元"), (1e4, "万元"), (1, "元")),
    "ten thousands of views": scaled((1e4, "万次"), (1, "次")),
    "ten thousands, Japanese": scaled((1e12, "兆円"), (1e8, "億円"), (1e4, "万円")),
    "ten thousands, Korean": scaled((1e8, "억원"), (1e4, "만원"), (1e3, "천원")),
    "thousands of views": scaled((1e6, "M views"), (1e3, "K views"), (1, " views")),
    "lakhs": scaled((1e5, " L"), before="₹"),
    "lakhs and crores": scaled((1e7, " Cr"), (1e5, " L"), before="₹"),
    **{f"letter {c}": lambda v, c=c: f"{c} {v:,.2f}" for c in "RKQLP"},
    "rands, no space": lambda v: f"R{v:,.2f}" if v > 0 else f"-R{-v:,.2f}",
    "rands, comma": lambda v: f"R {english(v, ' ', ',')}",
    "rands, accounting": lambda v: f"(R{-v:,.2f})" if v < 0 else f"R{v:,.2f}",
    "rands, thousands": lambda v: f"R {v / 1e3:,.5f}k" if abs(v) > 1e4 else f"R {v:,.2f}",
    "balboas": lambda v: f"B/. {v:,.2f}",
    "soles": lambda v: f"S/.{v:,.2f}",
    "hemispheres first": lambda v: f"{'S' if v < 0 else 'N'} {abs(v):.2f}°",
    "hemispheres first, no space": lambda v: f"{'W' if v < 0 else 'E'}{abs(v):.2f}°",
    "accounting, with a minus": lambda v: f"-({-v:,.2f})" if v < 0 else f"{v:,.2f}",
    "estimated, some": lambda v: f"{v:.2f}{('', '', ' (est.)', ' (approx)', ' est.')[int(abs(v) % 5)]}",
    "footnotes, raised": lambda v: f"{v:.2f}{('', '', '¹', '²')[int(abs(v) % 4)]}",
    "triangles of Japan": lambda v: f"▲{-v:,.2f}" if v < 0 else f"{v:,.2f}",
    "triangles of Japan, yen": lambda v: f"△{-v:,.2f}円" if v < 0 else f"{v:,.2f}円",
    "up and down, zeros": lambda v: f"▼{-v:.2f}" if v < 0 else f"▲{v:.2f}",
    "up, and a minus": lambda v: f"-{-v:.2f}" if v < 0 else f"▲{v:.2f}",
    "too little to measure": lambda v: f"{('', '', 'ND<', 'nd < ', '')[int(abs(v) % 5)]}{v:.2f}",
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if c in "0123456789.,-" else c for c in f"{v:,.2f}"),
    "arabic digits": lambda v: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in f"{v:.2f}"),
}  # fmt: skip


def read(texts: Sequence[str], decimal: str = "auto", **roles: Any) -> Any:
    array = np.array(texts, dtype=object)
    (column,), notes = infer_columns({"c": array}, roles, {}, decimals=Decimals(decimal))
    values, bad = numbers(array, column.to_dict())
    return column, values + column.center, bad, notes


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_read_and_said(form: Any) -> None:
    values = [abs(v) for v in VALUES] if form is FORMS["some without the unit"] else VALUES
    column, found, bad, notes = read([*map(form, values), "", "NA"])
    assert column.role == "numeric"
    assert bad == -1
    np.testing.assert_allclose(found, [*values, np.nan, np.nan], rtol=1e-8)
    plain = form is FORMS["arabic digits"]
    assert plain or any("is read as numbers" in note for note in notes)


UNSEEN = "\u200e\u200f\u2066\u2067\u2068\u2069\u202a\u202c\u061c\u200b\u200c\u200d\u2060\u180e\ufeff\xad"
AROUND = {
    "plain": (lambda v: f"{v:.2f}", "numeric"),
    "whole": (lambda v: f"{v:.0f}", "numeric"),
    "german": (german, "numeric"),
    "with a unit": (lambda v: f"{v:.2f} kg", "numeric"),
    "date": (lambda v: f"{abs(v) % 28 + 1:02.0f}/{abs(v) // 100 % 12 + 1:02.0f}/2020", "datetime"),
    "code": (lambda v: f"{abs(v) % 1000:05.0f}", "categorical"),
}


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
@pytest.mark.parametrize(("form", "role"), AROUND.values(), ids=AROUND)
def test_what_is_not_seen_around_a_value_counts_for_nothing(unseen: str, form: Any, role: str) -> None:
    texts = [*map(form, VALUES), "NA", "TBD", ""]
    y = np.arange(len(texts)) % 2
    plain = from_arrays({"c": texts, "o": np.arange(len(y)) * 1.5}, y)
    for around in ([unseen + text for text in texts], [f"{text}{unseen}" for text in texts]):
        task = from_arrays({"c": around, "o": np.arange(len(y)) * 1.5}, y)
        assert task.schema.columns[0].role == role
        if role != "categorical":
            np.testing.assert_array_equal(task.data.x.numeric, plain.data.x.numeric)
            np.testing.assert_array_equal(
                rows(plain.schema, {"c": around, "o": y}).numeric[:, 0], plain.data.x.numeric[:, 0]
            )
        if role == "numeric":
            x, target = (
                np.arange(len(VALUES))[:, None],
                from_arrays(np.arange(len(VALUES))[:, None], texts[: len(VALUES)]),
            )
            np.testing.assert_array_equal(from_arrays(x, around[: len(VALUES)]).data.y, target.data.y)


def test_levels_and_classes_that_differ_in_what_is_not_seen_alone_are_one_and_it_is_said() -> None:
    texts = ["a", "\u200ea", "b\xad", "c"] * 30
    task = from_arrays({"c": texts, "o": np.arange(120.0)}, texts)
    assert task.schema.columns[0].levels == ("a", "b", "c")
    assert len(task.schema.classes) == 3
    said = [note for note in task.notes if "not seen" in note]
    assert [note[:16] for note in said] == ["The target 'targ", "Column 'c' has c"]
    for other in ("\u200ca", "A"):
        alike = from_arrays(np.arange(120.0)[:, None], ["a", other, "b", "c"] * 30)
        assert any("make them one" in note for note in alike.notes)


REVIEWS = [*WHOLE, *range(1, 40)]


def test_a_triangle_is_said_to_be_a_minus_and_is_one_at_prediction() -> None:
    texts = [FORMS["triangles of Japan"](v) for v in VALUES]
    column, _, _, notes = read(texts)
    assert any("▲" in note and "is -" in note and "no sign" in note for note in notes)
    assert number("▲1,234.5", column.to_dict()) == -1234.5


IN_BRACKETS = {
    "counts": lambda v: f"({v:,})",
    "square": lambda v: f"[{v:,}]",
    "curly": lambda v: f"{{{v}}}",
    "a unit": lambda v: f"({v:,} reviews)",
    "money": lambda v: f"$({v:,})",
    "money inside": lambda v: f"(${v:,}) ",
    "spaces": lambda v: f"( {v:,} )",
    "full width": lambda v: f"\uff08{v:,}\uff09",
    "beside bare zeros": lambda v: f"({v:,})" if v % 3 else "0",
}


@pytest.mark.parametrize("form", IN_BRACKETS.values(), ids=IN_BRACKETS)
def test_brackets_around_all_numbers_of_a_column_mean_nothing(form: Any) -> None:
    column, found, bad, notes = read([*map(form, REVIEWS), ""])
    assert (column.role, column.bracketed, bad) == ("numeric", True, -1)
    np.testing.assert_array_equal(found, [*(v if form(v) != "0" else 0 for v in REVIEWS), np.nan])
    assert any("all of them stand in brackets" in note for note in notes)
    reading = column.to_dict() | {"center": 0.0}
    assert [number(text, reading) for text in (form(12), "-5", "7")] == [
        12.0 if form(12) != "0" else 0.0,
        -5,
        7,
    ]
    as_target = from_arrays(pd.DataFrame({"x": np.arange(len(REVIEWS))}), pd.Series([*map(form, REVIEWS)]))
    np.testing.assert_array_equal(as_target.data.y, found[:-1])


def test_brackets_around_some_numbers_are_an_accountants_minus() -> None:
    column, found, _, _ = read([f"({v:,})" if v % 5 else f"{v:,}" for v in REVIEWS])
    assert not column.bracketed
    np.testing.assert_array_equal(found, [-v if v % 5 else v for v in REVIEWS])


@pytest.mark.parametrize("sign", CURRENCY_SIGNS)
def test_every_currency_sign_stands_before_or_after(sign: str) -> None:
    for texts in ([f"{sign}{english(v)}" for v in VALUES], [f"{german(v)} {sign}" for v in VALUES]):
        np.testing.assert_array_equal(read(texts)[1], VALUES)


@pytest.mark.parametrize(
    "form", ["german", "percent with a space", "accounting, dollars", "dollars in thousands and millions"]
)
def test_prediction_reads_as_training_did_and_names_what_is_written_otherwise(form: Any) -> None:
    texts = [FORMS[form](v) for v in VALUES]
    task = from_arrays(pd.DataFrame({"c": texts}), np.arange(80) % 2)
    np.testing.assert_array_equal(rows(task.schema, {"c": texts[:7]}).numeric, task.data.x.numeric[:7])
    assert np.isnan(rows(task.schema, {"c": ["-", "n.a.", None]}).numeric).all()
    with pytest.raises(DataError, match=r"'c' must hold a number with the decimal mark.*row 2 has '5 furlongs'"):
        rows(task.schema, {"c": [texts[0], "5 furlongs"]})


WRITTEN = {
    "halves": (["2½", "3", "½", "-1 ½"], [2.5, 3, 0.5, -1.5]),
    "shoe sizes": (["38 2/3", "39", "40 1/3", "1,041 1/4"], [38 + 2 / 3, 39, 40 + 1 / 3, 1041.25]),
    "marks": (["4.5/5", "5/5", "0 / 5", "1.5 out of 5"], [4.5, 5, 0, 1.5]),
    "marks of a hundred": (["45/100", "99/100", "100/100", "7/100"], [45, 99, 100, 7]),
    "no cents": (["1.250,-", "12,-", "1.000.000,--", "5,50"], [1250, 12, 1e6, 5.5]),
    "no cents, Swiss": (["1'250.-", "12.-", "1'000'000.--", "5.50"], [1250, 12, 1e6, 5.5]),
    "no cents, Swedish": (["1 250:-", "12:-", "1 000 000:-", "5"], [1250, 12, 1e6, 5]),
}


@pytest.mark.parametrize(("texts", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_what_follows_the_digits_is_read(texts: Sequence[str], expected: Sequence[float]) -> None:
    column, values, bad, notes = read([*texts] * 15)
    assert (column.role, bad) == ("numeric", -1)
    np.testing.assert_allclose(values[:4], expected)
    assert any("is read as numbers" in note for note in notes)


def ordinal(v: int) -> str:
    return f"{v}{'th' if v // 10 % 10 == 1 else {1: 'st', 2: 'nd', 3: 'rd'}.get(v % 10, 'th')}"


ORDINALS: dict[str, Callable[[int], str]] = {
    "english": ordinal,
    "capitals": lambda v: ordinal(v).upper(),
    "with a noun": lambda v: f"{ordinal(v)} floor",
    "french": lambda v: "1er" if v == 1 else f"{v}e",
    "spanish": lambda v: f"{v}º",
    "german": lambda v: f"{v}.",
}


@pytest.mark.parametrize("form", ORDINALS.values(), ids=ORDINALS)
def test_ordinals_are_numbers(form: Callable[[int], str]) -> None:
    column, values, bad, _ = read([form(v) for v in range(1, 150)])
    assert (column.role, bad) == ("numeric", -1)
    np.testing.assert_array_equal(values, np.arange(1, 150))


UNITS = [(kind, unit) for kind, known in MEASURES.items() for unit in list(known)[1:]]


@pytest.mark.parametrize(("kind", "unit"), UNITS)
def test_units_of_one_kind_in_one_column_are_converted_and_said(kind: str, unit: str) -> None:
    first = next(iter(MEASURES[kind]))
    texts = [f"{i + 1} {first if i % 3 else unit}" for i in range(30)]
    column, values, bad, notes = read(texts)
    size = MEASURES[kind][unit] / MEASURES[kind][first]
    np.testing.assert_allclose(values, [(i + 1) * (1 if i % 3 else size) for i in range(30)])
    assert (column.role, bad, column.unit[0]) == ("numeric", -1, first)
    assert any(f"all in '{first}'" in note or size == 1 for note in notes)


MIXED = {
    "rates": ("mg/dL", "g/L", 100, 0),
    "speeds": ("km/h", "mph", 1.609344, 0),
    "speeds, metres": ("km/h", "m/s", 3.6, 0),
    "temperatures": ("°C", "°F", 5 / 9, -160 / 9),
    "temperatures, one sign": ("℃", "℉", 5 / 9, -160 / 9),
    "temperatures, letters": ("C", "F", 5 / 9, -160 / 9),
    "temperatures, words": ("Celsius", "Kelvin", 1, -273.15),
}


@pytest.mark.parametrize(("first", "other", "factor", "zero"), MIXED.values(), ids=MIXED)
def test_rates_and_temperatures_are_converted(first: str, other: str, factor: float, zero: float) -> None:
    texts = [f"{i + 1} {first if i % 3 else other}" for i in range(30)]
    _, values, bad, _ = read(texts)
    assert bad == -1
    np.testing.assert_allclose(values, [i + 1 if i % 3 else (i + 1) * factor + zero for i in range(30)])


SUMS: dict[str, tuple[str, float]] = {
    "feet": ("""{}'{}\"""", 12), "feet without inches": ("{}'{}", 12), "feet, apostrophes": ("{}'{}''", 12),
    "feet, primes": ("{}′ {}″", 12), "feet, quotes": ("{}’{}”", 12), "feet, letters": ("{} ft {} in", 12),
    "feet, no spaces": ("{}ft{}in", 12), "feet, words": ("{} feet, {} inches", 12),
    "feet, points": ("{} ft. {} in.", 12),
    "pounds": ("{} lb {} oz", 16), "pounds, plural": ("{}lbs {}oz", 16), "stones": ("{}st {}lb", 14),
    "metres": ("{} m {} cm", 100), "kilograms": ("{} kg and {} g", 1000), "degrees": ("{}° {}'", 60),
    "degrees north": ("{}°{}'N", 60),
}  # fmt: skip


@pytest.mark.parametrize(("form", "parts"), SUMS.values(), ids=SUMS)
def test_a_number_in_several_units_is_their_sum(form: str, parts: float) -> None:
    wholes = [(i % 7 + 4, i % 11) for i in range(80)]
    column, values, bad, notes = read([form.format(*both) for both in wholes])
    assert (column.role, bad) == ("numeric", -1)
    np.testing.assert_allclose(values, [a + b / parts for a, b in wholes])
    assert any("all in" in note for note in notes)


def test_places_in_degrees_minutes_and_seconds_have_a_sign() -> None:
    _, values, _, _ = read([f"{i}°{i % 60}'{i % 50}.5\"{'NS'[i % 2]}" for i in range(80)])
    expected = [(i + i % 60 / 60 + (i % 50 + 0.5) / 3600) * (-1 if i % 2 else 1) for i in range(80)]
    np.testing.assert_allclose(values, expected)


def test_bytes_and_their_multiples_are_one_unit() -> None:
    sizes = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}
    texts = [f"{i + 1} {unit}" for i in range(20) for unit in sizes]
    _, values, bad, _ = read(texts)
    assert bad == -1
    np.testing.assert_allclose(values / values[0], [(i + 1) * size for i in range(20) for size in sizes.values()])


@pytest.mark.parametrize("texts", [["24.5O", "l2.5"], ["12.5 kg", "7 lbs"], ["V27"]])
def test_few_numbers_with_letters_among_many_without_are_named(texts: list[str]) -> None:
    for at in (0, 40):
        with pytest.raises(DataError, match=f"must hold values of one type.*has '({'|'.join(texts)})'"):
            read([*map(str, VALUES[:at]), *texts, *map(str, VALUES[at:])])


def test_a_note_shows_a_unit_as_it_is_written() -> None:
    for unit in ("days ago", "views", "Stk."):
        assert f"in '{unit}'" in read([f"{v:.2f} {unit}" for v in VALUES])[3][-1]


def test_prediction_converts_as_training_did() -> None:
    texts = [f"{i + 1} kg" if i % 3 else f"{100 * i + 5} g" for i in range(60)]
    task = from_arrays(pd.DataFrame({"c": texts, "one": [f"{i} km" for i in range(60)]}), np.arange(60) % 2)
    found = rows(task.schema, {"c": ["3 lb 2 oz", "7 g"], "one": ["300 m", "2"]}).numeric
    np.testing.assert_allclose(found, [[1.41747615625, 0.3], [0.007, 2]], rtol=1e-6)
    for text, column in (("5", "c"), ("5 cm", "c"), ("2 kg", "one")):
        with pytest.raises(DataError, match=f"'{column}' must hold a number with.*unit.*row 1 has '{text}'"):
            rows(task.schema, {"c": ["1 kg"], "one": ["1 km"], column: [text]})


EVIDENCE = {
    "both marks": ([f"{v:,}" for v in WHOLE] + ["1,234.5"], 1),
    "two groups": ([f"{v:,}" for v in WHOLE] + ["1,234,567"], 1),
    "other lengths": ([f"{v:,}" for v in WHOLE] + ["3,14"], 1e-3),
    "a zero in front": ([f"{v:,}" for v in WHOLE] + ["0,125"], 1e-3),
    "small ones without a mark": ([f"{v:,}" for v in WHOLE] + ["17", "999"], 1),
    "money": ([f"${v:,}" for v in WHOLE], 1),
    "points that group": ([f"{v:,}".replace(",", ".") for v in WHOLE] + ["1.234.567"], 1),
    "points beside small ones": ([f"{v:,}".replace(",", ".") for v in WHOLE] + ["17", "999"], 1),
    "points alone": ([f"{v:,}".replace(",", ".") for v in WHOLE], 1e-3),
}


@pytest.mark.parametrize(("texts", "factor"), EVIDENCE.values(), ids=EVIDENCE)
def test_evidence_decides_what_a_mark_is(texts: Sequence[str], factor: float) -> None:
    np.testing.assert_allclose(read(texts)[1][:60], np.array(WHOLE) * factor)


def test_the_rest_of_the_table_is_evidence(write_csv: Callable[..., Path]) -> None:
    texts = [f"{v:,}" for v in WHOLE]
    halves = [f"{i},5" for i in range(60)]
    frame = pd.DataFrame({"c": texts, "other": halves})
    np.testing.assert_allclose(
        from_arrays(frame, np.arange(60) % 2).data.x.numeric[:, 0], np.float32(WHOLE) / 1e3, rtol=1e-6
    )
    quoted = write_csv({"c": [f'"{t}"' for t in texts], "target": [0, 1] * 30})
    np.testing.assert_array_equal(load(quoted).data.x.numeric[:, 0], np.float32(WHOLE))
    decimal = write_csv("c;target\n" + "".join(f"{t};{i % 2}\n" for i, t in enumerate(texts)))
    np.testing.assert_allclose(load(decimal).data.x.numeric[:, 0], np.float32(WHOLE) / 1e3, rtol=1e-6)


def test_an_ambiguous_mark_names_both_readings_and_a_way_out_that_works() -> None:
    frame = pd.DataFrame({"c": [f"{v:,}" for v in WHOLE], "d": [f"{v:,}" for v in WHOLE]})
    with pytest.raises(DataError, match=r"'c'.*may be (\d+) or (\d+\.\d+).*decimal=point.*decimal=comma"):
        from_arrays(frame, np.arange(60) % 2)
    for decimal, factors in [("point", (1, 1)), (",", (1e-3, 1e-3)), ({"c": "comma", "d": "point"}, (1e-3, 1))]:
        numeric = from_arrays(frame, np.arange(60) % 2, decimal=decimal).data.x.numeric
        np.testing.assert_allclose(numeric, np.outer(WHOLE, factors), rtol=1e-6)
    with pytest.raises(UnknownNameError, match="'comma'"):
        from_arrays(frame, np.arange(60) % 2, decimal="coma")


CONFLICTS = {
    "marks": ([english(v) if i % 2 else german(v) for i, v in enumerate(VALUES)], "decimal marks.*'.*' and '.*'"),
    "currencies": ([f"${v}" if i % 2 else f"€{v}" for i, v in enumerate(VALUES)], r"units.*'[$€].*' and '[$€]"),
    "before and after": ([f"${v}" if i % 2 else f"{v} EUR" for i, v in enumerate(VALUES)], "units"),
    "units": ([f"{v} kg" if i % 2 else f"{v} km" for i, v in enumerate(VALUES)], "units.*kg' and '.*km'"),
    "kinds of a rate": ([f"{v} mg/dL" if i % 2 else f"{v} mmol/L" for i, v in enumerate(VALUES)], "units"),
    "two units or none": ([f"{v} {('kg', 'g', '')[i % 3]}" for i, v in enumerate(VALUES)], "Write its unit"),
    "percent and shares": ([f"{i}%" if i % 2 else f"{i / 100}" for i in range(80)], "percent, or none"),
}


@pytest.mark.parametrize(("texts", "message"), CONFLICTS.values(), ids=CONFLICTS)
def test_two_conventions_are_named(texts: Sequence[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(texts)
    assert read(texts, c="categorical")[0].role == "categorical"


NAMES = {
    "zip codes": [f"{i:05d}" for i in range(300)],
    "long zip codes": [f"{i:05d}-{i:04d}" for i in range(300)],
    "phone numbers": [f"({i:03d}) 555-{i:04d}" for i in range(200, 500)],
    "phone numbers, spaces": [f"+1 555 {i:03d} {i + 1000:04d}" for i in range(300)],
    "phone numbers by three": [f"{i + 600} {i * 7 % 1000:03d} {i * 13 % 1000:03d}" for i in range(300)],
    "phone numbers, plus": [f"+49{170000000 + i * 37}" for i in range(300)],
    "versions": [f"{i % 5}.{i % 7}.{i % 11}" for i in range(300)],
    "addresses": [f"192.168.{i % 250}.{i % 13}" for i in range(300)],
    "seats": [f"{i % 30 + 1}{'ABCDEF'[i % 6]}" for i in range(300)],
    "diagnoses": [f"E{i % 40}" for i in range(300)],
    "products": [f"ABC {i}" for i in range(300)],
    "open ranges": ["1", "2", "3", "4+"] * 75,
    "fractions of one": ["1/3", "2/3", "1", "4/3"] * 75,
    "months": [f"{i % 12 + 1:02d}/{i % 3 + 16}" for i in range(300)],
    "screens": ["16:9", "4:3", "21:9"] * 100,
    "bounds with words": ["< 1 year", "1 year", "5 years", "10+ years"] * 75,
    "signs": ["+", "-"] * 150,
    "phone numbers of a country": [f"+49 {i + 100} {i * 331 % 90000 + 10000}" for i in range(300)],
    "cards": [f"{i + 4000} {i * 7 % 9000 + 1000} {i * 13 % 9000 + 1000}" for i in range(300)],
    "zip codes with four more": [f"{i * 331 % 90000 + 10000}-{i * 7 % 9000 + 1000}" for i in range(300)],
    "scores": [f"{i % 6}-{i % 7}" for i in range(300)],
    "addresses with a zip code": [f"{i + 1} Main St, {i * 331 % 90000 + 10000}" for i in range(300)],
    "lists of codes": [", ".join(map(str, range(1, i % 5 + 2))) for i in range(300)],
    "hours": [f"{i % 4 + 8}:{i % 50 + 10}-{i % 4 + 14}:{i % 47 + 10}" for i in range(300)],
    **{f"codes {c}": [f"{c}{i % 90 + 10}.{i % 10}" for i in range(300)] for c in "RKQLPEM"},
    **{f"codes {c}, two": [f"{c} {i % 90 + 10}.{i % 90 + 10}" for i in range(300)] for c in "RKQLPEM"},
    **{f"codes {c}, whole": [f"{c}{i}" for i in range(300)] for c in "RKQLPEM"},
    "codes of three": [f"K{i % 9}.{i + 100}" for i in range(300)],
    "places": [f"{'NS'[i % 2]}{i % 90}.{i % 10}" for i in range(300)],
    "social security": [f"{i:03d}-{i % 100:02d}-{i:04d}" for i in range(300)],
}


@pytest.mark.parametrize("texts", NAMES.values(), ids=NAMES)
def test_what_names_something_is_no_number(texts: Sequence[str]) -> None:
    (column, _), _ = infer_columns({"c": np.array(texts, object), "other": np.arange(300.0) % 7}, {}, {})
    assert column.role in ("categorical", "text", "dropped")


def test_numbers_with_several_unknown_units_are_levels_and_it_is_said() -> None:
    texts = [f"{i % 40 + 10}.5 {'km/kg' if i % 9 == 0 else 'kmpl'}" for i in range(200)]
    column, _, _, notes = read(texts, c="categorical")
    (inferred, _), notes = infer_columns({"c": np.array(texts, object), "other": np.arange(200.0) % 7}, {}, {})
    assert inferred == column
    assert any("read as levels" in note and "km/kg" in note and "kmpl" in note for note in notes)


DATES = ["%d.%m.%Y", "%Y-%m-%d", "%d %b %Y", "%Y%m%d", "%d-%m-%y", "%Y-%m", "%m/%Y"]


@pytest.mark.parametrize("form", DATES)
def test_dates_are_no_numbers(form: Any) -> None:
    days = pd.date_range("2016-01-01", periods=300, freq="11D")
    assert read(days.strftime(form).tolist())[0].role == "datetime"


TARGETS = {
    "thousands": ([f"{v:,}" for v in (*WHOLE, 1_234_567)], [*WHOLE, 1_234_567]),
    "dollars": ([f"${v:,.2f}" for v in VALUES], VALUES),
    "percent": ([f"{v}%" for v in VALUES], VALUES),
    "german": ([german(v) for v in VALUES], VALUES),
    "with a mark": ([*map(english, VALUES), "TBD"], VALUES),
}


@pytest.mark.parametrize(("y", "expected"), TARGETS.values(), ids=TARGETS)
def test_a_target_of_written_numbers_is_a_regression(y: Any, expected: Any) -> None:
    x = np.arange(len(y), dtype=float)
    task = from_arrays(x[:, None], y, test=(x[:3, None], y[:3]))
    assert task.target.kind == "regression"
    np.testing.assert_allclose(task.data.y, expected)
    np.testing.assert_allclose(task.test.y, expected[:3])


def test_an_ambiguous_target_names_both_readings_and_classes_stay_as_written() -> None:
    x, y = np.arange(60.0)[:, None], [f"{v:,}" for v in WHOLE]
    with pytest.raises(DataError, match=r"'target'.*decimal=point"):
        from_arrays(x, y)
    np.testing.assert_array_equal(from_arrays(x, y, decimal="point").data.y, WHOLE)
    assert from_arrays(x, ["$5", "$10", "$20"] * 20).schema.classes == ("$10", "$20", "$5")
    assert from_arrays(x, ["1,5", "2,5"] * 30, target_kind="classification").schema.classes == ("1,5", "2,5")


@pytest.mark.parametrize("levels", [["<30", ">30", "no"], ["<18", "18-35", ">35"], ["< 1", "> 1"], ["≤ 5", "≥ 5"]])
def test_names_of_ranges_are_levels(levels: list[str]) -> None:
    values = np.array(levels * 30, object)
    (column,), _ = infer_columns({"a": values}, {}, {})
    assert (column.role, set(column.levels)) == ("categorical", set(levels))


def test_one_zero_too_many_does_not_make_codes_of_numbers() -> None:
    values = [str(v) for v in rng.integers(1, 5_000, 400)]
    task = from_arrays({"n": [*values[:-1], "012"], "o": rng.normal(size=400)}, rng.integers(0, 2, 400))
    assert task.schema.columns[0].role == "numeric"
    assert any("'012' is 12" in note and "categorical" in note for note in task.notes)
    target = from_arrays({"o": rng.normal(size=400)}, [*values[:-1], "0123"])
    assert target.target.kind == "regression"
    for codes in ([f"{v:05}" for v in rng.integers(1, 99_999, 400)], [*values[:300], *(f"0{v}" for v in values[300:])]):
        assert from_arrays({"zip": codes, "o": rng.normal(size=400)}, Y_TWO).schema.columns[0].role != "numeric"


Y_TWO = np.arange(400) % 2


def test_money_has_no_three_decimals_whatever_its_mark() -> None:
    amounts = rng.integers(100, 9_999, 60)
    texts = [f"{v // 1000}.{v % 1000:03} €" if v >= 1000 else f"{v} €" for v in amounts]
    task = from_arrays({"price": texts, "o": rng.normal(size=60)}, amounts % 2)
    np.testing.assert_array_equal(task.data.x.numeric[:, 0], amounts)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, object, str])
def test_a_mark_of_missing_is_found_in_numbers_of_any_precision(dtype: Any) -> None:
    given = np.array([1.5, -999.9, 2.5]).astype(dtype)
    values, bad = numbers(given, {"missing": ("-999.9",)})  # type: ignore[typeddict-item]
    assert bad == -1
    np.testing.assert_array_equal(np.isnan(values), [False, True, False])


def test_the_mark_of_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"column in decimal 'pirce'.*Did you mean 'price'"):
        from_arrays({"price": np.arange(60.0), "o": np.arange(60.0)}, np.arange(60) % 2, decimal={"pirce": "comma"})


MEASURES_NOT_SCALES = {
    "litres": ([f"{i + 1}.5 L" for i in range(60)], 1.5),
    "litres and millilitres": ([f"{i + 1}.5 {'L' if i % 2 == 0 else 'mL'}" for i in range(60)], 1.5),
    "miles": ([f"{i + 1}.5 mi" for i in range(60)], 1.5),
    "mils": ([f"{i + 1}.5 mil" for i in range(60)], 1.5),
    "miles and metres": ([f"{i + 1}.5 {'mi' if i % 2 else 'm'}" for i in range(60)], 1.5),
    "euros a litre": ([f"€{i + 1}.5/L" for i in range(60)], 1.5),
}


@pytest.mark.parametrize(("texts", "first"), MEASURES_NOT_SCALES.values(), ids=MEASURES_NOT_SCALES)
def test_a_unit_that_may_be_a_scale_is_none_where_nothing_says_so(texts: Sequence[str], first: float) -> None:
    column, values, bad, _ = read(texts)
    assert (column.scaled, bad, values[0]) == (False, -1, first)


def test_the_examples_of_two_units_are_two() -> None:
    for one, other in (("₹1.5 kg", "₹2.5 km"), ("5 kg", "7 km"), ("$5", "7 EUR"), ("€5", "$7")):
        with pytest.raises(DataError, match="different units") as caught:
            read([one, other] * 40)
        assert f"'{one}'" in str(caught.value)
        assert f"'{other}'" in str(caught.value)


@pytest.mark.parametrize("code", ["L0W", "1.2.3"])
def test_numbers_beside_a_frequent_code_are_levels_and_it_is_said(code: str) -> None:
    texts = [code if i % 7 == 0 else f"{v:.2f}" for i, v in enumerate(VALUES)]
    columns, notes = infer_columns({"c": np.array(texts, object), "o": np.arange(80.0) % 7}, {}, {})
    assert columns[0].role == "categorical"
    assert any(f"data.missing=[{code}]" in note for note in notes)
