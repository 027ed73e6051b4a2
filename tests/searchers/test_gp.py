"""The Gaussian process: a kernel over any tree, scores by rank, what is under way, what stopped and failed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from automl.proposals import InOrder, Proposals
from automl.searchers._surrogate import Encoding, Surrogate, kernel
from automl.searchers.gp import GaussianProcess, log_improvement, make, normal_scores
from automl.space import Choice, Float, Int, Params, Random, Repeat, Replay, Space, draw
from automl.types import Candidate
from tests.spaces import SEEDS, spaces
from tests.trials import trial

TREE: Space = {
    "norm": Choice({"none": {}, "batch": {"momentum": Float(0, 1)}, "layer": {"scale": Float(0.01, 100, log=True)}}),
    "blocks": Repeat({"kernel": Choice([3, 5, 7])}, Int(1, 3)),
    "rate": Float(1e-4, 1, log=True),
}
SLOTS: Space = {f"slot_{i}": Choice(["a", "b", "c", "d"]) for i in range(5)}


def score(params: Params) -> float:
    """Best at 0: three blocks of kernel 7, layer norm of scale 1, rate 0.01."""
    gap = abs(np.log10(params["rate"] / 1e-2)) + sum(abs(params.get(f"blocks.{i}.kernel", 0) - 7) / 4 for i in range(3))
    return -gap - (abs(np.log10(params["norm.layer.scale"])) if params["norm"] == "layer" else 2.0)


def told(searcher: GaussianProcess, space: Space, n: int, score: Any = score, seed: int = 0) -> None:
    """Teach ``n`` random trials."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        params = draw(space, Random(rng))
        searcher.tell(trial(Candidate(f"{number}", params), score(params)))


def encoded(space: Space, n: int, seed: int) -> np.ndarray:
    encoding, rng = Encoding(), np.random.default_rng(seed)
    codes = [encoding.draw(space, Random(rng))[1] for _ in range(n)]
    return encoding.matrix(codes)


@settings(max_examples=100, deadline=None)
@given(spaces(), SEEDS)
def test_the_kernel_is_positive_semi_definite_over_any_tree(space: Space, seed: int) -> None:
    x = encoded(space, 20, seed)
    weights = np.exp(np.random.default_rng(seed).normal(0, 2, x.shape[1]))
    covariance, slope = kernel(x, x, weights)
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(covariance), 1, atol=1e-6)
    assert np.linalg.eigvalsh(covariance).min() > -1e-6
    assert (covariance <= 1 + 1e-12).all()
    assert (slope <= 0).all()


@settings(max_examples=60, deadline=None)
@given(spaces(), SEEDS)
def test_what_is_drawn_and_what_is_told_have_one_code(space: Space, seed: int) -> None:
    encoding = Encoding()
    params, code = encoding.draw(space, Random(np.random.default_rng(seed)))
    assert params == draw(space, Random(np.random.default_rng(seed)))
    assert encoding.draw(space, Replay(params)) == (params, code)


def test_an_inactive_parameter_tells_apart_and_a_far_number_more_than_a_near_one() -> None:
    encoding = Encoding()
    points = [
        {"norm": "none"},
        {"norm": "batch", "norm.batch.momentum": 0.1},
        {"norm": "batch", "norm.batch.momentum": 0.2},
        {"norm": "batch", "norm.batch.momentum": 0.9},
    ]
    x = encoding.matrix([encoding.draw({"norm": TREE["norm"]}, Replay(p))[1] for p in points])
    other, same, near, far = kernel(x, x, np.ones(x.shape[1]))[0][1]
    assert same == pytest.approx(1)
    assert 1 > near > far > other


def test_the_gradient_of_the_marginal_likelihood_is_right() -> None:
    rng = np.random.default_rng(0)
    x, y = encoded(TREE, 15, 0), rng.normal(size=15)
    noisy = np.where(rng.random(15) < 0.5, 1.0, 4.0)
    owners = list(range(x.shape[1]))
    surrogate: Any = Surrogate()
    surrogate.fit(x, y, owners, noisy, steps=0)

    def likelihood(noise: float, weights: np.ndarray) -> float:
        covariance = kernel(x, x, np.exp(weights))[0] + np.diag(np.exp(noise) * noisy)
        return -(y @ np.linalg.solve(covariance, y) + np.linalg.slogdet(covariance)[1]) / 2

    noise, weights, step = surrogate._log_noise, surrogate._log_weights, 1e-5
    by_noise, by_weights = surrogate._gradient(x, y, noisy)
    assert by_noise == pytest.approx((likelihood(noise + step, weights) - likelihood(noise, weights)) / step, abs=1e-3)
    for i, shift in enumerate(step * np.eye(len(weights))):
        change = likelihood(noise, weights + shift) - likelihood(noise, weights)
        assert by_weights[i] == pytest.approx(change / step, abs=1e-3)


