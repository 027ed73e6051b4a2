"""Roles, levels, dates, vocabularies, and columns that cannot be used."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.data import from_arrays
from automl.data.infer import infer_columns
from automl.data.vocabulary import build_vocabulary
from automl.errors import DataError, UnknownNameError
from automl.runtime.arrays import as_array
from automl.runtime.encode import encode
from automl.runtime.schema import numeric_names

N = 60
rng = np.random.default_rng(0)
SENTENCES = [
    " ".join(rng.choice(["the", "quick", "brown", "fox", "jumps", "over", "it"], 6)) + str(i) for i in range(N)
]


def column(values: Any, name: str = "c", **roles: Any) -> Any:
    values = as_array(values)
    (found,), _ = infer_columns({name: values}, roles, {})
    return found


ROLES = {
    "floats": (rng.normal(size=N), "numeric"),
    "number strings": ([f"{v:.3f}" for v in rng.normal(size=N)], "numeric"),
    "numbers with gaps": (["1.5", "", "NA", "2"] * 15, "numeric"),
    "whole numbers, few": ([1, 2, 3] * 20, "numeric"),
    "bool array": (np.array([True, False] * 30), "boolean"),
    "bool strings": (["true", "False", ""] * 20, "boolean"),
    "bools with gaps": ([True, None, False] * 20, "boolean"),
    "words": (["red", "green", "blue"] * 20, "categorical"),
    "codes and words": (["1", "2", "3", "4+"] * 15, "categorical"),
    "leading zeros": (["02139", "90210", "", "00501"] * 15, "categorical"),
    "leading zeros, like dates": (["00010203", "00020304", "00030405"] * 20, "categorical"),
    "leading zeros and negative": (["007", "-1"] * 30, "categorical"),
    "leading zeros and fractions": (["007", " 008", "NA", "1.5"] * 15, "numeric"),
    "leading zeros, spaces and gaps": ([" 007", "NA", "8 ", "-9"] * 15, "categorical"),
    "numbers that start with zero": (["0", "0.5", "-0.5", "0e1", "0.0"] * 12, "numeric"),
    "zeros and ones": (["0", "1"] * 30, "numeric"),
    "padded fractions": ([f"{v:05.2f}" for v in np.linspace(0, 20, N)], "numeric"),
    "underscores": (["1_0", "2_0"] * 30, "categorical"),
    "iso dates": ([f"2024-01-{d % 28 + 1:02d}" for d in range(N)], "datetime"),
    "iso times": ([f"2024-01-{d % 28 + 1:02d}T10:30:0{d % 10}Z" for d in range(N)], "datetime"),
    "datetime64": (np.array(["2024-01-01", "NaT", "2024-02-01"] * 20, "datetime64[D]"), "datetime"),
    "date objects": ([dt.date(2024, 1, 1 + i % 28) for i in range(N)], "datetime"),
    "sentences": (SENTENCES, "text"),
}


@pytest.mark.parametrize(("values", "role"), ROLES.values(), ids=ROLES)
def test_roles(values: Any, role: str) -> None:
    assert column(values).role == role


@pytest.mark.parametrize(
    ("written", "pattern"),
    [("%m/%d/%Y", "%m/%d/%Y"), ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M"), ("%d.%m.%Y", "%d.%m.%Y"), ("%Y/%m/%d", "%Y/%m/%d"),
     ("%d %b %Y", "%d %b %Y"), ("%b %d, %Y", "%b %d, %Y"), ("%Y-%m-%d %H:%M:%S", "iso"), ("%Y-%m-%d", "iso")],
)  # fmt: skip
def test_date_patterns(written: str, pattern: str) -> None:
    days = [dt.datetime(2023, 1, 1, 8, 15) + dt.timedelta(days=11 * i) for i in range(N)]
    found = column([d.strftime(written) for d in days])
    assert found.role == "datetime"
    assert found.format == pattern
    encoded = encode({"columns": [vars(found)]}, {"c": [d.strftime(written) for d in days]})["numeric"]
    assert encoded[:, 0].tolist() == [d.year for d in days]
    assert encoded[:, 2].tolist() == [d.day for d in days]


def test_sentinels_beyond_every_year_are_dates_and_endless_numbers_are_named() -> None:
    days = ["2024-01-01T00:00:00-05:00", "2025-01-01T00:00:00-05:00", "9999-12-31T23:59:59-05:00"] * 20
    assert column(days).role == "datetime"
    assert column([1, 2, 10**400] * 20).role == "numeric"
    with pytest.raises(DataError, match=r"'n' must hold a number between.*row 3 has '1000"):
        from_arrays({"n": [1, 2, 10**400] * 20}, [0, 1] * 30)


def test_ambiguous_dates_are_noted() -> None:
    values = np.array([f"0{1 + i % 9}/0{1 + i % 5}/2024" for i in range(N)], dtype=object)
    _, notes = infer_columns({"when": values}, {}, {})
    assert any("month first and day first" in note for note in notes)


DROPPED = {
    "all missing": (["", "NA", None] * 20, "c", "missing"),
    "all nan": (np.full(N, np.nan), "c", "missing"),
    "constant": (np.ones(N), "c", "every value is 1"),
    "constant word": (["x"] * N, "c", "every value is 'x'"),
    "constant bool": (np.ones(N, bool), "c", "every value is True"),
    "unique words": ([f"u{i}" for i in range(N)], "c", "identifier"),
    "unique codes": ([f"{i:05}" for i in range(N)], "c", "identifier"),
    "id": (np.arange(N) + 1, "id", "identifier"),
    "PassengerId": (rng.permutation(N), "PassengerId", "identifier"),
    "index column": ([str(i) for i in range(N)], "Unnamed: 0", "identifier"),
}


@pytest.mark.parametrize(("values", "name", "reason"), DROPPED.values(), ids=DROPPED)
def test_dropped(values: Any, name: Any, reason: str) -> None:
    columns = {name: as_array(values), "other": rng.normal(size=N)}
    found, notes = infer_columns(columns, {}, {})
    assert found[0].role == "dropped"
    assert reason in found[0].reason
    assert any(name in note and reason in note for note in notes)


def test_constant_with_gaps_is_kept() -> None:
    assert column(["x", ""] * 30).role == "categorical"


def test_consecutive_numbers_that_are_no_identifier_stay() -> None:
    assert column(np.arange(N), "hour").role == "numeric"


def test_codes_with_leading_zeros_are_told_apart() -> None:
    assert column(["007", "07", "7"] * 20).levels == ("007", "07", "7")
    assert column(["007", "008"] * 30, c="numeric").role == "numeric"


def test_nothing_usable() -> None:
    with pytest.raises(DataError, match=r"No column can be used.*every value is 1.*roles"):
        column(np.ones(N))


def test_roles_are_obeyed() -> None:
    codes = np.array([10, 9, 2] * 20)
    assert column(codes, c="categorical").levels == ("2", "9", "10")
    assert column(np.ones(N), c="numeric").role == "numeric"
    assert column(["a b", "c"] * 30, c="text").terms
    assert column(["20240131"] * N, c="datetime").format == "iso"


@pytest.mark.parametrize(
    ("roles", "error", "message"),
    [({"colour": "categorical"}, UnknownNameError, "column in roles 'colour'"),
     ({"c": "categoric"}, UnknownNameError, "Did you mean 'categorical'"),
     ({"c": "datetime"}, DataError, "declared datetime")],
)  # fmt: skip
def test_bad_roles(roles: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer_columns({"c": np.array(["x", "y"] * 30, dtype=object)}, roles, {})


def test_a_slip_among_numbers_is_named() -> None:
    values = [str(v) for v in rng.normal(size=N)]
    values[41] = "12O3"
    with pytest.raises(DataError, match=r"'c'.*numbers.*row 42.*'12O3'.*missing=\[12O3\].*categorical"):
        column(values)
    assert column(values, c="categorical").role == "categorical"


def test_a_slip_among_dates_is_named() -> None:
    values = [f"2024-01-{d % 28 + 1:02d}" for d in range(N)]
    values[3] = "2O24"
    with pytest.raises(DataError, match=r"dates.*row 4.*'2O24'"):
        column(values)


def test_rare_levels_are_cut_to_the_most_frequent() -> None:
    values = [f"k{i}" for i in range(1500)] * 2 + ["often"] * 10
    (found,), notes = infer_columns({"c": np.array(values, dtype=object)}, {}, {})
    assert len(found.levels) == 1000
    assert "often" in found.levels
    assert any("1,000 most frequent of 1,501" in note for note in notes)


def test_pandas_types() -> None:
    frame = pd.DataFrame(
        {
            "cat": pd.Categorical([1, 2, None] * 20),
            "int": pd.array([1, None, 3] * 20, dtype="Int64"),
            "bool": pd.array([True, None, False] * 20, dtype="boolean"),
            "zone": pd.date_range("2024-01-01", periods=N, tz="Europe/Paris"),
            "str": pd.array(["a", None, "b"] * 20, dtype="string"),
        }
    )
    task = from_arrays(frame, np.arange(N) % 2)
    assert [c.role for c in task.schema.columns] == ["categorical", "numeric", "boolean", "datetime", "categorical"]
    assert task.data.x.categories[:3].tolist() == [[1, 1], [2, 0], [0, 2]]
    # Midnight in Paris in winter is 23 o'clock of the day before, in UTC.
    hour = numeric_names(task.schema.to_dict()).index("zone.hour")
    assert task.data.x.numeric[0, hour] == 23


def test_vocabulary_keeps_terms_of_two_rows() -> None:
    texts = np.array(["free call now"] * 2 + [f"word{i} other" for i in range(60)] + ["alone"], dtype=object)
    terms = build_vocabulary(texts)
    assert {"w:free", "w:free call", "c: fre", "w:other"} <= set(terms)
    assert "w:alone" not in terms
    assert list(terms) == sorted(terms)


def test_text_alone_is_its_own_kind_and_counts_terms() -> None:
    task = from_arrays(np.array([f"{s} {s.split()[0]}" for s in SENTENCES]), np.arange(N) % 2)
    assert task.kind == "text"
    terms = task.schema.columns[0].terms
    first = SENTENCES[0].split()[0]
    assert task.data.x.sparse[0, terms.index(f"w:{first}")] == SENTENCES[0].split().count(first) + 1
    assert task.data.x.sparse.shape == (N, len(terms))


def test_kind_decides_between_text_and_table() -> None:
    frame = pd.DataFrame({"t": SENTENCES, "n": rng.normal(size=N)})
    assert from_arrays(frame, np.arange(N) % 2).kind == "table"
    assert from_arrays(frame[["t"]], np.arange(N) % 2, kind="table").kind == "table"
    task = from_arrays(frame, np.arange(N) % 2, kind="text")
    assert task.kind == "text"
    assert task.schema.columns[1].role == "dropped"
