"""Regularised evolution and local search: what they propose follows from what lived and what was best."""

import numpy as np
import pytest

from automl.errors import ConfigError
from automl.searchers.evolution import make as evolution
from automl.searchers.local_search import make as local_search
from automl.searchers.local_search import n_neighbours
from automl.space import Choice, Float, Int, Params, Space
from automl.types import Candidate, Searcher
from tests.trials import trial

SLOTS: Space = {f"slot_{i}": Choice(["a", "b", "c"]) for i in range(6)}


def score(params: Params) -> float:
    return float(sum(v == "b" for v in params.values()))


def n_changes(one: Params, other: Params) -> int:
    return sum(one[path] != other[path] for path in one)


def search(searcher: Searcher, n: int) -> list[Params]:
    found = []
    for number in range(n):
        params = searcher.ask(number)
        assert params is not None
        found.append(params)
        searcher.tell(trial(Candidate(str(number), params), score(params)))
    return found


def test_children_change_one_thing_of_a_living_parent() -> None:
    found = search(evolution(SLOTS, 0, population=5, tournament=2), 40)
    for i in range(5, 40):
        assert min(n_changes(found[i], parent) for parent in found[i - 5 : i]) <= 1


def test_a_crossed_child_takes_from_two_parents() -> None:
    searcher = evolution(SLOTS, 0, population=2, tournament=1, crossover=1.0)
    for number, option in enumerate("ac"):
        searcher.tell(trial(Candidate(str(number), dict.fromkeys(SLOTS, option)), 1.0))
    children = [searcher.ask(number) for number in range(2, 22)]
    assert any(min(list(c.values()).count("a"), list(c.values()).count("c")) >= 2 for c in children)


@pytest.mark.parametrize("make", [evolution, local_search])
def test_they_find_what_chance_does_not(make: object) -> None:
    best = [max(map(score, search(make(SLOTS, seed), 70))) for seed in range(3)]  # type: ignore[operator]
    assert np.mean(best) > 5.5  # of 729 candidates one has 6, and twelve have 5


def test_a_tournament_is_not_larger_than_the_population() -> None:
    with pytest.raises(ConfigError, match="tournament of evolution"):
        evolution(SLOTS, population=5, tournament=6)


def test_neighbours_are_counted() -> None:
    space: Space = {"kind": Choice({"a": {"x": Float(0, 1)}, "b": {}, "c": {}}), "n": Int(3, 3)}
    assert n_neighbours(space, {"kind": "a", "kind.a.x": 0.5, "n": 3}) == 2 + 2
    assert n_neighbours(space, {"kind": "b", "n": 3}) == 2


def test_a_climb_goes_through_neighbours_and_begins_anew_at_a_peak() -> None:
    space: Space = {f"slot_{i}": Choice(["a", "b"]) for i in range(4)}
    searcher = local_search(space, 0, startup_trials=1)
    found = search(searcher, 16)
    assert max(map(score, found)) == 4
    peak = next(i for i, params in enumerate(found) if score(params) == 4)
    around = [params for params in found[peak + 1 :] if n_changes(params, found[peak]) == 1]
    assert around
    unique = {tuple(p.items()) for p in found[: peak + 1]}
    assert len(unique) == peak + 1
