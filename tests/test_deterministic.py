"""A deterministic run: the same trials with any number of workers, in any order of ending, over any kills."""

from typing import Any

import numpy as np
import pytest

from automl import options, registry
from automl.errors import ConfigError
from automl.proposals import LAG, InOrder, MakeSearcher
from automl.runners.blocks import make_decider
from automl.space import Choice, Defaults, Float, Int, Space, draw
from automl.types import Candidate, Trial
from tests.runners.objectives import Toy
from tests.simulation import N_FOLDS, Pool, snapshot

SPACE: Space = {
    "family": Choice(
        {
            "a": {"x": Float(0, 1), "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1)}})},
            "b": {"x": Float(0.01, 1, log=True), "n": Int(1, 9)},
            "c": {"x": Float(0, 0.5)},
        }
    )
}
STARTS = [draw(SPACE, Defaults({"family": name})) for name in ("b", "a", "c")]
N = 24
# What is slow is tried with fewer trials.
SCHEDULERS: list[dict[str, Any]] = [
    {"name": "none"},
    {"name": "asha"},
    {"name": "asha", "brackets": 3},
    {"name": "median_stopping", "min_trials": 3},
    {"name": "race", "keep": 2, "alpha": 0.2},
]


def named(name: str) -> MakeSearcher:
    return lambda space, n: options.make("searchers", {"name": name}, space, n)


def pool(searcher: str, scheduler: dict, n_workers: int, seed: int, earlier: list[Trial]) -> Pool:
    proposals = InOrder(named(searcher), SPACE, starts=STARTS)
    for trial in earlier:
        proposals.tell(trial)
    rng = np.random.default_rng(seed)
    return Pool(proposals, make_decider(scheduler, proposals, Toy()), n_workers, rng, fails=frozenset({4, 11}))


def summary(trials: list[Trial]) -> list[tuple]:
    rows = [(int(t.candidate.id), t.candidate.params, t.status, t.fold_scores) for t in trials]
    return sorted(rows, key=lambda row: row[0])


@pytest.mark.parametrize("searcher", registry.names("searchers"))
def test_any_number_of_workers_and_any_order_of_ending_give_the_same(searcher: str) -> None:
    n = 14 if searcher == "gp" else N
    alone = summary(pool(searcher, {"name": "asha"}, 1, 0, []).run(n))
    assert [row[0] for row in alone] == list(range(len(alone)))
    assert [row[1] for row in alone[:3]] == STARTS
    for n_workers in (2, 4):
        beside = pool(searcher, {"name": "asha"}, n_workers, n_workers, [])
        assert summary(beside.run(n)) == alone
        assert beside.most_at_once == n_workers


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=str)
def test_schedulers_decide_alike_and_over_kills(scheduler: dict) -> None:
    alone = summary(pool("tpe", scheduler, 1, 0, []).run(N))
    assert {row[2] for row in alone} >= ({"finished", "failed"} if scheduler["name"] == "none" else {"stopped"})
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ended: list[Trial] = []
        while len(ended) < N:
            rng.shuffle(ended)  # type: ignore[arg-type]  # the leaderboard may give them in any order
            process = pool("tpe", scheduler, int(rng.integers(1, 5)), seed, ended)
            ended = ended + process.run(N - len(ended), kill_after=int(rng.integers(5, 40)))
        assert len({t.candidate.id for t in ended}) == N, "nothing that has ended runs again"
        assert summary(ended) == alone


def test_what_ran_when_it_was_killed_runs_again_under_its_number() -> None:
    killed = pool("random", {"name": "none"}, 4, 1, [])
    ended = killed.run(N, kill_after=23)
    running = set(killed.running)
    assert running
    again = pool("random", {"name": "none"}, 4, 1, ended)
    first = [again.proposals.ask() for _ in range(len(running))]
    assert {c.id for c in first if c is not None} == running


def test_workers_beyond_the_lag_wait() -> None:
    many = pool("random", {"name": "none"}, 50, 0, [])
    many.run(N)
    assert many.most_at_once == LAG
    proposals = InOrder(named("random"), SPACE, lag=2)
    first, second = proposals.ask(), proposals.ask()
    assert first is not None
    assert second is not None
    proposals.tell(snapshot(second, N_FOLDS, "finished"))
    assert not proposals.ready
    with pytest.raises(RuntimeError, match="asked for before"):
        proposals.ask()
    proposals.tell(snapshot(first, N_FOLDS, "finished"))
    assert proposals.ready


def test_a_run_that_cannot_be_the_same_is_refused() -> None:
    proposals = InOrder(named("random"), SPACE, seed=0)
    other = Candidate("0", {"family": "c", "family.c.x": 0.123})
    proposals.tell(snapshot(other, N_FOLDS, "finished"))
    with pytest.raises(ConfigError, match="go on with deterministic=false"):
        proposals.ask()
