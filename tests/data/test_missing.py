"""Words that may be missing: levels where they are frequent, gaps among numbers and dates; what ``missing`` sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays, load, rows
from automl.errors import DataError

N = 300
rng = np.random.default_rng(0)
NUMBERS = [f"{v:.3f}" for v in rng.normal(size=N)]
DAYS = pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d").tolist()
X = rng.normal(size=(N, 1))
Y = np.arange(N) % 2
MEANINGFUL = ["NA", "nan", "NaN", "None", "N/A", "n/a", "null", "NULL"]
NOTHING = [
    "-", "--", "—", ".", "..", "?", "???", "*", "/", "missing", "Missing", "MISSING", "TBD", "tbd", "TBA", "unknown",
    "Unknown", "n.a.", "N.A.", "n/a", "NA", "#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "not available", "(null)",
    "none", "pending", "not measured", "No answer", "refused", "don't know", "withdrawn", "see notes", "#NV", "#WERT!",
    "#VALEUR!", "#¡DIV/0!", "'null'", "[NA]", "(n/a)", "#SPILL!", "#CALC!", "#GETTING_DATA", "nodata", "No-Data",
    "undef", "not avail.", "Not_Available", "unavail.", "N. A.", "k. A.", "k.A.", "(s)", "(X)", "$null$", "nan(ind)",
    "-1.#IND", "nan%", "N/A%", "\u200eTBD", "non disponible", "non renseigne", "해당없음", "해당 없음", "in progress",
    "bdl", "NP", "ＴＢＤ", "\\N",
]  # fmt: skip


def with_words(values: Any, *words: Any) -> Any:
    """Put each of ``words`` into two places of a column."""
    values = list(values)
    for i, word in enumerate(words):
        values[5 + 7 * i] = values[8 + 7 * i] = word
    return values


@pytest.mark.parametrize("word", MEANINGFUL)
def test_a_frequent_word_is_a_level_a_class_of_a_file_and_said(write_csv: Callable[..., Path], word: str) -> None:
    regions = [("EU", "AS", word, "SA")[i % 4] for i in range(N)]
    task = load(write_csv({"region": regions, "n": NUMBERS, "target": regions[::-1]}))
    assert set(task.schema.columns[0].levels) == {"EU", "AS", word, "SA"}
    assert task.n_rows == N
    assert set(task.schema.classes) == {"EU", "AS", word, "SA"}
    for what in ("Column 'region'", "The target 'target'"):
        assert any(what in note and f"missing=[{word}]" in note for note in task.notes)
    # The same at prediction: the level is known, an empty field is not.
    first = rows(task.schema, {"region": [word, "", None], "n": ["1", "2", "3"]}).categories[:, 0]
    assert first[0] > 0
    assert first[1:].tolist() == [0, 0]


@pytest.mark.parametrize("word", MEANINGFUL)
def test_a_rare_word_is_missing(write_csv: Callable[..., Path], word: str) -> None:
    regions = with_words((["EU", "AS"] * N)[:N], word)
    task = load(write_csv({"region": regions, "n": NUMBERS, "target": regions}))
    assert task.schema.columns[0].levels == ("AS", "EU")
    assert task.n_rows == N - 2
    assert any("2 rows without a target" in note for note in task.notes)
    assert any("In the target" in note and f"'{word}' (2)" in note for note in task.notes)


@pytest.mark.parametrize("word", MEANINGFUL)
@pytest.mark.parametrize("share", [2, 100])
def test_every_word_of_an_array_of_classes_is_one(word: str, share: int) -> None:
    y = np.array([word] * share + ["a", "b"] * ((N - share) // 2))
    task = from_arrays(X[: len(y)], y)
    assert set(task.schema.classes) == {word, "a", "b"}
    assert task.n_rows == len(y)


@pytest.mark.parametrize("word", NOTHING)
@pytest.mark.parametrize(("values", "role"), [(NUMBERS, "numeric"), (DAYS, "datetime"), (range(N), "numeric")])
def test_words_that_say_nothing_are_missing_among_numbers_and_dates_and_counted(
    write_csv: Callable[..., Path], values: Any, role: str, word: str
) -> None:
    quoted = [f'"{v}"' for v in with_words(values, word)]
    task = load(write_csv({"c": quoted, "target": Y}))
    assert task.schema.columns[0].role == role
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == [5, 8]
    assert any("c (0.7%)" in note for note in task.notes if note.startswith("Missing values"))
    again = rows(task.schema, {"c": [word, "TBD", "-", str(values[0])], "other": [0] * 4})
    assert np.isnan(again.numeric[:, 0]).tolist() == [True, True, True, False]


@pytest.mark.parametrize("values", [NUMBERS, [f"{v} kg" for v in NUMBERS], DAYS, [f"{i}h {i % 60}m" for i in range(N)]])
@pytest.mark.parametrize(
    "words", [["BDL"], ["<LOD", "trace"], ["ongoing", "today", "new"], ["gone", "moved", "closed", "left"]]
)
def test_frequent_words_among_numbers_and_dates_are_missing_and_said(values: Any, words: list[str]) -> None:
    kept = {i: words[i // 4 % len(words)] for i in range(0, N, 4)}
    texts = [kept.get(i, value) for i, value in enumerate(values)]
    task = from_arrays({"c": texts, "o": X[:, 0]}, Y)
    assert task.schema.columns[0].role in ("numeric", "datetime")
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == list(kept)
    assert any(all(f"'{word}'" in note for word in words) and "categorical" in note for note in task.notes)
    few = {"c": [*words, "NA", "", values[1]], "o": [0.0] * (len(words) + 3)}
    assert np.isnan(rows(task.schema, few).numeric[:, 0]).tolist() == [True] * (len(words) + 2) + [False]
    with pytest.raises(DataError, match=r"'c' must hold.*row 1 has 'other'"):
        rows(task.schema, {"c": ["other"], "o": [0.0]})
    declared = from_arrays({"c": texts, "o": X[:, 0]}, Y, roles={"c": "categorical"}).schema.columns[0]
    assert set(words) <= set(declared.levels)


@pytest.mark.parametrize("word", ["x", "soon", "as above", "Free", "kg"])
@pytest.mark.parametrize("often", [1, 2, 15, 45])
@pytest.mark.parametrize("values", [NUMBERS, [f"${v}" for v in NUMBERS], DAYS, [str(i) for i in range(N)]])
def test_a_word_among_numbers_or_dates_is_missing_however_rare_and_said(values: Any, often: int, word: str) -> None:
    task = from_arrays({"c": [word] * often + values[often:], "o": X[:, 0]}, Y)
    assert task.schema.columns[0].role in ("numeric", "datetime")
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == list(range(often))
    assert any(f"'{word}' ({often})" in note and "categorical" in note for note in task.notes)
    assert np.isnan(rows(task.schema, {"c": [word, values[-1]], "o": [0, 0]}).numeric[:, 0]).tolist() == [True, False]


@pytest.mark.parametrize("slip", ["12O3", "l2.5", "1.2.3", "5 furlongs", "4,5,6"])
@pytest.mark.parametrize("words", [[], ["soon", "TBD"]])
def test_a_slip_in_digits_is_named_beside_words_too(slip: str, words: list[str]) -> None:
    with pytest.raises(DataError, match=rf"row 12 has '{slip}' \(1 such row\)"):
        from_arrays({"c": [*words, *NUMBERS[len(words) : 11], slip, *NUMBERS[12:]], "o": X[:, 0]}, Y)


LEVELS_WITH_NUMBERS = {
    "grades": ["K", "PK", *map(str, range(1, 13))] * 30,
    "zip codes": [*(f"{i:05d}" for i in range(60)), "none yet"] * 3,
    "lines with letters": [*map(str, range(1, 60)), *"ABCDEFGHIJK"] * 3,
    "diagnoses": [*(f"{i + 100}.{i % 9 + 1}" for i in range(60)), *(f"V{i}" for i in range(20)), "open"] * 3,
    "sizes": [*map(str, range(30, 52, 2)), "S", "M", "L", "XL"] * 20,
}


@pytest.mark.parametrize("texts", LEVELS_WITH_NUMBERS.values(), ids=LEVELS_WITH_NUMBERS)
def test_levels_that_are_numbers_and_words_stay_levels(texts: list[str]) -> None:
    task = from_arrays({"c": texts, "o": np.arange(float(len(texts))) % 7}, np.arange(len(texts)) % 2)
    assert set(task.schema.columns[0].levels) == set(texts)
    padded = any(text[0] == "0" for text in texts)
    assert not padded or not any("makes it a column of numbers" in note for note in task.notes)


@pytest.mark.parametrize("word", ["kg", "- kg", "null kg", "n.a. kg", "kg TBD"])
def test_a_unit_without_a_number_is_missing_and_counted(word: str) -> None:
    task = from_arrays({"c": with_words([f"{v} kg" for v in NUMBERS], word), "o": X[:, 0]}, Y)
    assert np.isnan(task.data.x.numeric[:, 0]).sum() == 2
    assert any(f"'{word}' (2)" in note for note in task.notes)
    assert np.isnan(rows(task.schema, {"c": [word, "2 kg"], "o": [1, 2]}).numeric[:, 0]).tolist() == [True, False]


@pytest.mark.parametrize("words", [["later"], ["<LOD", "trace"]])
def test_frequent_words_in_a_target_of_numbers_are_named_with_a_way_out_that_works(words: list[str]) -> None:
    y = [words[i // 4 % len(words)] if i % 4 == 0 else value for i, value in enumerate(NUMBERS)]
    with pytest.raises(DataError, match=r"'target' must hold values of one type.*numbers and .* rows\).*missing=\["):
        from_arrays(X, y)
    task = from_arrays(X, y, missing=words)
    assert (task.target.kind, task.n_rows) == ("regression", N - N // 4)


def test_words_that_are_most_of_a_column_or_many_are_levels() -> None:
    for texts in (
        ["word" if i % 3 else v for i, v in enumerate(NUMBERS)],
        [f"w{i % 9 * 'x'}" if i % 4 == 0 else v for i, v in enumerate(NUMBERS)],
    ):
        task = from_arrays({"c": texts, "o": X[:, 0]}, Y)
        assert task.schema.columns[0].role == "categorical"
        many = sum(text not in map(str, NUMBERS) for text in map(str, texts)) < N / 2
        assert any("of its 300 values are numbers" in note and "data.missing=[w" in note for note in task.notes) == many


def test_several_words_are_counted_each_and_others_are_named_with_a_way_out_that_works() -> None:
    values = with_words(NUMBERS, "TBD", "-", "s0on")
    with pytest.raises(DataError, match=r"row 20 has 's0on' \(2 such rows\).*missing=\[s0on\]"):
        from_arrays({"c": values, "o": X[:, 0]}, Y)
    task = from_arrays({"c": with_words(NUMBERS, "TBD", "-"), "o": X[:, 0]}, Y)
    assert any("'TBD' (2), '-' (2)" in note and "4 in all" in note for note in task.notes)
    task = from_arrays({"c": values, "o": X[:, 0]}, Y, missing=["s0on"])
    assert np.isnan(task.data.x.numeric[:, 0]).sum() == 6
    assert np.isnan(rows(task.schema, {"c": ["s0on", "1"], "o": [1, 2]}).numeric[:, 0]).tolist() == [True, False]


def test_a_target_of_numbers_has_gaps_whatever_they_are_called() -> None:
    y = with_words(NUMBERS, "TBD", "NA", "-")
    task = from_arrays(X, y)
    assert task.target.kind == "regression"
    assert task.n_rows == N - 6
    assert any("'TBD' (2)" in note for note in task.notes)


SENTINELS = [
    ([-999, "-999"], np.where(np.arange(N) % 10, np.arange(N), -999)),
    ([-999], np.where(np.arange(N) % 10, np.arange(N) * 1.5, -999.0)),
    (["-999"], [f"{v:.1f}" for v in np.where(np.arange(N) % 10, np.arange(N) + 0.5, -999)]),
    ("none given", [str(v) if v % 10 else "none given" for v in range(N)]),
]


@pytest.mark.parametrize(("missing", "values"), SENTINELS)
def test_missing_sets_the_words_and_the_numbers(missing: Any, values: Any) -> None:
    task = from_arrays({"c": values, "o": X[:, 0]}, Y, missing=missing)
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == list(range(0, N, 10))
    given = {"c": [values[0], values[1]], "o": [1, 2]}
    assert np.isnan(rows(task.schema, given).numeric[:, 0]).tolist() == [True, False]


def test_missing_replaces_what_is_missing_among_words(write_csv: Callable[..., Path]) -> None:
    path = write_csv({"c": with_words((["a", "b"] * N)[:N], "NA", "gone"), "n": NUMBERS, "target": Y})
    assert load(path).schema.columns[0].levels == ("a", "b", "gone")
    assert load(path, missing=[]).schema.columns[0].levels == ("NA", "a", "b", "gone")
    assert load(path, missing=["gone"]).schema.columns[0].levels == ("NA", "a", "b")
    task = load(path, missing=["gone", "a"])
    assert task.schema.columns[0].levels == ("NA", "b")
    assert rows(task.schema, {"c": ["gone", "b"], "n": [1, 2]}).categories[:, 0].tolist() == [0, 2]


def test_leading_zeros_stay_codes_beside_words_that_say_nothing() -> None:
    codes = with_words([f"{i % 40:04d}" for i in range(N)], "TBD", "-")
    assert from_arrays({"c": codes, "o": X[:, 0]}, Y).schema.columns[0].role == "categorical"
