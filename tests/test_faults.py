"""Whatever happens, a person is told in one message: what to do, or where the details are."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from automl import AutoML
from automl.errors import AutoMLError, ConfigError
from automl.faults import tell

AUTOML = [sys.executable, "-P", "-W", "ignore", "-m", "automl.cli"]


def test_what_nobody_foresaw_is_kept_in_a_file_of_this_user_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as caught:
        {}["x"]
    assert tell(caught.value) == 3
    said = capsys.readouterr().err
    assert said.startswith("automl: This should not have happened: KeyError: 'x'. The details are in '")
    assert said.count("\n") == 1
    path = Path(said.split("'")[-2])
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in path.read_text()
    path.unlink()


class Began(Exception):
    """The search began: nothing was wrong."""


WRONG = (None, "abc", "\x00", b"x", -1, 3.5, float("nan"), 10**30, True, [1], {"a": 1}, object())


@pytest.mark.parametrize("name", AutoML._get_param_names())
def test_every_wrong_parameter_is_refused_in_words(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*_: object) -> None:
        raise Began

    monkeypatch.setattr("automl.search.Search.run", run)
    x, y = np.arange(60.0).reshape(20, 3), [0, 1] * 10
    for value in WRONG:
        with contextlib.suppress(AutoMLError, Began):
            AutoML(**{"seconds": None, "trials": 1, "runner": "inline", name: value}).fit(x, y)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("The rule."), 2, "automl: The rule.\n"),
        (KeyboardInterrupt(), 130, "automl: interrupted\n"),
        (MemoryError(), 2, "memory"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 2, "No space left on device"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/a']"), 2, "'/tmp', '/a'"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/a"), 2, "'/a' cannot be used (Permission denied)"),
    ],
)
def test_what_was_foreseen(error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(error) == code
    assert message in capsys.readouterr().err


def test_without_room_for_the_details(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("automl.faults.tempfile.mkstemp", full)
    assert tell(RuntimeError("x\ny")) == 3
    assert "RuntimeError: x. There is no room" in capsys.readouterr().err


def test_no_command_runs_what_lies_in_the_current_folder_but_options_of_ones_own(tmp_path: Path) -> None:
    for name in ("numpy", "lz4", "yaml", "rich", "planted"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('planted')\n")
    for command in (["predict", "model", "data.csv"], ["leaderboard"], ["export", "run", "-o", "x"]):
        for python in (AUTOML, [sys.executable, "-W", "ignore", "-m", "automl.cli"]):
            done = subprocess.run([*python, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 2, done.stderr
            assert done.stderr.startswith("automl: ")


@pytest.mark.parametrize(
    "arguments", [["predict"], ["leaderboard", "--top", "x"], ["export", "--nothing"], ["bogus\x1b[2J"]]
)
def test_wrong_arguments_are_told_like_all_else(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run([*AUTOML, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("automl: ")
    assert "\x1b" not in done.stderr


def test_a_full_standard_output(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*AUTOML, "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "automl: A file cannot be used (No space left on device). Make room, or give another path.\n"
