"""What every optimizer keeps: all groups of weights follow the gradients, at the learning rates that they have."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from automl.option import Option
from automl.space import Params
from automl.testing.rules import about, drawn_with, draws

if TYPE_CHECKING:
    import torch

    Weights = list[torch.nn.Parameter]

STEPS = 3


def check_optimizer(option: Option) -> None:
    """Check an optimizer on a matrix and a vector, whose group has no weight decay."""
    for params in draws(option.space):
        with about(drawn_with(params)):
            _check_descent(option, params)
            _check_rates(option, params)
            _check_decay(option, params)
            _check_state(option, params)


def _weights() -> "Weights":
    import torch

    return [torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.ones(2))]


def _in_groups(weights: "Weights") -> list[dict[str, Any]]:
    matrix, vector = weights
    return [{"params": [matrix]}, {"params": [vector], "weight_decay": 0.0}]


def _made(option: Option, params: Params, given: Any) -> "torch.optim.Optimizer":
    import torch

    with about("build"):
        optimizer = option.build(params, given)
    assert isinstance(optimizer, torch.optim.Optimizer), f"build returns a torch.optim.Optimizer; got {optimizer!r}"
    for group in optimizer.param_groups:
        assert "lr" in group, "each group of an optimizer has 'lr', its learning rate, which the schedule changes"
    return optimizer


def _step(optimizer: "torch.optim.Optimizer", weights: "Weights", slopes: Sequence[float]) -> None:
    """Take a step down ``slope * weight.sum()``, for each of the weights with its slope."""
    import torch

    for weight, slope in zip(weights, slopes, strict=True):
        weight.grad = torch.full_like(weight, slope)
    optimizer.step()


def _check_descent(option: Option, params: Params) -> None:
    """A sum has the same slope everywhere, so that no step is too long for it."""
    for make in (_in_groups, list):
        weights: Weights = _weights()
        optimizer = _made(option, params, make(weights))  # type: ignore[operator]
        for _ in range(STEPS):
            _step(optimizer, weights, (1.0, 1.0))
        for i, weight in enumerate(weights):
            assert weight.isfinite().all(), "an optimizer keeps the weights finite"
            assert (weight != 1).any(), f"an optimizer moves the weights of all groups; those of group {i} stay"
            assert weight.sum() < weight.numel(), (
                f"an optimizer goes down the slope of the loss; in group {i} the loss rises"
            )


def _check_rates(option: Option, params: Params) -> None:
    weights = _weights()
    optimizer = _made(option, params, _in_groups(weights))
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    _step(optimizer, weights, (1.0, 1.0))
    still = all((weight == 1).all() for weight in weights)
    assert still, "an optimizer moves by the learning rate of the group, group['lr']; the weights move at a rate of 0"


def _check_decay(option: Option, params: Params) -> None:
    weights = _weights()
    optimizer = _made(option, params, _in_groups(weights))
    for _ in range(STEPS):
        _step(optimizer, weights, (0.0, 0.0))
    assert (weights[1] == 1).all(), (
        "an optimizer keeps to the weight_decay of a group, here 0; its weights change where the gradient is 0"
    )


def _check_state(option: Option, params: Params) -> None:
    """One that goes on from a state takes the steps that the other takes."""
    weights = _weights()
    optimizer = _made(option, params, _in_groups(weights))
    for slope in (1.0, -0.5):
        _step(optimizer, weights, (slope, slope))
    others = copy.deepcopy(weights)
    other = _made(option, params, _in_groups(others))
    with about("load_state_dict of a state_dict"):
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for own, own_weights in ((optimizer, weights), (other, others)):
        _step(own, own_weights, (0.7, 0.7))
    same = all((one - two).abs().max() < 1e-6 for one, two in zip(weights, others, strict=True))
    assert same, "an optimizer that took over the state_dict of another goes on as that one does; it takes other steps"
