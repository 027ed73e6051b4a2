"""Files as people hand them over: what is no row is left out, what is one is read as the clean file is, and said."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from automl.data import load, rows
from automl.data.files import read_features
from automl.errors import AutoMLError
from automl.runtime.table import read_csv

N = 60
X = [f"{i * 37 % 100 / 8 - 3:.3f}" for i in range(N)]
C = [("red", "blue", "green")[i * 7 % 5 % 3] for i in range(N)]
Y = [("no", "yes")[i * 11 % 13 % 2] for i in range(N)]
LINES = [",".join(fields) for fields in zip(X, C, Y, strict=True)]
HEADER = "x,c,target"
CLEAN = "\n".join([HEADER, *LINES, ""])


def between(lines: list[str]) -> str:
    return "\n".join([HEADER, *LINES[:30], *lines, *LINES[30:], ""])


def drawn(sign: str = "|", edge: str = "") -> list[str]:
    return [f"{edge} {line.replace(',', f' {sign} ')} {edge}".strip() for line in (HEADER, *LINES)]


FILES: dict[str, tuple[str | bytes, str]] = {
    "two byte order marks": ("\ufeff\ufeff" + CLEAN, ""),
    "a byte order mark in the middle": (between([]).replace(LINES[30], "\ufeff" + LINES[30]), ""),
    "byte order marks before quotes": ('\ufeff\ufeff"x","c","target"\n' + "\n".join(LINES), ""),
    "zero characters": (CLEAN.replace("red", "red\0"), "NUL"),
    "zero characters at the end": (CLEAN + "\0" * 600, "NUL"),
    "a title": ("Report 2024\n" + CLEAN, ""),
    "two titles, an empty line": ("Report 2024\nmade by hand\n\n" + CLEAN, ""),
    "a title with the separators of a sheet": ("Report 2024,,\n,,\n" + CLEAN, ""),
    "what a table is about": ("Exported by,Jane\nDate,2024-01-31\n\n" + CLEAN, ""),
    "what a sheet is about": ("Report,,\nExported by,Jane,\n,,\n" + CLEAN, ""),
    "row names, as R writes them": (
        "\n".join(
            ['"x" "c" "target"', *(f'"{i}" {a} "{c}" "{y}"' for i, (a, c, y) in enumerate(zip(X, C, Y, strict=True)))]
        ),
        "",
    ),
    "row numbers of a data frame": (
        "\n".join(
            [
                f"{'x':>12}{'c':>9} target",
                *(f"{i:<3}{a:>9}{c:>9}{y:>7}" for i, (a, c, y) in enumerate(zip(X, C, Y, strict=True))),
            ]
        ),
        "",
    ),
    "empty rows of a sheet": (",,\n,,\n,,\n" + CLEAN, ""),
    "two files in one": (between([HEADER]), "repeat the header were left out: 1"),
    "many files in one": (between([HEADER.replace(",", " , "), "", HEADER]), "repeat the header were left out: 2"),
    "Markdown": ("\n".join([*drawn(edge="|")[:1], "|---|:--:|---|", *drawn(edge="|")[1:]]), ""),
    "Markdown without edges": ("\n".join([*drawn()[:1], "--- | --- | ---", *drawn()[1:]]), ""),
    "a terminal": ("\n".join([*drawn()[:1], "----+----+----", *drawn()[1:], f"({N} rows)", ""]), "one field"),
    "a terminal with lines": (
        "\n".join(["+---+---+---+", *drawn(edge="|")[:1], "+===+===+===+", *drawn(edge="|")[1:], "+---+---+---+"]),
        "one field",
    ),
    "spaces": (CLEAN.replace(",", " "), ""),
    "a fixed width": ("".join(f"{a:>12}{b:>9}  {c:<9} \n" for a, b, c in map(str.split, drawn(" "))), ""),
    "tabs and spaces": (CLEAN.replace(",", "\t "), ""),
    "escaped quotes": (re.sub("red|blue|green", lambda c: f'"the \\"{c[0]}\\" one, maybe"', CLEAN), ""),
    "line breaks of every kind": (re.sub("\n", lambda at: ("\r\n", "\n")[at.start() % 2], CLEAN), ""),
    "UTF-16": (CLEAN.encode("utf-16"), ""),
    "empty rows at the end": (CLEAN + ",,\n" * 9, "9 rows without a target"),
    "a sum below": (CLEAN + "Total,,\n", "1 row without a target"),
}


@pytest.mark.parametrize(("content", "said"), FILES.values(), ids=FILES)
def test_a_messy_file_is_read_as_the_clean_one(content: str | bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "clean.csv").write_text(CLEAN)
    path = tmp_path / "messy.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    expected, task = load(tmp_path / "clean.csv"), load(path)
    used = [c.name for c in task.schema.columns if c.role != "dropped"]
    assert used == ["x", "c"]
    np.testing.assert_array_equal(task.data.x.numeric, expected.data.x.numeric)
    np.testing.assert_array_equal(task.data.x.categories, expected.data.x.categories)
    np.testing.assert_array_equal(task.data.y, expected.data.y)
    assert any(said in note for note in task.notes)
    x, _ = read_features(path, task.schema.to_dict())
    if "row" not in said or "field" in said:
        np.testing.assert_array_equal(rows(task.schema, x).numeric, expected.data.x.numeric)


@pytest.mark.parametrize("below", ["kg,USD,,", "float,int,str,str", 'How heavy?,"What, then?",Which?,Which?'])
def test_a_row_of_units_types_or_questions_below_the_names_is_left_out_and_said(below: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    lines = [f"{a},{i},{b},{c}" for i, (a, b, c) in enumerate(zip(X, C, Y, strict=True))]
    path.write_text("\n".join(["x,z,c,target", below, *lines]))
    task = load(path)
    assert task.n_rows == N
    assert [c.role for c in task.schema.columns] == ["numeric", "numeric", "categorical"]
    assert any("below the names is no row, and was left out: '" in note for note in task.notes)
    assert len(read_features(path, task.schema.to_dict())[0]["x"]) == N


def test_a_word_for_nothing_in_the_first_row_is_one(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x,z,target\nTBD,-,no\n" + "".join(f"{a},{a},{b}\n" for a, b in zip(X, Y, strict=True)))
    assert load(path).n_rows == N + 1


def test_a_table_without_names_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(LINES))
    with pytest.raises(AutoMLError, match="first line of a table must hold the names of its columns; this one looks"):
        load(path, "target")


ONE_COLUMN = ["great film", "bad film", "so so", "a film"]
NOT_OTHERWISE: dict[str, tuple[str, list[str]]] = {
    "texts of two words are one column": ("two words\n" + "\n".join(ONE_COLUMN * 9), ["two words"]),
    "words between commas": ("first name,last name\n" + "Ann Lee,Bo Ray\n" * 9, ["first name", "last name"]),
    "marks of missing in the first row": ("x,c\n--,--\n" + "1,a\n" * 9, ["x", "c"]),
    "names of some columns alone": ("name,,\n" + "a,1,2\n" * 9, ["name", "Unnamed: 1", "Unnamed: 2"]),
}


@pytest.mark.parametrize(("content", "names"), NOT_OTHERWISE.values(), ids=NOT_OTHERWISE)
def test_what_only_resembles_a_dialect_is_read_as_it_stands(content: str, names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(content)
    columns = read_csv(path)
    assert [*columns] == names
    assert len(columns[names[0]]) == content.strip().count("\n")


def test_a_row_that_is_too_short_is_refused_with_what_makes_rows_short(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(between(["1.5,red"]))
    with pytest.raises(AutoMLError, match=r"line 32: every row must have 3 fields.*has 2.*line break inside a value"):
        load(path)


TRUTH = ("yes", "no", "Y", "N", "1", "0", "True", "off")
UNSEEN = ("red", "red\u200b", "\u200ered", "blue", "blue\u00ad")
ACCENTS = ("caf\u00e9", "cafe\u0301")
VALUES: dict[str, tuple[list[str], Callable[[int], str], str]] = {
    "dates, some as days of a sheet": (
        ["datetime"],
        lambda i: f"{44000 + i}" if i % 3 == 0 else f"2020-05-{i % 28 + 1:02}",
        "days of a sheet",
    ),
    "times of a sheet": (["datetime"], lambda i: f"{44000 + i * 1.37:.4f}", "sheet days"),
    "truth in many words": (["boolean"], lambda i: TRUTH[i * 7 % 8], "true or false"),
    "codes like 1e5": (["categorical", "dropped"], lambda i: f"{i % 9 + 1}e{i * 7 % 90}", ""),
    "numbers with an exponent": (["numeric"], lambda i: f"{i % 9 + 1}e+{i * 7 % 20}", ""),
    "numbers of people": (["dropped"], lambda i: f"+1 ({200 + i}) {i * 37 % 900 + 100} {i + 1000}", "identifier"),
    "numbers in groups": (["dropped"], lambda i: f"{200 + i} {i * 37 % 90 + 10} {i * 73 % 90 + 10} 7", "identifier"),
    "what is not seen": (["categorical"], lambda i: UNSEEN[i * 7 % 5], ""),
    "accents in two ways": (["categorical"], lambda i: ACCENTS[i * 7 % 2] + "ab"[i % 5 % 2], ""),
    "a mark far below": (["numeric"], lambda i: "-999" if i % 9 == 0 else f"{i / 7:.3f}", "-999 in 7 rows"),
    "a mark far above": (["numeric"], lambda i: "99999" if i % 9 == 0 else f"{i}", "99999 in 7 rows"),
}


@pytest.mark.parametrize(("roles", "write", "said"), VALUES.values(), ids=VALUES)
def test_what_values_mean(roles: list[str], write: Callable[[int], str], said: str, tmp_path: Path) -> None:
    texts = [write(i) for i in range(N)]
    path = tmp_path / "data.csv"
    path.write_text("when date,x,target\n" + "".join(f"{a},{b},{c}\n" for a, b, c in zip(texts, X, Y, strict=True)))
    task = load(path)
    column = task.schema.columns[0]
    assert column.role in roles
    assert any(said in note for note in task.notes)
    if set(texts) <= {*UNSEEN} or texts[0].startswith("caf"):
        assert len(column.levels) == 2
    again = rows(task.schema, read_features(path, task.schema.to_dict())[0])
    np.testing.assert_array_equal(again.numeric, task.data.x.numeric)


def test_nines_among_others_are_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("age,target\n" + "".join(f"{i * 37 % 100},{y}\n" for i, y in enumerate(Y)) + "99,no\n99,yes\n")
    assert not any("far from all" in note for note in load(path).notes)


def test_a_mark_in_a_target_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x,target\n" + "".join(f"{x},{-999 if i % 9 == 0 else i / 7:.3f}\n" for i, x in enumerate(X)))
    assert any("The target 'target' has -999 in 7 rows" in note for note in load(path).notes)
    assert load(path, missing=["-999"]).n_rows == N - 7


WORDS = (
    "keine Angabe|unbekannt|N.V.|onbekend|inconnu|nc|non renseigné|sin dato|s.d.|sconosciuto|нет данных|不明|无|なし"
)


def test_words_for_nothing_of_many_languages_are_missing_among_numbers(tmp_path: Path) -> None:
    words = WORDS.split("|")
    texts = [words[i // 4 % len(words)] if i % 4 == 0 else x for i, x in enumerate(X)]
    path = tmp_path / "data.csv"
    path.write_text("x,c,target\n" + "".join(f"{a},{b},{c}\n" for a, b, c in zip(texts, C, Y, strict=True)))
    task = load(path)
    assert task.schema.columns[0].role == "numeric"
    assert np.flatnonzero(np.isnan(task.data.x.numeric[:, 0])).tolist() == list(range(0, N, 4))


def test_nothing_is_printed_about_very_large_numbers(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("x,target\n" + "".join(f"{x}e300,{y}\n" for x, y in zip(X, Y, strict=True)))
    code = f"from automl.data import load; load({str(tmp_path / 'data.csv')!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
