"""Metrics agree with scikit-learn, keep their sign, and say what does not fit."""

import pickle

import numpy as np
import pytest
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
