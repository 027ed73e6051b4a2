"""Pictures of a search in Python: what they show is what the trials say, and no name in them is markup."""

import json
from dataclasses import replace
from typing import Any

import pytest

from automl.epochs import Epoch
from automl.errors import UnknownNameError
from automl.figures import trials
from automl.figures.marks import Mark
from automl.figures.parameters import Polyline, parallel
from automl.figures.timeline import busy_share, timeline
from automl.goals import Goals
from automl.leaderboard.plots import Plots, summary
from automl.leaderboard.records import Board, Run, StoredMetric
from automl.types import Candidate, Report, Trial
from tests.board import made

RUN = Run(1, "x", "finished", 0.0, 9.0, "x", StoredMetric("log_loss", False), 0, "", {"kind": "table"}, {}, config={})


@pytest.fixture(scope="module")
def plots() -> Plots:
    return Plots(Board(RUN, tuple(made.trials(90, made.FAMILIES, 0.0))))


def test_the_leaderboard_is_in_its_order(plots: Plots) -> None:
    (shown,) = plots.leaderboard(top=20).data
    assert len(shown.x) == 20
    finished = [t for t in made.trials(90, made.FAMILIES, 0.0) if t.status == "finished"]
    best = sorted(finished, key=lambda t: -(t.score or 0.0))[:20]
    assert list(shown.customdata) == [trial.candidate.id for trial in best]
    assert list(shown.x) == [-(trial.score or 0.0) for trial in best]  # log loss as people know it


def test_the_best_so_far_never_gets_worse(plots: Plots) -> None:
    line = next(trace for trace in plots.scores().data if trace.name == "best so far")
    assert list(line.y) == sorted(line.y, reverse=True)
    assert list(line.x) == sorted(line.x)


SCORES = (0.5, 0.6, 0.62, 0.64, 0.65, 0.66, 0.67, 0.68, -40.0, -50.0)


