"""Standard streams that are closed, as by ``>&-``: a message, or the work is done; never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import AUTOML

CLOSINGS = (">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-")
PRINTED: tuple[list[str], ...] = (
    ["--help"],
    ["--version"],
    ["space", "tables.svm"],
    ["search", "--help"],
    ["predict", "-h"],
    [],
)


def closed(command: list[str], closing: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    line = ["sh", "-c", f'"$@" {closing}', "sh", *command]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("closing", CLOSINGS)
@pytest.mark.parametrize("arguments", PRINTED, ids=" ".join)
def test_a_result_that_nobody_gets_is_an_error(arguments: list[str], closing: str, tmp_path: Path) -> None:
    done = closed([*AUTOML, *arguments], closing, tmp_path)
    lost = ">&-" in closing.split()
    assert done.returncode == (2 if lost or not arguments else 0), done.stderr
    told = "automl: The result is printed, and standard output is closed. Give it a file, or /dev/null.\n"
    assert done.stderr == (told if lost and "2>&-" not in closing else "")
    assert bool(done.stdout) != lost


@pytest.mark.parametrize("closing", CLOSINGS)
@pytest.mark.parametrize("program", ["automl", "predict.py"])
def test_predictions_are_written_whatever_is_closed(
    program: str, closing: str, table_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("c,n,#x\nhot,1,2\n# a remark\ncold,-2,3\n")
    start = (
        [*AUTOML, "predict", str(table_folder)]
        if program == "automl"
        else [sys.executable, str(table_folder / "predict.py")]
    )
    done = closed([*start, "in.csv", "-o", "out.csv"], closing, tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3
    done = closed([*start, "in.csv"], closing, tmp_path)
    lost = ">&-" in closing.split()
    assert done.returncode == (2 if lost else 0), done.stderr
    assert lost or done.stdout == (tmp_path / "out.csv").read_text()  # and no note of what was read
    assert not lost or "2>&-" in closing or "standard output is closed" in done.stderr
