"""Faulty losses are refused."""

from typing import Any

import pytest

from automl.option import Loss
from automl.space import Float
from automl.testing import check_option
from tests.testing.faults import refused

CLASSES, VALUES = ("binary", "multiclass"), ("regression",)


def own(scores: Any, y: Any) -> Any:
    """The log-probability of the true class."""
    return scores.log_softmax(1).gather(1, y[:, None])[:, 0]


def loss(function: Any, targets: Any, **more: Any) -> Loss:
    return Loss(space={}, build=lambda params, problem: function, targets=targets, **more)


FAULTS: dict[str, tuple[Loss, str]] = {
    "its sign is flipped": (loss(own, CLASSES), "a better score for the true class lowers the loss; it goes from"),
    "its sign is flipped, of values": (
        loss(lambda scores, y: -((scores[:, 0] - y) ** 2), VALUES),
        "a nearer prediction lowers the loss",
    ),
    "ignores y": (loss(lambda scores, y: scores.square().sum(1), CLASSES), "for a binary target.* score for "),
    "ignores y, and rises": (loss(lambda scores, y: scores.sum(1), CLASSES), "a better score for the true class"),
    "ignores y, and falls": (loss(lambda scores, y: -scores.sum(1), CLASSES), "a better score for a wrong class"),
    "ignores y, of values": (loss(lambda scores, y: scores[:, 0] ** 2 * 0 + 1, VALUES), "a nearer prediction lowers"),
    "overflows": (
        loss(lambda scores, y: -scores.softmax(1).log().gather(1, y[:, None])[:, 0], CLASSES),
        "finite for scores of 100 and -100",
    ),
    "overflows, of values": (loss(lambda scores, y: (scores[:, 0] - y).cosh() - 1, VALUES), "finite for scores of 100"),
    "of all rows": (loss(lambda scores, y: ((scores[:, 0] - y) ** 2).mean(), VALUES), "a loss is one number per row"),
    "of several rows": (
        loss(lambda scores, y: ((scores.squeeze() - y) ** 2).squeeze(), VALUES),
        r"a loss is one number per row, \(1,\) here; got \(\)",
    ),
    "not finite": (loss(lambda scores, y: scores[:, 0] / 0, VALUES), "a loss is finite"),
    "detached": (loss(lambda scores, y: ((scores[:, 0] - y) ** 2).detach(), VALUES), "it is detached"),
    "another gradient": (
        loss(lambda scores, y: (scores[:, 0] - y) ** 2 + (scores[:, 0] - scores[:, 0].detach()), VALUES),
        "the gradient of a loss is what the loss changes by",
    ),
    "a number": (loss(lambda scores, y: 1.0, VALUES), "a loss is a tensor; got 1.0"),
    "nothing": (loss(None, VALUES), r"build returns a function, loss\(scores, y\); got None"),
    "for nobody": (loss(own, ()), "it is for one kind of target at least"),
    "raises": (
        Loss(space={"p": Float(1, 2)}, build=lambda params, problem: params["power"]),
        "for a binary target, with {'p': 1.*}: KeyError: 'power'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_loss_is_refused(fault: str) -> None:
    option, message = FAULTS[fault]
    refused("losses", option, message)


def test_what_an_option_raises_is_the_cause() -> None:
    with pytest.raises(AssertionError) as caught:
        check_option("losses", FAULTS["raises"][0])
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_sound_loss_is_not_refused() -> None:
    check_option("losses", loss(lambda scores, y: -own(scores, y), CLASSES))
    check_option("losses", loss(lambda scores, y: (scores[:, 0] - y) ** 2, VALUES))
