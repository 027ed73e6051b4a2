"""Greedy ensemble selection over out-of-fold predictions, bagged where these are few (Caruana et al., ICML 2004)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from automl import pooling
from automl.metrics import Metric, mean
from automl.target import Target

# Scores are compared on at most this many rows, and numbers: the choice between models does not need more.
MAX_ROWS, MAX_NUMBERS = 20_000, 200_000
# So many additions in a row that do not help end the selection: one alone may need a second to balance it.
MOST_WORSE = 5
# Where a class has fewer rows than FEW, one selection follows chance (its out-of-fold score is up to .01 of ROC AUC too
# good, and the heaviest member may be a poor one): so many are averaged, each of so many rounds over half of the models
# and of rows drawn anew, no class with more than MOST_TIMES as many as the rarest.
FEW, BAGS, BAG_ROUNDS, MOST_TIMES = 1_000, 8, 10, 10


def fold_scores(
    metric: Metric,
    y: np.ndarray,
    prediction: np.ndarray,
    weights: np.ndarray | None,
    folds: Sequence[np.ndarray],
    decision: np.ndarray | None = None,
) -> list[float]:
    """Return the scores of the folds; rows without a prediction (NaN) are left out, and folds without rows.

    Models of different folds need not be on one scale, so rows of different folds are not ranked together.
    ``decision``: what labels are decided by, (k,); by default as ``metric.score`` does.
    """
    has = np.isfinite(prediction).all(axis=1)
    scores = []
    for rows in (index[has[index]] for index in folds):
        own = None if weights is None else weights[rows]
        if len(rows) and decision is None:
            scores.append(metric.score(y[rows], prediction[rows], own))
        elif len(rows):
            scores.append(metric.score_decided(y[rows], prediction[rows], decision, own))
    return scores


def select(
    target: Target,
    predictions: Mapping[str, np.ndarray],
    y: np.ndarray,
    metric: Metric,
    folds: Sequence[np.ndarray],
    weights: np.ndarray | None = None,
    rounds: int = 30,
    max_members: int = 6,
    seed: int = 0,
) -> dict[str, float]:
    """Return the weight of each chosen model, summing to 1, heaviest first.

    Starts from the best model and adds, with replacement, the one that helps most, ``rounds`` times at most; the
    first few additions that gave the greatest mean score over ``folds`` (row indices of each validation part) are
    kept. At most ``max_members`` different models, so that what is shipped stays small. Where a class has few rows, the
    mean of several such selections is taken, unless the best model alone is better.

    ``predictions``: (n, width) per model, NaN where a model predicted nothing. Only rows
    that every model predicted are compared. Models answer together as ``pooling`` has it.
    """
    names = list(predictions)
    known = [np.isfinite(p).all(axis=1) for p in predictions.values()]
    rows = np.flatnonzero(np.all(known, axis=0))
    most = min(MAX_ROWS, MAX_NUMBERS // target.width)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    parts = [np.flatnonzero(np.isin(rows, index)) for index in folds]
    seen = _Seen(
        target,
        metric,
        pooling.opinion(target, np.stack([predictions[name][rows] for name in names])),
        y[rows],
        None if weights is None else weights[rows],
        [part for part in parts if len(part)],
    )
    if len(names) > 2 and target.is_classification and seen.rarest < FEW:
        share = _bagged(seen, min(rounds, BAG_ROUNDS), max_members, np.random.default_rng(seed))
    else:
        share = _greedy(seen, range(len(names)), rounds, max_members)
    order = np.argsort(-share, kind="stable")
    return {names[i]: float(share[i]) for i in order if share[i] > 0}


@dataclass(frozen=True)
class _Seen:
    """What a selection looks at. ``stack``: (models, n, width) opinions; ``folds``: rows of each validation part."""

    target: Target
    metric: Metric
    stack: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    folds: Sequence[np.ndarray]

    @property
    def rarest(self) -> int:
        """How many rows the rarest of the classes that there are has."""
        counts = np.bincount(self.y)
        return int(counts[counts > 0].min())

    def decide(self, average: np.ndarray) -> np.ndarray | None:
        """Return by what labels are decided best where models answer so, (k,)."""
        return self.metric.decide(self.y, pooling.answer(self.target, average), self.weights)

    def score(self, average: np.ndarray, decision: np.ndarray | None) -> float:
        """Return the mean score over the folds where models answer so."""
        answer = pooling.answer(self.target, average)
        return mean(fold_scores(self.metric, self.y, answer, self.weights, self.folds, decision))

    def drawn(self, rng: np.random.Generator) -> "_Seen":
        """Return as many rows of each fold and class, drawn with replacement; of frequent classes fewer."""
        most = MOST_TIMES * self.rarest / len(self.folds)
        parts = []
        for fold in self.folds:
            of_class = [fold[self.y[fold] == code] for code in np.unique(self.y[fold])]
            parts.append(np.concatenate([rng.choice(rows, min(len(rows), math.ceil(most))) for rows in of_class]))
        ends = np.cumsum([0, *map(len, parts)])
        rows = np.concatenate(parts)
        weights = None if self.weights is None else self.weights[rows]
        folds = [np.arange(*pair) for pair in pairwise(ends)]
        return _Seen(self.target, self.metric, self.stack[:, rows], self.y[rows], weights, folds)


def _greedy(seen: _Seen, models: Sequence[int], rounds: int, max_members: int) -> np.ndarray:
    """Return the share of each model, (models,), after additions of some of them."""
    best = -np.inf
    chosen: list[int] = []
    n_best, total = 0, np.zeros_like(seen.stack[0])
    while len(chosen) < rounds and len(chosen) < n_best + MOST_WORSE:
        full = len(set(chosen)) >= max_members
        choices = [i for i in models if i in chosen or not full]
        # Another model changes little of what is best to decide by: so it is found once a round.
        decision = seen.decide(total / len(chosen)) if chosen else None
        size = len(chosen) + 1
        tried = [
            seen.score((total + seen.stack[i]) / size, decision if chosen else seen.decide(seen.stack[i]))
            for i in choices
        ]
        # Of equal ones, a member that is there already keeps the ensemble small.
        next_one = max(zip(tried, (i in chosen for i in choices), (-i for i in choices), strict=True))
        chosen.append(-next_one[2])
        total += seen.stack[chosen[-1]]
        if next_one[0] > best:
            best, n_best = next_one[0], len(chosen)
    counts = np.bincount(chosen[: max(1, n_best)], minlength=len(seen.stack))
    return counts / counts.sum()


def _bagged(seen: _Seen, rounds: int, max_members: int, rng: np.random.Generator) -> np.ndarray:
    """Return the mean share of each model over selections of drawn rows and models; of the heaviest ones alone.

    The best model has everything where it is better alone.
    """
    n_models = len(seen.stack)
    share = np.zeros(n_models)
    for _ in range(BAGS):
        some = np.sort(rng.choice(n_models, max(2, math.ceil(n_models / 2)), replace=False))
        share += _greedy(seen.drawn(rng), some.tolist(), rounds, max_members)
    share[np.argsort(-share, kind="stable")[max_members:]] = 0
    share /= share.sum()
    alone = [seen.score(one, seen.decide(one)) for one in seen.stack]
    together = np.tensordot(share, seen.stack, 1)
    best = int(np.argmax(alone))
    return share if seen.score(together, seen.decide(together)) >= alone[best] else np.eye(n_models)[best]


def blend(target: Target, predictions: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return what the chosen models predict together, (n, width), NaN where one of them predicted nothing."""
    return pooling.pooled(target, [predictions[name] for name in weights], list(weights.values()))
