"""The trials in flight: how many there are at a time, how often one is tried, and how it ends."""

import pytest

from automl.runners._in_flight import TrialsInFlight
from automl.testing.toy import Line
from automl.types import Budget, Trial
from tests.trials import trial


def board(budget: Budget, limit: float = 10, line: Line | None = None) -> TrialsInFlight:
    return TrialsInFlight(line or Line([{"x": 0.5}]), budget, limit)


def lost(of: TrialsInFlight, id: str, again: bool = True) -> list[Trial]:
    return list(of.lose(id, "it was killed", again))


def test_candidates_come_up_to_the_limit_and_to_the_budget() -> None:
    of = board(Budget(trials=3), limit=2)
    first, second = of.next(), of.next()
    assert first
    assert second
    assert of.next() is None
    assert not of.closed
    list(of.begin(first.id))
    list(of.report(trial(first, 0.5)))
    assert of.next() is not None
    assert of.closed
    assert not of.over


def test_a_trial_whose_worker_is_killed_twice_has_failed() -> None:
    line = Line([{"x": 0.5}])
    of = board(Budget(trials=1), line=line)
    candidate = of.next()
    assert candidate
    assert [t.status for t in of.begin(candidate.id)] == ["running"]
    assert lost(of, candidate.id) == []
    assert not of.closed
    assert of.next() == candidate
    assert list(of.begin(candidate.id)) == []  # it has begun already
    (ended,) = lost(of, candidate.id)
    assert (ended.status, ended.failure) == ("failed", "it was killed")
    assert line.told == [ended]
    assert of.over


def test_a_trial_that_would_die_again_is_not_tried_again() -> None:
    of = board(Budget(trials=1))
    candidate = of.next()
    assert candidate
    list(of.begin(candidate.id))
    assert [t.status for t in lost(of, candidate.id, again=False)] == ["failed"]


def test_what_dies_of_the_deadline_is_stopped_and_what_never_began_leaves_no_trace() -> None:
    of = board(Budget())
    begun, waiting, other = of.next(), of.next(), of.next()
    assert begun
    assert waiting
    assert other
    for candidate in (begun, other):
        list(of.begin(candidate.id))
    of.budget = Budget(deadline=0.0)
    assert of.next() is None
    assert [t.status for t in lost(of, begun.id)] == ["stopped"]
    assert [(t.candidate.id, t.status) for t in of.stop_all()] == [(other.id, "stopped")]
    assert of.over


def test_who_follows_hears_of_a_trial_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl.runners._in_flight.PULSE_SECONDS", -1.0)
    of = board(Budget())
    assert list(of.pulse()) == []
    candidate = of.next()
    assert candidate
    assert list(of.pulse()) == [], "nobody was told of it yet"
    (begun,) = of.begin(candidate.id)
    assert list(of.pulse()) == [begun]
    list(of.report(trial(candidate, 0.5)))
    assert list(of.pulse()) == [], "it has ended"


def test_what_waits_for_another_try_has_none_after_the_deadline() -> None:
    of = board(Budget())
    candidate = of.next()
    assert candidate
    list(of.begin(candidate.id))
    assert lost(of, candidate.id) == []
    of.budget = Budget(deadline=0.0)
    assert of.over
    assert [t.status for t in of.stop_all()] == ["stopped"]
