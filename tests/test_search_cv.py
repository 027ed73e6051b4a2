"""``SearchCV``: scikit-learn's own checks, what it learns from, and how a space names an estimator's parameters."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils._test_common.instance_generator import PER_ESTIMATOR_XFAIL_CHECKS
from sklearn.utils.estimator_checks import parametrize_with_checks

from automl import SearchCV, registry
from automl.errors import ConfigError, SpaceError, UnknownNameError
from automl.search_cv import Arguments
from automl.space import Choice, Constant, Float, Int, Random, Repeat, draw

ALPHA = {"alpha": Float(1e-3, 1e3, log=True)}
PIPELINE = Pipeline([("scale", StandardScaler()), ("model", SVC())])
MODELS = {
    "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
    "model": Choice(
        {
            SVC(): {
                "C": Float(1e-2, 1e2, log=True),
                "kernel": Choice({"linear": {}, "rbf": {"gamma": Float(1e-4, 1, log=True)}}),
            },
            DecisionTreeClassifier(random_state=0): {"max_depth": Int(1, 9)},
        }
    ),
}


@pytest.fixture(scope="module")
def values() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_diabetes(return_X_y=True)
    return x[:120], y[:120]


@pytest.fixture(scope="module")
def classes() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_breast_cancer(return_X_y=True)
    return x[:120], y[:120]


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(
    [
        SearchCV(Ridge(), ALPHA, trials=2, cv=2, searcher="random", error_score="raise"),
        SearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, trials=2, cv=2, searcher="grid", error_score="raise"),
    ],
    # GridSearchCV does not pass these either.
    expected_failed_checks=lambda _: PER_ESTIMATOR_XFAIL_CHECKS[GridSearchCV],
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("name", registry.names("searchers"))
def test_each_searcher_proposes_the_same_again_and_begins_at_the_default(name: str, values: Any) -> None:
    found = [
        SearchCV(Ridge(), ALPHA, searcher=name, trials=13, cv=3, random_state=seed).fit(*values) for seed in (7, 7)
    ]
    first, second = (f.cv_results_["param_alpha"] for f in found)
    assert first.tolist() == second.tolist()
    assert first[0] == pytest.approx(1.0)
    assert len(first) == (3 if name == "grid" else 13)
    assert found[0].best_score_ == max(found[0].cv_results_["mean_test_score"])


def test_a_grid_finds_what_scikit_learns_finds(values: Any) -> None:
    options = [0.01, 0.1, 1.0, 10.0]
    theirs = GridSearchCV(Ridge(), {"alpha": options}, cv=3).fit(*values)
    ours = SearchCV(Ridge(), {"alpha": options}, searcher="grid", cv=3).fit(*values)
    assert (ours.best_params_, ours.best_score_) == (theirs.best_params_, theirs.best_score_)
    np.testing.assert_array_equal(ours.predict(values[0]), theirs.predict(values[0]))


def test_more_jobs_try_the_same(values: Any) -> None:
    one, two = (SearchCV(Ridge(), ALPHA, trials=9, cv=2, batch=3, n_jobs=n).fit(*values) for n in (1, 2))
    assert one.cv_results_["param_alpha"].tolist() == two.cv_results_["param_alpha"].tolist()


def test_steps_of_a_pipeline_are_chosen_with_parameters_of_their_own(classes: Any) -> None:
    found = SearchCV(PIPELINE, MODELS, trials=25, cv=2, searcher={"name": "evolution", "population": 5}).fit(*classes)
    tried = found.cv_results_["params"]
    assert {type(params["model"]) for params in tried} == {SVC, DecisionTreeClassifier}
    for params in tried:
        svm = isinstance(params["model"], SVC)
        assert ("model__C" in params) == svm != ("model__max_depth" in params)
        assert ("model__gamma" in params) == (svm and params["model__kernel"] == "rbf")
    assert found.best_estimator_.named_steps["model"] is not found.best_params_["model"]
    assert not hasattr(found.space["model"].options, "n_features_in_")
    assert clone(found).fit(*classes).best_score_ == found.best_score_


def test_names_of_parameters() -> None:
    arguments = Arguments(
        {
            "svc": {"C": Float(1, 2)},
            "sizes": Repeat({"width": Int(3, 9)}, Constant(2)),
            "flag": [True, 1, None],
            "fixed": Constant("a"),
        }
    )
    for seed in range(20):
        found = arguments(draw(arguments.space, Random(np.random.default_rng(seed))))
        assert list(found) == ["svc__C", "sizes", "flag", "fixed"]
        assert len(found["sizes"]) == 2
        assert found["flag"] is None or type(found["flag"]) in (bool, int)


def test_a_repeat_is_a_tuple_of_sizes(values: Any) -> None:
    model = MLPRegressor(max_iter=5, solver="lbfgs")
    space = {"hidden_layer_sizes": Repeat({"width": Int(2, 5)}, Int(1, 3))}
    found = SearchCV(model, space, trials=4, cv=2, searcher="random")
    with pytest.warns(match="lbfgs failed to converge"):
        found.fit(*values)
    assert [len(s) for s in found.cv_results_["param_hidden_layer_sizes"]].count(2) >= 1
    assert len(found.best_estimator_.coefs_) == len(found.best_params_["hidden_layer_sizes"]) + 1


def test_of_several_metrics_refit_names_the_one(classes: Any) -> None:
    given = {"trials": 12, "cv": 2, "scoring": ["accuracy", "roc_auc"]}
    found = SearchCV(PIPELINE, MODELS, refit="roc_auc", **given).fit(*classes)
    assert found.best_score_ == max(found.cv_results_["mean_test_roc_auc"])
    with pytest.raises(ConfigError, match="refit is the name"):
        SearchCV(PIPELINE, MODELS, refit=False, **given).fit(*classes)


@pytest.mark.parametrize("batch", [1, 4])
def test_what_fails_is_passed_over(batch: int, values: Any) -> None:
    # An alpha below zero is refused by Ridge itself.
    found = SearchCV(Ridge(), {"alpha": Float(-1, 1, default=0.5)}, trials=16, cv=2, batch=batch)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite")
        found.fit(*values)
    alphas = found.cv_results_["param_alpha"]
    assert np.isfinite(found.cv_results_["mean_test_score"][alphas >= 0]).all()
    assert found.best_params_["alpha"] >= 0
    with pytest.raises(ValueError, match="fits failed"):
        SearchCV(Ridge(), {"alpha": Constant(-1.0)}, cv=2).fit(*values)


def test_seconds_end_a_search(values: Any) -> None:
    found = SearchCV(Ridge(), ALPHA, trials=None, seconds=1e-9, cv=2).fit(*values)
    assert len(found.cv_results_["params"]) == 1


@pytest.mark.parametrize(
    ("error", "words", "given"),
    [
        (SpaceError, "Did you mean 'alpha'", {"space": {"alpah": Float(0, 1)}}),
        (SpaceError, "at least one", {"space": {}}),
        (SpaceError, "'alpha' is one of Float", {"space": {"alpha": 3}}),
        (SpaceError, "tuple of its values", {"space": {"alpha": Repeat({"a": Int(1, 2), "b": Int(1, 2)}, Int(1, 2))}}),
        (UnknownNameError, "Did you mean 'random'", {"searcher": "randon"}),
        (ConfigError, "no option 'popular'", {"searcher": {"name": "evolution", "popular": 3}}),
        (ConfigError, "needs an end", {"trials": None}),
        (ConfigError, "random_state", {"cv": KFold(2, shuffle=True)}),
    ],
)
def test_what_is_wrong_is_said(error: type[Exception], words: str, given: dict[str, Any], values: Any) -> None:
    with pytest.raises(error, match=words):
        SearchCV(**{"estimator": Ridge(), "space": ALPHA, "cv": 2} | given).fit(*values)


def test_a_search_begins_at_a_default_that_equals_an_option(values: Any) -> None:
    for options in (np.logspace(-3, 3, 7).tolist(), [1, 2, 3]):
        for default in options:
            space = {"alpha": Choice(options, default=type(default)(str(default)))}
            found = SearchCV(Ridge(), space, searcher="random", trials=1, cv=2).fit(*values)
            assert found.cv_results_["param_alpha"][0] == default
