"""How good predictions are beyond one number: intervals, curves, calibration, thresholds; pure functions of arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl import ensemble
from automl.data.baseline import constant_of
from automl.metrics import Metric, mean
from automl.task import Batch, Task

RESAMPLES = 200
# Rows that intervals are taken from: more make them no wider and no narrower by much, and take long.
MOST_ROWS = 4000


@dataclass(frozen=True)
class Interval:
    """A score in the metric's usual sign, between what 95 % of the resamples lie; None where there were too few."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def said(self) -> str:
        """From where to where, in words; "" where it is not known."""
        return "" if self.low is None else f"{self.low:.4g} to {self.high:.4g}"

    def is_apart(self, other: "Interval") -> bool:
        """Return whether the two intervals are known and have nothing in common."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return False
        return self.high < other.low or other.high < self.low


def bootstrap(
    task: Task,
    predictions: Mapping[str, np.ndarray],
    seed: int,
    goes_on: Callable[[], bool] = lambda: True,
    resamples: int = RESAMPLES,
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Return the interval of each prediction's score, and of how much better the first is than each other.

    Percentiles of resamples of the rows within each fold, the same rows for all (Efron and Tibshirani, 1993).
    ``predictions``: (n_rows, width), NaN where there is none; rows that all of them have are used. A difference is
    greater than 0 where the first is better, whatever the metric's sign. ``goes_on``: asked between resamples.
    """
    rng, data = np.random.default_rng(seed), task.data
    stack = list(predictions.values())
    known = np.all([np.isfinite(p).all(axis=1) for p in stack], axis=0)
    folds = [rows[known[rows]] for rows in task.valid_rows]
    share = min(1.0, MOST_ROWS / max(1, sum(map(len, folds))))
    folds = [rng.choice(rows, max(2, round(len(rows) * share)), replace=False) for rows in folds if len(rows) > 1]

    def score(some: Sequence[np.ndarray]) -> list[float]:
        return [mean(ensemble.fold_scores(task.metric, data.y, p, data.weights, some)) for p in stack]

    array = _resampled(score, folds, rng, goes_on, resamples).reshape(-1, len(stack))
    whole = score([rows[known[rows]] for rows in task.valid_rows])
    scores = {n: _interval(task.metric, whole[i], array[:, i]) for i, n in enumerate(predictions)}
    gains = {
        name: Interval(whole[0] - whole[i], *_percentiles(array[:, 0] - array[:, i]))
        for i, name in enumerate(predictions)
        if i
    }
    return scores, gains


def of_locked(
    metric: Metric,
    batch: Batch,
    prediction: np.ndarray,
    score: float,
    decision: np.ndarray | None,
    seed: int,
    goes_on: Callable[[], bool] = lambda: True,
) -> Interval:
    """Return the interval of the ``score`` of locked rows, whose labels are decided by ``decision``; see ``bootstrap``.

    ``batch``, ``prediction``: these rows, or some of them; few make the interval wider.
    """

    def of(some: Sequence[np.ndarray]) -> float:
        own = None if batch.weights is None else batch.weights[some[0]]
        return metric.score_decided(batch.y[some[0]], prediction[some[0]], decision, own)

    drawn = _resampled(of, [np.arange(len(batch))], np.random.default_rng(seed), goes_on, RESAMPLES)
    return _interval(metric, score, drawn)


def _resampled(
    score: Callable[[Sequence[np.ndarray]], float | list[float]],
    folds: Sequence[np.ndarray],
    rng: np.random.Generator,
    goes_on: Callable[[], bool],
    resamples: int,
) -> np.ndarray:
    """Return the scores of resamples of rows within each fold; a resample may lack a class, and then is left out."""
    drawn: list[float | list[float]] = []
    while len(drawn) < resamples and (goes_on() or not drawn) and folds:
        drawn.append(score([rng.choice(rows, len(rows)) for rows in folds]))
    return np.array(drawn)


def _interval(metric: Metric, value: float, drawn: np.ndarray) -> Interval:
    low, high = _percentiles(drawn)
    ends = sorted(metric.shown(end) for end in (low, high) if end is not None)
    return Interval(metric.shown(value), *(ends or (None, None)))


def _percentiles(drawn: np.ndarray) -> tuple[float | None, float | None]:
    finite = drawn[np.isfinite(drawn)]
    if len(finite) < 20:
        return None, None
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def prior(task: Task) -> np.ndarray:
    """Return what the constant prediction says about each row, out of fold, (n_rows, width)."""
    prediction = np.full((task.n_rows, task.target.width), np.nan)
    for train, valid in task.splits:
        prediction[valid] = constant_of(task, train)
    return prediction


