"""Ray's schedulers behind ours, and ours behind Ray's."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from automl import options
from automl.schedulers._ray import RayScheduler
from automl.types import Candidate, Decision, Trial
from tests.simulation import with_folds
from tests.trials import trial

RULES = ({"name": "asha", "eta": 2}, {"name": "asha", "brackets": 2}, {"name": "median_stopping", "min_trials": 1})


def make(rule: dict) -> RayScheduler:
    return RayScheduler(options.make("schedulers", rule))


def of(id: int, scores: list[float], status: Any = "running") -> Trial:
    return with_folds(Candidate(str(id), {"family": "a"}), scores, status)


@pytest.mark.parametrize("rule", [RULES[0], RULES[2]])
def test_a_weak_trial_is_stopped_also_beside_others(rule: dict) -> None:
    scheduler = make(rule)
    # Two at a time: a strong one and a weak one.
    assert scheduler.on_report(of(0, [0.9])) == "continue"
    assert scheduler.on_report(of(1, [0.1])) == "stop"
    assert scheduler.on_report(of(0, [0.9, 0.9])) == "continue"
    assert scheduler.on_report(of(1, [0.1, 0.1])) == "stop"
    assert scheduler.on_report(of(1, [0.1, 0.1], "stopped")) == "stop"
    assert scheduler.on_report(of(0, [0.9] * 5, "finished")) == "continue"
    assert scheduler.on_report(of(2, [0.2, 0.2])) == "stop"
    assert scheduler.on_report(of(3, [0.95, 0.95])) == "continue"


@pytest.mark.parametrize("rule", RULES)
def test_several_reports_at_a_time_are_decided_about_like_one_by_one(rule: dict) -> None:
    rng = np.random.default_rng(0)
    single, grouped = make(rule), make(rule)
    for id in range(30):
        scores = list(rng.normal(0.1 * rng.normal(), 0.01, 5))
        first, at = "continue", 0
        while first == "continue" and at < 4:
            at += 1
            first = single.on_report(of(id, scores[:at]))
        single.on_report(of(id, scores[:at], "stopped") if first == "stop" else of(id, scores, "finished"))
        assert grouped.on_report(of(id, scores[:at])) == first
        assert grouped.on_report(of(id, scores[:at])) == first  # nothing new: the same answer
        grouped.on_report(of(id, scores[:at], "stopped") if first == "stop" else of(id, scores, "finished"))


@pytest.mark.parametrize("rule", RULES)
def test_ends_of_all_kinds_are_no_trouble(rule: dict) -> None:
    scheduler = make(rule)
    for id, ended in enumerate(
        (
            of(0, [0.5] * 5, "finished"),
            of(1, [0.5, 0.4], "stopped"),
            of(2, [0.5], "failed"),
            trial(Candidate("3", {}), status="failed", failure="it broke"),
            trial(Candidate("4", {}), status="stopped"),
            of(5, [float("nan")], "finished"),
        )
    ):
        assert ended.candidate.id == str(id)
        scheduler.on_report(ended)
    assert scheduler.on_report(of(6, [0.9])) == "continue"


def test_numpys_global_generator_is_left_alone() -> None:
    np.random.seed(3)  # noqa: NPY002
    first = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    make(RULES[1]).on_report(of(0, [0.5]))
    assert np.random.random() == first  # noqa: NPY002


class Strict:
    """A scheduler of ours: stops what scores below a half, pauses what scores one."""

    def __init__(self) -> None:
        self.told: list[Trial] = []

    def on_report(self, trial: Trial) -> Decision:
        self.told.append(trial)
        assert trial.score is not None
        return "pause" if trial.score == 1 else "stop" if trial.score < 0.5 else "continue"


def test_a_scheduler_of_ours_in_ray_tune() -> None:
    from ray.tune.schedulers import TrialScheduler

    from automl.runners._ray_scheduler import TuneScheduler

    strict = Strict()
    ours: Any = TuneScheduler(strict, lambda result: result["snapshot"])
    assert isinstance(ours, TrialScheduler)
    tune_trial: Any = SimpleNamespace(trial_id="x")
    for score, action in ((0.7, "CONTINUE"), (1.0, "PAUSE"), (0.2, "STOP")):
        assert ours.on_trial_result(None, tune_trial, {"snapshot": of(0, [score])}) == action
    ours.on_trial_complete(None, tune_trial, {"snapshot": of(0, [0.2])})
    assert strict.told[-1].status == "stopped"
    ours.on_trial_result(None, tune_trial, {"snapshot": of(1, [0.7])})
    ours.on_trial_error(None, tune_trial)
    assert (strict.told[-1].candidate.id, strict.told[-1].status) == ("1", "failed")
    ours.on_trial_complete(None, tune_trial, {"snapshot": of(2, [0.9] * 5, "finished")})
    assert strict.told[-1].status == "finished"
