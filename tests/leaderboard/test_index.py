"""The columns of a run in memory: their order is the leaderboard's, and what ended since is added to them."""

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from automl.board.asked import Asked
from automl.board.index import STATUSES, Index
from automl.board.source import OpenLeaderboard
from automl.board.trials import Trials
from automl.goals import Goals, non_dominated
from automl.leaderboard import report
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.types import Candidate, FoldRef, Trial


def a_trial(i: int, draw: random.Random) -> Trial:
    score = draw.choice([draw.random(), 0.5, math.nan, math.inf, -math.inf, None])
    status = draw.choice(STATUSES)
    values = {} if score is None else {"score": score, "bytes": float(draw.randint(1, 5))}
    folds = () if score is None else (FoldRef(0, score),)
    return Trial(Candidate(str(i), {"family": draw.choice("abc")}), status, values, folds, seconds=draw.random())


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as store:
        other = store.start_run(name="other", folder="o", metric=StoredMetric("r2"), config={}, task={})
        store.start_run(name="x", folder="x", metric=StoredMetric("r2"), config={}, task={})
        draw = random.Random(0)
        for i in range(60):
            store.add_trial(2, a_trial(i, draw))
            store.add_trial(other, a_trial(i, draw))
        yield store


def trials(source: OpenLeaderboard, goals: Goals | None = None) -> Trials:
    run = source.run(2)
    return Trials(source, 2, source.version(run), goals or run.goals)


def shown(of: Trials, asked: Asked | None = None) -> list[str]:
    return [line.mark.id for line in of.page(asked or Asked(), 1000)[0]]


def order(store: Store) -> list[tuple[int | None, str]]:
    """Places and ids as the leaderboard has them."""
    board = store.board(2)
    return [(row["rank"], row["id"]) for row in report.table(board.trials, board.run.metric)]


def test_the_order_is_the_leaderboards(store: Store, url: str) -> None:
    found = trials(OpenLeaderboard(url))
    standings = order(store)
    lines = found.page(Asked(), 1000)[0]
    assert [(line.rank, line.mark.id) for line in lines] == standings
    assert shown(found, Asked(descending=True)) == [id for _, id in standings][::-1]


def test_what_ended_since_is_added(store: Store, url: str) -> None:
    source, draw = OpenLeaderboard(url), random.Random(1)
    assert len(shown(trials(source))) == 60
    for i in range(60, 65):
        store.add_trial(2, a_trial(i, draw))
    assert shown(trials(source)) == [id for _, id in order(store)]
    store.add_trial(2, a_trial(3, draw))  # once more: in place of the earlier one
    store.add_trial(2, a_trial(65, draw))
    assert shown(trials(source)) == [id for _, id in order(store)]


@pytest.mark.parametrize(
    "goals", [Goals(("score", "bytes")), Goals(limits={"bytes": 3}), Goals(("bytes", "score"), {"bytes": 2})]
)
def test_goals_rank_alike_everywhere(goals: Goals, store: Store, url: str) -> None:
    found = trials(OpenLeaderboard(url), goals)
    ranked = [trial.candidate.id for trial in goals.rank(store.trials(2))]
    assert shown(found) == ranked
    task = {"goals": goals.objectives, "limits": dict(goals.limits)}
    again = store.start_run(name="y", folder="y", metric=StoredMetric("r2"), config={}, task=task)
    for each in store.trials(2):
        store.add_trial(again, each)
    page = store.page(again)
    assert page.run.goals == goals
    assert [line.id for line in page.standings] == [id for id in ranked if id in {s.id for s in page.standings}]
    within = {t.candidate.id for t in store.trials(2) if goals.allow(t)}
    assert set(page.front) <= within


@pytest.mark.parametrize("column", ["family", "status", "seconds", "ended_at", "id"])
def test_every_column_sorts_both_ways(store: Store, url: str, column: str) -> None:
    found = trials(OpenLeaderboard(url))
    for descending in (False, True):
        lines = found.page(Asked(sort=column, descending=descending), 1000)[0]
        values = [int(line.mark.id) if column == "id" else getattr(line.mark, column) for line in lines]
        assert values == sorted(values, reverse=descending)


def test_families_are_summed(store: Store, url: str) -> None:
    of = store.trials(2)
    for one in trials(OpenLeaderboard(url)).families():
        own = [trial for trial in of if trial.candidate.family == one.family]
        assert one.n == len(own)
        assert one.seconds == pytest.approx(sum(trial.seconds for trial in own))
        assert one.first == own[0].candidate.id
        ranked = [s for s in store.page(2).standings if s.family == one.family and s.rank]
        whole = [standing for standing in ranked if standing.status == "finished"]
        assert one.best == (whole or ranked)[0].id
        assert (one.is_partial, one.n_folds) == (not whole, len((whole or ranked)[0].fold_scores))


def test_partial_scores_are_no_best_of_a_family_while_a_trial_has_finished(tmp_path: Path) -> None:
    with Store(tmp_path / "x.db") as store:
        run = store.start_run(name="x", folder="x", metric=StoredMetric("r2"), config={}, task={})
        of = (("a", "stopped", 0.9, 5), ("b", "stopped", 0.8, 5), ("a", "finished", 0.1, 50), ("c", "failed", 1.0, 5))
        for i, (family, status, score, n_bytes) in enumerate(of):
            values = {"score": score, "bytes": float(n_bytes)}
            folds = (FoldRef(0, score),)
            store.add_trial(run, Trial(Candidate(str(i), {"family": family}), status, values, folds))  # type: ignore[arg-type]
    source = OpenLeaderboard(tmp_path / "x.db")
    for limits in ({}, {"bytes": 10.0}):
        found = Trials(source, run, source.version(source.run(run)), Goals(limits=limits)).families()
        assert [(one.family, one.best, one.is_partial) for one in found] == [
            ("a", "2", False),
            ("b", "1", True),
            ("c", None, False),
        ]


def test_improvements_are_those_better_than_all_before() -> None:
    def index(scores: list[float], statuses: list[str]) -> Index:
        n = len(scores)
        codes = np.array([STATUSES.index(status) for status in statuses], np.int8)
        rows, zeros = np.arange(n), np.zeros(n)
        return Index(("a",), rows, np.zeros(n, int), codes, np.array(scores, float), zeros, zeros)

    assert index([], []).improvements(np.zeros(0, bool)).tolist() == []
    found = index([0.1, 0.9, math.nan, 0.1, 0.3, 0.2, 0.4], ["finished", "stopped", *["finished"] * 5])
    assert found.improvements(np.ones(7, bool)).tolist() == [0, 4, 6]
    assert found.improvements(np.arange(7) != 4).tolist() == [0, 5, 6]


def test_the_front_is_what_comparing_all_pairs_finds() -> None:
    costs = np.random.default_rng(0).integers(0, 6, size=(200, 3)).astype(float)
    costs[::17, 1] = np.inf
    no_worse, better = [(f(costs[:, None], costs[None])) for f in (np.less_equal, np.less)]
    dominated = (no_worse.all(axis=2) & better.any(axis=2)).any(axis=0)
    assert non_dominated(costs) == np.flatnonzero(~dominated).tolist()
