"""What is proposed, in which order, under which id: with each searcher, near the end, and in a resumed run."""

import time
from itertools import count

import numpy as np
import pytest

from automl import options, registry
from automl.errors import ConfigError
from automl.goals import Goals
from automl.proposals import InOrder, MakeSearcher, Proposals
from automl.space import Choice, Float, Int, Params, Space, draw, validate
from automl.space import Random as RandomAnswers
from automl.types import Candidate, Trial
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
STARTS: list[Params] = [
    {"family": "line", "family.line.slope": 0.5, "family.line.norm": "none"},
    {"family": "curve", "family.curve.bend": 0.5, "family.curve.degree": 5},
]
FINITE: Space = {"family": Choice({"a": {"depth": Int(1, 3)}, "b": {"norm": Choice(["none", "batch"])}})}
PACES: Space = {"family": Choice({"slow": {"x": Float(0, 1)}, "quick": {"x": Float(0, 1)}})}
IDS = count(100)


def named(name: str) -> MakeSearcher:
    return lambda space, n: options.make("searchers", {"name": name}, space, n)


def asked(proposals: Proposals) -> Candidate:
    candidate = proposals.ask()
    assert candidate is not None
    return candidate


def finished(candidate: Candidate) -> Trial:
    return trial(candidate, float(len(candidate.id)))


@pytest.mark.parametrize("name", NAMES)
def test_candidates_are_valid_numbered_and_not_repeated(name: str) -> None:
    proposals = Proposals(named(name), TREE)
    candidates = [asked(proposals) for _ in range(12)]
    assert len({tuple(sorted(c.params.items())) for c in candidates}) == 12
    assert [c.id for c in candidates] == [str(i) for i in range(12)]
    assert all(validate(TREE, c.params) == c.params for c in candidates)


@pytest.mark.parametrize("name", NAMES)
def test_starts_come_first_and_ids_go_on_after_a_replay(name: str) -> None:
    proposals = Proposals(named(name), TREE, starts=STARTS)
    proposals.tell(finished(Candidate("4", STARTS[0])))
    candidates = [asked(proposals) for _ in range(4)]
    assert candidates[0].params == STARTS[1]
    assert [c.id for c in candidates] == ["5", "6", "7", "8"]
    assert STARTS[0] not in [c.params for c in candidates]
    for candidate in candidates:
        proposals.tell(finished(candidate))
    assert asked(proposals).id == "9"


@pytest.mark.parametrize("name", NAMES)
def test_a_finite_space_is_exhausted(name: str) -> None:
    proposals = Proposals(named(name), FINITE)
    found = []
    while (candidate := proposals.ask()) is not None:
        found.append(tuple(sorted(candidate.params.items())))
        proposals.tell(trial(candidate, 0.5))
    assert len(set(found)) == len(found) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_long_run_goes_on_where_it_was(name: str) -> None:
    rng = RandomAnswers(np.random.default_rng(0))
    earlier = [trial(Candidate(str(i), draw(TREE, rng)), 0.5) for i in range(60)]
    first = Proposals(named(name), TREE)
    for _ in range(20):
        earlier.append(trial(Candidate(str(len(earlier)), asked(first).params), 0.5))
    resumed = Proposals(named(name), TREE)
    for one in earlier:
        resumed.tell(one)
    candidate = asked(resumed)
    assert candidate.id == "80"
    assert candidate.params not in [t.candidate.params for t in earlier]


class Stubborn:
    """Proposes one thing, whatever is asked; keeps what it is told."""

    def __init__(self, params: Params) -> None:
        self.params = params
        self.told: list[Trial] = []

    def ask(self, number: int) -> Params | None:
        return self.params

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


def test_a_searcher_that_repeats_itself_is_told_and_then_helped() -> None:
    stubborn = Stubborn(STARTS[0])
    proposals = Proposals(lambda space, n: stubborn, TREE)
    assert asked(proposals).params == STARTS[0]
    other = asked(proposals)
    assert other.params != STARTS[0]
    assert validate(TREE, other.params) == other.params
    assert {(t.candidate.id, t.status) for t in stubborn.told} == {("1", "failed")}


