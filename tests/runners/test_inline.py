"""Trials in this process."""

import time
from typing import Any

import pytest

from automl import options, registry
from automl.errors import ConfigError
from automl.runners.blocks import reason
from automl.schedulers._ray import result_of
from automl.testing.toy import Line
from automl.types import Budget, Candidate, Report, Trial
from tests.runners.objectives import Toy

NONE = {"name": "none"}


def run(toy: Toy, line: Line, budget: Budget, scheduler: dict = NONE) -> list[Trial]:
    return list(registry.load("runners", "inline").make(threads=1).run(toy, line, scheduler, budget))


def ended(snapshots: list[Trial]) -> list[Trial]:
    return [s for s in snapshots if s.status != "running"]


def test_each_trial_starts_reports_and_ends_once() -> None:
    line = Line([{"x": 0.3}, {"x": 0.4}])
    snapshots = run(Toy(), line, Budget(trials=2))
    assert [s.candidate.id for s in snapshots] == ["0"] * 7 + ["1"] * 7
    assert [len(s.reports) for s in snapshots[:7]] == [0, 1, 2, 3, 4, 5, 5]
    assert [t.status for t in ended(snapshots)] == ["finished"] * 2
    assert line.told == ended(snapshots)
    assert line.told[1].score == pytest.approx(0.4)


def test_a_failed_trial_is_a_row_with_a_reason() -> None:
    trials = ended(run(Toy(), Line([{"x": 0.3}, {"x": 0.6, "do": "raise"}], n=3), Budget()))
    assert [t.status for t in trials] == ["finished", "failed", "finished"]
    assert trials[1].failure == "ValueError: the kernel is not positive definite"


def test_the_deadline_ends_a_trial_where_it_stands() -> None:
    deadline = time.time() + 0.25
    trials = ended(run(Toy(seconds=0.1), Line([{"x": 0.3}]), Budget(deadline=deadline)))
    assert time.time() < deadline + 0.3
    assert trials[-1].status == "stopped"
    assert 0 < len(trials[-1].reports) < 5


def test_closing_the_generator_closes_the_trial() -> None:
    snapshots = registry.load("runners", "inline").make().run(Toy(), Line([{"x": 0.3}]), NONE, Budget())
    next(snapshots)
    next(snapshots)
    snapshots.close()
    with pytest.raises(StopIteration):
        next(snapshots)


@pytest.mark.parametrize("scheduler", [{"name": "asha"}, {"name": "median_stopping", "min_trials": 1}])
def test_schedulers_stop_weak_trials_without_ray(scheduler: dict[str, Any]) -> None:
    line = Line([{"x": 0.9}, {"x": 0.1}, {"x": 0.95}])
    trials = ended(run(Toy(), line, Budget(trials=3), scheduler))
    assert [t.status for t in trials] == ["finished", "stopped", "finished"]
    assert len(trials[1].reports) == 1
    assert trials[1].score == pytest.approx(0.1)

    import ray

    assert not ray.is_initialized()


@pytest.mark.parametrize("name", ["hyperband", "pbt"])
def test_schedulers_that_need_several_trials_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="runner=ray_tune"):
        run(Toy(), Line([{"x": 0.3}]), Budget(trials=1), {"name": name})


def test_unknown_options_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'threads'"):
        options.make("runners", {"name": "inline", "thread": 2})
    with pytest.raises(ConfigError, match="Did you mean 'grace_percent'"):
        run(Toy(), Line([{"x": 0.3}]), Budget(trials=1), {"name": "asha", "grace_period": 3})
    with pytest.raises(ConfigError, match=r"eta of asha is a number of at least 1\.01; got 'three'"):
        run(Toy(), Line([{"x": 0.3}]), Budget(trials=1), {"name": "asha", "eta": "three"})


def test_what_schedulers_see() -> None:
    reports = tuple(Report(k / 5, 0.5, 1.0) for k in (1, 2, 3))
    trial = Trial(Candidate("0", {"family": "a"}), "running", {"score": 0.5}, reports=reports)
    assert result_of(trial) == {"progress": 60.0, "score": 0.5}
    assert reason(ValueError("a\n  b")) == "ValueError: a b"
    assert reason(ConfigError("Do this.")) == "Do this."
