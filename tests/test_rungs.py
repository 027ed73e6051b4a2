"""Who climbs which rung, and when: with a clock that stands where the test puts it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from automl import rungs
from automl.proposals import Proposals
from automl.rungs import Rungs
from automl.space import Choice, Float, Params, Random, Space, draw
from automl.types import Candidate, Trial
from tests.trials import trial

SPACE: Space = {"family": Choice({"net": {"x": Float(0, 1)}, "linear": {"x": Float(0, 1)}})}
TOTAL = 2000.0


class Clock:
    """Stands in for the module ``time``."""

    now = 0.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rungs, "time", made)
    return made


class Draws:
    """Draws candidates of the family ``net``, and remembers what it was told; ``n``: of how many."""

    def __init__(self, n: int = 10_000) -> None:
        self.n = n
        self.told: list[Trial] = []

    def ask(self, number: int) -> Params | None:
        if number >= self.n:
            return None
        return draw(SPACE, Random(np.random.default_rng(number))) | {"family": "net"} | {"family.net.x": number / 1000}

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


def made(searcher: Any, n_folds: int = 1) -> Rungs:
    return Rungs(lambda space, n: searcher, SPACE, climbing=["net"], n_folds=n_folds, deadline=TOTAL)


def asked(proposals: Proposals) -> Candidate:
    candidate = proposals.ask()
    assert candidate is not None
    return candidate


def tried(candidate: Candidate, progress: float = 0.1) -> Trial:
    """A trial whose score is the candidate's ``x``."""
    status: Any = "stopped" if progress < 1 else "finished"
    return trial(candidate, candidate.params["family.net.x"], status, progress=progress)


def climbed(proposals: Rungs, n: int) -> Iterator[Candidate]:
    for _ in range(n):
        candidate = asked(proposals)
        yield candidate
        proposals.tell(tried(candidate))


def test_the_best_third_of_each_rung_goes_on_for_three_times_as_long(clock: Clock) -> None:
    searcher = Draws()
    proposals = made(searcher)
    seen = list(climbed(proposals, 40))
    by_rung = {rung: [c for c in seen if c.params["rung"] == rung] for rung in (0, 1, 2)}
    assert {c.params["rung.seconds"] for c in by_rung[0]} == {10.0}
    assert {c.params["rung.seconds"] for c in by_rung[1]} == {30.0}
    assert {c.params["rung.seconds"] for c in by_rung[2]} == {90.0}
    n = [len(by_rung[rung]) for rung in (0, 1, 2)]
    assert n[1] == n[0] // 3
    assert n[2] == n[1] // 3 > 0
    assert len({c.id for c in seen}) == 40
    # The searcher learns points of its space, each ended.
    assert all("rung" not in t.candidate.params and t.status == "finished" for t in searcher.told)


def test_near_the_end_the_best_get_all_the_time_that_is_left(clock: Clock) -> None:
    proposals = made(Draws(), n_folds=2)
    list(climbed(proposals, 40))
    clock.now = 1200.0
    first, second = asked(proposals), asked(proposals)
    assert first.params["rung"] == second.params["rung"] == "last"
    assert first.params["rung.seconds"] == pytest.approx(0.93 * 800 / 2)
    assert first.params["family.net.x"] != second.params["family.net.x"]
    highest = [t.candidate.params["family.net.x"] for t in proposals._ladder[2].values()]
    assert first.params["family.net.x"] == max(highest)
    clock.now = 1995.0
    assert proposals.ask() is None


def test_who_has_had_all_epochs_stays_where_it_is_and_has_more_of_them_at_the_end(clock: Clock) -> None:
    proposals = made(Draws())
    complete = asked(proposals)
    proposals.tell(trial(complete, 5.0))
    seen = list(climbed(proposals, 9))
    assert {c.params["rung"] for c in seen} == {0, 1}
    assert all(c.params["family.net.x"] != complete.params["family.net.x"] for c in seen)
    clock.now = 1400.0
    first, second = asked(proposals), asked(proposals)
    assert first.params["rung"] == second.params["rung"] == "last"
    assert first.params["family.net.x"] == complete.params["family.net.x"]


def test_an_exhausted_space_goes_to_the_last_rung_at_once(clock: Clock) -> None:
    proposals = made(Draws(2))
    list(climbed(proposals, 2))
    assert asked(proposals).params["rung"] == "last"


def test_families_that_do_not_climb_are_tried_as_they_are(clock: Clock) -> None:
    class Linear(Draws):
        def ask(self, number: int) -> Params:
            return {"family": "linear", "family.linear.x": number / 100}

    proposals = made(Linear())
    candidate = asked(proposals)
    assert "rung" not in candidate.params
    proposals.tell(trial(candidate, 0.5))
    assert proposals.trials[0].candidate == candidate


def test_a_resumed_run_stands_where_it_stood(clock: Clock) -> None:
    first = made(Draws())
    ended = [tried(candidate) for candidate in climbed(first, 12)]
    second = made(Draws())
    for one in ended:
        second.tell(one)
    assert asked(second) == asked(first)


def test_what_is_known_to_be_good_comes_first_with_others_near_it_and_no_family_but_its_own(clock: Clock) -> None:
    others = {"other": {"x": Float(0, 1)}, "net": {"x": Float(0, 1), "y": Float(0, 1)}}
    space: Space = {"family": Choice(others)}
    known, rest = (
        {"family": "net", "family.net.x": 0.2, "family.net.y": 0.3},
        {"family": "other", "family.other.x": 0.5},
    )
    proposals = Rungs(
        lambda space, n: Draws(0),
        space,
        climbing=["net", "other"],
        n_folds=1,
        deadline=TOTAL,
        starts=[rest, known],
        known=[known],
    )
    seen = [asked(proposals).params for _ in range(rungs.NEAR + 2)]
    assert known.items() <= seen[0].items()
    assert {params["family"] for params in seen[:-1]} == {"net"}
    assert rest.items() <= seen[-1].items()


def test_a_resumed_run_trains_its_best_again_where_there_is_far_more_time(clock: Clock) -> None:
    first = made(Draws())
    ended = [tried(candidate) for candidate in climbed(first, 12)]
    best = max(ended, key=lambda one: one.score or 0).candidate
    bare = {k: v for k, v in best.params.items() if not k.startswith("rung")}
    for had, again in ((15.0, True), (TOTAL, False)):
        second = made(Draws())
        for one in ended:
            second.tell(one)
        second.tell(tried(Candidate("99", {**bare, "rung": "last", "rung.seconds": had})))
        clock.now = TOTAL * (1 - rungs.LAST_SHARE) + 1
        params = asked(second).params
        clock.now = 0.0
        assert params["rung"] == "last"
        assert (bare.items() <= params.items()) == again


def test_a_late_start_has_rungs_in_the_time_that_it_is_given(clock: Clock) -> None:
    clock.now = TOTAL + 5
    proposals = made(Draws())
    assert proposals.ask() is None
    proposals.extend(clock.now + TOTAL)
    assert asked(proposals).params == made_at_once(clock).params


def made_at_once(clock: Clock) -> Candidate:
    clock.now = 0.0
    return asked(made(Draws()))
