"""Search strategies on a small conditional space with a known optimum."""

import time

import pytest

from automl import options as options_
from automl import registry
from automl.errors import ConfigError
from automl.searchers._start import StartWith
from automl.space import Choice, Float, Int, validate
from automl.types import Candidate, Report, Trial

NAMES = registry.names("searchers")
TREE = {
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
FINITE = {"family": Choice({"a": {"depth": Int(1, 3)}, "b": {"norm": Choice(["none", "batch"])}})}


def make(name: str, space: dict = TREE, **options):
    return options_.make("searchers", {"name": name, **options}, space, 0)


def score(candidate: Candidate) -> float:
    """Best at 1 for the curve with bend 0.3 and degree 5; a line reaches 0.3."""
    params = candidate.params
    if params["family"] == "line":
        return 0.3 - abs(params["family.line.slope"] - 0.1)
    return 1 - abs(params["family.curve.bend"] - 0.3) - 0.1 * abs(params["family.curve.degree"] - 5)


def finished(candidate: Candidate) -> Trial:
    return Trial(candidate, "finished", {"score": score(candidate)}, reports=(Report(1.0, score(candidate), 1.0),))


@pytest.mark.parametrize("name", NAMES)
def test_candidates_are_valid_and_not_repeated(name):
    searcher = make(name)
    asked = [searcher.ask() for _ in range(12)]
    assert len({tuple(sorted(c.params.items())) for c in asked}) == 12
    assert len({c.id for c in asked}) == 12
    assert all(validate(TREE, c.params) == c.params for c in asked)


@pytest.mark.parametrize("name", ["tpe", "gp", "cma_es"])
def test_learning_beats_chance(name):
    def scores(searcher, n: int) -> list[float]:
        found = []
        for _ in range(n):
            candidate = searcher.ask()
            searcher.tell(finished(candidate))
            found.append(score(candidate))
        return found

    chance = scores(make("random"), 200)
    learned = scores(make(name), 35)
    assert sum(learned[-15:]) / 15 > sum(chance) / 200 + 0.2
    assert max(learned) > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_failed_stopped_and_foreign_trials_are_no_trouble(name):
    searcher = make(name)
    for i in range(12):
        candidate = searcher.ask()
        ended = [
            finished(candidate),
            Trial(candidate, "failed", failure="it broke"),
            Trial(candidate, "stopped", {"score": score(candidate)}, reports=(Report(0.2, score(candidate), 1.0),)),
            Trial(candidate, "stopped"),
        ]
        searcher.tell(ended[i % 4])
    foreign = {"family": "curve", "family.curve.bend": 0.123, "family.curve.degree": 4}
    searcher.tell(finished(Candidate("77", foreign)))
    assert searcher.ask().params != foreign


@pytest.mark.parametrize("name", ["grid", "random"])
def test_a_finite_space_is_exhausted(name):
    searcher = StartWith(make(name, FINITE), [], FINITE)
    asked = []
    while (candidate := searcher.ask()) is not None:
        asked.append(tuple(sorted(candidate.params.items())))
        searcher.tell(Trial(candidate, "finished", {"score": 0.5}))
    assert len(set(asked)) == len(asked) == 5


def test_the_grid_holds_each_combination_that_exists():
    searcher = make("grid", points=2)
    asked = []
    while (candidate := searcher.ask()) is not None:
        asked.append(candidate.params)
    lines = [p for p in asked if p["family"] == "line"]
    # slope x (none, or batch with a momentum); bend x degree
    assert len(lines) == 2 * (1 + 2)
    assert len(asked) == len(lines) + 2 * 2
    assert sorted({p["family.line.slope"] for p in lines}) == pytest.approx([0.001, 1.0])


@pytest.mark.parametrize("name", NAMES)
def test_starts_come_first_and_ids_go_on_after_a_replay(name):
    starts = [
        {"family": "line", "family.line.slope": 0.5, "family.line.norm": "none"},
        {"family": "curve", "family.curve.bend": 0.5, "family.curve.degree": 5},
    ]
    searcher = StartWith(make(name), starts, TREE)
    searcher.tell(finished(Candidate("4", starts[0])))
    asked = [searcher.ask() for _ in range(4)]
    assert asked[0].params == starts[1]
    assert [c.id for c in asked] == ["5", "6", "7", "8"]
    assert starts[0] not in [c.params for c in asked]
    for candidate in asked:
        searcher.tell(finished(candidate))
    assert searcher.ask().id == "9"


def test_the_same_seed_asks_the_same():
    first, second = (make("tpe") for _ in range(2))
    for _ in range(15):
        one, two = first.ask(), second.ask()
        assert one == two
        first.tell(finished(one))
        second.tell(finished(two))


def test_changed_parameters_are_learned_as_they_ended():
    searcher = make("tpe", startup_trials=1)
    candidate = searcher.ask()
    while candidate.params["family"] != "curve":
        candidate = searcher.ask()
    changed = Candidate(candidate.id, {**candidate.params, "family.curve.bend": 0.31415})
    searcher.tell(finished(changed))
    learned = [t for t in searcher._study.trials if t.value is not None]
    assert [t.params["family.curve.bend"] for t in learned] == [0.31415]


def test_tpe_stays_quick_with_many_families_and_trials():
    family = {f"p{i}": Float(0, 1) for i in range(15)}
    space = {"family": Choice({f"f{i}": family for i in range(10)})}
    searcher = make("tpe", space)
    for i in range(150):
        candidate = searcher.ask()
        searcher.tell(Trial(candidate, "finished", {"score": float(i % 7)}))
    began = time.process_time()
    for _ in range(5):
        searcher.ask()
    assert (time.process_time() - began) / 5 < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options_are_refused(name):
    with pytest.raises(ConfigError, match=f"searcher '{name}' has no option 'banana'"):
        make(name, banana=1)
