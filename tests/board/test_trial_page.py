"""What the page says of one trial: what led to it, why it ended."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from automl.board import trial_page
from automl.board.app import make_app
from automl.board.source import OpenLeaderboard
from automl.leaderboard.store import Store
from automl.types import Candidate, Trial
from tests.board import made

# (began, ended) of trials of one family; the less the second number differs, the nearer they are.
TIMES = {"far": (0.0, 1.0), "near": (1.0, 2.0), "beside": (2.0, 9.0), "own": (3.0, 5.0), "later": (6.0, 7.0)}
PARAMS = {"far": (0, 0), "near": (1, 0), "beside": (1, 1), "own": (1, 1), "later": (1, 1)}


@pytest.mark.parametrize(("own", "expected"), [("far", []), ("near", ["far"]), ("own", ["near"]), ("later", ["own"])])
def test_the_nearest_earlier_trial_had_ended_before(own: str, expected: list[str], tmp_path: Path) -> None:
    url = tmp_path / "leaderboard.db"
    with Store(url) as store:
        run = store.start_run(name="x", folder=tmp_path, metric=made.METRIC, config={}, task={})
        for id, params in PARAMS.items():
            candidate = Candidate(id, {"family": "a", "family.a.x": params[0], "family.a.y": params[1]})
            store.add_trial(run, Trial(candidate, "finished", {"score": 0.5}, started_at=TIMES[id][0]))
    ended = [(times[1], id) for id, times in TIMES.items()]
    with closing(sqlite3.connect(url)) as opened, opened:
        opened.executemany("UPDATE trial SET ended_at = ? WHERE candidate_id = ?", ended)
    shown = trial_page.trial(OpenLeaderboard(url), 0, run, own, "")
    assert [other.id for other in shown["others"]] == expected


@pytest.mark.parametrize("why", [None, "stopped by the scheduler", "out of time"])
def test_why_a_trial_was_stopped_is_said_where_it_is_known(why: str | None, tmp_path: Path) -> None:
    url = tmp_path / "leaderboard.db"
    with Store(url) as store:
        run = store.start_run(name="x", folder=tmp_path, metric=made.METRIC, config={}, task={})
        store.add_trial(run, Trial(Candidate("0", {"family": "a"}), "stopped", {"score": 0.5}, failure=why))
    with TestClient(make_app([OpenLeaderboard(url)], "token"), base_url="http://localhost") as opened:
        page = opened.get(f"/0/runs/{run}/trials/0").text
    assert f"Ended early: {why}," in page if why else "by the scheduler or the budget" in page
    assert 'class="failure"' not in page
