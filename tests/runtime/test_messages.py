"""What the shipped file says is one message, safe for a terminal, whatever files are called and whatever fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from automl.runtime.main import main
from tests.test_terminal import EVIL, is_safe

NAMES = [evil.replace("\0", "").replace("/", "") for evil in EVIL.values()]


@pytest.mark.parametrize("content", [None, b"", b"c,n\nhot,1\n\x00", b"c,n\nhot,1\n# a remark,1\n", b"c,n\nhot,word\n"])
def test_names_of_files(content: bytes | None, table_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        path = table_folder.parent / f"{name}.csv"
        if content is not None:
            path.write_bytes(content)
        code = main([str(path), "--model", str(table_folder)])
        said = capsys.readouterr()
        assert code in (0, 2)
        assert is_safe(said.err)
        assert said.err.startswith("predict.py: ") if code else not said.err or "left out" in said.err


@pytest.mark.parametrize("wrong", [["x.csv", "{}"], ["x.csv", "--threads", "{}"], ["x.csv", "--model", "{}"], ["--{}"]])
def test_arguments(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        assert main([part.replace("{}", name) for part in wrong]) == 2
        said = capsys.readouterr().err
        assert said.startswith("predict.py: ")
        assert is_safe(said)


def raising(error: BaseException) -> Callable[..., Any]:
    def fails(*_: object) -> None:
        raise error

    return fails


def test_what_nobody_foresaw(
    table_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [*EVIL.values(), "", "\n", "two\nlines"]
    for error in (*map(KeyError, texts), *map(RuntimeError, texts), ValueError(), RecursionError("too deep")):
        monkeypatch.setattr("automl.runtime.main.read_input", raising(error))
        assert main(["x.csv", "--model", str(table_folder)]) == 3
        said = capsys.readouterr().err
        assert said.startswith(f"predict.py: This should not have happened: {type(error).__name__}")
        assert is_safe(said)
        assert said.count("\n") == 1


def test_an_interrupt(table_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.runtime.main.read_input", raising(KeyboardInterrupt()))
    assert main(["x.csv", "--model", str(table_folder)]) == 130
    assert capsys.readouterr().err == "predict.py: interrupted\n"


@contextmanager
def writing(table_folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str], IO[str]]]:
    """Yield the shipped file's process, its output and its errors, once it writes; it waits for whoever reads that."""
    (table_folder.parent / "in.csv").write_text("c,n\n" + "hot,1\n" * 200_000)
    command = [sys.executable, str(table_folder / "predict.py"), str(table_folder.parent / "in.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.read(process.stdout.fileno(), 1)
        yield process, process.stdout, process.stderr


def test_an_interrupt_of_the_shipped_file(table_folder: Path) -> None:
    with writing(table_folder) as (process, _, _):
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors == "predict.py: interrupted\n"
    assert process.returncode == 130


def test_a_reader_that_has_seen_enough(table_folder: Path) -> None:
    with writing(table_folder) as (process, output, errors):
        output.close()
        assert errors.read() == ""
    assert process.returncode == 141
