"""Metrics agree with scikit-learn, keep their sign, and say what does not fit."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from automl import metrics
from automl.errors import ConfigError

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 200)
P = RNG.dirichlet(np.ones(3), 200)
WEIGHTS = RNG.random(200)
VALUES: np.ndarray
VALUES, GUESSES = RNG.random(200) + 1, RNG.random((200, 1)) + 1


@pytest.mark.parametrize("target", ["binary", "multiclass", "regression"])
def test_every_metric_scores_better_predictions_higher(target: str) -> None:
    for name in metrics.names(target):
        metric = pickle.loads(pickle.dumps(metrics.get(name, target)))
        if target == "regression":
            y, good, bad = VALUES, VALUES[:, None] + 0.01 * GUESSES, GUESSES
        else:
            y = Y % 2 if target == "binary" else Y
            truth = np.eye(2 if target == "binary" else 3)[y]
            good, bad = 0.9 * truth + 0.1 / truth.shape[1], np.roll(truth, 1, axis=1) * 0.5 + 0.5 / truth.shape[1]
        assert metric.score(y, good) > metric.score(y, bad), name
        assert np.isfinite(metric.score(y, good, WEIGHTS)), name
        assert metric.shown(metric.shown(0.25)) == 0.25


def test_values_are_scikit_learns() -> None:
    assert metrics.get("log_loss", "multiclass").score(Y, P) == pytest.approx(-sk.log_loss(Y, P))
    assert metrics.get("neg_log_loss", "multiclass").name == "log_loss"
    expected = sk.roc_auc_score(Y, P, multi_class="ovr", average="macro")
    assert metrics.get("roc_auc", "multiclass").score(Y, P) == pytest.approx(expected)
    weighted = sk.accuracy_score(Y, P.argmax(axis=1), sample_weight=WEIGHTS)
    assert metrics.get("accuracy", "multiclass").score(Y, P, WEIGHTS) == pytest.approx(weighted)
    rmse = metrics.get("rmse", "regression")
    assert rmse.shown(rmse.score(VALUES, GUESSES)) == pytest.approx(sk.root_mean_squared_error(VALUES, GUESSES))


def own(y: np.ndarray, prediction: np.ndarray) -> float:
    return float((y == prediction).mean())


def square(y: np.ndarray, prediction: np.ndarray) -> float:
    assert prediction.shape == y.shape
    return -float(np.mean((y - prediction) ** 2))


def test_metrics_of_ones_own() -> None:
    for metric in (own, f"{__name__}:own", sk.make_scorer(sk.accuracy_score)):
        assert metrics.get(metric, "multiclass").score(Y, P) == pytest.approx((P.argmax(axis=1) == Y).mean())
    for metric in (square, sk.make_scorer(sk.mean_squared_error, greater_is_better=False)):
        score = metrics.get(metric, "regression").score(VALUES, GUESSES)
        assert score == pytest.approx(-sk.mean_squared_error(VALUES, GUESSES[:, 0]))
    scorer = sk.make_scorer(sk.log_loss, greater_is_better=False, response_method="predict_proba")
    assert metrics.get(scorer, "multiclass").score(Y, P) == pytest.approx(-sk.log_loss(Y, P))
    with pytest.raises(ConfigError, match=r"package\.module:function"):
        metrics.get("no.such.module:metric", "binary")


def test_what_does_not_fit() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'roc_auc'"):
        metrics.get("roc_acu", "binary")
    with pytest.raises(ConfigError, match="this target is regression"):
        metrics.get("f1", "regression")
    assert metrics.get("auto", "binary").name == "roc_auc"


def test_a_fold_of_one_class_has_no_rank_and_does_not_count() -> None:
    for target, k in (("binary", 2), ("multiclass", 3)):
        score = metrics.get("roc_auc", target).score(np.zeros(9, int), np.full((9, k), 1 / k))
        assert np.isnan(score)
        assert metrics.mean([score, 0.5, 0.7]) == pytest.approx(0.6)
        assert metrics.mean([score]) == -np.inf


def test_a_scorer_that_compares_labels_is_refused() -> None:
    with pytest.raises(ConfigError, match="pos_label"):
        metrics.get(sk.make_scorer(sk.f1_score, pos_label="yes"), "binary")


def loop(formula: Any, y: np.ndarray, p: np.ndarray) -> float:
    return float(np.mean([formula(a, b) for a, b in zip(y.tolist(), p.tolist(), strict=True)]))


def place(y: int, p: list[float]) -> int:
    return sorted(range(len(p)), key=lambda k: -p[k]).index(y) + 1


REFERENCES = {
    ("map@2", "multiclass"): lambda y, p: loop(lambda a, b: 1 / place(a, b) if place(a, b) <= 2 else 0, y, p),
    ("top_accuracy@2", "multiclass"): lambda y, p: sk.top_k_accuracy_score(y, p, k=2),
    ("balanced_log_loss", "multiclass"): lambda y, p: np.mean(
        [sk.log_loss(y[y == k], p[y == k], labels=[0, 1, 2]) for k in range(3)]
    ),
    ("quadratic_kappa", "multiclass"): lambda y, p: sk.cohen_kappa_score(y, p.argmax(axis=1), weights="quadratic"),
    ("roc_auc", "multiclass"): lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr"),
    ("roc_auc", "binary"): lambda y, p: sk.roc_auc_score(y, p[:, 1]),
    ("gini", "binary"): lambda y, p: 2 * sk.roc_auc_score(y, p[:, 1]) - 1,
    ("fbeta@2", "binary"): lambda y, p: sk.fbeta_score(y, p.argmax(axis=1), beta=2),
    ("f0.5", "binary"): lambda y, p: sk.fbeta_score(y, p.argmax(axis=1), beta=0.5),
    ("mcc", "binary"): lambda y, p: sk.matthews_corrcoef(y, p.argmax(axis=1)),
    ("smape", "regression"): lambda y, p: loop(lambda a, b: 200 * abs(a - b[0]) / (abs(a) + abs(b[0])), y, p),
    ("wape", "regression"): lambda y, p: np.abs(y - p[:, 0]).sum() / np.abs(y).sum(),
    ("rmspe", "regression"): lambda y, p: loop(lambda a, b: ((a - b[0]) / a) ** 2, y, p) ** 0.5,
    ("pinball@0.9", "regression"): lambda y, p: sk.mean_pinball_loss(y, p[:, 0], alpha=0.9),
    ("rmsle", "regression"): lambda y, p: sk.root_mean_squared_log_error(y, p[:, 0]),
    ("spearman", "regression"): lambda y, p: stats.spearmanr(y, p[:, 0]).statistic,
    ("pearson", "regression"): lambda y, p: stats.pearsonr(y, p[:, 0]).statistic,
    ("gini", "regression"): lambda y, p: gini_of_kaggle(y, p[:, 0]) / gini_of_kaggle(y, y),
}


def gini_of_kaggle(y: np.ndarray, p: np.ndarray) -> float:
    """The formula of many contests' pages, for values without ties."""
    ordered = y[np.argsort(-p)]
    return float(np.cumsum(ordered).sum() / ordered.sum() - (len(y) + 1) / 2) / len(y)


