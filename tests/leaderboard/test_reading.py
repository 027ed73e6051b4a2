"""Reading a leaderboard changes nothing in it, beside it or on its server, and reads no more than it shows."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from automl.errors import AutoMLError
from automl.leaderboard import report
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from tests.leaderboard.test_migrations import make_version_1, shape
from tests.trials import candidate, trial

KILLED = """
import os, sys
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from tests.trials import trial

store = Store(sys.argv[1])
run = store.start_run(name="killed", folder="killed", metric=StoredMetric("r2"), config={}, task={})
store.add_trial(run, trial(score=1.0))
os._exit(0)
"""
READ = """
import sys
from automl.leaderboard.store import Store
with Store(sys.argv[1], read_only=True) as store:
    print(len(store.board().trials), len(store.page().standings), len(store.runs()))
"""


def start(store: Store, name: str = "adult") -> int:
    return store.start_run(name=name, folder=name, metric=StoredMetric("r2"), config={"x": 1}, task={})


def fill(url: str) -> Any:
    with Store(url) as store:
        run = start(store)
        for i in range(3):
            store.add_trial(run, trial(candidate(str(i)), i / 3))
        store.finish_run(run)


def kill(url: str) -> None:
    subprocess.run([sys.executable, "-c", KILLED, url], check=True)


def seen(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, but for the index that SQLite shares between the processes that read and write."""
    return {path.name: None if path.name.endswith("-shm") else path.read_bytes() for path in folder.iterdir()}


def read(url: str) -> tuple[int, int]:
    """What all ways of reading give."""
    with Store(url, read_only=True) as store:
        board, page = store.board(), store.page(top=2)
        assert len(store.trials(board.run.id)) == len(board.trials) == sum(page.counts.values())
        assert len(store.runs()) == 1
        return len(board.trials), len(page.standings)


@pytest.mark.parametrize("made", [fill, kill, make_version_1], ids=["finished", "killed", "older"])
def test_reading_leaves_the_file_and_its_folder_as_they_are(tmp_path: Path, made: Callable[..., Any]) -> None:
    url = f"sqlite:///{tmp_path / 'leader board #1, 100%.db'}"
    made(url)
    before = seen(tmp_path)
    assert read(url) == {fill: (3, 2), kill: (1, 1), make_version_1: (3, 2)}[made]
    assert seen(tmp_path) == before


def test_reading_beside_a_writer_sees_what_it_wrote(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'leaderboard.db'}"
    with Store(url) as store, Store(url, read_only=True) as reader:
        run = start(store)
        for i in range(3):
            store.add_trial(run, trial(candidate(str(i)), i / 3))
            assert len(reader.trials(run)) == i + 1
        names = set(seen(tmp_path))
        assert reader.page(run).run.status == "running"
        assert set(seen(tmp_path)) == names


@pytest.mark.parametrize(("made", "n_shown"), [(fill, 3), (make_version_1, 2)], ids=["finished", "older"])
def test_a_file_in_a_folder_that_cannot_be_written_is_read(
    tmp_path: Path, made: Callable[..., Any], n_shown: int
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    url = f"sqlite:///{folder / 'leaderboard.db'}"
    made(url)
    (folder / "leaderboard.db").chmod(0o444)
    folder.chmod(0o555)
    # Root may write anywhere, unless that is taken from it.
    without = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.getuid() == 0 else []
    try:
        refused = subprocess.run([*without, "touch", str(folder / "new")], capture_output=True)
        assert refused.returncode, "the folder can be written: this test says nothing"
        done = subprocess.run([*without, sys.executable, "-c", READ, url], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (f"3 {n_shown} 1\n", "")
    finally:
        folder.chmod(0o755)


def test_a_reader_cannot_write(url: str) -> None:
    fill(url)
    with Store(url, read_only=True) as store, pytest.raises(AutoMLError, match=r"cannot be written: .*read-?only"):
        start(store)


def test_without_a_leaderboard_reading_makes_none(url: str, tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="Run a search first"):
        Store(url, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_leaderboard_and_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(AutoMLError, match=r"is empty\. Run a search first"):
        Store(tmp_path / "empty.db", read_only=True)
    assert seen(tmp_path) == {"empty.db": b""}


def test_an_older_database_on_a_server_is_not_upgraded_by_reading(url: str) -> None:
    make_version_1(url)
    if url.startswith("sqlite"):
        assert read(url) == (3, 2)
    else:
        with pytest.raises(AutoMLError, match=r"made by an older version \(schema 1, .*\. The next search or resume"):
            Store(url, read_only=True)
    assert set(shape(url)) == {"schema_version", "run", "trial", "ensemble", "artifact"}


@pytest.fixture
def statements(url: str) -> Iterator[tuple[Store, int, list[str]]]:
    """A store with a run of many kinds of trials, and the statements it executes from here on."""
    with Store(url) as store:
        start(store, "other")
        run = start(store)
        scores = [0.3, None, 0.9, float("nan"), 0.3, float("-inf"), float("inf"), 0.5]
        states = ("finished", "stopped", "failed")
        for i, status in enumerate(states * len(scores)):
            failed = {"failure": f"ValueError: {i} of {i % 2}\nTraceback"} if status == "failed" else {}
            store.add_trial(run, trial(candidate(str(i), family="ab"[i % 2]), scores[i // 3], status, **failed))
        executed: list[str] = []
        event.listen(store._database._engine, "before_cursor_execute", lambda *about: executed.append(about[2]))
        yield store, run, executed


def test_pages_are_in_the_order_of_the_whole_table(statements: tuple[Store, int, list[str]]) -> None:
    store, run, _ = statements
    board = store.board(run)
    rows = [(row["rank"], row["id"]) for row in report.table(board.trials, board.run.metric)]
    for top in (0, 5, 16):  # the other 8 have failed
        assert [(line.rank, line.id) for line in store.page(run, top).standings] == rows[:top]
    by_id = {t.candidate.id: t for t in board.trials}
    for line in store.page(run).standings:
        of = by_id[line.id]
        assert (line.family, line.status, line.seconds) == (of.candidate.family, of.status, of.seconds)
        assert repr((line.score, line.fold_scores)) == repr((of.score, of.fold_scores))


def test_a_page_reads_what_it_shows(statements: tuple[Store, int, list[str]]) -> None:
    store, run, executed = statements
    page = store.page("adult", top=4)
    assert (dict(page.counts), len(page.standings)) == ({"finished": 8, "stopped": 8, "failed": 8}, 4)
    assert len(store.page(run, top=100).standings) == 16
    assert sum(n for _, _, n in page.failures) == 8
    said = " ".join(executed).lower()
    for column in ("params", "reports", "config", "folds"):
        assert f".{column}" not in said
    (listed,) = [one for one in executed[: len(executed) // 2] if "fold_scores" in one]
    assert "failure" not in listed
    assert "LIMIT" in listed
    assert len(executed) <= 2 * 6


def test_a_list_of_runs_and_one_run_are_one_statement_each(statements: tuple[Store, int, list[str]]) -> None:
    store, _, executed = statements
    assert [r.name for r in store.runs()] == ["other", "adult"]
    (listed,) = executed
    assert ".config" not in listed
    executed.clear()
    assert store.run("adult").config == {"x": 1}
    found, config = executed
    assert "LIMIT" in found
    assert ".config" not in found
    assert ".config" in config


def test_what_is_shown_is_strict_json(statements: tuple[Store, int, list[str]]) -> None:
    store, run, _ = statements
    for text_ in (report.runs_to_json(store.runs()), report.to_json(store.board(run))):
        json.loads(text_, parse_constant=pytest.fail)
