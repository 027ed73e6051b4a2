"""What the page does to runs: one that goes on is ended as by Ctrl-C, one that ended goes on by itself."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import automl.board
from automl.board import command
from automl.board.actions import Actions
from automl.board.source import OpenLeaderboard
from automl.errors import AutoMLError, ConfigError
from automl.leaderboard.store import Store
from automl.leaderboard.tables import RunRow
from tests.board import made

SEARCH = """
import sys, time
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store

with Store(sys.argv[1]) as store:
    run = store.start_run(name="x", folder=sys.argv[1], metric=StoredMetric("r2"), config={}, task={})
    print(run, flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        store.finish_run(run, "interrupted")
        print("the best is shipped", flush=True)
"""


def test_a_search_that_goes_on_is_stopped(tmp_path: Path) -> None:
    url = tmp_path / "leaderboard.db"
    with subprocess.Popen([sys.executable, "-c", SEARCH, str(url)], stdout=subprocess.PIPE, text=True) as search:
        assert search.stdout is not None
        run = int(search.stdout.readline())
        source, actions = OpenLeaderboard(url), Actions()
        with pytest.raises(AutoMLError, match="goes on already"):
            actions.act(source, run, "resume", 60)
        assert "shipped" in actions.act(source, run, "stop", 0)
        assert search.stdout.readline() == "the best is shipped\n"
    with pytest.raises(AutoMLError, match="interrupted"):
        actions.act(source, run, "stop", 0)


def test_a_run_of_another_machine_is_not_signalled(tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 3, end=False)
    with Store(url) as store:
        store.resume_run(run)
        with store._database.write() as session:
            row = session.get_one(RunRow, run)
            row.process = json.dumps({**json.loads(row.process), "machine": "another", "host": "far"})
        with pytest.raises(AutoMLError, match="far"):
            Actions().act(OpenLeaderboard(url), run, "stop", 0)


def test_a_run_goes_on_in_a_process_of_its_own(tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 3)
    folder = tmp_path / "run"
    begun_in = tmp_path / "where the search was begun"
    begun_in.mkdir()
    record = {"run_id": run, "leaderboard": str(url), "begun_in": str(begun_in)}
    (folder / "run.json").write_text(json.dumps(record))
    source, actions = OpenLeaderboard(url), Actions()
    with pytest.raises(AutoMLError, match="from Python"):
        actions.act(source, run, "resume", 60)
    (folder / "config.yaml").write_text("nonsense: true\n")
    for seconds in (0, -1, float("nan"), 1e9):
        with pytest.raises(AutoMLError, match="up to"):
            actions.act(source, run, "resume", seconds)
    said = actions.act(source, run, "resume", 600)
    assert "10 minutes" in said
    assert psutil.Process(actions._resumed[str(folder)].pid).cwd() == str(begun_in)
    log, until = folder / "board.log", time.monotonic() + 60
    while "damaged" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.1)
    assert "config.yaml' is damaged" in log.read_text()  # so says the command itself


def test_without_its_libraries_it_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "automl.board.serve", raising=False)
    monkeypatch.delattr(automl.board, "serve", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r"automl\[board\]"):
        command.board([str(tmp_path)], "127.0.0.1", None, [], False)


@pytest.mark.parametrize("given", ["run", ".", "leaderboard.db"])
def test_a_leaderboard_is_found_by_its_run_its_folder_or_its_file(tmp_path: Path, given: str) -> None:
    url, run = made.leaderboard(tmp_path, 1)
    (tmp_path / "run" / "run.json").write_text(json.dumps({"run_id": run, "leaderboard": str(url)}))
    assert Path(command._leaderboard_of(str(tmp_path / given))) == url


def test_a_leaderboard_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="Run a search first"):
        command.board([str(tmp_path / "none.db")], "127.0.0.1", None, [], False)


def test_a_port_that_is_taken_is_said_to_be_so(tmp_path: Path) -> None:
    url, _ = made.leaderboard(tmp_path, 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AutoMLError, match="--port"):
            command.board([str(url)], "127.0.0.1", taken.getsockname()[1], [], False)
