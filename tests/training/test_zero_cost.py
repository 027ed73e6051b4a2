"""Scores of networks before they are trained: those of small ones are worked out by hand."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from automl.assemble import build
from automl.export.measure import measured
from automl.goals import ZERO_COST
from automl.training import zero_cost
from automl.training.objective import FitFolds
from automl.types import Candidate
from tests.tasks import defaults, make


def outputs_alone(raw: Tensor) -> Tensor:
    return raw.sum(dim=1)


def score(name: str, module: nn.Module, *inputs: Tensor) -> float | None:
    return zero_cost.scores(module, inputs, outputs_alone, [name]).get(name)


def test_the_gradient_of_a_linear_layer_is_the_mean_of_its_inputs() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    assert score("grad_norm", nn.Linear(2, 1, bias=False), x) == pytest.approx(math.log(math.hypot(2, 4)))


def test_through_each_layer_flows_all_of_what_flows() -> None:
    module = nn.Sequential(nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False))
    first, second = (layer.weight.detach().abs().double() for layer in module)
    x = torch.ones(5, 3)
    assert score("synflow", module, x) == pytest.approx(math.log(2 * 5 * float((second @ first).sum())))


def test_rows_agree_in_the_units_that_both_switch_alike() -> None:
    module = nn.Sequential(nn.Linear(1, 3, bias=False), nn.ReLU())
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0], [2.0], [-1.0]]))
    kernel = [[3, 0], [0, 3]]  # rows of opposite signs agree nowhere
    assert score("nwot", module, torch.tensor([[1.0], [-1.0]])) == pytest.approx(math.log(np.linalg.det(kernel)))
    assert score("nwot", module, torch.tensor([[1.0], [1.0]])) is None  # they cannot be told apart


def test_a_deeper_network_moves_more() -> None:
    def stack(depth: int) -> nn.Module:
        blocks = [
            layer for _ in range(depth) for layer in (nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        ]
        return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), *blocks)

    x = torch.rand(8, 1, 6, 6)
    found = [score("zen", stack(depth), x) or 0.0 for depth in (1, 3, 6)]
    assert found == sorted(found)
    assert score("zen", nn.Embedding(3, 2), torch.tensor([[0, 1], [1, 2]])) is None  # codes cannot be moved


def test_a_module_stays_as_it_is() -> None:
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(3, 64), nn.BatchNorm1d(64), nn.ReLU()), torch.rand(6, 3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.random.get_rng_state()
    assert len(zero_cost.scores(module, [x], outputs_alone, ZERO_COST)) == len(ZERO_COST)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


@pytest.mark.parametrize(
    ("kind", "family"),
    [("image", "conv_stages"), ("sequence", "temporal_conv"), ("text", "subword_conv"), ("table", "realmlp")],
)
def test_they_are_values_of_a_trial(kind: str, family: str) -> None:
    task = make(kind, "binary")
    params = defaults(task, family)
    assert params is not None
    objective = FitFolds(task, measure=partial(measured, names=("parameters", *ZERO_COST)))
    values = list(objective(Candidate("0", {**params, f"family.{family}.epochs": 1}), 1, None))[-1].values
    assert {"grad_norm", "synflow", "nwot", "parameters"} <= values.keys()


def test_what_is_no_network_has_none() -> None:
    task = make("table", "binary")
    params = defaults(task, "linear")
    assert params is not None
    model = build(params, task.problem)
    list(model.fit(*task.fold(0)))
    assert measured(task, model, ZERO_COST) == {}