def roc(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the false and the true positive rates at every threshold, from (0, 0) to (1, 1)."""
    hits, n, ends = _hits(positive, score)
    misses = n - hits
    total = max(1, int(positive.sum())), max(1, int((~positive).sum()))
    return np.append(0, misses[ends] / total[1]), np.append(0, hits[ends] / total[0])


def precision_recall(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return recall and precision at every threshold, from the highest score down."""
    hits, n, ends = _hits(positive, score)
    return hits[ends] / max(1, int(positive.sum())), hits[ends] / n[ends]


def _hits(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)  # equal scores have one threshold
    return np.cumsum(positive[order]), np.arange(1, len(score) + 1), ends


def thinned(x: np.ndarray, y: np.ndarray, most: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve of at most so many points, its ends among them."""
    keep = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(int))
    return x[keep], y[keep]


def calibration(hit: np.ndarray, confidence: np.ndarray, n_bins: int = 10) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the mean confidence and the share of hits by bins of about equal size, and their mean distance.

    The last is the expected calibration error with bins of equal mass (Nixon et al., 2019).
    """
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    said = np.array([confidence[part].mean() for part in parts])
    was = np.array([hit[part].mean() for part in parts])
    sizes = np.array([len(part) for part in parts])
    return said, was, float(np.average(np.abs(said - was), weights=sizes))


def axis_from(shares: np.ndarray) -> float:
    """Return where an axis of shares up to 1 begins: at 0, unless all of them lie in its upper half."""
    least = float(np.floor(10 * shares.min(initial=1.0)) / 10)
    return min(0.8, least) if least >= 0.5 else 0.0


@dataclass(frozen=True)
class Coverage:
    """``below``: (k,) the share of rows whose value is no more than each quantile. ``inside``: of those between the
    outermost two; ``width``: the mean distance of these.
    """

    below: np.ndarray
    inside: float
    width: float


def coverage(y: np.ndarray, quantiles: np.ndarray) -> Coverage:
    """Return how often values y (n,) lie where ``quantiles``, (n, k), ascending, say."""
    low, high = quantiles[:, 0], quantiles[:, -1]
    inside = (low <= y) & (y <= high)
    return Coverage((y[:, None] <= quantiles).mean(axis=0), float(inside.mean()), float((high - low).mean()))


@dataclass(frozen=True)
class AtThreshold:
    """What comes of calling positive whatever has at least this probability; shares from 0 to 1."""

    threshold: float
    called: float
    precision: float
    recall: float
    f1: float
    accuracy: float


def thresholds(positive: np.ndarray, probability: np.ndarray, at: Sequence[float]) -> list[AtThreshold]:
    """Return what comes of some thresholds."""
    found = []
    for threshold in at:
        called = probability >= threshold
        hits, n_positive = int((called & positive).sum()), int(positive.sum())
        precision = hits / called.sum() if called.any() else 0.0
        recall = hits / n_positive if n_positive else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        found.append(
            AtThreshold(threshold, float(called.mean()), precision, recall, f1, float((called == positive).mean()))
        )
    return found


def best_threshold(positive: np.ndarray, probability: np.ndarray) -> float:
    """Return the probability from which on calling a row positive has the greatest F1."""
    hits, n, ends = _hits(positive, probability)
    f1 = 2 * hits[ends] / (n[ends] + max(1, int(positive.sum())))
    return float(np.sort(probability)[::-1][ends[int(np.argmax(f1))]])


def confusion(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Return (n_classes, n_classes) counts: rows are the true classes, columns the predicted ones."""
    return np.bincount(y * n_classes + predicted, minlength=n_classes**2).reshape(n_classes, n_classes)


def grey(image: np.ndarray, most: int = 64) -> np.ndarray:
    """Return an image, (h, w) or (h, w, channels), as (h, w) from 0, its darkest, to 1; sides of up to ``most``."""
    one = np.asarray(image, float)
    one = coarse(one.mean(axis=2) if one.ndim == 3 else one, most)
    return (one - one.min()) / (float(one.max() - one.min()) or 1.0)


def coarse(values: np.ndarray, most: int) -> np.ndarray:
    """Return (h, w) numbers as the means of blocks, where they are more than ``most`` along a side."""
    for axis in (0, 1):
        n = values.shape[axis]
        if n > most:
            starts = np.linspace(0, n, most, endpoint=False).astype(int)
            sizes = np.diff([*starts, n])
            values = np.add.reduceat(values, starts, axis=axis) / np.expand_dims(sizes, 1 - axis)
    return values
