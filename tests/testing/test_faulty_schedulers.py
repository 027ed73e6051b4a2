"""Faulty schedulers are refused; each lets all trials go on but for one fault."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from automl.testing import check_option
from automl.types import Trial
from tests.testing.faults import made_by, refused


def deciding(decide: Callable[[Trial], Any], **more: Any) -> Any:
    return made_by(lambda: SimpleNamespace(on_report=decide), **more)


class StopsTheBest:
    """It keeps whatever is no better than what has come so far."""

    def __init__(self) -> None:
        self.best = -float("inf")

    def on_report(self, trial: Trial) -> str:
        better = trial.score is not None and trial.score > self.best
        if trial.score is not None:
            self.best = max(self.best, trial.score)
        return "stop" if better and trial.status == "running" and trial.score > 1 else "continue"


FAULTS: dict[str, tuple[Any, str]] = {
    "stops everything": (
        deciding(lambda trial: "stop"),
        "the best by far goes on to its end; it was stopped after 1 of",
    ),
    "stops the best": (made_by(StopsTheBest), "the best by far goes on to its end"),
    "stops everything that it may pause": (deciding(lambda trial: "stop", PAUSES=True), "the best by far"),
    "crashes on no score": (
        deciding(lambda trial: "stop" if trial.score < 0 else "continue"),
        "on_report of a failed trial with no score and no folds: TypeError",
    ),
    "crashes on no folds": (deciding(lambda trial: trial.folds[0] and "continue"), "no score and no folds: IndexError"),
    "answers yes": (deciding(lambda trial: True), "'on_report' answers 'continue' or 'stop'.* got True"),
    "pauses": (deciding(lambda trial: "pause"), "'pause' where the scheduler has PAUSES = True; got 'pause'"),
    "answers 3 where it may pause": (deciding(lambda trial: 3, PAUSES=True), "'pause', and .* got 3"),
    "makes 3": (made_by(lambda: 3), "'make' returns None, what has 'on_report', or a scheduler of Ray Tune.*got 3"),
    "makes 3 that may pause": (made_by(lambda: 3, PAUSES=True), "'make' returns None, what has 'on_report'.*got 3"),
    "raises": (made_by(lambda: {}["eta"]), "make: KeyError: 'eta'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_scheduler_is_refused(fault: str) -> None:
    option, message = FAULTS[fault]
    refused("schedulers", option, message)


def test_the_schedulers_that_the_faulty_ones_are_made_of_are_none() -> None:
    check_option("schedulers", deciding(lambda trial: "continue"))
    check_option("schedulers", deciding(lambda trial: "pause", PAUSES=True))
