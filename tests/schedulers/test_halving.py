"""Halving ends what is neither good nor good for the ensemble, as asynchronous halving would but for the latter."""

from typing import Any

import numpy as np
import pytest

from automl import options
from automl.errors import ConfigError
from automl.schedulers._ray import RayScheduler
from automl.schedulers.asha import make as make_asha
from automl.schedulers.halving import make
from automl.types import Candidate, Trial
from tests.simulation import N_FOLDS, with_folds

Y = np.random.default_rng(0).normal(size=(N_FOLDS, 200))


def of(id: str, scores: list[float], status: Any = "running") -> Trial:
    return with_folds(Candidate(id, {"family": "a"}), scores, status)


def fold_score(fold: int, predicted: np.ndarray) -> float:
    return -float(np.mean((Y[fold] - predicted[:, 0]) ** 2))


def errs(id: str) -> np.ndarray:
    """The first errors are of one kind, the others of another: these balance each other."""
    kind = -1.0 if id.startswith("other") else 1.0
    return kind * np.resize([1.0, -1.0, 0.5], 200) * (1.2 if "weak" in id else 1.0)


def predicted(trial: Trial, fold: int) -> np.ndarray:
    return (Y[fold] + errs(trial.candidate.id))[:, None]


def told(halving: Any, id: str, n_folds: int = N_FOLDS) -> list[str]:
    """What the scheduler says after each fold of a candidate, until it ends it."""
    said = []
    scores = [fold_score(fold, (Y[fold] + errs(id))[:, None]) for fold in range(n_folds)]
    for k in range(1, n_folds + 1):
        said.append(halving.on_report(of(id, scores[:k], "finished" if k == N_FOLDS else "running")))
        if said[-1] == "stop":
            break
    return said


def test_a_weaker_candidate_goes_on_if_it_errs_otherwise() -> None:
    halving = make(predicted, fold_score)
    assert told(halving, "first") == ["continue"] * N_FOLDS
    assert told(halving, "weak") == ["stop"]
    assert told(halving, "other weak") == ["continue"] * N_FOLDS


@pytest.mark.parametrize("without", [{"beside": 0}, {"predicted": None}, {"predicted": lambda trial, fold: None}])
def test_where_nobody_is_spared_scores_decide_alone(without: dict[str, Any]) -> None:
    halving = make(**{"predicted": predicted, "fold_score": fold_score, **without})
    told(halving, "first")
    assert told(halving, "other weak") == ["stop"]


def test_what_a_stopped_trial_predicted_helps_nobody() -> None:
    halving = make(predicted, fold_score)
    told(halving, "first")
    told(halving, "other", 2)
    halving.on_report(of("other", [0.0, 0.0], "stopped"))
    assert told(halving, "other weak") == ["continue"] * N_FOLDS
    assert told(halving, "other weak 2") == ["stop"], "the ensemble has one of its kind"


@pytest.mark.parametrize("eta", [2, 3, 4])
def test_scores_alone_decide_as_rays_asha_does(eta: int) -> None:
    ours, rays = make(eta=eta), RayScheduler(make_asha(eta=eta))
    rng = np.random.default_rng(eta)
    for i in range(60):
        scores = list(rng.normal(rng.normal(), 0.3, N_FOLDS))
        for k in range(1, N_FOLDS + 1):
            trial = of(str(i), scores[:k], "finished" if k == N_FOLDS else "running")
            decision = ours.on_report(trial)
            assert decision == rays.on_report(trial), f"trial {i} after {k} folds"
            if decision == "stop":
                break


def test_scores_that_are_no_numbers_end_nobody_else() -> None:
    halving = make()
    assert halving.on_report(of("a", [float("nan")])) == "continue"
    assert halving.on_report(of("b", [0.5])) == "continue"
    assert halving.on_report(of("c", [float("nan")])) == "stop"
    assert halving.on_report(of("d", [0.6])) == "continue"


@pytest.mark.parametrize("option", [{"eta": 1}, {"grace_percent": 0}, {"beside": -1}, {"beside": 1.5}])
def test_wrong_options_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(option))} of halving"):
        options.make("schedulers", {"name": "halving", **option})


def test_who_was_ended_in_an_earlier_process_counts_on_its_rungs() -> None:
    """Else a resumed search, or a deterministic one, compares with survivors alone, and ends nearly everybody."""
    rng = np.random.default_rng(0)
    scores = {str(i): [float(rng.normal())] * N_FOLDS for i in range(60)}
    first, resumed = make(beside=0), make(beside=0)
    ends: dict[str, Trial] = {}
    for id, own in scores.items():
        said = [first.on_report(of(id, own[:k])) for k in range(1, N_FOLDS)]
        n_done = said.index("stop") + 1 if "stop" in said else N_FOLDS
        ends[id] = of(id, own[:n_done], "stopped" if n_done < N_FOLDS else "finished")
        first.on_report(ends[id])
    for trial in ends.values():
        resumed.on_report(trial)
    for score in np.linspace(-2, 2, 21):
        new = of(f"new {score}", [float(score)])
        assert resumed.on_report(new) == first.on_report(new)
