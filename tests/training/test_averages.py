"""Means of weights along a training, and the statistics that go with them."""

import copy

import torch
from torch import nn

from automl.training import averages


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def walked(average: averages.Average, live: nn.Module, n: int = 10) -> list[nn.Module]:
    """Change the weights ``n`` times; return what they were after each."""
    seen = []
    for i in range(1, n + 1):
        with torch.no_grad():
            for weight in live.parameters():
                weight.add_(torch.randn_like(weight))
        average.update(live, i / n)
        seen.append(copy.deepcopy(live))
    return seen


def test_a_stochastic_average_is_the_mean_of_the_last_weights_with_its_own_statistics() -> None:
    live = network()
    average = averages.of({"average": "swa", "average.swa.start": 0.75}, live)
    seen = walked(average, live)
    rows = torch.randn(64, 2) * 3 + 1
    assert average.now(live, False, ()) is live
    found = average.now(live, True, [(rows[:32],), (rows[32:],)])
    for name, weight in found.named_parameters():
        expected = torch.stack([module.get_parameter(name) for module in seen[7:]]).mean(dim=0)
        torch.testing.assert_close(weight, expected)
    norm = found[1]  # type: ignore[index]
    torch.testing.assert_close(norm.running_mean, found[0](rows).mean(dim=0).detach())  # type: ignore[index]
    assert norm.momentum == 0.1


def test_a_moving_average_lies_between_its_beginning_and_the_newest_weights() -> None:
    live = network()
    average = averages.of({"average": "ema", "average.ema.decay": 0.9}, live)
    first, seen = copy.deepcopy(live), walked(average, live, 1)
    (at,) = (p[0, 0].item() for p in average.now(live, False, ()).parameters() if p.ndim > 1)
    ends = sorted(m.get_parameter("0.weight")[0, 0].item() for m in (first, seen[0]))
    assert ends[0] < at < ends[1]


def test_without_an_average_the_newest_weights_predict() -> None:
    live = network()
    assert averages.of({"average": "none"}, live).now(live, True, ()) is live
