"""Test-time augmentation: a network answers with the mean over several views of a row where validation rows gain by it.

As networks for images have been evaluated since AlexNet (Krizhevsky et al., NeurIPS 2012). Here the set of views is
chosen once a network is trained: nothing is trained anew to compare them, and no view is taken that does harm.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from automl import clock
from automl.training.feed import Feed, evaluate, place

if TYPE_CHECKING:
    from automl.training.network import Network

# What a view of a row is, is for the module to know: plain values, so that a model is data.
View = tuple[Any, ...]
# Limits on what answers cost forbid it: the trials that are held to them have one view.
_COSTLY = ("multiply_adds", "bytes", "row_ms")
# A fit has to be long for what it takes to answer so many rows, even where fewer validate: what is shipped is
# calibrated, compared and timed on rows too, for each of several networks.
_LEAST_ROWS = 5_000


class Averaged(nn.Module):
    """What ``module`` answers on average over ``views`` of a row: ``module.seen(view, *inputs)`` makes each of them.

    Shape: that of ``module``.
    """

    def __init__(self, module: nn.Module, views: Sequence[View]) -> None:
        super().__init__()
        self.module, self.views = module, tuple(views)
        self.inputs: tuple[str, ...] = module.inputs  # type: ignore[assignment]
        self.widens: int = getattr(module, "widens", 1)

    def forward(self, *inputs: Tensor) -> Tensor:
        answers = [self.module(*self.module.seen(view, *inputs)) for view in self.views]  # type: ignore[operator]
        return torch.stack(answers).mean(dim=0)


def choose(
    network: "Network", feed: Feed, judge: Callable[[Tensor], tuple[float, float]], seconds: float
) -> Iterator[None]:
    """Set ``network.views`` to the best of ``module.view_sets``; to none where one view is as good.

    ``feed``: the validation rows; ``judge``: what raw outputs for them are worth, greater is better. ``seconds``: how
    long the fit took: answering them, or ``_LEAST_ROWS``, may take ``clock.SCORING_SHARE`` of it, so a short fit looks
    at fewer views, or at none. Yields between slices of the rows.
    """
    module = network.fitted
    sets: Sequence[Sequence[View]] = getattr(module, "view_sets", ())
    network.views = ()
    limited = any(name in network.problem.limits for name in _COSTLY)
    if not sets or limited or not network.params.get("test_time_augmentation"):
        return
    module, answers = copy.deepcopy(module).to(place()), dict[View, Tensor]()
    began, possible = clock.stopwatch(), 1
    best = -math.inf, -math.inf
    for views in ((sets[0][0],), *sets):
        if len(views) > possible:
            continue
        for view in views:
            if view not in answers:
                parts = []
                for part in evaluate(Averaged(module, [view]), feed):
                    parts.append(part)
                    yield
                answers[view] = torch.cat(parts)
        worth = judge(torch.stack([answers[view] for view in views]).mean(dim=0))
        if worth > best:
            best, network.views = worth, tuple(views) if len(views) > 1 else ()
        took = (clock.stopwatch() - began) / len(answers) * max(1.0, _LEAST_ROWS / feed.n_rows)
        possible = int(clock.SCORING_SHARE * seconds / max(took, 1e-9))
