"""Labels are decided by what is best for the metric on rows that the model has not seen, everywhere alike."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from automl import AutoMLClassifier, decision, load
from automl.metrics import get

rng = np.random.default_rng(0)
SCIKIT = {
    "f1": lambda y, p, w: sk.f1_score(y, p, sample_weight=w),
    "f1_macro": lambda y, p, w: sk.f1_score(y, p, sample_weight=w, average="macro"),
    "f1_weighted": lambda y, p, w: sk.f1_score(y, p, sample_weight=w, average="weighted"),
    "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p, sample_weight=w),
    "matthews_corrcoef": lambda y, p, w: sk.matthews_corrcoef(y, p, sample_weight=w),
    "cohen_kappa": lambda y, p, w: sk.cohen_kappa_score(y, p, sample_weight=w),
}
TUNED = list(decision.COUNTED)


def rare(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities (n, k) of classes of which most are rare, and what came (n,)."""
    own = np.random.default_rng(seed)
    share = np.array([0.9, *[0.1 / (k - 1)] * (k - 1)])
    y = own.choice(k, n, p=share)
    seen = own.normal(size=(n, k)) + np.eye(k)[y]
    p = share * np.exp(seen)
    return y, p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("k", [2, 3, 6])
@pytest.mark.parametrize("name", TUNED)
def test_counts_give_the_metric(name: str, k: int) -> None:
    if name == "f1" and k > 2:
        return
    y, p = rare(400, k)
    weights = rng.random(400)
    labels = decision.labels(p, np.linspace(0.2, 1, k)[::-1].copy())
    confusion = sk.confusion_matrix(y, labels, sample_weight=weights, labels=range(k))
    assert decision.COUNTED[name](*decision.counts(confusion)) == pytest.approx(SCIKIT[name](y, labels, weights))


@pytest.mark.parametrize("name", TUNED)
def test_the_threshold_of_two_classes_is_the_best_one(name: str) -> None:
    y, p = rare(600, 2)
    found = decision.best(decision.COUNTED[name], y, p)
    best = max(SCIKIT[name](y, p[:, 1] > t, None) for t in np.unique(p[:, 1]))
    assert SCIKIT[name](y, decision.labels(p, found), None) > best - 0.01


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("name", TUNED)
def test_what_is_chosen_holds_on_other_rows(name: str, k: int) -> None:
    if name == "f1" and k > 2:
        return
    metric = get(name, "binary" if k == 2 else "multiclass")
    y, p = rare(3000, k)
    others, q = rare(10_000, k, seed=1)
    chosen = metric.decide(y, p)
    decided, plain = metric.score_decided(others, q, chosen), metric.score_decided(others, q, None)
    assert decided > plain + (-0.005 if name == "f1_weighted" else 0.02)
    # What is said of the rows it was chosen on is as good as that, and no better.
    assert metric.score(y, p) == pytest.approx(decided, abs=0.04)


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "roc_auc", "log_loss"])
def test_other_metrics_ask_for_no_decision(name: str) -> None:
    y, p = rare(100, 2)
    assert get(name, "binary").decide(y, p) is None


@pytest.mark.parametrize("p", [[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]])
@pytest.mark.parametrize("y", [[0, 0, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]])
def test_constants_and_single_classes(y: list[int], p: list[float]) -> None:
    prediction = np.array([p] * 4)
    for of in decision.COUNTED.values():
        found = decision.best(of, np.array(y), prediction)
        assert np.isfinite(found).all()
        assert found.sum() == pytest.approx(1)
        decision.cross_fitted(of, np.array(y), prediction, None)


def test_estimator_artifact_and_script_decide_alike(tmp_path: Path) -> None:
    n = 1200
    x = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    y = np.where(x["a"] + rng.logistic(size=n) > 4.0, "ill", "well")
    space = {"tables": {"linear": "on", "options": ["linear"]}}
    fitted = AutoMLClassifier(None, 1, "balanced_accuracy", runner="inline", space=space).fit(x, y)
    labels = fitted.predict(x)
    plain = fitted.classes_[fitted.predict_proba(x).argmax(axis=1)]
    assert sk.balanced_accuracy_score(y, labels) > sk.balanced_accuracy_score(y, plain) + 0.1
    fitted.export(tmp_path / "model")
    assert (load(tmp_path / "model").predict(x) == labels).all()
    x.to_csv(tmp_path / "x.csv", index=False)
    script = [sys.executable, str(tmp_path / "model/predict.py"), str(tmp_path / "x.csv")]
    written = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert [line.split(",")[0] for line in written.splitlines()[1:]] == labels.tolist()
    assert len(json.loads((tmp_path / "model/manifest.json").read_text())["decision"]) == 2
    assert "its probability is above" in (tmp_path / "model/README.md").read_text()