@pytest.mark.parametrize(("name", "target"), REFERENCES)
def test_contest_metrics_are_their_formulas(name: str, target: str) -> None:
    if target == "regression":
        y, p = VALUES, GUESSES
    else:
        y, p = (Y, P) if target == "multiclass" else (Y % 2, np.column_stack([P[:, 0], 1 - P[:, 0]]))
    metric = metrics.get(name, target)
    # Labels by the greatest probability: how else they may be decided has tests of its own.
    assert metric.shown(metric.score_decided(y, p, None)) == pytest.approx(REFERENCES[name, target](y, p))
    # A row of weight 2 counts like two rows, also where they are ranked.
    if name not in ("spearman", "gini"):
        times = RNG.integers(1, 3, len(y))
        twice = metric.score_decided(np.repeat(y, times), np.repeat(p, times, axis=0), None)
        assert metric.score_decided(y, p, None, times.astype(float)) == pytest.approx(twice)


def test_numbers_of_metrics() -> None:
    for name, target in (
        ("map@0", "multiclass"),
        ("map@1.5", "multiclass"),
        ("pinball@1", "regression"),
        ("fbeta@x", "binary"),
    ):
        with pytest.raises(ConfigError, match="as in"):
            metrics.get(name, target)
    with pytest.raises(ConfigError, match="write map@3"):
        metrics.get("map", "multiclass")
    assert metrics.get("pinball@0.25", "regression").name == "pinball@0.25"


def test_ties_share_their_step_in_gini() -> None:
    y = np.array([3.0, 1.0, 2.0])
    tied = metrics.get("gini", "regression").score(y, np.zeros((3, 1)))
    assert tied == pytest.approx(0)
