"""Faulty schedules are refused; each is a constant rate but for one fault."""

from collections.abc import Callable
from typing import Any

import pytest
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from automl.option import Schedule
from automl.testing import check_option
from tests.testing.faults import refused


def by_factor(factor: Callable[[int, int], float]) -> Callable[[Any, int], Any]:
    """A schedule by ``factor(step, n_steps)``."""
    return lambda optimizer, n_steps: LambdaLR(optimizer, lambda step: factor(step, n_steps))


def ending(step: int, n_steps: int) -> float:
    if step > n_steps:
        raise ValueError("the schedule is over")
    return 1.0


def of_twenty(optimizer: Any, n_steps: int) -> Any:
    return OneCycleLR(optimizer, 0.1, total_steps=max(20, n_steps))


def of_the_first_group(optimizer: Any, n_steps: int) -> Any:
    return LambdaLR(optimizer, [lambda step: 1 - step / (n_steps + 1), lambda step: 1.0])


FAULTS: dict[str, tuple[Callable[[Any, int], Any], str]] = {
    "not a number": (by_factor(lambda step, n: float("nan") if step else 1.0), "learning rates are finite; .* is nan"),
    "fails over one step": (by_factor(lambda step, n: 1 - step / (n - 1)), "over 1 steps, with {}: .*ZeroDivision"),
    "fails below 20 steps": (by_factor(lambda step, n: 1 / (n // 20)), "over 1 steps, with {}: ZeroDivision"),
    "zero after five steps": (by_factor(lambda step, n: float(step < 5)), "over 20 steps.* above 0; it is at 25%"),
    "only the first group": (of_the_first_group, "the rates of all groups by one factor"),
    "one rate for all groups": (of_twenty, "the rates of all groups by one factor"),
    "over a step later": (by_factor(ending), "step 2: ValueError: the schedule is over"),
    "below zero": (by_factor(lambda step, n: 1 - 2 * step / n), "learning rates are not below 0"),
    "above the rate": (by_factor(lambda step, n: 2.0), "keeps to the learning rate that the optimizer has, 0.1; "),
    "always zero": (by_factor(lambda step, n: 0.0), "its highest is 0"),
    "no schedule": (lambda optimizer, n_steps: None, "build returns a torch.optim.lr_scheduler.LRScheduler; got None"),
}


def schedule(make: Callable[[Any, int], Any]) -> Schedule:
    return Schedule(space={}, build=lambda params, optimizer, n_steps: make(optimizer, n_steps))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_schedule_is_refused(fault: str) -> None:
    make, message = FAULTS[fault]
    refused("schedules", schedule(make), message)


def test_the_schedule_that_the_faulty_ones_are_made_of_is_none() -> None:
    check_option("schedules", schedule(by_factor(lambda step, n: 1.0)))
