"""Weights that networks share: what goes in comes out, cut to the size of whoever takes it."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from automl.search_spaces.images import conv_stages
from automl.space import Defaults, draw
from automl.task import Rows
from automl.training.shared_weights import SharedWeights

X = Rows(image=np.random.default_rng(0).integers(0, 255, (6, 12, 12, 1)).astype(np.uint8))


def net(seed: int = 0, **fixed: Any) -> nn.Module:
    torch.manual_seed(seed)
    return conv_stages.make_module(draw(conv_stages.SPACE, Defaults(fixed)), X, 3)


def weights(module: nn.Module) -> Mapping[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in module.named_parameters()}


def test_a_network_gets_back_what_it_gave() -> None:
    shared, given, other = SharedWeights(), net(0), net(1)
    before = weights(given)
    shared.take_back(given)
    assert all(torch.equal(weight, before[name]) for name, weight in weights(given).items())
    shared.lend(other)
    assert all(torch.equal(weight, before[name]) for name, weight in weights(other).items())


def test_a_first_network_is_as_it_was() -> None:
    module = net()
    before = weights(module)
    SharedWeights().lend(module, torch.optim.AdamW(module.parameters()))
    assert all(torch.equal(weight, before[name]) for name, weight in weights(module).items())


def test_a_smaller_layer_is_a_part_of_a_larger_one() -> None:
    shared = SharedWeights()
    large, small = (
        nn.Sequential(nn.Conv2d(6, 8, 5), nn.Linear(4, 9)),
        nn.Sequential(nn.Conv2d(2, 3, 3), nn.Linear(3, 2)),
    )
    shared.take_back(large)
    shared.lend(small)
    assert torch.equal(small[0].weight, large[0].weight[:3, :2, 1:4, 1:4])
    assert torch.equal(small[0].bias, large[0].bias[:3])
    assert torch.equal(small[1].weight, large[1].weight[:2, :3])


def test_what_nobody_gave_stays_as_it_began() -> None:
    shared = SharedWeights()
    wide, high, both = nn.Linear(6, 2), nn.Linear(2, 5), nn.Linear(6, 5)
    own = both.weight.detach().clone()
    for given in (wide, high):
        shared.take_back(nn.Sequential(given))
    shared.lend(nn.Sequential(both))
    assert torch.equal(both.weight[:, :2], high.weight)
    assert torch.equal(both.weight[:2, 2:], wide.weight[:, 2:])
    assert torch.equal(both.weight[2:, 2:], own[2:, 2:])


def test_deeper_and_shallower_networks_share_their_stages() -> None:
    shared = SharedWeights()
    shallow, deep = net(0), net(1, **{"stages.0.depth": 3, "stages.1.block.plain.kernel": 5})
    shared.take_back(shallow)
    fresh = weights(deep)
    shared.lend(deep)
    given, lent = weights(shallow), weights(deep)
    for name in given:
        own = lent[name] if given[name].shape == lent[name].shape else lent[name][..., 1:4, 1:4]
        assert torch.equal(own, given[name]), name
    beyond = [name for name in lent if name not in given]
    assert beyond
    assert all(torch.equal(lent[name], fresh[name]) for name in beyond)


@pytest.mark.parametrize("other", ["residual", "bottleneck", "separable", "inverted", "convnext"])
def test_blocks_of_different_kinds_share_nothing(other: str) -> None:
    shared, plain, changed = SharedWeights(), net(0), net(1, **{"stages.0.block": other, "stages.1.block": "separable"})
    shared.take_back(plain)
    fresh = weights(changed)
    shared.lend(changed)
    for name, weight in weights(changed).items():
        in_block = name.startswith(("layers.1.1.", "layers.2.1."))
        assert torch.equal(weight, fresh[name]) == in_block or fresh[name].unique().numel() == 1, name


def test_what_an_optimizer_remembers_is_shared_alike() -> None:
    def trained(module: nn.Module, optimizer: torch.optim.Optimizer, n: int) -> None:
        for _ in range(n):
            optimizer.zero_grad()
            module(torch.ones(2, 3)).square().sum().backward()
            optimizer.step()

    whole = nn.Sequential(nn.Linear(3, 2))
    parts = copy.deepcopy(whole)
    alone = torch.optim.AdamW(whole.parameters(), lr=0.1)
    trained(whole, alone, 4)
    shared = SharedWeights()
    for _ in range(2):
        visitor = copy.deepcopy(parts)
        optimizer = torch.optim.AdamW(visitor.parameters(), lr=0.1)
        shared.lend(visitor, optimizer)
        trained(visitor, optimizer, 2)
        shared.take_back(visitor, optimizer)
    assert torch.equal(visitor[0].weight, whole[0].weight)
    narrow = nn.Sequential(nn.Linear(2, 1))
    optimizer = torch.optim.AdamW(narrow.parameters(), lr=0.1)
    shared.lend(narrow, optimizer)
    expected = alone.state[whole[0].weight]["exp_avg"][:1, :2]
    assert torch.equal(optimizer.state[narrow[0].weight]["exp_avg"], expected)
