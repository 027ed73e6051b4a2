"""Whatever is written stands in its place whole, on the disk, or not at all."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from automl import files, run_folder
from automl.contest import book, submission
from automl.errors import AutoMLError
from automl.model_store import ModelStore
from automl.runtime.whole import DRAFT
from tests import disks

ROOT = Path(__file__).parent.parent
LONG = "x" * 500


def _leave(root: str, text: str) -> None:
    ModelStore(root).put("0", 0, 0.5, np.zeros(100), text)


def _log(folder: Path, text: str) -> None:
    submission.log(Path(__file__), folder, text, "rmse", 0.5, 3)


def _hand_in(folder: Path, text: str) -> None:
    with files.locked(folder / "log.jsonl"):
        book._add(folder / "log.jsonl", book.Entry("2026-03-01T12:00:00+00:00", "team", text, "0"))


WRITERS: dict[str, Callable[[Path, str], object]] = {
    "a record": lambda folder, text: files.write(folder / "a.json", text),
    "a run": lambda folder, text: run_folder.RunFolder(folder, text).bind(1),
    "what a fold left": lambda folder, text: _leave(str(folder), text),
    "what a fold left behind a URL": lambda folder, text: _leave(f"local://{folder}", text),
    "a submission": lambda folder, text: submission.write({"id": [text]}, folder / "a.csv"),
    "the log of submissions": _log,
    "the log of a contest": _hand_in,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("writer", WRITERS)
def test_on_a_full_disk_what_was_there_stays_and_nothing_else(writer: str, tmp_path: Path) -> None:
    write = WRITERS[writer]
    write(tmp_path, LONG)
    before = contents(tmp_path)
    assert before
    with disks.full(), pytest.raises((AutoMLError, OSError), match=r"must fit|too large"):
        write(tmp_path, LONG[1:])
    assert contents(tmp_path) == before
    write(tmp_path, LONG[2:])
    assert contents(tmp_path) != before


@pytest.mark.parametrize("writer", [name for name in WRITERS if "URL" not in name])
def test_it_is_on_the_disk_before_it_has_its_name(writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: set[int] = set()
    moved: list[bool] = []
    sync, replace = os.fsync, os.replace

    def watched_sync(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        sync(handle)

    def watched_replace(source: str, target: Path) -> None:
        moved.append(os.stat(source).st_ino in synced and os.path.basename(source).startswith(DRAFT))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "replace", watched_replace)
    WRITERS[writer](tmp_path, LONG)
    WRITERS[writer](tmp_path, LONG)
    assert moved
    assert all(moved)


def test_a_torn_rewrite_behind_a_url_never_takes_the_place_of_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    store = ModelStore("memory://torn")
    whole = store.put("0", 0, 0.5, np.zeros(3), "whole")
    pipe = MemoryFileSystem.pipe_file

    def torn(self: MemoryFileSystem, path: str, value: bytes, **options: object) -> None:
        pipe(self, path, value[: len(value) // 2], **options)
        raise OSError("the connection is gone")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", torn)
    with pytest.raises(AutoMLError, match="the connection is gone"):
        store.put("0", 0, 0.5, np.zeros(3), "another")
    assert store.model(whole) == "whole"
    assert store.trials() == {"0"}
    store.drop("0")


@pytest.mark.parametrize("last", ["", "2026,a,torn"])
def test_a_line_is_added_behind_whole_lines(last: str, tmp_path: Path) -> None:
    _log(tmp_path, "one")
    with (tmp_path / "submissions.csv").open("a") as file:
        file.write(last)
    _log(tmp_path, "two")
    lines = (tmp_path / "submissions.csv").read_text().splitlines()
    assert [line.split(",")[4] for line in lines if line.count(",") == 6] == ["run", "one", "two"]
    assert lines[2:-1] == [last][: bool(last)]


# Who opens a file for writing in its place, and why it may: what is temporary, or no file that anybody goes by.
IN_PLACE = {
    "automl/board/actions.py": "the log of a process",
    "automl/bench/fits.py": "the log of a process",
    "automl/bench/datasets.py": "a split for one fit",
    "automl/export/replay.py": "in a temporary folder",
    "automl/export/torch_replay.py": "in a temporary folder",
    "automl/export/torch_programs.py": "in a temporary folder",
    "automl/faults.py": "a new file of its own",
    "automl/files.py": "a lock",
    "automl/runtime/predictions.py": "a pipe or a device",
    "automl/runtime/streams.py": "the null device",
    "automl/tuner/function.py": "in a temporary folder",
    "runners/_child.py": "the log of a process",
    "runners/_ray_fit.py": "in a temporary folder",
    "runners/_shared.py": "in a temporary folder",
}
_WRITES = re.compile(
    r"""open\([^)]*["'][wax]b?\+?["']|write_text\(|write_bytes\(|np\.save\(|np\.savez\(|\.to_csv\([^)]*/"""
)


def test_nothing_else_is_written_in_its_place() -> None:
    sources = [
        path
        for room in ("automl", "runners", "search_spaces")
        for path in (ROOT / room).rglob("*.py")
        if not path.is_symlink() and "scripts" not in path.parts
    ]
    found = {str(path.relative_to(ROOT)) for path in sources if _WRITES.search(path.read_text())}
    in_memory = {"automl/model_store.py"}  # np.save into bytes
    assert found - in_memory == IN_PLACE.keys()
