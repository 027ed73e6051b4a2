"""Rows of a file that are none, which training leaves out, are left out of predictions too, and said."""

import subprocess
import sys
from pathlib import Path

import pytest

from automl.data import load
from automl.runtime.main import main
from tests.commands import automl

ROWS = [f"{n},{('hot', 'cold')[n % 2]},{('yes', 'no')[n % 3 > 0]}" for n in range(40)]
# Where such rows stand, and what they are, in a file that has a target and in one that has none.
WITH_TARGET = {
    "a total": ([], ["Total,,"]),
    "a total with a number": ([], ["Total,12,"]),
    "a source": ([], ["Source: me,,"]),
    "units": (["(mm),,"], []),
    "units of two": (["mm,word,"], []),
    "several": (["mm,,"], ["Total,12,", "Source: me,,"]),
}
WITHOUT = {
    "a total": ([], ["Total,"]),
    "a source": ([], ["Source: me,"]),
    "units": (["(mm),"], []),
    "several": (["mm,"], ["Total,", "Source: me,"]),
}
CASES = [
    *(pytest.param("n,c,y", *found, id=f"{what}, target") for what, found in WITH_TARGET.items()),
    *(pytest.param("n,c", *found, id=f"{what}, no target") for what, found in WITHOUT.items()),
]


def written(path: Path, header: str, above: list[str], below: list[str]) -> Path:
    rows = ROWS if header.count(",") > 1 else [row.rpartition(",")[0] for row in ROWS]
    path.write_text("\n".join([header, *above, *rows, *below]) + "\n")
    return path


@pytest.mark.parametrize(("header", "above", "below"), CASES)
def test_they_are_left_out_and_said(
    header: str, above: list[str], below: list[str], table_folder: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "in.csv", header, above, below)
    if header.count(",") > 1:
        assert load(path, "y").n_rows == len(ROWS)
    numbers = [*range(1, len(above) + 1), *range(len(above) + len(ROWS) + 1, len(above) + len(ROWS) + len(below) + 1)]
    command = [sys.executable, str(table_folder / "predict.py"), str(path), "-o", str(tmp_path / "one.csv")]
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    assert f"Row{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))} (" in alone.stderr
    done = automl("predict", table_folder, path, "-o", "two.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, alone.stderr)
    assert len((tmp_path / "one.csv").read_text().splitlines()) == len(ROWS) + 1
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("n,c,y", ["word,hot,yes"]),  # a row that was learnt from would have been refused too
        ("n,c", ["word,hot"]),
        ("n,c,y", [f"word {i},," for i in range(30)]),
    ],
)
def test_a_row_that_is_one_is_refused(
    header: str, rows: list[str], table_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "in.csv", header, [], rows)
    assert main([str(path), "--model", str(table_folder)]) == 2
    assert "row 41 has 'word" in capsys.readouterr().err


def test_a_file_of_such_rows_alone_is_refused(table_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("n,c,y\nword,,\nother,,\n")
    assert main([str(path), "--model", str(table_folder)]) == 2


def test_rows_without_a_target_that_can_be_read_are_predicted(table_folder: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "in.csv", "n,c,y", [], ["7,hot,", "8,,"])
    assert main([str(path), "--model", str(table_folder), "-o", str(tmp_path / "out.csv")]) == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == len(ROWS) + 3
