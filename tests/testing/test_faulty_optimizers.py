"""Faulty optimizers are refused; each goes down the slope but for one fault."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from automl.option import Optimizer
from automl.space import Float
from automl.testing import check_option
from tests.testing.faults import refused


class Descends(torch.optim.Optimizer):
    """Gradient descent with momentum and decoupled weight decay."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.1, "weight_decay": 0.1})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.groups():
            for weight in group["params"]:
                weight.mul_(1 - group["lr"] * self.decay(group))
                weight.add_(self.direction(weight), alpha=-self.rate(group))

    def groups(self) -> list[dict[str, Any]]:
        return self.param_groups

    def decay(self, group: dict[str, Any]) -> float:
        return group["weight_decay"]

    def rate(self, group: dict[str, Any]) -> float:
        return group["lr"]

    def direction(self, weight: torch.Tensor) -> torch.Tensor:
        momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
        return momentum.mul_(0.9).add_(weight.grad)


class Ascends(Descends):
    def rate(self, group: dict[str, Any]) -> float:
        return -group["lr"]


class LeavesTheSecondGroup(Descends):
    def groups(self) -> list[dict[str, Any]]:
        return self.param_groups[:1]


class IgnoresTheRate(Descends):
    def rate(self, group: dict[str, Any]) -> float:
        return 0.1


class DecaysAll(Descends):
    def decay(self, group: dict[str, Any]) -> float:
        return 0.1


class KeepsItsStateApart(Descends):
    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self.apart: dict[Any, Any] = {}

    def direction(self, weight: torch.Tensor) -> torch.Tensor:
        return self.apart.setdefault(weight, torch.zeros_like(weight)).mul_(0.9).add_(weight.grad)


class Diverges(Descends):
    def direction(self, weight: torch.Tensor) -> torch.Tensor:
        return super().direction(weight) / 0


class StandsStill(Descends):
    def groups(self) -> list[dict[str, Any]]:
        return []


class NeedsGroups(Descends):
    def __init__(self, parameters: Any) -> None:
        super().__init__([{**group} for group in parameters])


FAULTS: dict[str, tuple[Any, str]] = {
    "ascends": (Ascends, "goes down the slope of the loss; in group 0 the loss rises"),
    "leaves the second group": (LeavesTheSecondGroup, "moves the weights of all groups; those of group 1 stay"),
    "ignores the rate": (IgnoresTheRate, "moves by the learning rate of the group"),
    "decays all": (DecaysAll, "keeps to the weight_decay of a group, here 0"),
    "is none": (lambda given: SimpleNamespace(step=print), "build returns a torch.optim.Optimizer; got"),
    "keeps its state apart": (KeepsItsStateApart, "took over the state_dict of another goes on as that one does"),
    "diverges": (Diverges, "keeps the weights finite"),
    "stands still": (StandsStill, "moves the weights of all groups; those of group 0 stay"),
    "needs groups": (NeedsGroups, "build: TypeError"),
    "raises": (lambda given: {}["momentum"], r"with {'lr': 0.1}: build: KeyError: 'momentum'"),
}


def optimizer(make: Any) -> Optimizer:
    return Optimizer(space={"lr": Float(0.1, 0.2, default=0.1)}, build=lambda params, parameters: make(parameters))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_optimizer_is_refused(fault: str) -> None:
    make, message = FAULTS[fault]
    refused("optimizers", optimizer(make), message)


def test_the_optimizer_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("optimizers", optimizer(Descends))
