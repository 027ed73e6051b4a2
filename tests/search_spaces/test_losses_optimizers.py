"""Losses against values worked out by hand or by scikit-learn; optimizers and schedules on small problems."""

from math import cosh, log
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from automl import registry
from automl.space import Defaults, Params, Random, draw

LOSSES = registry.names("losses")
OPTIMIZERS = registry.names("optimizers")
SCHEDULES = registry.names("schedules")
SCORES = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.3, -0.2], [-3.0, 4.0, 1.0], [0.1, 0.2, 0.3]])
CODES = torch.tensor([0, 2, 1, 1])
P = SCORES.double().softmax(1).numpy()
P_TRUE = P[np.arange(4), CODES.numpy()]
VALUES = torch.tensor([[0.5], [-2.0], [1.0], [0.0]])
Y = torch.tensor([0.0, 1.0, 1.2, -0.1])
ERROR = (VALUES[:, 0] - Y).numpy().astype(np.float64)
SUMMARIES = {"class_counts": (5, 2, 0), "target_range": (0.0, 9.0), "target_moments": (3.0, 2.0)}
OF_NUMBERS = {"regression", "quantiles"}
QUANTILES = (0.2, 0.8)
PROBLEM = SimpleNamespace(summaries=SimpleNamespace(**SUMMARIES), target=SimpleNamespace(quantiles=QUANTILES))


def loss_of(name: str, **params: Any) -> Any:
    option = registry.load("losses", name)
    return option.build(draw(option.space, Defaults(params)), PROBLEM)


def raw(option: Any, values: torch.Tensor) -> torch.Tensor:
    """Put zeros behind values, where a loss takes more than one output of each; say them for each quantile."""
    if option.targets == ("quantiles",):
        return values.repeat(1, len(QUANTILES))
    return torch.nn.functional.pad(values, (0, option.outputs - 1))


def hinge() -> np.ndarray:
    wrong = np.maximum(0, 1.0 - (SCORES.numpy()[np.arange(4), CODES][:, None] - SCORES.numpy()))
    wrong[np.arange(4), CODES] = 0
    return wrong.sum(axis=1) / 3


def adjusted() -> np.ndarray:
    s = SCORES.numpy() + np.log(np.array([6, 3, 1]) / 10)
    return np.log(np.exp(s).sum(axis=1)) - s[np.arange(4), CODES]


def asymmetric() -> np.ndarray:
    shifted = np.maximum(P - 0.05, 1e-7)
    wrong = -np.log(1 - shifted) * shifted**4
    return -np.log(P_TRUE) * (1 - P_TRUE) + wrong.sum(axis=1) - wrong[np.arange(4), CODES]


def with_margins() -> np.ndarray:
    s = SCORES.numpy().astype(np.float64)
    s[np.arange(4), CODES] -= 0.5 * np.array([5, 2, 1])[CODES] ** -0.25
    return np.log(np.exp(s).sum(axis=1)) - s[np.arange(4), CODES]


def balanced() -> np.ndarray:
    weights = 0.1 / (1 - 0.9 ** np.array([5, 2, 1]))
    return -np.log(P_TRUE) * (weights * 7 / (weights * [5, 2, 0]).sum())[CODES]


def tweedie() -> np.ndarray:
    mu, amount = VALUES[:, 0].numpy() / 1.5 + 1, Y.numpy() / 1.5 + 1
    mu = np.where(mu > 0.05, mu, 0.0025 / (0.1 - np.minimum(mu, 0.05)))
    return mu**0.5 / 0.5 + amount * mu**-0.5 / 0.5


