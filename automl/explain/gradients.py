"""What a network looks at: integrated gradients of its scores by the pixels of an image."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from automl.task import Rows, present
from automl.training.torch_model import TorchModel

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 64
_AT_ONCE = 16


def integrated_gradients(
    model: TorchModel, x: Rows, base: Rows, outputs: np.ndarray, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each pixel of some images adds to a score, and the change of that score from ``base``, (n,).

    x: n images; base: one row that stands for nothing to see. outputs: (n,) of each row, which score before the link is
    explained: that of a class, beside the mean of all, or 0 for values. The contributions, (n, h, w, channels), sum to
    the change as ``steps`` grows (Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017).
    """
    import torch

    from automl.training import feed

    module = model.fitted.to(feed.place()).eval()
    start = torch.as_tensor(present(base.image), dtype=torch.float32, device=feed.place())
    found, changes = [], []
    for i, output in enumerate(outputs.tolist()):
        (*given,) = feed.Feed(module, x.take(slice(i, i + 1)))[slice(None)]
        at = feed.inputs_of(module).index("image")
        way = given[at] - start
        total = torch.zeros_like(way)
        for part in ((torch.arange(steps, device=way.device) + 0.5) / steps).split(_AT_ONCE):
            shares = part.reshape(-1, *[1] * (way.ndim - 1))
            inside = (start + shares * way).requires_grad_()
            many = [inside if j == at else value.expand(len(part), *value.shape[1:]) for j, value in enumerate(given)]
            with feed.full_precision(), torch.enable_grad():
                (slope,) = torch.autograd.grad(_score(model, module(*many), output).sum(), inside)
            total += slope.sum(dim=0)
        with torch.no_grad(), feed.full_precision():
            ends = [module(*(one if j == at else value for j, value in enumerate(given))) for one in (given[at], start)]
            change = _score(model, ends[0], output) - _score(model, ends[1], output)
        found.append((way * total / steps)[0].cpu().numpy())
        changes.append(float(change))
    module.to("cpu")
    return np.stack(found), np.array(changes)


def mean_row(x: Rows) -> Rows:
    """Return the mean of images as a row: what stands for nothing to see in particular."""
    return replace(x.take(slice(0, 1)), image=present(x.image).mean(axis=0, keepdims=True, dtype=np.float32))


def _score(model: TorchModel, raw: "Tensor", output: int) -> "Tensor":
    """Return a score before the link, (b,), of raw outputs, (b, r) or (b, members, r); of a class beside the mean one:
    what all classes share makes no difference to their probabilities.
    """
    import torch

    scores = raw if raw.ndim == 2 else raw.mean(dim=1)
    if model.head.weight is not None:
        scores = scores @ torch.as_tensor(model.head.weight, dtype=scores.dtype, device=scores.device)
    own = scores[:, output]
    return own - scores.mean(dim=1) if model.head.is_classification else own
