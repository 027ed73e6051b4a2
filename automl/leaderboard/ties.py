"""Which trials are as good as the best, as far as their folds can tell."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

_RESAMPLES = 2000
_CONFIDENCE = 0.95
# A bootstrap of fewer paired differences says nothing.
FEWEST_FOLDS = 3


def tiers(fold_scores: Sequence[Sequence[float]]) -> list[int | None]:
    """Return the tier of each trial, from 1; they are given best first, each by its scores on the folds.

    A tier holds its best trial and those after it that are not told apart from it: the 95 % bootstrap interval of the
    mean of the paired differences, fold by fold, reaches 0. The first that is beyond begins the next tier. Few folds
    make the interval too narrow, which its quantiles correct (Hesterberg, "What teachers should know about the
    bootstrap", 2015), and so do training rows that folds share, which its width corrects (Nadeau and Bengio,
    "Inference for the generalization error", 2003). None: of trials with other or fewer folds than the best.
    """
    if not fold_scores or len(fold_scores[0]) < FEWEST_FOLDS:
        return [None] * len(fold_scores)
    n_folds = len(fold_scores[0])
    draws = np.random.default_rng(0).integers(n_folds, size=(_RESAMPLES, n_folds))
    found: list[int | None] = []
    leader, tier = np.array(fold_scores[0], float), 1
    for own in fold_scores:
        if len(own) != n_folds or not np.isfinite(own).all():
            found.append(None)
            continue
        if _lower_end(leader - np.array(own, float), draws) > 0:
            leader, tier = np.array(own, float), tier + 1
        found.append(tier)
    return found


def _lower_end(differences: np.ndarray, draws: np.ndarray) -> float:
    """Return the lower end of the interval of the mean of (k,) differences; ``draws``: (n, k) resampled folds."""
    k, mean = len(differences), differences.mean()
    tail = stats.norm.cdf(stats.t.ppf((1 - _CONFIDENCE) / 2, k - 1) * np.sqrt(k / (k - 1)))
    low = np.quantile(differences[draws].mean(axis=1), tail)
    return float(mean - np.sqrt(1 + k / (k - 1)) * (mean - low))
