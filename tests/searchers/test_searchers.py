"""Search strategies on a small conditional space with a known optimum."""

import time
from typing import Any

import pytest

from automl import options as options_
from automl import registry
from automl.errors import ConfigError
from automl.proposals import Proposals
from automl.space import Choice, Float, Int, Params, Repeat, Space, validate
from automl.types import Candidate, Searcher, Trial
from tests.trials import trial

NAMES = registry.names("searchers")
TREE: Space = {
    "family": Choice(
        {
            "line": {
                "slope": Float(0.001, 1, log=True),
                "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1)}}),
            },
            "curve": {"bend": Float(0, 1), "degree": Int(1, 9)},
        }
    )
}
FINITE: Space = {"family": Choice({"a": {"depth": Int(1, 3)}, "b": {"norm": Choice(["none", "batch"])}})}
BLOCKS: Space = {"blocks": Repeat({"kernel": Choice([3, 5]), "width": Int(8, 64, log=True)}, Int(0, 3))}


def make(name: str, space: Space = TREE, **options: Any) -> Searcher:
    return options_.make("searchers", {"name": name, **options}, space, 0)


def score(params: Params) -> float:
    """Best at 1 for the curve with bend 0.3 and degree 5; a line reaches 0.3."""
    if params["family"] == "line":
        return 0.3 - abs(params["family.line.slope"] - 0.1)
    return 1 - abs(params["family.curve.bend"] - 0.3) - 0.1 * abs(params["family.curve.degree"] - 5)


def finished(number: int, params: Params) -> Trial:
    return trial(Candidate(str(number), params), score(params))


def asked(searcher: Searcher, number: int) -> Params:
    params = searcher.ask(number)
    assert params is not None
    return params


@pytest.mark.parametrize("space", [TREE, BLOCKS, {"family": Choice({"net": BLOCKS})}])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_lies_in_the_space(name: str, space: Space) -> None:
    searcher = make(name, space)
    for number in range(15):
        params = asked(searcher, number)
        assert validate(space, params) == params
        searcher.tell(trial(Candidate(str(number), params), float(number % 4)))


@pytest.mark.parametrize("name", ["tpe", "gp", "cma_es"])
def test_learning_beats_chance(name: str) -> None:
    def scores(searcher: Searcher, n: int) -> list[float]:
        found: list[float] = []
        for number in range(n):
            params = asked(searcher, number)
            searcher.tell(finished(number, params))
            found.append(score(params))
        return found

    chance = scores(make("random"), 200)
    learned = scores(make(name), 35)
    assert sum(learned[-15:]) / 15 > sum(chance) / 200 + 0.2
    assert max(learned) > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_failed_stopped_and_foreign_trials_are_no_trouble(name: str) -> None:
    searcher = make(name)
    for number in range(12):
        params = asked(searcher, number)
        candidate = Candidate(str(number), params)
        ended = [
            finished(number, params),
            trial(candidate, status="failed", failure="it broke"),
            trial(candidate, score(params), "stopped", progress=0.2),
            trial(candidate, status="stopped"),
        ]
        searcher.tell(ended[number % 4])
    searcher.tell(finished(77, {"family": "curve", "family.curve.bend": 0.123, "family.curve.degree": 4}))
    for outside in ({"family": "curve", "family.curve.bend": 7.0}, {"family": "gone", "family.gone.x": 1}, {}):
        searcher.tell(trial(Candidate("78", outside), 0.5))
    assert validate(TREE, asked(searcher, 79))


def test_the_grid_holds_each_combination_that_exists() -> None:
    searcher = make("grid", points=2)
    found: list[Params] = []
    while (params := searcher.ask(len(found))) is not None:
        found.append(params)
    lines = [p for p in found if p["family"] == "line"]
    # slope x (none, or batch with a momentum); bend x degree
    assert len(lines) == 2 * (1 + 2)
    assert len(found) == len(lines) + 2 * 2
    assert sorted({p["family.line.slope"] for p in lines}) == pytest.approx([0.001, 1.0])


def test_the_grid_over_repetitions() -> None:
    searcher = make("grid", {"blocks": Repeat({"kernel": Choice([3, 5])}, Int(0, 2))})
    found: list[Params] = []
    while (params := searcher.ask(len(found))) is not None:
        found.append(params)
    assert len(found) == 1 + 2 + 4


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_and_trials_give_the_same(name: str) -> None:
    first, second = (make(name) for _ in range(2))
    for number in range(15):
        one, two = asked(first, number), asked(second, number)
        assert one == two
        first.tell(finished(number, one))
        second.tell(finished(number, two))


def test_a_resumed_random_search_draws_what_it_would_have_drawn() -> None:
    first, second = (make("random") for _ in range(2))
    drawn = [first.ask(number) for number in range(6)]
    assert [second.ask(number) for number in range(3, 6)] == drawn[3:]


def test_changed_parameters_are_learned_as_they_ended() -> None:
    searcher: Any = make("tpe", startup_trials=1)
    number, params = 0, asked(searcher, 0)
    while params["family"] != "curve":
        number += 1
        params = asked(searcher, number)
    searcher.tell(finished(number, {**params, "family.curve.bend": 0.31415}))
    learned = [t for t in searcher._study.trials if t.value is not None]
    assert [t.params["family.curve.bend"] for t in learned] == [0.31415]


def test_tpe_stays_quick_with_many_families_and_trials() -> None:
    family = {f"p{i}": Float(0, 1) for i in range(15)}
    searcher = Proposals(lambda space, n: make("tpe", space), {"family": Choice({f"f{i}": family for i in range(10)})})
    for i in range(150):
        candidate = searcher.ask()
        assert candidate is not None
        searcher.tell(trial(candidate, float(i % 7)))
    began = time.process_time()
    for _ in range(5):
        searcher.ask()
    assert (time.process_time() - began) / 5 < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"searcher '{name}' has no option 'banana'"):
        make(name, banana=1)
