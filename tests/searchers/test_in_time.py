"""Near the end only what may be done in time is asked for."""

import time

from automl.searchers._in_time import TRIES, InTime
from automl.types import Candidate, Report, Trial


class Alternating:
    """Asks for a slow and a quick family in turn."""

    def __init__(self) -> None:
        self.asked = 0
        self.told: list[Trial] = []

    def ask(self) -> Candidate | None:
        self.asked += 1
        return Candidate(str(self.asked), {"family": "slow" if self.asked % 2 else "quick"})

    def tell(self, trial: Trial) -> None:
        self.told.append(trial)


def ended(family: str, seconds: float, progress: float = 1.0) -> Trial:
    report = Report(progress, 0.5, seconds)
    return Trial(Candidate(family, {"family": family}), "stopped", 0.5, reports=(report,), seconds=seconds)


def test_what_is_not_known_is_let_through() -> None:
    searcher = InTime(Alternating(), time.time() + 1)
    assert [searcher.ask().family for _ in range(2)] == ["slow", "quick"]


def test_a_family_that_takes_too_long_is_left_out() -> None:
    inner = Alternating()
    searcher = InTime(inner, time.time() + 60)
    # A fifth of the way in 20 seconds: 100 for the whole.
    for trial in (ended("slow", 20.0, 0.2), ended("quick", 1.0)):
        searcher.tell(trial)
    assert [searcher.ask().family for _ in range(3)] == ["quick"] * 3
    # Their own searcher learns that they were not tried.
    assert [t.status for t in inner.told] == ["stopped", "stopped", "failed", "failed", "failed"]


def test_it_ends_where_nothing_fits() -> None:
    inner = Alternating()
    searcher = InTime(inner, time.time() + 0.5)
    for trial in (ended("slow", 20.0), ended("quick", 1.0)):
        searcher.tell(trial)
    assert searcher.ask() is None
    assert inner.asked == TRIES
