"""Metrics by scikit-learn's names. A score is always "greater is better"; ``shown`` is the usual sign."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl import decision, formulas
from automl.errors import ConfigError, unknown_name

Needs = Literal["probabilities", "labels", "values", "quantiles"]


@dataclass(frozen=True)
class Metric:
    """How predictions are judged.

    ``function(y, prediction, sample_weight)`` gets what it ``needs``: (n, n_classes) probabilities,
    (n,) class codes, (n,) values of a regression, or (n, n_quantiles). So do metrics of a person's own. ``counted``:
    of a metric of labels, where weighing the classes can improve it: the same metric of counts
    (``automl.decision``).
    """

    name: str
    function: Callable[..., float]
    needs: Needs
    greater_is_better: bool = True
    counted: decision.Counted | None = None

    def score(self, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Return the score of a model's prediction, (n, width); greater is better.

        Where the metric has ``counted``, each label is decided by what is best on other rows.
        """
        if self.counted is None:
            return self.score_decided(y, prediction, None, weights)
        return self._of(y, decision.cross_fitted(self.counted, y, prediction, weights), weights)

    def score_decided(
        self, y: np.ndarray, prediction: np.ndarray, class_weights: np.ndarray | None, weights: np.ndarray | None = None
    ) -> float:
        """Return the score of a prediction whose labels are decided by ``class_weights`` (k,)."""
        if self.needs == "labels":
            return self._of(y, decision.labels(prediction, class_weights), weights)
        return self._of(y, prediction[:, 0] if self.needs == "values" else prediction, weights)

    def decide(self, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray | None:
        """Return the weights of the classes (k,) whose labels score best; None where the metric asks for none.

        ``prediction``: (n, k), of rows that the model did not learn from; NaN where there is none.
        """
        if self.counted is None:
            return None
        rows = np.flatnonzero(np.isfinite(prediction).all(axis=1))
        return decision.best(self.counted, y[rows], prediction[rows], None if weights is None else weights[rows])

    def _of(self, y: np.ndarray, given: np.ndarray, weights: np.ndarray | None) -> float:
        return self.shown(float(self.function(y, given, weights)))

    def shown(self, score: float) -> float:
        """Turn a score into the metric's usual value, and back."""
        return score if self.greater_is_better else -score


def _sklearn(name: str, **options: Any) -> Callable[..., float]:
    return _Call(name, options)


@dataclass(frozen=True)
class _Call:
    """A scikit-learn metric by name, imported when it is called; a class, because metrics travel between processes."""

    name: str
    options: dict[str, Any]

    def __call__(self, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None) -> float:
        function = getattr(importlib.import_module("sklearn.metrics"), self.name)
        return float(function(y, prediction, sample_weight=weights, **self.options))


_ROC_AUC = _Call("roc_auc_score", {})
_AVERAGE_PRECISION = _Call("average_precision_score", {})
_RMSLE = _Call("root_mean_squared_log_error", {})


def _roc_auc(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    if p.shape[1] == 2 and len(np.unique(y)) > 1:
        return _ranked(y == 1, p[:, 1], weights)
    # One against the rest, over the classes that occur: a fold may lack a rare one.
    present = [k for k in range(p.shape[1]) if 0 < np.count_nonzero(y == k) < len(y)]
    return float(np.mean([_ranked(y == k, p[:, k], weights) for k in present])) if present else float("nan")


def _gini(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    return 2 * _roc_auc(y, p, weights) - 1


def _ranked(positive: np.ndarray, score: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the ROC AUC: how often a positive row ranks above another (Mann and Whitney, 1947); ties count half."""
    if weights is not None:
        return _ROC_AUC(positive, score, weights)
    from scipy.stats import rankdata

    n_positive = int(np.count_nonzero(positive))
    sum_of_ranks = float(rankdata(score)[positive].sum())
    return (sum_of_ranks - n_positive * (n_positive + 1) / 2) / (n_positive * (len(positive) - n_positive))


def _average_precision(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    return _AVERAGE_PRECISION(y, p[:, 1], weights) if y.any() else float("nan")  # a fold may lack the rare class


def _log_loss(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    p = np.clip(p.astype(np.float64), 1e-15, None)
    p /= p.sum(axis=1, keepdims=True)
    return float(np.average(-np.log(p[np.arange(len(y)), y]), weights=weights))


def _brier(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.average(np.square(p - np.eye(p.shape[1])[y]).sum(axis=1), weights=weights) / 2)


def _rmsle(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None) -> float:
    return _RMSLE(y, np.clip(p, 0, None), weights)


_BOTH = ("binary", "multiclass")
_CLASSES: dict[str, tuple[Callable[..., float], Needs, bool, tuple[str, ...]]] = {
    "roc_auc": (_roc_auc, "probabilities", True, _BOTH),
    "log_loss": (_log_loss, "probabilities", False, _BOTH),
    "brier": (_brier, "probabilities", False, _BOTH),
    "average_precision": (_average_precision, "probabilities", True, ("binary",)),
    "accuracy": (_sklearn("accuracy_score"), "labels", True, _BOTH),
    "balanced_accuracy": (_sklearn("balanced_accuracy_score"), "labels", True, _BOTH),
    "f1": (_sklearn("f1_score", zero_division=0.0), "labels", True, ("binary",)),
    "precision": (_sklearn("precision_score", zero_division=0.0), "labels", True, ("binary",)),
    "recall": (_sklearn("recall_score", zero_division=0.0), "labels", True, ("binary",)),
    "f1_macro": (_sklearn("f1_score", average="macro", zero_division=0.0), "labels", True, _BOTH),
    "f1_micro": (_sklearn("f1_score", average="micro", zero_division=0.0), "labels", True, _BOTH),
    "f1_weighted": (_sklearn("f1_score", average="weighted", zero_division=0.0), "labels", True, _BOTH),
    "matthews_corrcoef": (_sklearn("matthews_corrcoef"), "labels", True, _BOTH),
    "cohen_kappa": (_sklearn("cohen_kappa_score"), "labels", True, _BOTH),
    "quadratic_kappa": (_sklearn("cohen_kappa_score", weights="quadratic"), "labels", True, _BOTH),
    "balanced_log_loss": (formulas.balanced_log_loss, "probabilities", False, _BOTH),
    "gini": (_gini, "probabilities", True, ("binary",)),
}
_VALUES: dict[str, tuple[Callable[..., float], Needs, bool, tuple[str, ...]]] = {
    "rmse": (_sklearn("root_mean_squared_error"), "values", False, ("regression",)),
    "mse": (_sklearn("mean_squared_error"), "values", False, ("regression",)),
    "mae": (_sklearn("mean_absolute_error"), "values", False, ("regression",)),
    "median_absolute_error": (_sklearn("median_absolute_error"), "values", False, ("regression",)),
    "mape": (_sklearn("mean_absolute_percentage_error"), "values", False, ("regression",)),
    "rmsle": (_rmsle, "values", False, ("regression",)),
    "r2": (_sklearn("r2_score"), "values", True, ("regression",)),
    "gini": (formulas.gini, "values", True, ("regression",)),
    "smape": (formulas.smape, "values", False, ("regression",)),
    "wape": (formulas.wape, "values", False, ("regression",)),
    "rmspe": (formulas.rmspe, "values", False, ("regression",)),
    "pearson": (formulas.pearson, "values", True, ("regression",)),
    "spearman": (formulas.spearman, "values", True, ("regression",)),
}
# Metrics with a number of their own, as in "map@3": the formula, what its number may be, and a usual one.
_AT: dict[str, tuple[Callable[..., float], Needs, bool, tuple[str, ...], tuple[float, float], float]] = {
    "map": (formulas.map_at, "probabilities", True, ("multiclass",), (1, 1e6), 3),
    "top_accuracy": (formulas.top_accuracy, "probabilities", True, ("multiclass",), (1, 1e6), 2),
    "fbeta": (formulas.fbeta, "labels", True, ("binary",), (0, 1e6), 2),
    "pinball": (formulas.pinball, "values", False, ("regression",), (0, 1), 0.9),
}
# scikit-learn's scorer names for the same things.
_ALIASES = {
    "neg_log_loss": "log_loss",
    "neg_brier_score": "brier",
    "roc_auc_ovr": "roc_auc",
    "neg_root_mean_squared_error": "rmse",
    "neg_mean_squared_error": "mse",
    "neg_mean_absolute_error": "mae",
    "neg_median_absolute_error": "median_absolute_error",
    "neg_mean_absolute_percentage_error": "mape",
    "neg_root_mean_squared_log_error": "rmsle",
    "root_mean_squared_error": "rmse",
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "cross_entropy": "log_loss",
    "brier_score": "brier",
    "auc": "roc_auc",
    "logloss": "log_loss",
    "mcc": "matthews_corrcoef",
    "quadratic_weighted_kappa": "quadratic_kappa",
    "qwk": "quadratic_kappa",
    "f0.5": "fbeta@0.5",
    "f2": "fbeta@2",
    "correlation": "pearson",
}
_DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
# What a metric of a person's own gets, where it does not ask for probabilities.
_PLAIN: dict[str, Needs] = {
    "binary": "labels",
    "multiclass": "labels",
    "regression": "values",
    "quantiles": "quantiles",
}


def names(target: str | None = None) -> tuple[str, ...]:
    """Return the names of all metrics, or of those that fit a kind of target."""
    numbered = {f"{name}@{usual:g}": entry for name, (*entry, _, usual) in _AT.items()}
    known: dict[str, Any] = {**_known(target), **numbered}
    return tuple(name for name, entry in known.items() if target is None or target in entry[3])


def _known(target: str | None) -> dict[str, tuple[Callable[..., float], Needs, bool, tuple[str, ...]]]:
    """Return the metrics by name; a name that classes and values share means that of the kind of target."""
    return _CLASSES | _VALUES if target == "regression" else _VALUES | _CLASSES


def get(metric: Any, target: str, quantiles: Sequence[float] = ()) -> Metric:
    """Return a metric by name ("auto": ROC AUC, log loss, RMSE or pinball), import path ("pkg.mod:function"),
    scikit-learn scorer, or plain function ``f(y, prediction)`` whose value is greater for the better. ``quantiles``:
    those of a target of them; the one metric by name is then their mean pinball loss.

    Raises ``ConfigError`` for an unknown name or one that does not fit ``target``.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str) and ":" in metric:
        metric = _imported(metric)
    if callable(metric):
        return _own(metric, target)
    if target == "quantiles":
        if metric not in ("auto", "pinball"):
            raise ConfigError(
                f"Quantiles are judged by the mean of their pinball losses; given: metric={metric}. Leave it out, or "
                "give a function of your own: f(y, prediction), whose prediction has a column for each quantile."
            )
        return Metric("pinball", formulas.MeanPinball(tuple(quantiles)), "quantiles", greater_is_better=False)
    name = _DEFAULTS[target] if metric == "auto" else _ALIASES.get(str(metric), str(metric))
    function, needs, greater, fits = _entry(name, target)
    if target not in fits:
        raise ConfigError(
            f"The metric '{name}' is for {' and '.join(fits)} targets; this target is {target}. "
            f"Metrics that fit: {', '.join(names(target))}."
        )
    return Metric(name, function, needs, greater, decision.COUNTED.get(name))


def check(metric: Any) -> None:
    """Raise ``ConfigError`` for what is no metric of any target."""
    if isinstance(metric, str) and ":" in metric:
        _imported(metric)
    elif isinstance(metric, str) and metric != "auto":
        _entry(_ALIASES.get(metric, metric))


def _entry(name: str, target: str | None = None) -> tuple[Callable[..., float], Needs, bool, tuple[str, ...]]:
    """Return what makes a metric of a name. Raises ``ConfigError`` for one that is none."""
    known = _known(target)
    stem, _, number = name.partition("@")
    if stem not in _AT or not number:
        if stem in _AT:
            raise ConfigError(f"The metric '{stem}' has a number: write {stem}@{_AT[stem][-1]:g}, or with another one.")
        if name not in known:
            raise unknown_name("metric", name, names())
        return known[name]
    function, needs, greater, fits, (low, high), usual = _AT[stem]
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    whole = low >= 1
    if not low <= value <= high or (whole and value % 1) or (not whole and value in (low, high)):
        rule = "a whole number from 1" if whole else f"a number between {low:g} and {high:g}"
        raise ConfigError(f"The metric '{stem}@...' takes {rule}, as in {stem}@{usual:g}; got '{number}'.")
    return formulas.At(function, value), needs, greater, fits


def _imported(path: str) -> Callable[..., float]:
    module, _, attribute = path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"The metric '{path}' cannot be imported ({error}). Write it as package.module:function."
        ) from None


@dataclass(frozen=True)
class _Own:
    """A person's metric: their sign, and the binary probability column that scikit-learn's scorers expect."""

    function: Callable[..., float]
    options: dict[str, Any]
    binary_column: bool
    takes_weights: bool

    def __call__(self, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None) -> float:
        if self.binary_column and prediction.ndim == 2 and prediction.shape[1] == 2:
            prediction = prediction[:, 1]
        weighted = {"sample_weight": weights} if self.takes_weights and weights is not None else {}
        return float(self.function(y, prediction, **self.options, **weighted))


def _own(scorer: Any, target: str) -> Metric:
    name = getattr(scorer, "__name__", type(scorer).__name__)
    if hasattr(scorer, "_score_func"):  # made by sklearn.metrics.make_scorer
        labels = {"pos_label", "labels"} & set(scorer._kwargs)
        if labels:
            raise ConfigError(
                f"A metric is given the classes as codes 0, 1, ... in their order; this scorer has "
                f"{' and '.join(labels)}, which names labels. Leave it out, or give a function of your own: "
                "f(codes, predicted codes)."
            )
        responses = np.atleast_1d(getattr(scorer, "_response_method", "predict"))
        probabilities = target in _BOTH and any("proba" in r or "decision" in r for r in responses)
        needs: Needs = "probabilities" if probabilities else _PLAIN[target]
        function = _Own(scorer._score_func, scorer._kwargs, probabilities, True)
        return Metric(scorer._score_func.__name__, function, needs, scorer._sign > 0)
    return Metric(name, _Own(scorer, {}, False, False), _PLAIN[target])


def mean(scores: Sequence[float]) -> float:
    """Return the mean of the folds' scores that are finite, -inf where none is: a fold may lack a class."""
    finite = [score for score in scores if np.isfinite(score)]
    return float(np.mean(finite)) if finite else float("-inf")
