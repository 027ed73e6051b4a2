"""Faulty runners are refused; each is the one of this process but for one fault."""

import copy
import subprocess
import threading
from typing import Any

import pytest

from automl.runners.blocks import taken_up
from automl.runners.inline import Inline
from automl.testing import check_option, runners
from automl.types import Budget
from tests.testing.faults import made_by, refused

NONE = {"name": "none"}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runners of this process do at once what they do; no faulty one is waited for."""
    monkeypatch.setattr(runners, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(runners, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(runners, "DEADLINES", (0.3, 0.6))


class NoRun:
    start = close = lambda self: None


class RunsNothing(Inline):
    def run(self, *given: Any) -> Any:
        yield from ()


class ReturnsNothing(Inline):
    def run(self, *given: Any) -> Any:
        return None


class NeverTells(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        deaf = copy.copy(proposals)
        deaf.told = []
        return super().run(objective, deaf, scheduler, budget)


class TellsTwice(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        for snapshot in super().run(objective, proposals, scheduler, budget):
            if snapshot.status != "running":
                proposals.tell(snapshot)
            yield snapshot


class ReportsTwice(Inline):
    def run(self, *given: Any) -> Any:
        for snapshot in super().run(*given):
            yield from [snapshot] * (1 if snapshot.status == "running" else 2)


class OnlyEnds(Inline):
    def run(self, *given: Any) -> Any:
        return (snapshot for snapshot in super().run(*given) if snapshot.status != "running")


class LetsErrorsThrough(Inline):
    def _trial(self, objective: Any, candidate: Any, decider: Any, deadline: Any) -> Any:
        snapshot = taken_up(candidate)
        yield snapshot
        for snapshot in objective(candidate, 1, deadline):
            if snapshot.status != "running":
                break
            yield snapshot
        return snapshot


class IgnoresTheBudget(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        return super().run(objective, proposals, scheduler, Budget(deadline=budget.deadline))


class IgnoresTheDeadline(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        return super().run(objective, proposals, scheduler, Budget(trials=budget.trials))


class IgnoresTheScheduler(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        return super().run(objective, proposals, NONE, budget)


class AsksForEver(Inline):
    def run(self, objective: Any, proposals: Any, scheduler: Any, budget: Any) -> Any:
        first = None
        for snapshot in super().run(objective, proposals, scheduler, budget):
            first = first or snapshot
            yield snapshot
        while budget == Budget():
            yield first


class ClosesOnce(Inline):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("it is closed already")
        self.closed = True


FAULTS: dict[str, tuple[Any, str]] = {
    "makes None": (lambda: None, "'make' of a runner returns has the methods start, run, close; got None"),
    "raises": (lambda: {}["workers"], "make: KeyError: 'workers'"),
    "no run": (NoRun, "without 'run'"),
    "runs nothing": (lambda: RunsNothing(1), "a budget of 3 trials is kept; there were 0"),
    "returns nothing": (lambda: ReturnsNothing(1), "returns a generator of trials; got None"),
    "never tells": (lambda: NeverTells(1), "the proposer is told each trial that has ended"),
    "tells twice": (lambda: TellsTwice(1), "told of a trial once"),
    "reports twice": (lambda: ReportsTwice(1), "is reported once when it has ended"),
    "only ends": (lambda: OnlyEnds(1), "the first snapshot of a trial says that it runs"),
    "lets errors through": (lambda: LetsErrorsThrough(1), "one of which raises: ValueError: the kernel"),
    "ignores the budget": (lambda: IgnoresTheBudget(1), r"ends when its budget is spent .*trials=3"),
    "ignores the deadline": (lambda: IgnoresTheDeadline(1), "in a run with a deadline: a run ends when"),
    "ignores the scheduler": (lambda: IgnoresTheScheduler(1), "stops scores below a half"),
    "asks for ever": (lambda: AsksForEver(1), "exhausted space: a run ends when"),
    "closes once": (lambda: ClosesOnce(1), "close, also where all is closed: RuntimeError: it is closed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_runner_is_refused(fault: str) -> None:
    make, message = FAULTS[fault]
    refused("runners", made_by(lambda: make()), message)


def test_the_runner_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("runners", made_by(lambda: Inline(1)))


def test_what_a_runner_leaves_behind_is_named() -> None:
    over, processes = threading.Event(), list[subprocess.Popen]()

    class LeavesThread(Inline):
        def start(self) -> None:
            threading.Thread(target=over.wait, name="left over").start()

    class LeavesProcess(Inline):
        def start(self) -> None:
            processes.append(subprocess.Popen(["sleep", "60"]))

    try:
        refused("runners", made_by(lambda: LeavesThread(1)), "leaves no thread behind; there are left over")
        refused("runners", made_by(lambda: LeavesProcess(1)), "leaves no process behind; 1 are there")
    finally:
        over.set()
        for process in processes:
            process.kill()
            process.wait()
