"""A run that is written in parts is the run that is written whole."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from automl.board import export
from automl.board.asked import Asked
from automl.board.source import OpenLeaderboard
from automl.leaderboard import report
from automl.leaderboard.store import Store
from tests.board import made
from tests.leaderboard.test_index import a_trial

MORE = ("tier", "weight", "started_at", "ended_at")
GOALS: tuple[tuple[str, ...], ...] = (("score",), ("score", "bytes"))


def written(url: Path, run: int, form: str) -> list[str]:
    return list(export.run(OpenLeaderboard(url), run, form, Asked())[2])


@pytest.mark.parametrize("at_once", [1, 7, 500])
@pytest.mark.parametrize("goals", GOALS, ids=["one goal", "two goals"])
def test_in_parts_as_whole(
    at_once: int, goals: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, run = made.leaderboard(tmp_path, 40, goals=goals)
    with Store(url) as store:
        store.resume_run(run)
        draw = random.Random(0)
        for i in range(40, 80):  # with every score that there can be
            store.add_trial(run, a_trial(i, draw))
    with Store(url, read_only=True) as store:
        board = store.board(run)
    monkeypatch.setattr(export, "_AT_ONCE", at_once)
    parts = written(url, run, "csv")
    assert len(parts) >= 80 // at_once
    rows = list(csv.DictReader(io.StringIO("".join(parts))))
    assert [{k: v for k, v in row.items() if k not in MORE} for row in rows] == list(
        csv.DictReader(io.StringIO(report.to_csv(board)))
    )
    whole = json.loads("".join(written(url, run, "json")))
    expected = json.loads(report.to_json(board))
    shown: list[dict[str, Any]] = [{k: v for k, v in one.items() if k not in MORE} for one in whole["trials"]]
    assert shown == expected["trials"]
    assert {**whole, "trials": []} == {**expected, "trials": []}


def test_tier_weight_and_times_are_written(tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 20)
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO("".join(written(url, run, "csv"))))}
    assert {id: float(row["weight"]) for id, row in rows.items() if row["weight"]} == {"0": 0.75, "1": 0.25}
    assert min(int(row["tier"]) for row in rows.values() if row["tier"]) == 1
    assert all(float(row["started_at"]) > 0 and float(row["ended_at"]) > 0 for id, row in rows.items() if id)


def test_a_run_without_trials_is_written(tmp_path: Path) -> None:
    url, run = made.leaderboard(tmp_path, 0)
    assert json.loads("".join(written(url, run, "json")))["trials"] == []
    (only,) = csv.DictReader(io.StringIO("".join(written(url, run, "csv"))))
    assert only["family"] == "baseline"
