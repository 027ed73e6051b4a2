"""Near the end only what may be done in time is asked for."""

import time
from itertools import count

import pytest

from automl import registry
from automl.searchers._in_time import InTime
from automl.space import Choice, Float, Space
from automl.types import Candidate, Report, Searcher, Trial

SPACE = {"family": Choice({"slow": {"x": Float(0, 1)}, "quick": {"x": Float(0, 1)}})}

IDS = count()


def searcher(seconds_left: float, name: str = "random") -> InTime:
    def make(space: Space, n: int) -> Searcher:
        return registry.load("searchers", name).make(space, n)

    return InTime(make, SPACE, time.time() + seconds_left)


def ended(family: str, seconds: float, progress: float = 1.0) -> Trial:
    candidate = Candidate(f"t{next(IDS)}", {"family": family, f"family.{family}.x": 0.5})
    return Trial(candidate, "stopped", {"score": 0.5}, reports=(Report(progress, 0.5, seconds),), seconds=seconds)


def families(asked: Searcher, n: int = 20) -> set[str]:
    candidates = [asked.ask() for _ in range(n)]
    return {c.family for c in candidates if c is not None}


def test_what_is_not_known_is_let_through() -> None:
    assert families(searcher(1)) == {"slow", "quick"}


@pytest.mark.parametrize("name", ["random", "tpe", "gp"])
def test_a_family_that_takes_too_long_is_left_out_and_the_others_go_on(name: str) -> None:
    own = searcher(40, name)
    under_way = own.ask()
    assert under_way is not None
    # A fifth of the way in 20 seconds: 100 for the whole.
    for trial in (ended("slow", 20.0, 0.2), ended("quick", 1.0)):
        own.tell(trial)
    assert families(own) == {"quick"}
    own.tell(Trial(under_way, "finished", {"score": 0.7}, reports=(Report(1.0, 0.7, 1.0),), seconds=1.0))
    assert families(own) == {"quick"}


def test_it_ends_where_nothing_fits() -> None:
    own = searcher(0.2)
    for trial in (ended("slow", 20.0), ended("quick", 1.0)):
        own.tell(trial)
    assert own.ask() is None