def near_the_end(seconds_left: float, name: str = "random") -> Proposals:
    return Proposals(named(name), PACES, deadline=time.time() + seconds_left)


def ended(family: str, seconds: float, progress: float = 1.0) -> Trial:
    candidate = Candidate(str(next(IDS)), {"family": family, f"family.{family}.x": 0.5})
    return trial(candidate, 0.5, "stopped", progress=progress, seconds=seconds)


def families(proposals: Proposals, n: int = 20) -> set[str]:
    candidates = [proposals.ask() for _ in range(n)]
    return {c.family for c in candidates if c is not None}


def test_what_is_not_known_is_let_through() -> None:
    assert families(near_the_end(1)) == {"slow", "quick"}


@pytest.mark.parametrize("name", ["random", "tpe", "gp"])
def test_a_family_that_takes_too_long_is_left_out_and_the_others_go_on(name: str) -> None:
    proposals = near_the_end(40, name)
    under_way = asked(proposals)
    # A fifth of the way in 20 seconds: 100 for the whole.
    for one in (ended("slow", 20.0, 0.2), ended("quick", 1.0)):
        proposals.tell(one)
    assert families(proposals) == {"quick"}
    proposals.tell(trial(under_way, 0.7))
    assert families(proposals) == {"quick"}


def test_what_is_beyond_a_limit_is_no_lesson_for_the_others_either_after_families_were_left_out() -> None:
    told: list[Trial] = []

    def noting(space: Space, number: int) -> Stubborn:
        searcher = Stubborn({"family": "quick", "family.quick.x": 0.25})
        searcher.told = told
        return searcher

    proposals = Proposals(noting, PACES, deadline=time.time() + 40, goals=Goals(limits={"bytes": 100}))
    large = trial(Candidate("0", {"family": "quick", "family.quick.x": 0.5}), 0.9, values={"bytes": 1000})
    for one in (large, ended("slow", 20.0, 0.2)):
        proposals.tell(one)
    asked(proposals)
    assert [(t.score or 0) < 0 for t in told if t.candidate.id == "0"] == [True, True], "before, and anew"


def test_it_ends_where_nothing_fits() -> None:
    proposals = near_the_end(0.2)
    for one in (ended("slow", 20.0), ended("quick", 1.0)):
        proposals.tell(one)
    assert proposals.ask() is None


class Lost:
    """A searcher that fails when it is told, or asked, after a while."""

    def __init__(self, told: int, asked: int) -> None:
        self.told, self.asked = told, asked

    def ask(self, number: int) -> Params:
        self.asked -= 1
        if self.asked < 0:
            raise KeyError("model")
        return STARTS[self.asked % 2] | {"family": "line"}

    def tell(self, trial: Trial) -> None:
        self.told -= 1
        if self.told < 0:
            raise ZeroDivisionError


@pytest.mark.parametrize(("told", "asked"), [(0, 100), (3, 100), (100, 0), (100, 3)])
@pytest.mark.parametrize("kind", [Proposals, InOrder])
def test_candidates_are_drawn_without_a_searcher_that_fails(
    kind: type[Proposals], told: int, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    proposals = kind(lambda space, n: Lost(told, asked), TREE)
    found = []
    for _ in range(12):
        found.append(candidate := proposals.ask())
        assert candidate is not None
        proposals.tell(finished(candidate))
    assert len({tuple(sorted(c.params.items())) for c in found}) == 12
    assert len([r for r in caplog.records if "The searcher is lost" in r.message]) == 1


def test_what_a_searcher_says_is_an_error_of_use_ends_the_run() -> None:
    class Refusing:
        def ask(self, number: int) -> Params:
            raise ConfigError("No.")

        def tell(self, trial: Trial) -> None: ...

    with pytest.raises(ConfigError, match=r"No\."):
        Proposals(lambda space, n: Refusing(), TREE).ask()


def test_what_is_given_more_time_proposes_again() -> None:
    proposals = Proposals(named("random"), TREE, deadline=time.time() - 5)
    assert proposals.ask() is None
    proposals.extend(time.time() + 60)
    assert proposals.ask() is not None
