"""Greedy ensemble selection over out-of-fold predictions (Caruana et al., ICML 2004)."""

from collections.abc import Mapping

import numpy as np

from automl.metrics import Metric

# Scores are compared on at most this many rows: the choice between models does not need more.
MAX_ROWS = 20_000


def select(
    predictions: Mapping[str, np.ndarray],
    y: np.ndarray,
    metric: Metric,
    weights: np.ndarray | None = None,
    rounds: int = 30,
    max_members: int = 6,
    seed: int = 0,
) -> dict[str, float]:
    """Return the weight of each chosen model, summing to 1, heaviest first.

    Starts from the best model and adds, with replacement, the one that helps most, as long as the
    score rises; at most ``max_members`` different models, so that what is shipped stays small.

    ``predictions``: (n,) or (n, n_classes) per model, NaN where a model predicted nothing. Only rows
    that every model predicted are compared.
    """
    names = list(predictions)
    stack = np.stack([predictions[name] for name in names])
    seen = np.flatnonzero(np.isfinite(stack.reshape(len(names), len(y), -1)).all(axis=(0, 2)))
    if len(seen) > MAX_ROWS:
        seen = np.sort(np.random.default_rng(seed).choice(seen, MAX_ROWS, replace=False))
    stack, y = stack[:, seen].astype(np.float64), y[seen]
    weights = None if weights is None else weights[seen]

    scores = [metric.score(y, p, weights) for p in stack]
    counts = np.zeros(len(names))
    counts[int(np.argmax(scores))] = 1
    total, best = stack[int(np.argmax(scores))].copy(), max(scores)
    for size in range(2, rounds + 1):
        full = np.count_nonzero(counts) >= max_members
        choices = [i for i in range(len(names)) if counts[i] or not full]
        tried = [metric.score(y, (total + stack[i]) / size, weights) for i in choices]
        if max(tried) <= best:
            break
        chosen = choices[int(np.argmax(tried))]
        best, counts[chosen] = max(tried), counts[chosen] + 1
        total += stack[chosen]
    share = counts / counts.sum()
    order = np.argsort(-share, kind="stable")
    return {names[i]: float(share[i]) for i in order if share[i] > 0}


def blend(predictions: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the weighted mean of the chosen models' predictions."""
    return np.sum([weights[name] * predictions[name] for name in weights], axis=0)
