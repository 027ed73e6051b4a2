"""Test-time augmentation: views are taken where validation rows gain by them, and answers are their mean."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from automl.model_file import dumps, loads
from automl.search_spaces.images import conv_stages
from automl.search_spaces.images._views import SETS, moved
from automl.training import test_time
from automl.training.feed import Feed, evaluate
from automl.training.network import Network
from automl.training.test_time import Averaged, View
from tests.search_spaces.networks import assert_exports, fitted
from tests.search_spaces.test_image_families import digits, params

LONG = 1e6  # a fit after which there is time for every view


@pytest.fixture(scope="module")
def trained() -> Network:
    model: Any = fitted(conv_stages, params(**{"stages.n": 2}), digits(), epochs=4)
    return model


def chosen(network: Network, judge: Callable[[Tensor], float], seconds: float = LONG) -> tuple[View, ...]:
    valid = digits().fold(0)[1]
    feed = Feed(network.fitted, valid.x)
    other = network.with_module(network.fitted)
    for _ in test_time.choose(other, feed, lambda output: (judge(output), 0.0), seconds):
        pass
    return other.views


def answered(network: Network, views: tuple[View, ...]) -> Tensor:
    feed = Feed(network.fitted, digits().fold(0)[1].x)
    return torch.cat(list(evaluate(Averaged(network.fitted, views), feed)))


@pytest.mark.parametrize("best", [SETS[0][:1], *SETS])
def test_the_set_of_views_is_taken_that_answers_best(trained: Network, best: tuple[View, ...]) -> None:
    wanted = answered(trained, best)
    assert chosen(trained, lambda output: -(output - wanted).square().sum().item()) == (best if len(best) > 1 else ())


def test_one_view_is_enough_where_others_are_as_good_or_there_is_no_time_for_them(trained: Network) -> None:
    assert chosen(trained, lambda output: 0.0) == ()
    wanted = answered(trained, SETS[-1])
    assert chosen(trained, lambda output: -(output - wanted).square().sum().item(), seconds=0.0) == ()


@pytest.mark.parametrize("limit", ["multiply_adds", "bytes", "row_ms"])
def test_where_the_cost_of_answers_is_limited_there_is_one_view(trained: Network, limit: str) -> None:
    wanted = answered(trained, SETS[-1])
    limited = trained.with_module(trained.fitted)
    limited.problem = replace(trained.problem, limits={limit: 1e9})
    assert chosen(limited, lambda output: -(output - wanted).square().sum().item()) == ()


def test_it_can_be_turned_off(trained: Network) -> None:
    wanted = answered(trained, SETS[-1])
    plain = trained.with_module(trained.fitted)
    plain.params = {**trained.params, "test_time_augmentation": False}
    assert chosen(plain, lambda output: -(output - wanted).square().sum().item()) == ()


@pytest.mark.parametrize("views", SETS)
def test_answers_are_the_mean_over_the_views_stored_and_exported_too(trained: Network, views: tuple[View, ...]) -> None:
    x = digits().data.x.take(slice(0, 40))
    network = trained.with_module(trained.fitted)
    network.views = views
    image = torch.tensor(x.image).float()
    with torch.no_grad():
        mean = torch.stack([trained.fitted.eval()(moved(image, *view)) for view in views]).mean(dim=0)
    np.testing.assert_allclose(network.scores(x), mean, atol=1e-5)
    again = loads(dumps(network))
    assert again.views == views
    np.testing.assert_array_equal(again.predict(x), network.predict(x))
    assert_exports(network, x)
    assert network.diagram().parameters == trained.diagram().parameters


def test_a_fit_ends_with_views_that_are_no_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    task = digits()
    monkeypatch.setattr("automl.clock.SCORING_SHARE", LONG)
    network: Any = fitted(conv_stages, params(**{"stages.n": 2}), task, epochs=4)
    valid = task.fold(0)[1]
    score = task.metric.score(valid.y, network.predict(valid.x))
    alone = network.with_module(network.fitted)
    alone.views = ()
    assert score >= task.metric.score(valid.y, alone.predict(valid.x))


def test_moves_repeat_the_border() -> None:
    image = torch.arange(12.0).reshape(1, 3, 4, 1)
    assert moved(image, 1, 0, False)[0, :, 0, 0].tolist() == [0, 0, 4]
    assert moved(image, 0, -1, False)[0, 0, :, 0].tolist() == [1, 2, 3, 3]
    assert moved(image, 0, 1, True)[0, 0, :, 0].tolist() == [2, 1, 0, 0]