CASES = [
    ("cross_entropy", {"smoothing": 0.0}, lambda: -np.log(P_TRUE)),
    ("cross_entropy", {"smoothing": 0.1}, lambda: -(0.9 * np.log(P_TRUE) + 0.1 * np.log(P).mean(axis=1))),
    ("focal", {"gamma": 2.0}, lambda: -((1 - P_TRUE) ** 2) * np.log(P_TRUE)),
    ("poly1_cross_entropy", {"epsilon": 1.5}, lambda: -np.log(P_TRUE) + 1.5 * (1 - P_TRUE)),
    ("generalized_cross_entropy", {"q": 0.7}, lambda: (1 - P_TRUE**0.7) / 0.7),
    ("brier", {}, lambda: np.square(P - np.eye(3)[CODES]).sum(axis=1)),
    ("multi_margin", {"margin": 1.0, "power": 1}, hinge),
    ("logit_adjusted", {"tau": 1.0}, adjusted),
    ("asymmetric", {"gamma_true": 1.0, "gamma_wrong": 4.0, "margin": 0.05}, asymmetric),
    ("symmetric_cross_entropy", {"alpha": 0.3, "beta": 0.5}, lambda: -0.3 * np.log(P_TRUE) + 2 * (1 - P_TRUE)),
    ("ldam", {"margin": 0.5}, with_margins),
    ("class_balanced", {"overlap": 0.1}, balanced),
    ("tweedie", {"power": 1.5}, tweedie),
    ("gaussian_likelihood", {"least_variance": 0.01}, lambda: 0.5 * (log(1.01) + ERROR**2 / 1.01)),
    ("squared", {}, lambda: ERROR**2),
    ("absolute", {}, lambda: np.abs(ERROR)),
    ("huber", {"delta": 1.0}, lambda: np.where(np.abs(ERROR) < 1, ERROR**2 / 2, np.abs(ERROR) - 0.5)),
    ("log_cosh", {}, lambda: [log(cosh(e)) for e in ERROR]),
    ("quantile", {"level": 0.8}, lambda: np.where(ERROR < 0, -0.8 * ERROR, 0.2 * ERROR)),
    ("pinball", {}, lambda: np.abs(ERROR) / 2),  # of both quantiles together, which are as far from the median
]


