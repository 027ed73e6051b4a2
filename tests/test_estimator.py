"""The scikit-learn face: scikit-learn's own checks, and what its users expect beyond them."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import automl
from automl import AutoML, AutoMLClassifier, AutoMLRegressor, load
from automl.assemble import whole_space
from automl.data import from_arrays
from automl.errors import ConfigError, DataError
from automl.export.refit import Refitted

# One fast family, in this process: the checks are about the interface.
LINEAR = {"tables": {name: "off" for name in whole_space()["tables"].options if name != "linear"}}
HERE: dict[str, Any] = {"seconds": None, "runner": {"name": "inline", "threads": 1}}
FAST: dict[str, Any] = {**HERE, "trials": 1, "scheduler": "none", "space": LINEAR, "folds": 2}
SHUFFLED = "folds are drawn by the order of the rows, and the check gives the weighted ones in another order"
SINGLE = "answers are float32, like the exported model's: their last bit depends on a row's place in the batch"
CONTRADICTING = {
    "check_sample_weight_equivalence_on_dense_data": SHUFFLED,
    "check_sample_weight_equivalence_on_sparse_data": SHUFFLED,
    "check_methods_sample_order_invariance": SINGLE,
}

rng = np.random.default_rng(0)
NUMBERS = rng.normal(size=(60, 3))
IS_HIGH = NUMBERS[:, 0] > 0
WORDS = ["the", "film", "story", "actor", "music", "scene", "end", "night", "long", "short", "loud", "saw", "told"]
REVIEWS = [" ".join([*rng.permutation(WORDS)[:9], "good" if high else "dull"]) for high in IS_HIGH]
FRAME = pd.DataFrame(
    {
        "size": np.where(rng.random(60) < 0.1, np.nan, NUMBERS[:, 0]),
        "colour": pd.Categorical(np.where(IS_HIGH, "red", "blue")),
        "seen": pd.date_range("2024-01-01", periods=60).astype(str),
        "open": rng.random(60) < 0.5,
        "count": pd.array([1, None, 3] * 20, dtype="Int64"),
        "review": REVIEWS,
    }
)


@pytest.mark.parametrize("kind", [AutoMLClassifier, AutoMLRegressor])
def test_a_weight_counts_as_a_row_given_as_often(kind: Any) -> None:
    """In one order of the rows; to what the solvers are exact to."""
    times = rng.integers(1, 4, size=60)
    y = IS_HIGH ^ (rng.random(60) < 0.2) if kind is AutoMLClassifier else NUMBERS[:, 0] + rng.normal(size=60)
    repeated = kind(**FAST).fit(np.repeat(NUMBERS, times, axis=0), np.repeat(y, times))
    weighted = kind(**FAST).fit(NUMBERS, y, sample_weight=times)
    alike = kind(**FAST).fit(NUMBERS, y)
    answers, others, unweighted = (getattr(m, "predict_proba", m.predict)(NUMBERS) for m in (repeated, weighted, alike))
    np.testing.assert_allclose(answers, others, rtol=1e-3, atol=1e-3)
    assert weighted.score_ == pytest.approx(repeated.score_, rel=1e-3)
    assert np.abs(answers - unweighted).max() > 0.01


@parametrize_with_checks(
    [AutoMLClassifier(**FAST), AutoMLRegressor(**FAST)], expected_failed_checks=lambda estimator: CONTRADICTING
)
def test_scikit_learn_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> AutoML:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return AutoML(**HERE, trials=3, folds=3, space={"tables": ["lightgbm", "svm", "linear"]}).fit(x, y)


def test_a_classifier(fitted: AutoML) -> None:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.score(x, y) > 0.9
    proba = fitted.predict_proba(x)
    assert proba.shape == (len(x), 2)
    assert (fitted.classes_[proba.argmax(axis=1)] == fitted.predict(x)).all()
    board = fitted.leaderboard()
    assert (board["family"] == "baseline").sum() == 1
    board = board[board["family"] != "baseline"]
    assert len(board) == 3
    assert board["score"].max() > 0.9
    assert sum(fitted.weights_.values()) == pytest.approx(1)
    assert fitted.notes_


def test_pictures_of_the_search(fitted: AutoML) -> None:
    (points,) = fitted.plot.leaderboard().data
    scored = fitted.leaderboard().dropna(subset=["rank"])
    assert list(points.x) == scored["score"].tolist()
    assert len({lane for trace in fitted.plot.timeline().data for lane in trace.y}) == 1  # of this process
    html = fitted._repr_html_()
    assert all(f"#{id}" in html for id in scored["id"])
    assert f"{fitted.score_:.5g}" in html
    with pytest.raises(NotFittedError):
        _ = AutoML().plot
    assert "<table><thead>" not in AutoML()._repr_html_()


def test_export_of_a_pickled_estimator(fitted: AutoML, tmp_path: Path) -> None:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))
    whole = again.export(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(x), fitted.predict_proba(x), atol=1e-5)
    with pytest.raises(ConfigError, match="new or empty folder"):
        fitted.export(tmp_path / "model")
    # Compression may change probabilities as long as the score stays.
    compressed = fitted.export(tmp_path / "compressed", compress=True)
    assert (load(tmp_path / "compressed").predict(x) == fitted.predict(x)).mean() > 0.97
    small = fitted.export(tmp_path / "compact", compact=True)
    assert small.n_bytes < compressed.n_bytes < whole.n_bytes + 100  # what is measured has more digits, or fewer
    assert (load(tmp_path / "compact").predict(x) == y).mean() > 0.9


def test_all_fold_models_of_a_network_are_compact_whoever_else_was_fitted_on_all_rows(tmp_path: Path) -> None:
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    space = {"tables": {"options": ["mlp"], "mlp": {"epochs": 1}}}
    fitted = AutoML(**HERE, trials=1, folds=3, scheduler="none", space=space).fit(x, y)
    assert not fitted.refitted_
    another = {"another": Refitted(fitted.members_[0].model, 1.5)}
    fitted.fitted_ = replace(fitted.fitted_, refitted=another)
    folds = [member["fold"] for member in fitted.export(tmp_path / "compact", compact=True).members]
    assert folds == [0, 1, 2]


def test_what_is_limited_alone_is_not_fitted_on_all_rows() -> None:
    """A model of all rows beside the fold models would be larger than was measured; None is no limit."""
    for limits, refitted in (({"bytes": None}, True), ({"bytes": 1e9}, False)):
        assert bool(AutoML(**FAST, limits=limits).fit(NUMBERS, IS_HIGH).refitted_) == refitted


def test_a_pickled_estimator_holds_no_training_rows(tmp_path: Path) -> None:
    """But for those that a model is made of, as support vectors are: so it is shown on others."""
    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    fitted = AutoML(**HERE, trials=2, folds=3, space={"tables": ["lightgbm", "linear"]}).fit(x, y)
    assert fitted.export(tmp_path / "compact", compact=True).members[0]["fold"] is None, "it is fitted on all of them"
    pickled = pickle.dumps(fitted)
    task = fitted.task_
    written = {
        row.tobytes() in pickled for row in np.delete(np.asarray(task.data.x.numeric), task.sample_index, axis=0)
    }
    assert written == {False}
    assert task.data.x.numeric[0].tobytes() in pickle.dumps(task)  # it would be found
    again = pickle.loads(pickled)
    assert again.importance(x.head(50), y.head(50)).shape == (30, 3)
    assert again.explain(x.head(1)).frame().shape[0]
    for ask in (again.importance, lambda: again.export(tmp_path / "model", compact=True)):
        with pytest.raises(DataError, match="A pickled estimator holds no training rows"):
            ask()
    assert pickle.loads(pickle.dumps(again)).score(x, y) == fitted.score(x, y)


def test_a_regressor_with_a_scorer_and_weights() -> None:
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    model = AutoML(**FAST | {"metric": scorer}).fit(x, y, sample_weight=np.linspace(0.1, 2, len(y)))
    assert model.score_ > 0, "an error is shown as an error"
    assert model.score(x, y) > 0.3
    assert not hasattr(model, "predict_proba")
    assert not hasattr(AutoMLRegressor(), "predict_proba")


def test_images_by_shape() -> None:
    digits = load_digits()
    x, y = digits.images[:, :, :, None], digits.target
    space = {"images": {"conv_stages": {"epochs": 5, "width": 16, "augment": "none"}}}
    model = AutoML(**HERE, trials=1, scheduler="none", folds=0.3, space=space).fit(x[:600], y[:600])
    assert model.task_.kind == "image"
    assert model.score(x[600:], y[600:]) > 0.8


def test_steps_beyond_a_sequences_length_do_not_count() -> None:
    noise = np.random.default_rng(0)
    x = noise.normal(size=(240, 12, 2)).astype(np.float32)
    lengths, y = noise.integers(3, 9, 240), np.arange(240) % 2
    x[np.arange(12) < lengths[:, None]] += 2 * y.repeat(lengths)[:, None]
    space = {"sequences": {"recurrent": "off", "temporal_conv": {"epochs": 6}}}
    model = AutoML(**HERE, trials=1, scheduler="none", folds=0.3, space=space).fit(x, y, lengths=lengths)
    assert model.score(x, y, lengths=lengths) > 0.9
    assert model.score(x, y, lengths=lengths) == (model.predict(x, lengths) == y).mean()
    padded = np.where((np.arange(12) < lengths[:, None])[..., None], x, 99)
    np.testing.assert_allclose(model.predict_proba(padded, lengths), model.predict_proba(x, lengths))


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (FRAME, "table"),
        (FRAME.to_dict("list"), "table"),
        (FRAME.to_numpy(), "table"),
        (NUMBERS, "table"),
        (NUMBERS.tolist(), "table"),
        (sparse.csr_matrix(NUMBERS), "table"),
        (FRAME[["review"]], "text"),
        (FRAME["review"], "text"),
        (REVIEWS, "text"),
    ],
    ids=["frame", "columns", "objects", "array", "lists", "sparse", "text frame", "text series", "texts"],
)
def test_what_x_may_be(x: Any, kind: str, tmp_path: Path) -> None:
    model = AutoML(**FAST).fit(x, IS_HIGH)
    assert model.task_.kind == kind
    assert model.score(x, IS_HIGH) > 0.9
    assert model.predict(x).dtype == bool
    model.export(tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(x), model.predict_proba(x), atol=1e-5)


def test_columns_are_matched() -> None:
    model = AutoML(**FAST).fit(FRAME, IS_HIGH)
    assert model.feature_names_in_.tolist() == list(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(FRAME.rename(columns={"size": "length"}))
    with pytest.raises(ValueError, match="2 features, but AutoML is expecting 3"):
        AutoML(**FAST).fit(NUMBERS, IS_HIGH).predict(NUMBERS[:, :2])


def test_fitted_on_an_array_it_takes_the_columns_of_a_frame_in_their_order() -> None:
    model = AutoML(**FAST).fit(NUMBERS, IS_HIGH)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        found = model.predict_proba(pd.DataFrame(NUMBERS, columns=list("cab")))
    np.testing.assert_array_equal(found, model.predict_proba(NUMBERS))


@pytest.mark.parametrize("names", [[2, 0, 1], [2, "b", 1]], ids=["whole numbers", "mixed"])
def test_names_that_are_no_strings_are_matched_as_such(names: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame(NUMBERS, columns=names)
    model = AutoML(**FAST, roles={2: "numeric", 1: "dropped"}).fit(frame, IS_HIGH)
    assert [column.role for column in model.task_.schema.columns] == ["numeric", "numeric", "dropped"]
    model.export(tmp_path / "model")
    expected = model.predict_proba(frame)
    np.testing.assert_allclose(load(tmp_path / "model").predict_proba(frame), expected, atol=1e-5)
    np.testing.assert_array_equal(model.predict_proba(frame.rename(columns=str)), expected)
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[frame.columns[::-1]])


def test_series_in_a_mapping_are_taken_by_position() -> None:
    columns = {f"x{i}": pd.Series(NUMBERS[:, i], index=rng.permutation(60) // 2) for i in range(3)}
    model = AutoML(**FAST).fit(columns, IS_HIGH)
    np.testing.assert_array_equal(
        model.predict_proba(columns), model.predict_proba(pd.DataFrame(NUMBERS).add_prefix("x"))
    )
    with pytest.raises(DataError, match="one value for each row"):
        model.predict(columns | {"x0": [1.0, 2.0]})


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["low", "high"])[IS_HIGH.astype(int)],
        np.array(["low", "high"], dtype=object)[IS_HIGH.astype(int)],
        np.array(["1", "02"])[IS_HIGH.astype(int)],
        np.array([0.5, 1.5])[IS_HIGH.astype(int)],
        IS_HIGH,
        (IS_HIGH * 7).astype(np.uint8),
        pd.Series(np.where(IS_HIGH, "a", "b"), dtype="category"),
    ],
    ids=["strings", "objects", "strings of numbers", "floats", "bools", "small integers", "categories"],
)
def test_labels_keep_their_type(labels: Any) -> None:
    model = AutoMLClassifier(**FAST).fit(NUMBERS, labels)
    found = model.predict(NUMBERS)
    assert found.dtype == np.asarray(labels).dtype
    assert set(found) == set(labels)
    assert (found == np.asarray(labels)).mean() > 0.9


@pytest.mark.parametrize(
    ("labels", "others"),
    [
        (IS_HIGH, [IS_HIGH.astype(int), IS_HIGH.astype(str)]),
        (IS_HIGH.astype(int), [IS_HIGH, IS_HIGH * 1.0, IS_HIGH.astype(int).astype(str)]),
    ],
    ids=["bools", "whole numbers"],
)
def test_score_knows_labels_of_another_type(labels: Any, others: Any) -> None:
    model = AutoMLClassifier(**FAST).fit(NUMBERS, labels)
    assert model.score(NUMBERS, labels) > 0.9
    assert {model.score(NUMBERS, other) for other in others} == {model.score(NUMBERS, labels)}
    assert model.score(NUMBERS, np.full(60, "maybe")) == 0


def test_intervals_are_classes_and_text_in_what_is_exported(tmp_path: Path) -> None:
    labels = pd.Series(pd.cut(NUMBERS[:, 0], [-10, 0, 10]))
    model = AutoML(**FAST).fit(NUMBERS, labels)
    assert model.classes_.tolist() == [pd.Interval(-10, 0), pd.Interval(0, 10)]
    assert model.score(NUMBERS, labels) > 0.9
    model.export(tmp_path / "model")
    assert load(tmp_path / "model").predict(NUMBERS).tolist() == list(map(str, model.predict(NUMBERS)))


def test_it_is_what_it_inferred_for_scikit_learn() -> None:
    scores = cross_val_score(AutoML(**FAST), NUMBERS, IS_HIGH, scoring="roc_auc", cv=2, error_score="raise")
    assert scores.min() > 0.9
    assert cross_val_score(AutoML(**FAST), NUMBERS, NUMBERS[:, 0] * 3, scoring="r2", cv=2).min() > 0.9


def test_a_new_fit_leaves_nothing_of_the_last() -> None:
    model = AutoML(**FAST).fit(NUMBERS, IS_HIGH).fit(FRAME, NUMBERS[:, 0])
    assert model.predict(FRAME).dtype.kind == "f"
    assert not hasattr(model, "classes_")
    with pytest.raises(DataError):
        model.fit(FRAME, np.ones(60))
    with pytest.raises(NotFittedError):
        model.predict(FRAME)


def test_a_class_with_one_row_is_learnt_but_not_validated() -> None:
    labels = np.where(IS_HIGH, "high", "low")
    labels[7] = "odd"
    model = AutoMLClassifier(**FAST).fit(NUMBERS, labels)
    assert model.classes_.tolist() == ["high", "low", "odd"]
    assert model.predict_proba(NUMBERS).shape == (60, 3)
    assert any("never validated on: 1." in note for note in model.notes_)


def test_rows_of_weight_zero_are_as_if_absent() -> None:
    weights = (np.arange(60) < 50).astype(float)
    labels = np.where(weights, IS_HIGH.astype(int), 2)
    weighted = AutoMLClassifier(**FAST).fit(NUMBERS, labels, sample_weight=weights)
    without = AutoMLClassifier(**FAST).fit(NUMBERS[:50], labels[:50])
    np.testing.assert_allclose(weighted.predict_proba(NUMBERS), without.predict_proba(NUMBERS), atol=1e-6)


def test_fits_in_threads_and_says_what_it_does(capfd: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda verbose: AutoML(**FAST, verbose=verbose).fit(NUMBERS, IS_HIGH), [0, 1]))
    np.testing.assert_array_equal(models[0].predict_proba(NUMBERS), models[1].predict_proba(NUMBERS))
    assert capfd.readouterr().err.count("done after") == 1


def test_keeps_its_run_where_it_is_told_to(tmp_path: Path) -> None:
    model = AutoML(**FAST, run_dir=tmp_path / "run").fit(NUMBERS, IS_HIGH)
    assert (tmp_path / "leaderboard.db").exists()
    assert (tmp_path / "run" / "run.json").exists()
    with pytest.raises(ConfigError, match="new or empty folder"):
        model.fit(NUMBERS, IS_HIGH)


def test_clone_keeps_parameters() -> None:
    model = AutoML(seconds=5, metric="accuracy", space={"tables": {"svm": "off"}})
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"searcher": "tpee"}, "Did you mean 'tpe'"),
        ({"runner": "inlin"}, "Did you mean 'inline'"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"space": {"tables": {"lightgmb": "off"}}}, "Did you mean 'lightgbm'"),
        ({"trials": 0}, "greater than zero"),
        ({"trials": None}, "needs an end"),
        ({"metric": "rmse"}, "for regression targets"),
        ({"folds": 1}, "number of folds .* is a whole number of at least 2; got 1"),
        ({"roles": {"x0": "categoric"}}, "Did you mean 'categorical'"),
        ({"seconds": "10"}, "budget.seconds is a number"),
        ({"trials": 2.5}, "budget.trials is a whole number"),
    ],
)
def test_wrong_parameters(changed: dict, message: str) -> None:
    x, y = load_breast_cancer(return_X_y=True)
    with pytest.raises(ConfigError, match=message):
        AutoMLClassifier(**FAST | changed).fit(x, y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (pd.DataFrame({"a": range(20)}), ["x"] * 20, "one class"),
        (NUMBERS, NUMBERS[:, 0], "continuous"),
        (NUMBERS, None, "requires y"),
        (FRAME, "open", "requires y"),
        (NUMBERS[:, 0], IS_HIGH, "Reshape your data"),
        (NUMBERS * 1j, IS_HIGH, "Complex data not supported"),
        (NUMBERS, IS_HIGH[:50], "60 and 50"),
        ([[1, 2], [3]], [0, 1], "one shape"),
    ],
)
def test_wrong_data(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        AutoMLClassifier(**FAST).fit(x, y)


def test_lengths_are_for_sequences() -> None:
    with pytest.raises(ConfigError, match="this data is a table"):
        AutoML(**FAST).fit(FRAME, IS_HIGH, lengths=np.ones(60, int))


def test_classes_may_be_any_numbers() -> None:
    y = np.where(IS_HIGH, 0.5, 1.5)
    assert AutoMLClassifier(**FAST).fit(NUMBERS, y).score(NUMBERS, y) > 0.9


def test_whole_classes_with_gaps_stay_whole() -> None:
    y = pd.array([1, 0, None] * 20, dtype="Int64")
    model = AutoMLClassifier(**FAST).fit(NUMBERS, y)
    assert (model.classes_.dtype.kind, model.classes_.tolist()) == ("i", [0, 1])


def test_names_that_repeat_are_refused() -> None:
    with pytest.raises(DataError, match=r"more than once|repeat|twice"):
        AutoMLClassifier(**FAST).fit(pd.DataFrame(NUMBERS, columns=["a", "b", "a"]), IS_HIGH)


def test_groups_order_and_validation_rows(tmp_path: Path) -> None:
    frame = FRAME.assign(group=np.arange(60) // 5)
    by_name, by_array = (AutoML(**FAST).fit(frame, IS_HIGH, groups=g) for g in ("group", np.arange(60) // 5))
    for model in (by_name, by_array):
        for train, valid in model.task_.splits:
            assert not set(train // 5) & set(valid // 5)
    assert [c.role for c in by_name.task_.schema.columns if c.name == "group"] == ["dropped"]
    later = AutoML(**FAST).fit(FRAME, IS_HIGH, order="seen")
    assert all(train.max() < valid.min() for train, valid in later.task_.splits)
    given = AutoML(**FAST | {"folds": "auto"}).fit(
        FRAME[:40], IS_HIGH[:40], sample_weight=np.full(40, 2.0), validation=(FRAME[40:], IS_HIGH[40:])
    )
    (pair,) = given.task_.splits
    assert (pair[0].tolist(), pair[1].tolist()) == (list(range(40)), list(range(40, 60)))
    with pytest.raises(ConfigError, match="leave folds out"):
        AutoML(**FAST).fit(FRAME[:40], IS_HIGH[:40], validation=(FRAME[40:], IS_HIGH[40:]))
    with pytest.raises(ConfigError, match="column in the validation data"):
        from_arrays({"a": range(40)}, IS_HIGH[:40], validation=({"b": range(9)}, IS_HIGH[:9]))


def test_a_run_is_gone_on_with(tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    first = AutoML(**FAST, run_dir=place, warm_start=True).fit(FRAME, IS_HIGH)
    more = AutoML(**FAST | {"trials": 3}, run_dir=place, warm_start=True).fit(FRAME, IS_HIGH)
    trials = [t.candidate.params for t in first.board_.trials]
    assert [t.candidate.params for t in more.board_.trials][:1] == trials
    assert len(more.board_.trials) == 3
    with pytest.raises(ConfigError, match="warm_start=True"):
        AutoML(**FAST, run_dir=place).fit(FRAME, IS_HIGH)
    with pytest.raises(ConfigError, match="goes on with the data"):
        AutoML(**FAST, run_dir=place, warm_start=True).fit(FRAME, ~IS_HIGH)
    with pytest.raises(ConfigError, match="with run_dir"):
        AutoML(**FAST, warm_start=True).fit(FRAME, IS_HIGH)


def test_only_the_families_of_a_list(tmp_path: Path) -> None:
    model = AutoML(**FAST | {"space": {"tables": ["decision_tree"]}}).fit(FRAME, IS_HIGH)
    assert [t.candidate.family for t in model.board_.trials] == ["decision_tree"]


def test_hashed_levels_leave_no_value_in_the_model(tmp_path: Path) -> None:
    secret = pd.DataFrame({"income": np.where(IS_HIGH, "earns plenty", "earns little"), "size": NUMBERS[:, 1]})
    plain, hashed = (AutoML(**FAST, levels=levels).fit(secret, IS_HIGH) for levels in ("plain", "hashed"))
    np.testing.assert_allclose(hashed.predict_proba(secret), plain.predict_proba(secret))
    for model, there in ((plain, True), (hashed, False)):
        folder = tmp_path / str(there)
        model.export(folder)
        assert any(b"earns" in path.read_bytes() for path in folder.iterdir()) == there
        np.testing.assert_allclose(load(folder).predict_proba(secret), plain.predict_proba(secret), atol=1e-5)
    with pytest.raises(ConfigError, match="Did you mean 'hashed'"):
        AutoML(**FAST, levels="hash").fit(secret, IS_HIGH)


def test_the_package_shows_what_there_is() -> None:
    assert {"AutoML", "AutoMLClassifier", "AutoMLRegressor", "load", "testing", "tuner"} <= set(dir(automl))
    assert all(getattr(automl, name) is not None for name in dir(automl))