def drawn_by_score(metric: StoredMetric) -> dict[str, Any]:
    """Every figure with the metric upwards, of the same scores."""
    goals, colour = Goals(), {"a": "red"}
    marks = [Mark(str(i), "a", "finished", s, 1.0 + i, 1.0 + i) for i, s in enumerate(SCORES)]
    reports = [Report(0.1 * i, s, float(i)) for i, s in enumerate(SCORES)]
    return {
        "scores": trials.scores(marks, metric, 0.0, colour, goals),
        "front": trials.front(marks, "seconds", metric, colour, goals),
        "curves": trials.curves([("1", "a", reports)], metric, colour),
        "epochs": trials.epochs({0: [Epoch(i, s, 0.0) for i, s in enumerate(SCORES)]}, metric),
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_the_worst_do_not_press_the_best_together(sign: int) -> None:
    for name, drawn in drawn_by_score(StoredMetric("m", greater_is_better=sign > 0)).items():
        low, high = drawn["layout"]["yaxis"]["range"]
        assert low < min(sign * s for s in SCORES[:8]) < max(sign * s for s in SCORES[:8]) < high, name
        assert high - low < 1, name
        (note,) = drawn["layout"]["annotations"]
        assert note["text"].startswith("2 worse"), name
        assert (note["y"], note["yanchor"]) == ((0, "bottom") if sign > 0 else (1, "top")), name  # where they would be


def test_curves_of_one_family_differ_in_their_dashes(plots: Plots) -> None:
    looks = [(trace.line.color, trace.line.dash) for trace in plots.curves(top=12).data]
    assert len(set(looks)) == 12
    assert len({colour for colour, _ in looks}) == 3


def test_the_front_is_better_the_more_it_costs(plots: Plots) -> None:
    line = next(trace for trace in plots.front("bytes").data if trace.name == "front")
    costs, losses = list(line.x), list(line.y)
    assert len(costs) > 1
    assert costs == sorted(costs)
    assert losses == sorted(losses, reverse=True)
    points = [
        (x, y)
        for trace in plots.front("bytes").data
        if trace.name != "front"
        for x, y in zip(trace.x, trace.y, strict=True)
    ]
    whole = {t.values["bytes"] for t in made.trials(90, made.FAMILIES, 0.0) if t.status == "finished"}
    assert not [
        p for p in points if p[0] in whole and any(p[0] <= x and p[1] < y for x, y in zip(costs, losses, strict=True))
    ]


def test_the_parameter_that_decides_is_the_most_important(plots: Plots) -> None:
    (bars,) = plots.importance("net").data
    assert bars.y[-1] == "rate"  # the last is on top
    assert sum(bars.x) == pytest.approx(1)


def test_lines_have_one_point_for_each_parameter_and_the_score(plots: Plots) -> None:
    figure = plots.parallel("net", top=10)
    assert len(figure.data) == 10
    names = [note.text for note in figure.layout.annotations if note.name == "title"]
    assert names[0] == "rate<br>(log)"
    assert names[-1] == "log_loss<br>(best on top)"
    assert {len(trace.x) for trace in figure.data} == {len(names)}
    assert not [note for note in figure.layout.annotations if note.textangle]


@pytest.mark.parametrize("greater", [True, False])
@pytest.mark.parametrize("scores", [(0.5, 0.9), (54.75291, 54.75293), (1e-7, 3e-7), (123456.0, 123457.0)])
def test_the_best_line_ends_on_top_and_the_ends_are_told_apart(greater: bool, scores: tuple[float, float]) -> None:
    metric = StoredMetric("m", greater)
    lines = [Polyline(str(i), "a", metric.shown(s), {"x": i}) for i, s in enumerate(scores)]
    drawn = parallel(lines, metric)
    best = max(lines, key=lambda line: line.score)
    ends = {trace["customdata"][0]: trace["y"][-1] for trace in drawn["data"]}
    assert ends[best.id] == 1
    assert sorted(ends.values()) == [0, 1]
    beside = [note["text"] for note in drawn["layout"]["annotations"] if note["x"] == 1 and "xshift" in note]
    assert len(set(beside)) == 2


def test_importance_says_of_how_many_trials_it_is(plots: Plots) -> None:
    n = sum(t.status == "finished" for t in made.trials(90, made.FAMILIES, 0.0) if t.candidate.family == "net")
    assert plots.importance("net").layout.xaxis.title.text == f"importance, of {n} trials"
    few = Plots(Board(RUN, tuple(made.trials(5, ("a",), 0.0)))).importance()
    assert "4 of 10" in few.layout.annotations[0].text


def test_each_worker_has_its_lane(plots: Plots) -> None:
    bars = plots.timeline().data
    assert {lane for trace in bars for lane in trace.y} == {"host:100", "host:101"}
    assert sum(len(trace.y) for trace in bars) == 90


def mark(begin: float, end: float, worker: str) -> Mark:
    return Mark(f"{begin} {end} {worker}", "a", "finished", 1.0, end - begin, end, begin, worker)


def test_the_share_of_time_that_workers_fitted_is_of_the_whole_run() -> None:
    assert busy_share([mark(0, 2, "a"), mark(2, 4, "a")], 0, 4) == 1
    assert busy_share([mark(2, 3, "a"), mark(3, 4, "a")], 0, 8) == 0.25  # before and after them nothing is fitted
    assert busy_share([mark(0, 1, "a"), mark(3, 4, "a"), mark(0, 4, "b")], 0, 4) == 0.75
    assert busy_share([mark(0, 3, "a"), mark(1, 2, "a"), mark(3, 4, "a")], 0, 4) == 1  # one within another counts once
    assert busy_share([mark(0, 5, "a"), mark(5, 10, "b")], 0, 10) == 1  # one worker after another is one
    assert busy_share([mark(0, 5.1, "a"), mark(5, 10, "b")], 0, 10) == 1
    assert busy_share([], 0, 1) is None


def test_trials_without_a_worker_share_lanes_that_are_free() -> None:
    bare = [replace(trial, worker="", started_at=None) for trial in made.trials(6, ("a",), 0.0)]
    marks = [replace(Mark.of(t), id=str(i), ended_at=float(i // 2 + 1), seconds=0.9) for i, t in enumerate(bare)]
    figure = Plots(Board(RUN, tuple(bare)))
    assert figure.timeline().data
    assert busy_share(marks, 0.1, 3) == pytest.approx(2.7 / 2.9, abs=0.01)


def test_the_time_line_is_of_the_whole_run(plots: Plots) -> None:
    shown = plots.timeline()
    assert list(shown.layout.xaxis.range) == [0, 9]
    assert not shown.layout.showlegend
    phases = [("starting", 0.0, 1.0), ("exporting", 7.0, 9.0)]
    drawn = timeline([mark(1, 6, "a")], 0.0, {"a": "red"}, (0.0, 9.0), phases)["layout"]
    assert [(shape["x0"], shape["x1"]) for shape in drawn["shapes"]] == [(0, 1), (7, 9)]
    assert [note["text"] for note in drawn["annotations"]] == ["starting", "exporting"]


@pytest.mark.parametrize("name", ["leaderboard", "scores", "curves", "front", "importance", "parallel", "timeline"])
def test_nothing_to_show_is_said(name: str) -> None:
    figure = getattr(Plots(Board(RUN)), name)()
    assert not figure.data
    assert figure.layout.annotations[0].text


def test_unknown_names_get_the_nearest(plots: Plots) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'net'"):
        plots.importance("nett")
    with pytest.raises(UnknownNameError, match="seconds"):
        plots.curves(over="second")


@pytest.mark.parametrize("family", ["<b>x</b>", "<a href='javascript:alert(1)'>x</a>", "\x1b[31m", "&lt;i&gt;"])
def test_names_are_text(family: str) -> None:
    of = tuple(made.trials(40, (family,), 0.0))
    figures = Plots(Board(RUN, of))
    for name in ("leaderboard", "scores", "curves", "front", "timeline", "importance", "parallel"):
        written = json.loads(getattr(figures, name)().to_json())
        shown = json.dumps({"data": written["data"], "layout": {**written["layout"], "template": None}})
        assert "<b>" not in shown
        assert "<a" not in shown
        assert "\\u001b" not in shown
    html = summary(Board(RUN, of), {"0": 1.0}, 0.5)
    assert "<a" not in html
    assert "<b>x" not in html


def test_the_summary_has_the_best_trials() -> None:
    of: Any = (Trial(Candidate("7", {"family": "mine"}), "finished", {"score": -0.25}),)
    html = summary(Board(RUN, of), {"7": 1.0}, 0.25)
    assert all(word in html for word in ("mine", "#7", "0.25", "100%"))