@pytest.mark.parametrize(("name", "params", "expected"), CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_a_loss_has_the_value_of_its_formula(name: str, params: Params, expected: Any) -> None:
    option = registry.load("losses", name)
    given = (raw(option, VALUES), Y) if OF_NUMBERS & set(option.targets) else (SCORES, CODES)
    got = loss_of(name, **params)(*given)
    assert got.shape == (4,)
    np.testing.assert_allclose(got.numpy(), expected(), rtol=1e-5, atol=1e-6)


def test_every_loss_has_a_case() -> None:
    assert {c[0] for c in CASES} == set(LOSSES)


def test_losses_agree_with_scikit_learn() -> None:
    y, p = CODES.numpy(), P
    assert loss_of("cross_entropy")(SCORES, CODES).mean().item() == pytest.approx(sk.log_loss(y, p), rel=1e-5)
    quantile = loss_of("quantile", level=0.3)(VALUES, Y).mean().item()
    assert quantile == pytest.approx(sk.mean_pinball_loss(Y.numpy(), VALUES[:, 0].numpy(), alpha=0.3), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_even_for_extreme_scores(name: str) -> None:
    option = registry.load("losses", name)
    rng = np.random.default_rng(0)
    for _ in range(10):
        loss = option.build(draw(option.space, Random(rng)), PROBLEM)
        if OF_NUMBERS & set(option.targets):
            values, y = torch.tensor([[0.0], [1e4], [-1e4], [1.0]]), torch.tensor([0.0, 0.0, 3.0, 1.0])
            scores = raw(option, values)
        else:
            scores, y = torch.tensor([[80.0, -80.0, 0.0], [-80.0, 80.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([0, 0, 2])
        scores.requires_grad_(True)
        value = loss(scores, y)
        assert value.shape == y.shape
        assert value.isfinite().all()
        value.mean().backward()
        assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_a_better_score_costs_less(name: str) -> None:
    option = registry.load("losses", name)
    loss = option.build(draw(option.space, Defaults()), PROBLEM)
    if OF_NUMBERS & set(option.targets):
        costs = loss(raw(option, torch.tensor([[1.1], [1.6], [3.0]])), torch.tensor([1.0, 1.0, 1.0]))
    else:
        costs = loss(torch.tensor([[1.5, 0.0, 0.0], [0.5, 0.0, 0.0], [-2.0, 0.0, 0.0]]), torch.tensor([0, 0, 0]))
    assert costs[0] < costs[1] < costs[2]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_lowers_a_quadratic_and_spares_groups_from_decay(name: str) -> None:
    option = registry.load("optimizers", name)
    params = draw(option.space, Defaults())
    weight = torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))
    bias = torch.nn.Parameter(torch.tensor([0.5]))
    optimizer = option.build(params, [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0}])
    assert [g["weight_decay"] for g in optimizer.param_groups] == [params["weight_decay"], 0.0]
    start = last = 1.0 + 4.0 + 0.25
    for _ in range(5):
        for _ in range(20):
            optimizer.zero_grad()
            loss = weight.square().sum() + bias.square().sum()
            loss.backward()
            optimizer.step()
        assert loss.item() < last
        last = loss.item()
    assert last < start - 0.05


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_any_parameters_of_its_space(name: str) -> None:
    option = registry.load("optimizers", name)
    rng = np.random.default_rng(0)
    for _ in range(10):
        weight = torch.nn.Parameter(torch.ones(2, 2))
        optimizer = option.build(draw(option.space, Random(rng)), [weight])
        weight.square().sum().backward()
        optimizer.step()
        assert weight.isfinite().all()
        assert (weight != 1).all()


def rates(name: str, n_steps: int = 100, optimizer: str = "sgd", **params: Any) -> np.ndarray:
    option = registry.load("schedules", name)
    weight = torch.nn.Parameter(torch.ones(1))
    made = registry.load("optimizers", optimizer)
    built = made.build(draw(made.space, Defaults({"lr": 0.1})), [{"params": [weight]}])
    schedule = option.build(draw(option.space, Defaults(params)), built, n_steps)
    got = []
    for _ in range(n_steps):
        got.append(built.param_groups[0]["lr"])
        built.step()
        schedule.step()
    return np.array(got)


@pytest.mark.parametrize(
    ("name", "params", "first", "last"),
    [
        ("constant", {"warmup": 0.0}, 0.1, 0.1),
        ("constant", {"warmup": 0.1}, 0.01, 0.1),
        ("cosine", {"warmup": 0.1}, 0.01, 0.0),
        ("linear", {"warmup": 0.1}, 0.01, 0.0),
        ("step", {"drops": 2, "factor": 0.1}, 0.1, 0.001),
        ("one_cycle", {"rising": 0.3, "start": 0.1}, 0.01, 0.0),
    ],
)
def test_a_schedule_begins_peaks_and_ends_where_it_should(name: str, params: Params, first: float, last: float) -> None:
    got = rates(name, **params)
    assert got[0] == pytest.approx(first)
    assert got.max() == pytest.approx(0.1, rel=0.01)
    assert got[-1] == pytest.approx(last, abs=0.0015)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_a_schedule_bears_very_short_training(name: str, n_steps: int) -> None:
    got = rates(name, n_steps)
    assert (got >= 0).all()
    assert (got <= 0.1 + 1e-9).all()
    assert got.max() > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_cycle_works_with_every_optimizer(optimizer: str) -> None:
    assert rates("one_cycle", optimizer=optimizer).max() == pytest.approx(0.1, rel=0.01)


def test_step_decay_drops_evenly() -> None:
    got = rates("step", n_steps=90, drops=2, factor=0.1)
    np.testing.assert_allclose(got, np.repeat([0.1, 0.01, 0.001], 30))


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (16, 16), (1, 7)])
def test_muon_makes_every_direction_of_an_update_about_as_long(shape: tuple[int, int]) -> None:
    from automl.search_spaces.optimizers.muon import orthogonal

    u, _, v = torch.linalg.svd(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), full_matrices=False)
    uneven = u * torch.logspace(0, -1.5, min(shape)) @ v
    made = orthogonal(uneven)
    assert made.shape == shape
    assert ((torch.linalg.svdvals(made) > 0.6) & (torch.linalg.svdvals(made) < 1.3)).all()
    assert torch.allclose((u.mT @ made @ v.mT).diagonal().sum(), torch.linalg.svdvals(made).sum(), atol=1e-3)


@pytest.mark.parametrize(("own", "highest"), [(0.9, 0.95), (0.5, 0.55), (0.95, 0.95), (0.99, 0.99)])
@pytest.mark.parametrize("n_steps", [2, 3, 20, 100])
def test_one_cycle_turns_around_the_momentum_that_a_candidate_has(own: float, highest: float, n_steps: int) -> None:
    option = registry.load("schedules", "one_cycle")
    for make in (
        lambda weight: torch.optim.SGD([weight], lr=0.1, momentum=own),
        lambda weight: torch.optim.AdamW([weight], lr=0.1, betas=(own, 0.99)),
    ):
        for rising in (0.05, 0.3, 0.5):
            optimizer = make(torch.nn.Parameter(torch.ones(1)))
            schedule = option.build(draw(option.space, Defaults({"rising": rising})), optimizer, n_steps)
            seen = []
            for _ in range(n_steps):
                group = optimizer.param_groups[0]
                seen.append(group["betas"][0] if "betas" in group else group["momentum"])
                optimizer.step()
                schedule.step()
            assert seen[0] == pytest.approx(highest)
            assert highest - 0.1 - 1e-9 <= min(seen)
            assert max(seen) <= highest + 1e-9
