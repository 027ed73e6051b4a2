"""What every loss keeps: one finite number for each row, true gradients, and less for what is better."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.option import Loss
from automl.task import TargetKind, Task
from automl.testing.rules import about, drawn_with, draws
from automl.testing.tasks import make_task

if TYPE_CHECKING:
    from torch import Tensor

    PerRow = Callable[[Tensor, Tensor], Tensor]

# Raw outputs as networks have them that are sure of themselves, or diverge.
FAR = 100.0
_STEP = 0.5


def check_loss(loss: Loss, targets: Collection[TargetKind]) -> None:
    """Check a loss on each of the ``targets`` that it is for."""
    for target in [t for t in targets if t in loss.targets]:
        task = make_task("table", target)
        width = max(task.target.width, loss.outputs)
        for params in draws(loss.space):
            with about(f"for a {target} target, {drawn_with(params)}"):
                built = loss.build(params, task.problem)
                assert callable(built), f"build returns a function, loss(scores, y); got {built!r}"
                _check_values(built, *_batch(task, width))
                _check_direction(built, task, *_batch(task, width))
                _check_far(built, *_batch(task, width))
                _check_gradient(built, *_few(*_batch(task, width)))


def _batch(task: Task, width: int) -> "tuple[Tensor, Tensor]":
    """Return raw scores (b, width), and targets (b,) as losses are given them: codes, or standardised values."""
    import torch

    scores = torch.randn(task.n_rows, width, generator=torch.manual_seed(0))
    if task.target.is_classification:
        return scores, torch.from_numpy(task.data.y)
    mean, deviation = task.problem.summaries.target_moments
    return scores, torch.from_numpy(((task.data.y - mean) / deviation).astype(np.float32))


def _few(scores: "Tensor", y: "Tensor") -> "tuple[Tensor, Tensor]":
    return scores[:8].double(), y[:8].double() if y.is_floating_point() else y[:8]


def _check_values(loss: "PerRow", scores: "Tensor", y: "Tensor") -> None:
    import torch

    for n in (len(y), 1):
        given = scores[:n].clone().requires_grad_()
        per_row = loss(given, y[:n])
        assert isinstance(per_row, torch.Tensor), f"a loss is a tensor; got {per_row!r}"
        assert per_row.shape == (n,), f"a loss is one number per row, ({n},) here; got {tuple(per_row.shape)}"
        _check_finite(per_row, given, "")


def _check_finite(per_row: "Tensor", scores: "Tensor", where: str) -> None:
    assert per_row.isfinite().all(), f"a loss is finite{where}; it is not for {int((~per_row.isfinite()).sum())} rows"
    assert per_row.requires_grad, "gradients flow through a loss to the scores; it is detached from them"
    per_row.mean().backward()
    assert scores.grad is not None, "gradients flow through a loss to the scores; there are none"
    assert scores.grad.isfinite().all(), f"the gradient of a loss is finite{where}"


def _check_far(loss: "PerRow", scores: "Tensor", y: "Tensor") -> None:
    """Scores as far as 100 must not overflow, whether they are right or wrong."""
    import torch

    signs = torch.where(scores > 0, FAR, -FAR)
    for far in (signs, -signs):
        given = far.clone().requires_grad_()
        _check_finite(loss(given, y), given, f" for scores of {FAR:g} and {-FAR:g}")


def _check_direction(loss: "PerRow", task: Task, scores: "Tensor", y: "Tensor") -> None:
    if task.target.is_classification:
        _check_classes(loss, scores, y)
    else:
        _check_distance(loss, task, scores, y)


def _check_classes(loss: "PerRow", scores: "Tensor", y: "Tensor") -> None:
    import torch

    true = torch.nn.functional.one_hot(y, scores.shape[1]) * _STEP
    wrong = torch.nn.functional.one_hot((y + 1) % scores.shape[1], scores.shape[1]) * _STEP
    right, own, off = (float(loss(given, y).mean()) for given in (scores + true, scores, scores + wrong))
    assert right < own, f"a better score for the true class lowers the loss; it goes from {own:.4g} to {right:.4g}"
    assert off > own, f"a better score for a wrong class raises the loss; it goes from {own:.4g} to {off:.4g}"


def _check_distance(loss: "PerRow", task: Task, scores: "Tensor", y: "Tensor") -> None:
    """Below and above the target: predictions that are twice as far away are worse."""
    predicted = scores.shape[1] if task.target.quantiles else 1

    def at(distance: float) -> float:
        given = [scores.clone() * 0 for _ in range(2)]
        for one, sign in zip(given, (1, -1), strict=True):
            one[:, :predicted] = (y + sign * distance)[:, None]
        return float(sum(loss(one, y).mean() for one in given))

    near, far = at(_STEP), at(2 * _STEP)
    assert near < far, (
        f"a nearer prediction lowers the loss; at distances {_STEP} and {2 * _STEP} it is {near:.4g} and {far:.4g}"
    )


def _check_gradient(loss: "Callable[[Any, Any], Any]", scores: "Tensor", y: "Tensor") -> None:
    """Hold the gradient of a loss against central differences, in float64."""
    import torch

    scores.requires_grad_()
    loss(scores, y).sum().backward()
    with torch.no_grad():
        steps = 1e-6 * torch.eye(scores.shape[1], dtype=scores.dtype)
        differences = torch.stack([(loss(scores + h, y) - loss(scores - h, y)) / 2e-6 for h in steps], dim=1)
    assert scores.grad is not None, "gradients flow through a loss to the scores; there are none"
    assert torch.allclose(scores.grad, differences, rtol=1e-3, atol=1e-5), (
        "the gradient of a loss is what the loss changes by; the two differ by up to "
        f"{float((scores.grad - differences).abs().max()):.3g}"
    )
