"""How trials are ordered: by one objective or several, within limits."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.goals import Goals, is_scored
from automl.types import Trial
from tests.trials import candidate, trial


def names(trials: list[Trial]) -> str:
    return "".join(t.candidate.id for t in trials)


def test_one_objective() -> None:
    trials = [
        trial(candidate("f"), None, "failed", failure="x"),
        trial(candidate("n"), math.nan),
        trial(candidate("s"), 0.9, "stopped"),
        trial(candidate("a"), 0.5),
        trial(candidate("b"), 0.7),
        trial(candidate("e"), 0.5),
        trial(candidate("i"), -math.inf),
    ]
    assert names(Goals().rank(trials)) == "baeisnf"
    best = Goals().best(trials)
    assert best is not None
    assert best.candidate.id == "b"
    assert Goals().best(trials[:2]) is None


def test_limits_come_first_and_what_is_not_measured_is_not_within_them() -> None:
    goals = Goals(limits={"bytes": 100})
    trials = [
        trial(candidate("l"), 0.9, values={"bytes": 101}),
        trial(candidate("u"), 0.8),
        trial(candidate("a"), 0.5, values={"bytes": 100}),
    ]
    assert names(goals.rank(trials)) == "alu"
    assert [goals.allow(t) for t in trials] == [False, False, True]


def test_fronts() -> None:
    goals = Goals(("score", "bytes"))
    at = {"a": (0.9, 50), "b": (0.8, 10), "c": (0.85, 60), "d": (0.7, 20), "e": (0.9, 50)}
    trials = [trial(candidate(id), score, values={"bytes": n}) for id, (score, n) in at.items()]
    assert names(goals.front(trials)) == "abe", "equal ones are on it together"
    assert names(goals.rank(trials)) == "aebcd"


@pytest.mark.parametrize("objectives", [("score",), ("score", "bytes"), ("bytes", "score", "row_ms")])
@given(st.lists(st.tuples(*[st.floats(allow_nan=True)] * 3, st.sampled_from(["finished", "stopped", "failed"]))))
def test_any_trials_can_be_ranked_in_any_order(objectives: tuple[str, ...], given: list) -> None:
    goals = Goals(objectives)
    trials = [
        trial(candidate(str(i)), s, status, values={"bytes": b, "row_ms": ms})
        for i, (s, b, ms, status) in enumerate(given)
    ]
    ranked = goals.rank(trials)
    assert sorted(map(id, ranked)) == sorted(map(id, trials))
    first = objectives[0]
    for before, after in pairwise(t for t in ranked if t.status == "finished" and is_scored(t)):
        assert not dominates(after, before, objectives)
        if len(objectives) == 1:
            assert before.values[first] >= after.values[first]


def dominates(one: Trial, other: Trial, objectives: tuple[str, ...]) -> bool:
    def costs(of: Trial) -> list[float]:
        values = [-of.values[name] if name == "score" else of.values[name] for name in objectives]
        return [math.inf if math.isnan(value) else value for value in values]

    pairs = list(zip(costs(one), costs(other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