def test_weights_find_out_what_matters() -> None:
    x = np.random.default_rng(0).random((60, 2))
    surrogate: Any = Surrogate()
    surrogate.fit(x, np.sin(6 * x[:, 0]), [0, 1], np.ones(60), steps=60)
    relevant, irrelevant = surrogate._log_weights
    assert relevant > irrelevant + 1


def test_what_is_under_way_counts_as_expected() -> None:
    x = encoded(TREE, 12, 1)
    y = np.random.default_rng(1).normal(size=8)
    surrogate = Surrogate()
    surrogate.fit(x[:8], y, list(range(x.shape[1])), np.ones(8), steps=0)
    alone = surrogate.predict(x[:8], y, np.ones(8), x[8:])
    believed = surrogate.predict(x[:10], y, np.ones(10), x[8:])
    np.testing.assert_allclose(believed[0], alone[0])
    assert (believed[1][:2] < alone[1][:2]).all()


def test_ranks_become_normal_quantiles() -> None:
    finished, stopped, failed = (True, 0.5, True), (True, 0.5, False), (False, 0.0, True)
    best, worse, worst = normal_scores([finished, stopped, failed])
    assert best > worse > worst
    assert best == pytest.approx(-worst)
    assert normal_scores([failed, failed]) == pytest.approx(0)


def test_the_improvement_is_that_of_a_normal_variable_and_never_flat() -> None:
    drawn = np.random.default_rng(0).standard_normal(400_000)
    for gain in (-1.0, 0.0, 2.0, 8.0):
        expected = np.maximum(gain + drawn, 0).mean()
        assert np.exp(log_improvement(np.array([gain]))[0]) == pytest.approx(expected, rel=0.02)
    tail = log_improvement(np.linspace(-1000, 20, 500))
    assert np.isfinite(tail).all()
    assert (np.diff(tail) > 0).all()


def test_candidates_of_a_batch_differ() -> None:
    searcher = make(SLOTS, 0)
    told(searcher, SLOTS, 15, lambda p: sum(v == "c" for v in p.values()))
    batch = [searcher.ask(number) for number in range(15, 23)]
    assert len({tuple(p.items()) for p in batch}) == 8


def test_failures_keep_others_away_and_do_not_undo_a_score() -> None:
    space: Space = {"place": Float(0, 1), "kind": Choice(["sound", "broken"])}
    searcher = make(space, 0)
    rng = np.random.default_rng(0)
    for number in range(20):
        params = draw(space, Random(rng))
        broken = params["kind"] == "broken"
        ended = trial(
            Candidate(str(number), params), None if broken else params["place"], "failed" if broken else "finished"
        )
        searcher.tell(ended)
    asked = [searcher.ask(number)["kind"] for number in range(20, 26)]
    assert asked.count("sound") >= 5
    best = searcher._modelled()[0]
    searcher.tell(trial(Candidate("30", best.params), status="failed", failure="proposed before"))
    assert searcher._modelled()[0] == best


def test_many_trials_are_modelled_by_the_best_and_the_newest() -> None:
    searcher = make(TREE, 0)
    told(searcher, TREE, 340)
    modelled = searcher._modelled()
    assert 150 < len(modelled) <= 300
    assert [t.worth for t in modelled] == sorted((t.worth for t in searcher._told.values()), reverse=True)[:150] + [
        t.worth for t in modelled[150:]
    ]
    assert {"330", "339"} <= {str(i) for i, t in enumerate(searcher._told.values()) if t in modelled}


def test_it_learns_a_conditional_problem_better_than_chance() -> None:
    found, chance = [], []
    for seed in range(3):
        searcher = make(TREE, seed)
        scores = []
        for number in range(40):
            params = searcher.ask(number)
            scores.append(score(params))
            searcher.tell(trial(Candidate(str(number), params), scores[-1]))
        found.append(max(scores))
        rng = np.random.default_rng(seed)
        chance.append(max(score(draw(TREE, Random(rng))) for _ in range(40)))
    assert np.mean(found) > np.mean(chance) + 0.5


def test_a_finite_space_is_exhausted() -> None:
    space: Space = {"a": Choice({"x": {"n": Int(1, 6)}, "y": {"k": Choice([1, 2, 3])}}), "b": Choice([True, False])}
    proposals = Proposals(lambda s, n: make(s, n), space)
    found = set()
    while (candidate := proposals.ask()) is not None:
        found.add(tuple(candidate.params.items()))
        proposals.tell(trial(candidate, float(len(found) % 5)))
    assert len(found) == 18


def test_a_resumed_deterministic_run_proposes_the_same() -> None:
    def proposals() -> InOrder:
        return InOrder(lambda s, n: make(s, n, startup_trials=4), TREE, lag=2)

    whole, resumed = proposals(), proposals()
    trials = []
    for _ in range(14):
        candidate = whole.ask()
        assert candidate is not None
        trials.append(trial(candidate, score(candidate.params)))
        whole.tell(trials[-1])
    for ended in trials:
        resumed.tell(ended)
    assert resumed.ask() == whole.ask()
