"""What every schedule keeps: rates are finite, not above the optimizer's own, and alike for all groups of weights."""

import math

from automl.option import Option
from automl.space import Params
from automl.testing.rules import about, drawn_with, draws

LENGTHS = (1, 2, 7, 20, 1000)
# Of a long training, some draws are enough.
_LONG, _FEW = 100, 4
RATES = (0.1, 0.01)
# The share of the steps, at least, that are no waste.
LEARNS = 0.5


def check_schedule(option: Option) -> None:
    """Check a schedule over trainings of one step and of many."""
    for n_steps in LENGTHS:
        for params in draws(option.space, _FEW if n_steps > _LONG else 20):
            with about(f"over {n_steps} steps, {drawn_with(params)}"):
                first, second = _rates(option, params, n_steps)
                _check_rates(first, second)


def _rates(option: Option, params: Params, n_steps: int) -> tuple[list[float], list[float]]:
    """Return the learning rates of two groups at each step, and at one more."""
    import torch

    weights = [torch.nn.Parameter(torch.ones(1)) for _ in RATES]
    groups = [{"params": [weight], "lr": rate} for weight, rate in zip(weights, RATES, strict=True)]
    optimizer = torch.optim.SGD(groups, lr=RATES[0])
    schedule = option.build(params, optimizer, n_steps)
    assert hasattr(schedule, "step"), f"build returns a torch.optim.lr_scheduler.LRScheduler; got {schedule!r}"
    rates: tuple[list[float], list[float]] = ([], [])
    for step in range(n_steps + 1):
        for own, group in zip(rates, optimizer.param_groups, strict=True):
            own.append(float(group["lr"]))
        optimizer.step()
        with about(f"step {step + 1}"):
            schedule.step()
    return rates


def _check_rates(first: list[float], second: list[float]) -> None:
    n_steps = len(first) - 1
    for step, rate in enumerate((*first, *second)):
        assert math.isfinite(rate), f"learning rates are finite; that of step {step % (n_steps + 1)} is {rate}"
        assert rate >= 0, f"learning rates are not below 0; that of step {step % (n_steps + 1)} is {rate}"
    assert 0 < max(first) <= RATES[0] * (1 + 1e-6), (
        f"a schedule keeps to the learning rate that the optimizer has, {RATES[0]}; its highest is {max(first):.4g}"
    )
    for step, (one, other) in enumerate(zip(first, second, strict=True)):
        expected = one * RATES[1] / RATES[0]
        assert math.isclose(other, expected, rel_tol=1e-4, abs_tol=1e-9), (
            "a schedule changes the rates of all groups by one factor; "
            f"at step {step} {RATES} have become {one:.4g} and {other:.4g}"
        )
    learning = sum(rate > 0 for rate in first[:-1]) / n_steps
    assert learning >= LEARNS, (
        f"at {LEARNS:.0%} of the steps, at least, the learning rate is above 0; it is at {learning:.0%}"
    )
