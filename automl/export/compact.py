"""Which few candidates are the compact model, and how many of their fold models answer."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations

from automl.export.choose import Ensemble, score_of
from automl.export.compress import loses_little
from automl.export.refit import unfitted
from automl.kept import KeptTrials
from automl.task import Task

# All that a compact model may lose has to halve its size so often.
HALVINGS = 2
# So many candidates answer together at most: beside a few, each further one brings little.
MOST_MEMBERS = 3


@dataclass(frozen=True)
class Compact:
    """A small model. ``weights``: of its candidates, sum 1; ``n_folds``: how many fold models of each answer."""

    weights: Mapping[str, float]
    n_folds: Mapping[str, int]
    score: float

    @property
    def single(self) -> list[str]:
        """The candidates of which one model answers."""
        return [id for id, n in self.n_folds.items() if n == 1]

    def n_bytes(self, kept: KeptTrials) -> float:
        """Return about how many bytes its models have."""
        return sum(kept.n_bytes(id) * n / len(kept.trial(id).folds) for id, n in self.n_folds.items())


def small_near(
    task: Task,
    chosen: Ensemble,
    kept: KeptTrials,
    refused: Collection[str],
    max_loss: float,
    fit_seconds: float = math.inf,
    in_time: Callable[[Compact], bool] = lambda one: True,
) -> Compact:
    """Return a small model within ``max_loss`` (relative) of what is shipped.

    Each candidate alone is looked at, and some of the shipped ones together, ``MOST_MEMBERS`` at most. Of a candidate
    that can be fitted on all rows in the end, in ``fit_seconds``, one model answers, else all fold models. A part of
    the loss has to make the model smaller by as much as ``HALVINGS`` says: the smallest of many would use up all that
    may be lost. Where none is so near, the nearest is taken that is ``in_time``. Alone, only those count that saw as
    much as the first; together, also what is shipped after a part of its folds. Of what is shipped itself, where that
    is one candidate and no other is near, half of the fold models answer.
    """
    n_answering = cache(partial(_n_answering, task, kept, fit_seconds))
    ids = [id for id in kept.ids() if id not in refused]
    alike = [id for id in ids if kept.trial(id).status == kept.trial(ids[0]).status]

    def of(weights: Mapping[str, float], score: float) -> Compact:
        return Compact(weights, {id: n_answering(id) for id in weights}, score)

    possible = [of({id: 1.0}, kept.trial(id).score or 0.0) for id in alike]
    possible += [of(some.weights, some.score) for some in _together(task, kept, chosen, ids)]
    whole = sum(map(kept.n_bytes, chosen.weights))
    smaller = [one for one in possible if one.n_bytes(kept) < whole and in_time(one)]
    near = [one for one in smaller if loses_little(chosen.score, one.score, max_loss)]
    if len(chosen.weights) == 1 and not near:
        (id,) = chosen.weights
        return Compact(chosen.weights, {id: -(-len(kept.trial(id).folds) // 2)}, chosen.score)
    allowed = max_loss * abs(chosen.score) or 1.0

    def cost(one: Compact) -> float:
        return math.log2(max(1.0, one.n_bytes(kept))) - HALVINGS * one.score / allowed

    if not smaller:
        return min(possible, key=lambda one: one.n_bytes(kept))
    return min(near, key=cost) if near else max(smaller, key=lambda one: one.score)


def _together(task: Task, kept: KeptTrials, chosen: Ensemble, ids: Collection[str]) -> Iterator[Ensemble]:
    """Yield several of the shipped candidates among ``ids`` together, with the weights that they have there."""
    shipped = [id for id in chosen.weights if id in ids]
    for n in range(2, MOST_MEMBERS + 1):
        for some in combinations(shipped, n):
            total = sum(chosen.weights[id] for id in some)
            yield score_of(task, kept, {id: chosen.weights[id] / total for id in some})


def _n_answering(task: Task, kept: KeptTrials, fit_seconds: float, id: str) -> int:
    """Return how many fold models are as good as all of them: one that is fitted on all rows in the end is."""
    in_time = any(one.seconds_on_all(task) <= fit_seconds for one in unfitted(task, kept, [id]))
    return 1 if in_time else len(kept.trial(id).folds)
