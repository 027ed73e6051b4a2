"""Racing: who is dropped, who is not, and what it saves."""

from typing import Any

import numpy as np
import pytest

from automl import options
from automl.errors import ConfigError
from automl.schedulers.race import Race, make, paired_p_value
from automl.types import Candidate, Trial
from tests.simulation import N_FOLDS, with_folds
from tests.trials import trial

LEADER = [0.80, 0.84, 0.82, 0.86, 0.83]


def of(id: str, scores: list[float], status: Any = "running") -> Trial:
    return with_folds(Candidate(id, {"family": "a"}), scores, status)


def with_field(keep: int = 1, losses: Any = None) -> Any:
    race = make(losses, keep=keep)
    race.on_report(of("leader", LEADER, "finished"))
    for i in range(keep - 1):
        race.on_report(of(f"field {i}", [s - 0.02 for s in LEADER], "finished"))
    return race


def test_a_candidate_below_the_leaders_worst_fold_is_dropped_once_it_is_beyond_chance() -> None:
    race = with_field()
    assert race.on_report(of("weak", [0.50])) == "continue"  # one fold is nothing to test
    assert race.on_report(of("weak", [0.50, 0.54])) == "stop"


@pytest.mark.parametrize("scores", [[0.79, 0.83], [0.805, 0.81], [0.75, 0.89], [0.9, 0.9]])
def test_a_candidate_that_is_only_slightly_worse_goes_on(scores: list[float]) -> None:
    assert with_field().on_report(of("near", scores)) == "continue"


def test_a_hard_first_fold_is_hard_for_the_leader_too() -> None:
    race = make(keep=1)
    race.on_report(of("leader", [0.50, 0.9, 0.9, 0.9, 0.9], "finished"))
    assert race.on_report(of("near", [0.49, 0.49])) == "continue"


def test_few_finished_candidates_drop_nobody() -> None:
    race = with_field(keep=5)
    assert race.on_report(of("weak", [0.5, 0.54])) == "stop"
    race = make(keep=6)
    for i in range(5):
        race.on_report(of(str(i), LEADER, "finished"))
    assert race.on_report(of("weak", [0.5, 0.54])) == "continue"


def row_losses(gap: float, n: int = 200) -> Any:
    """Losses per row that the two have in common, but for noise and for what the weak one loses beyond."""

    def losses(trial: Trial, fold: int) -> np.ndarray:
        common = np.random.default_rng(fold).gamma(1.0, size=n)
        own = np.random.default_rng([fold, len(trial.candidate.id)]).normal(scale=0.05, size=n)
        return common + own + (gap if trial.candidate.id == "weak" else 0.0)

    return losses


def test_the_rows_of_one_fold_can_be_enough() -> None:
    assert with_field(losses=row_losses(0.1)).on_report(of("weak", [0.5])) == "stop"
    assert with_field(losses=row_losses(0.0)).on_report(of("weak", [0.5])) == "continue"
    unknown = with_field(losses=lambda trial, fold: None)
    assert unknown.on_report(of("weak", [0.5])) == "continue"
    assert unknown.on_report(of("weak", [0.5, 0.54])) == "stop"


def test_a_fold_is_judged_once_and_other_ends_are_no_trouble() -> None:
    race = with_field()
    for ended in (of("x", [0.1], "failed"), trial(Candidate("y", {}), status="stopped")):
        assert race.on_report(ended) == "continue"
    assert race.on_report(trial(Candidate("z", {}), status="running")) == "continue"
    assert race.on_report(of("nan", [float("nan"), float("nan")])) == "continue"
    race.on_report(of("weak", [0.5, 0.54]))
    assert race.on_report(of("weak", [0.5, 0.54])) == "continue"


def test_the_p_value_is_that_of_a_paired_t_test() -> None:
    from scipy.stats import ttest_1samp

    differences = np.random.default_rng(0).normal(0.1, 1, 50)
    expected = ttest_1samp(differences, 0, alternative="greater").pvalue
    assert paired_p_value(differences) == pytest.approx(expected)
    assert paired_p_value(differences, shared=0.25) > expected
    assert (paired_p_value(np.ones(3)), paired_p_value(np.zeros(3)), paired_p_value(np.ones(1))) == (0.0, 1.0, 1.0)


def test_over_many_simulated_searches_it_saves_folds_and_keeps_the_best() -> None:
    """Candidates of many qualities, on rows that are hard or easy for all of them."""
    n_trials, n_rows, n_searches = 50, 200, 10
    n_folds, kept = 0, []
    for seed in range(n_searches):
        rng = np.random.default_rng(seed)
        error_rates = np.clip(rng.normal(0.2, 0.05, n_trials), 0.01, 1)
        difficulty = rng.normal(1, 0.2, (N_FOLDS, n_rows))
        losses = (rng.random((n_trials, N_FOLDS, n_rows)) < error_rates[:, None, None] * difficulty).astype(float)
        scores = 1 - losses.mean(axis=2)
        race = make(lambda trial, fold, losses=losses: losses[int(trial.candidate.id), fold])  # type: ignore[misc]
        n_of = [raced(race, str(i), list(scores[i])) for i in range(n_trials)]
        n_folds += sum(n_of)
        kept += [n_of[i] == N_FOLDS for i in np.argsort(-scores.mean(axis=1))[:5]]
    assert sum(kept) >= 0.98 * len(kept), "the five best of each search are there for the ensemble"
    assert n_folds < 0.8 * n_searches * n_trials * N_FOLDS


def raced(race: Race, id: str, scores: list[float]) -> int:
    """Run one candidate; return how many folds it was given."""
    for n in range(1, len(scores)):
        if race.on_report(of(id, scores[:n])) == "stop":
            race.on_report(of(id, scores[:n], "stopped"))
            return n
    race.on_report(of(id, scores, "finished"))
    return len(scores)


def test_options() -> None:
    race = options.make("schedulers", {"name": "race", "keep": 3, "alpha": 0.01})
    assert (race.keep, race.alpha) == (3, 0.01)
    with pytest.raises(ConfigError, match="keep of race is a whole number of at least 1"):
        options.make("schedulers", {"name": "race", "keep": 0})
