"""What is predicted: classes, values or quantiles; and the head of a model, the way from raw outputs to predictions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import softmax

from automl.errors import TrialError

if TYPE_CHECKING:
    from automl.export.graph import Graph

TargetKind = Literal["binary", "multiclass", "regression", "quantiles"]
# What the raw outputs of a model are, r of them:
# - scores: one for each class, softmax makes probabilities of them;
# - odds: one for each class that the training part has; of two, one alone: the log-odds of the second;
# - means: of the target, which are probabilities already;
# - logs: the logarithm of a value, relative to the mean.
# For values and quantiles the first three are all the same: the value on a scale of mean 0 and deviation 1.
Raw = Literal["scores", "odds", "means", "logs"]
_ABSENT = -1e30  # the score of a class that the training part lacks: its probability is 0
_TINY = np.finfo(np.float64).tiny
_ROUNDING = 16 * np.finfo(np.float64).eps  # less spread than this, relative to the mean, is none


@dataclass(frozen=True)
class Target:
    """The target of a problem. ``n_classes`` is 0 for values. ``quantiles``: which ones are asked for, ascending."""

    kind: TargetKind
    n_classes: int = 0
    quantiles: tuple[float, ...] = ()

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self.n_classes > 0

    @property
    def width(self) -> int:
        """The width of a prediction: the number of classes, or of quantiles, or 1."""
        return self.n_classes or len(self.quantiles) or 1

    @property
    def middle(self) -> int:
        """The column of a prediction that stands for the value: of quantiles the one nearest to the median."""
        return int(np.argmin(np.abs(np.array(self.quantiles) - 0.5))) if self.quantiles else 0

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of predictions that are kept: float32 is too coarse for values that are large and vary little."""
        return np.dtype(np.float32 if self.is_classification else np.float64)

    def columns(self, y: np.ndarray) -> np.ndarray:
        """Return the prediction that is true, (n, width): an indicator of each class, or the values as they are."""
        return np.eye(self.n_classes)[y] if self.is_classification else np.repeat(y[:, None], self.width, axis=1)

    def constant(self, y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return what is so of all rows together, (width,): the classes' shares, the mean, or the quantiles."""
        if not self.quantiles:
            return np.average(self.columns(y), axis=0, weights=weights)
        if weights is None:
            return np.quantile(y, self.quantiles)
        return np.quantile(y, self.quantiles, weights=weights, method="inverted_cdf")

    def head(self, y: np.ndarray, weights: np.ndarray | None = None, raw: Raw = "scores", outputs: int = 1) -> "Head":
        """Return the head of a model with these ``raw`` outputs, fitted to the target (n,) of a training part.

        ``outputs``: how many there are for one value; the first one is the prediction, and the others serve a loss.
        """
        if self.is_classification:
            return self._class_head(y, weights, raw)
        mean = float(np.average(y, weights=weights))
        if raw == "logs":
            scale = mean or 1.0
            average = np.log([max(mean, _TINY) / scale])
            return Head(1, average, scale=scale, weight=np.ones((1, 1)), bias=np.log([scale]), link="exp")
        spread = math.sqrt(np.average(np.square(y - mean), weights=weights))
        scale = spread if spread > _ROUNDING * abs(mean) else 1.0
        n_raw, width = max(outputs, self.width), self.width
        average = np.zeros(n_raw)
        if self.quantiles:
            average[:width] = (self.constant(y, weights) - mean) / scale
        weight, bias = np.eye(n_raw, width) * scale, np.full(width, mean)
        return Head(width, average, center=mean, scale=scale, weight=weight, bias=bias, ordered=width > 1)

    def _class_head(self, y: np.ndarray, weights: np.ndarray | None, raw: Raw) -> "Head":
        k, present = self.n_classes, np.unique(y)
        share = np.bincount(y, weights=weights, minlength=k) / (len(y) if weights is None else weights.sum())
        if raw == "means":
            return Head(k, share)
        logs = np.log(np.maximum(share, _TINY))
        if raw == "scores":
            return Head(k, logs, link="softmax")
        weight, bias = np.zeros((len(present), k)), np.full(k, _ABSENT)
        weight[np.arange(len(present)), present], bias[present] = 1, 0
        average = logs[present]
        if len(present) == 2:
            # The softmax of -raw / 2 and raw / 2 is the sigmoid; onnxruntime's own rounds 1e-9 to 0.
            weight, average = (weight[1:] - weight[:1]) / 2, average[1:] - average[:1]
        return Head(k, average, codes=present, weight=weight, bias=bias, link="softmax")


@dataclass(frozen=True, eq=False)
class Head:
    """Turns raw outputs into predictions by one affine map and a link; also turns a target into what is learnt.

    Raw outputs are (n, r), or (n, members, r): members answer each for itself, and their answers are averaged.

    Parameters
    ----------
    width: of a prediction: the number of classes, or of quantiles, or 1.
    average: (r,) the raw outputs that predict the classes' shares, the mean or the quantiles of the training part.
    codes: (m,) the classes that the model learns, where it does not learn all: the target is renumbered.
    center, scale: a target of values is learnt as ``(y - center) / scale``.
    weight, bias: (r, width), (width,) the map from raw outputs to scores; None: they are the scores.
    link: what makes predictions of scores.
    ordered: whether the columns are quantiles, which are sorted in each row: they never cross, and are no worse for it
        (Chernozhukov, Fernández-Val and Galichon 2010, arXiv:0704.3649).
    """

    width: int
    average: np.ndarray
    codes: np.ndarray | None = None
    center: float = 0.0
    scale: float = 1.0
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    link: Literal["none", "softmax", "exp"] = "none"
    ordered: bool = False

    @property
    def n_raw(self) -> int:
        """The number r of raw outputs of a row."""
        return len(self.average)

    @property
    def is_classification(self) -> bool:
        """Whether predictions are probabilities."""
        return self.width > 1 and not self.ordered

    def knows(self, y: np.ndarray) -> np.ndarray:
        """Return a mask, (n,): whether the model learns this target. It does not know classes that training lacks."""
        return np.ones(len(y), bool) if self.codes is None else np.isin(y, self.codes)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the target (n,) as it is learnt: int64 codes from 0, or float64 values. All rows must be known."""
        if self.is_classification:
            return np.asarray(y if self.codes is None else np.searchsorted(self.codes, y), np.int64)
        return (y - self.center) / self.scale

    def loss(self, loss: "Callable[[Any, Any], Any]", raw: Any, y: Any) -> Any:
        """Return the loss of each row, (b,), of the tensors ``raw`` and ``y`` (b,): the mean of its members' own.

        ``loss``: takes raw outputs (b, r) and y (b,).
        """
        if raw.ndim == 2:
            return _per_row(loss(raw, y), len(y))
        n_members = raw.shape[1]
        each = _per_row(loss(raw.flatten(0, 1), y.repeat_interleave(n_members)), len(y) * n_members)
        return each.unflatten(0, (-1, n_members)).mean(1)

    def predict(self, raw: np.ndarray) -> np.ndarray:
        """Return the predictions (n, width) of raw outputs; those of values are float64."""
        answers = raw if self.weight is None else raw @ self.weight + self.bias
        if self.link != "none":
            answers = softmax(answers, axis=-1) if self.link == "softmax" else np.exp(answers)
        answers = answers.mean(axis=1) if answers.ndim == 3 else answers
        return np.sort(answers, axis=1) if self.ordered else answers

    def of_tensors(self, raw: Any) -> Any:
        """Return what ``predict`` does of a tensor: float32 probabilities, or float64 values, as ``emit`` gives."""
        import torch

        answers = raw if self.is_classification else raw.double()
        if self.weight is not None and self.bias is not None:
            answers = answers @ torch.as_tensor(self.weight).to(answers) + torch.as_tensor(self.bias).to(answers)
        if self.link != "none":
            answers = answers.softmax(dim=-1) if self.link == "softmax" else answers.exp()
        answers = answers.mean(dim=1) if answers.ndim == 3 else answers
        return answers.sort(dim=1).values if self.ordered else answers

    def emit(self, graph: "Graph", raw: str, members: bool = False) -> str:
        """Add what ``predict`` does to ``graph``; ``members``: ``raw`` is (n, members, r).

        Returns (n, width): float32 probabilities, or float64 values, which float32 is too coarse for where they are
        large and vary little.
        """
        answers = self._emit_scores(graph, raw)
        if self.link != "none":
            answers = graph.op("Softmax", answers, axis=-1) if self.link == "softmax" else graph.op("Exp", answers)
        if members:
            answers = graph.op("ReduceMean", answers, graph.constant(np.array([1], np.int64)), keepdims=0)
        if not self.ordered:
            return answers
        every = graph.constant(np.array([self.width], np.int64))
        return graph.ops("TopK", answers, every, n_outputs=2, axis=1, largest=0, sorted=1)[0]

    def _emit_scores(self, graph: "Graph", raw: str) -> str:
        if self.weight is None or self.bias is None:
            return raw
        if self.is_classification:
            weight, bias = graph.constant(self.weight), graph.constant(self.bias)
        else:
            raw, weight, bias = graph.cast(raw, np.float64), graph.exact(self.weight), graph.exact(self.bias)
        scores = graph.op("Mul" if self.n_raw == 1 else "MatMul", raw, weight)
        return graph.op("Add", scores, bias) if self.bias.any() else scores


def _per_row(losses: Any, n_rows: int) -> Any:
    """Return what a loss gave. Raises ``TrialError`` where that is not one number for each row."""
    shape = tuple(getattr(losses, "shape", ()))
    if shape != (n_rows,):
        raise TrialError(
            f"A loss gives one number for each row, of shape (b,); for {n_rows} rows this one gave shape {shape}. Take "
            "no mean, and sum over classes."
        )
    return losses
