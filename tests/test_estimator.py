"""The scikit-learn face: scikit-learn's own checks, and what its users expect beyond them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from automl import AutoML, AutoMLClassifier, AutoMLRegressor, load
from automl.assemble import whole_space
from automl.errors import ConfigError, DataError

# One fast family, in this process: the checks are about the interface.
LINEAR = {"tables": {name: "off" for name in whole_space()["tables"].options if name != "linear"}}
FAST = {"seconds": None, "trials": 1, "runner": "inline", "scheduler": "none", "space": LINEAR, "folds": 2}


SHUFFLED = "a row given twice may be trained on in one fold and validated on in another; one of weight 2 is not"
CONTRADICTING = {f"check_sample_weight_equivalence_on_{kind}_data": SHUFFLED for kind in ("dense", "sparse")}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Matrices this small are slower on several threads, by far where other processes use the cores."""
    with threadpool_limits(1):
        yield


@parametrize_with_checks(
    [AutoMLClassifier(**FAST), AutoMLRegressor(**FAST)], expected_failed_checks=lambda estimator: CONTRADICTING
)
def test_scikit_learn_checks(estimator, check) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> AutoML:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return AutoML(seconds=None, trials=3, runner="inline", folds=3).fit(x, y)


def test_a_classifier(fitted: AutoML, tmp_path) -> None:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.score(x, y) > 0.9
    proba = fitted.predict_proba(x)
    assert proba.shape == (len(x), 2)
    assert (fitted.classes_[proba.argmax(axis=1)] == fitted.predict(x)).all()
    board = fitted.leaderboard()
    assert len(board) == 3
    assert board["score"].max() > 0.9
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))
    again.export(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(x), proba, atol=2e-3)
    with pytest.raises(ConfigError, match="new or empty folder"):
        fitted.export(tmp_path / "model")
    assert fitted.export(tmp_path / "compact", compact=True).n_bytes <= 2 * sum(
        f.stat().st_size for f in (tmp_path / "model").iterdir()
    )


def test_a_regressor_with_a_scorer_and_weights() -> None:
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    model = AutoML(**FAST | {"metric": scorer}).fit(x, y, sample_weight=np.linspace(0.1, 2, len(y)))
    assert model.score_ > 0, "an error is shown as an error"
    assert model.score(x, y) > 0.3
    assert not hasattr(model, "predict_proba")


def test_images_by_shape() -> None:
    digits = load_digits()
    space = {"images": {"conv_stages": {"epochs": 6, "width": 16, "augment": "none"}}}
    model = AutoML(seconds=None, trials=1, runner="inline", space=space).fit(
        digits.images[:, :, :, None], digits.target
    )
    assert model.task_.kind == "image"
    assert model.score(digits.images[:, :, :, None], digits.target) > 0.8


def test_labels_keep_their_type() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    for labels in (np.array(["benign", "malignant"])[y], y.astype(bool), y * 7):
        model = AutoMLClassifier(**FAST).fit(x, labels)
        assert set(model.predict(x[:50])) <= set(np.unique(labels))
        assert model.predict(x[:5]).dtype.kind == np.unique(labels).dtype.kind or labels.dtype.kind == "U"


def test_clone_keeps_parameters() -> None:
    model = AutoML(seconds=5, metric="accuracy", space={"tables": {"svm": "off"}})
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"searcher": "tpee"}, "Did you mean 'tpe'"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"space": {"tables": {"lightgmb": "off"}}}, "Did you mean 'lightgbm'"),
        ({"trials": 0}, "greater than zero"),
        ({"trials": None}, "needs an end"),
        ({"metric": "rmse"}, "for regression targets"),
    ],
)
def test_wrong_parameters(changed: dict, message: str) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    with pytest.raises(ConfigError, match=message):
        AutoMLClassifier(**FAST | changed).fit(x, y)


def test_wrong_data() -> None:
    model = AutoMLClassifier(**FAST)
    with pytest.raises(DataError, match="one class"):
        model.fit(pd.DataFrame({"a": range(20)}), ["x"] * 20)
