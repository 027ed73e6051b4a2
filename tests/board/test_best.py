"""What is shown as best is one story: in a run with limits every view means the trials within them."""

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from automl.board.app import make_app
from automl.board.run_page import Seen
from automl.board.source import OpenLeaderboard
from automl.goals import Goals
from automl.leaderboard import words
from automl.leaderboard.plots import Plots
from automl.leaderboard.store import Store
from automl.report import about_search, charts
from automl.report.document import Table
from automl.report.subject import Finished
from automl.types import Trial
from tests.board import made

N = 90
FINISHED = [trial for trial in made.trials(N, made.FAMILIES, 0.0) if trial.status == "finished"]


def best(of: list[Trial]) -> Trial:
    return max(of, key=lambda trial: trial.score or -math.inf)


BEST_OF_ALL = best(FINISHED)
BYTES = BEST_OF_ALL.values["bytes"]


@pytest.mark.parametrize("limit", [None, BYTES - 1, 1.0], ids=["none", "without the best", "of nothing"])
def test_every_view_means_the_same_best(limit: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {} if limit is None else {"bytes": limit}
    goals = Goals(limits=limits)
    expected = best([trial for trial in FINISHED if goals.allow(trial)] or FINISHED)
    assert (expected.candidate.id != BEST_OF_ALL.candidate.id) == (limit == BYTES - 1)
    score = made.METRIC.shown(expected.score or 0.0)
    url, run = made.leaderboard(tmp_path, N, limits=limits)
    source = OpenLeaderboard(url)
    with TestClient(make_app([source], "token"), base_url="http://localhost") as opened:
        home, page = opened.get("/").text, opened.get(f"/0/runs/{run}").text
        drawn = [f"/0/runs/{run}/figures/{name}" for name in ("scores", "front?cost=bytes")]
        drawn.append(f"/compare/figure?run=0.{run}&run=0.{run}")
        figures = [opened.get(path).json() for path in drawn]
    assert re.findall(r'class="n strong">([^<]*)', home) == [words.number(score)]
    assert f"<b>{words.number(score)}</b>" in page
    for figure in figures:
        lines = [trace for trace in figure["data"] if trace["mode"] == "lines"]
        assert lines
        assert all(line["y"][-1] == pytest.approx(score) for line in lines)
    seen = Seen.of(source, run)
    assert seen.families[0].best == expected.candidate.id
    assert [(line.rank, line.tier) for line in seen.trials.lines_of([expected.candidate.id])] == [(1, 1)]
    assert expected.candidate.id in {mark.id for mark in seen.trials.marks(2)}
    with Store(url, read_only=True) as store:
        shown, board = store.page(run), store.board(run)
    assert shown.standings[0].id == expected.candidate.id
    assert Plots(board).scores().data[-1].y[-1] == pytest.approx(score)
    report_says(cast(Any, SimpleNamespace(board=board, metric=made.METRIC)), goals, score, monkeypatch)


def report_says(run: Finished, goals: Goals, score: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the best of the table of families, whose first is the best one's, and of the curve of the search."""
    ranked = [trial for trial in goals.rank(run.board.trials) if trial.score is not None]
    of = cast(Finished, SimpleNamespace(board=run.board, metric=run.metric, ranked=lambda: ranked, weights={}))
    families = about_search.searched(of).parts[0]
    assert isinstance(families, Table)
    assert families.rows[0][4] == words.number(score)
    drawn: list[Any] = []

    def lines(series: Any, *labels: object, **how: object) -> str:
        drawn.append(series)
        return "<svg/>"

    monkeypatch.setattr(charts, "lines", lines)
    about_search.curves(of)
    assert drawn[0]["best"][1][-1] == pytest.approx(score)
