"""Quantiles of a target: what every part makes of them, from the configuration to what is shipped."""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

from automl import AutoML, AutoMLClassifier, cli, load, metrics, registry
from automl.cli import main
from automl.data import from_arrays
from automl.errors import ConfigError, DataError, SpaceError
from automl.export.trees import TreeEnsemble
from automl.model_store import ModelStore
from automl.past_run import open_run
from automl.report.quality import coverage
from automl.run_folder import find
from automl.runtime.errors import PredictionError
from automl.runtime.manifest import checksum
from automl.runtime.model import Model
from automl.space import Defaults, draw
from automl.task import Task
from automl.training.forest import with_quantiles
from automl.training.objective import FitFolds
from automl.types import Candidate
from tests import tasks

QUANTILES = (0.1, 0.5, 0.9)
HERE: dict[str, Any] = {"seconds": None, "runner": {"name": "inline", "threads": 1}, "scheduler": "none"}


def only(*families: str) -> dict[str, Any]:
    return {"tables": {name: "off" for name in registry.available("tables") if name not in families}}


def noisy(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose noise grows with a column of its own, which a model of the mean knows nothing of."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, (n, 3))
    return x, 3 * np.sin(x[:, 0]) + x[:, 1] + (0.3 + np.abs(x[:, 2])) * rng.normal(size=n)


def pinball(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
    """scikit-learn's, of each quantile."""
    each = [mean_pinball_loss(y, p[:, k], alpha=q, sample_weight=weights) for k, q in enumerate(QUANTILES)]
    return float(np.mean(each))


def test_the_metric_is_the_mean_of_scikit_learns_pinball_losses() -> None:
    rng = np.random.default_rng(0)
    y, p, weights = rng.normal(size=50), rng.normal(size=(50, 3)), rng.random(50)
    metric = metrics.get("auto", "quantiles", QUANTILES)
    assert (metric.name, metric.greater_is_better) == ("pinball", False)
    assert metric.shown(metric.score(y, p)) == pytest.approx(pinball(y, p))
    assert metric.shown(metric.score(y, p, weights)) == pytest.approx(pinball(y, p, weights))
    assert metrics.get(lambda y, p: float(p.shape[1]), "quantiles", QUANTILES).score(y, p) == 3
    with pytest.raises(
        ConfigError, match="Quantiles are judged by the mean of their pinball losses; given: metric=rmse"
    ):
        metrics.get("rmse", "quantiles", QUANTILES)


def test_a_task_of_quantiles_has_their_constants_to_beat() -> None:
    x, y = noisy(100)
    whole = y.round()  # without quantiles these would be looked at as classes
    task = from_arrays(x, whole, quantiles=np.array([0.9, 0.1, 0.5]), folds=4)
    assert (task.target.kind, task.target.quantiles, task.target.width, task.target.middle) == (
        "quantiles",
        QUANTILES,
        3,
        1,
    )
    assert any("quantiles 0.1, 0.5, 0.9" in note for note in task.notes)
    assert task.baseline is not None
    expected = [pinball(whole[v], np.tile(np.quantile(whole[t], QUANTILES), (len(v), 1))) for t, v in task.splits]
    assert [-score for score in task.baseline.fold_scores] == pytest.approx(expected)
    assert task.baseline.perfect == 0
    alone = from_arrays(x, y, folds=4)
    assert "quantiles" not in alone.schema.to_dict()  # what has none is written as it always was
    assert from_arrays(x, y, quantiles=[0.5], folds=4).fingerprint != alone.fingerprint


@pytest.mark.parametrize("wrong", [[0.1, 0.1], [0, 0.5], [1.0], "0.5", 0.5, ["a"]])
def test_what_no_quantiles_are_is_said(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="a list of different numbers, each above 0 and below 1"):
        from_arrays(*noisy(50), quantiles=wrong)


def test_quantiles_are_of_numbers() -> None:
    x, _ = noisy(60)
    with pytest.raises(DataError, match="A regression needs numbers"):
        from_arrays(x, np.array(["a", "b", "c"] * 20), quantiles=QUANTILES)
    with pytest.raises(ConfigError, match="Quantiles are of a target of numbers"):
        AutoMLClassifier(quantiles=QUANTILES, **HERE, trials=1).fit(x, np.arange(60) % 2)


def test_families_that_do_not_declare_quantiles_are_left_out() -> None:
    task = tasks.make("table", "quantiles")
    for name in registry.available("tables"):
        declared = "quantiles" in registry.load("tables", name).targets
        assert (tasks.defaults(task, name) is not None) == declared
    assert tasks.defaults(task, "svm") is None
    with pytest.raises(SpaceError, match=r"No family of space\.tables fits a quantiles target"):
        AutoML(quantiles=QUANTILES, **HERE, trials=1, space=only("svm")).fit(*noisy(50))


@pytest.mark.parametrize("weighted", [False, True])
def test_a_leaf_answers_with_the_quantiles_of_its_rows(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 1)).astype(np.float32), rng.normal(size=40)
    weights = rng.integers(1, 4, 40).astype(float) if weighted else None
    stump = TreeEnsemble(
        starts=np.array([0, 3], np.int32),
        feature=np.zeros(3, np.int32),
        threshold=np.zeros(3, np.float32),
        left=np.array([1, -1, -1], np.int32),
        right=np.array([2, -1, -1], np.int32),
        missing_left=np.zeros(3, bool),
        value_node=np.array([1, 2], np.int32),
        value_target=np.zeros(2, np.int32),
        value=np.zeros(2, np.float32),
        base=np.zeros(1),
        aggregate="mean",
    )
    found = with_quantiles(TreeEnsemble.join([stump, stump]), x, y, weights, QUANTILES).predict(x)
    for side in (x[:, 0] <= 0, x[:, 0] > 0):
        own = np.repeat(y[side], 1 if weights is None else weights[side].astype(int))
        expected = np.quantile(own, QUANTILES, method="inverted_cdf")
        np.testing.assert_allclose(found[side], np.tile(expected, (side.sum(), 1)), rtol=1e-6)


def fitted(task: Task, family: str, **params: Any) -> Any:
    """Return a family's model of the first fold."""
    option = registry.load("tables", family)
    model = option.build(draw(option.space, Defaults(params)), task.problem)
    train, valid = task.fold(0)
    assert list(model.fit(train, valid))[-1] == 1.0
    return model


def test_linear_quantiles_are_those_of_the_linear_programme() -> None:
    x, y = load_diabetes(return_X_y=True)
    task = from_arrays(x, y, quantiles=QUANTILES, folds=4)
    model = fitted(task, "linear", penalty="none")
    train, valid = task.fold(0)
    p = model.predict(valid.x)
    numeric = np.asarray(train.x.numeric, float)
    mean, spread, scale = numeric.mean(0), numeric.std(0), train.y.std()
    each = [QuantileRegressor(quantile=q, alpha=0).fit((numeric - mean) / spread, train.y / scale) for q in QUANTILES]
    asked = (np.asarray(valid.x.numeric) - mean) / spread
    reference = np.column_stack([model.predict(asked) * scale for model in each])
    assert pinball(valid.y, p) == pytest.approx(pinball(valid.y, np.sort(reference)), rel=0.03)
    assert np.abs(p - np.sort(reference)).mean() < 0.1 * scale


def test_lightgbm_grows_a_booster_for_each_quantile_and_writes_them_as_one() -> None:
    task = from_arrays(*noisy(400), quantiles=QUANTILES, folds=4)
    model = fitted(task, "lightgbm", learning_rate=0.2)
    _, valid = task.fold(0)
    x = np.asarray(valid.x.numeric)
    assert len(model.fitted) == 3
    for smaller in (model, model.trimmed(3)):
        assert smaller.ensemble().n_trees == 3 * smaller.n_trees
        np.testing.assert_allclose(smaller.ensemble().predict(x), smaller._raw(x), rtol=1e-5, atol=1e-5)


def test_losses_of_rows_are_pinball_losses(tmp_path: Path) -> None:
    task = from_arrays(*noisy(100), quantiles=QUANTILES, folds=2)
    objective = FitFolds(task, ModelStore(str(tmp_path)))
    params = tasks.defaults(task, "linear")
    assert params is not None
    *_, trial = objective(Candidate("0", params), 1, None)
    losses = objective.row_losses(trial, 0)
    assert losses is not None
    assert losses.mean() == pytest.approx(-trial.fold_scores[0])


@pytest.fixture(scope="module")
def model() -> AutoML:
    x, y = noisy(900)
    return AutoML(quantiles=[0.9, 0.1, 0.5], **HERE, trials=4, folds=3, space=only("lightgbm", "random_forest")).fit(
        x, y
    )


@pytest.fixture(scope="module")
def folder(model: AutoML, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``model`` ships."""
    return model.export(tmp_path_factory.mktemp("quantiles") / "model").path


def test_the_estimator_answers_with_a_column_for_each_ascending(model: AutoML) -> None:
    x, y = noisy(4000, seed=1)
    p = model.predict(x)
    assert p.shape == (4000, 3)
    assert (np.diff(p, axis=1) >= 0).all()
    np.testing.assert_allclose((y[:, None] <= p).mean(axis=0), QUANTILES, atol=0.06)
    constant = np.tile(np.quantile(noisy(900)[1], QUANTILES), (4000, 1))
    assert pinball(y, p) < 0.7 * pinball(y, constant)
    wide, narrow = (np.diff(p[rows][:, [0, 2]]).mean() for rows in (np.abs(x[:, 2]) > 2, np.abs(x[:, 2]) < 1))
    assert wide > 2 * narrow  # it is wide where the noise is
    each = [d2_pinball_score(y, p[:, k], alpha=q) for k, q in enumerate(QUANTILES)]
    assert min(each) < model.score(x, y) < max(each)
    assert clone(model).quantiles == model.quantiles
    assert not hasattr(model, "classes_")


def test_what_is_exported_answers_alike_and_names_its_columns(model: AutoML, folder: Path, tmp_path: Path) -> None:
    x, _ = noisy(50, seed=2)
    shipped = load(folder)
    frame = pd.DataFrame(x, columns=[c["name"] for c in shipped.manifest["schema"]["columns"]])
    p = shipped.predict(frame)
    np.testing.assert_allclose(p, model.predict(x), atol=1e-4)
    assert (np.diff(p, axis=1) >= 0).all()
    with pytest.raises(DataError, match="no probabilities"):
        shipped.predict_proba(frame)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    command = [sys.executable, str(folder / "predict.py"), str(tmp_path / "rows.csv")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "target_q0.1,target_q0.5,target_q0.9"
    np.testing.assert_allclose([list(map(float, line)) for line in csv.reader(said[1:])], p, rtol=1e-12)
    small = model.export(tmp_path / "compact", compact=True)
    assert load(small.path).predict(frame).shape == (50, 3)


def test_answers_are_explained_by_quantile(model: AutoML) -> None:
    x, y = noisy(60, seed=3)
    found = model.explain(x[:2], pairs=4)
    frame = found.frame()
    assert list(frame["quantile"].unique()) == list(QUANTILES)
    np.testing.assert_allclose(found.rows[0].base + found.contributions[0].sum(axis=0), model.predict(x[:1])[0])
    assert list(model.dependence("x0", points=3).columns) == ["x0", "q0.1", "q0.5", "q0.9"]
    assert set(model.importance(x, y)["feature"]) == {"x0", "x1", "x2"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantiles": []}, "its quantiles do not fit the target"),
        ({"quantiles": [0.5, 0.1, 0.9]}, "its quantiles are not ascending between 0 and 1"),
        ({"quantiles": [0.1, 0.5, 1.0]}, "its quantiles are not ascending between 0 and 1"),
        ({"target": "regression"}, "its quantiles do not fit the target"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    folder: Path, changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    contradicting = shutil.copytree(folder, tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["schema"] |= changes
    del manifest["checksum"]
    (contradicting / "manifest.json").write_text(json.dumps(manifest | {"checksum": checksum(manifest)}))
    with pytest.raises(PredictionError, match=message):
        Model(contradicting)


def test_one_quantile_alone_is_a_column_too() -> None:
    x, y = noisy(300)
    one = AutoML(quantiles=[0.9], **HERE, trials=1, folds=2, space=only("catboost")).fit(x, y)
    p = one.predict(x)
    assert p.shape == (300, 1)
    assert (y <= p[:, 0]).mean() == pytest.approx(0.9, abs=0.07)


def test_coverage_of_known_quantiles() -> None:
    found = coverage(np.array([0.0, 1, 2, 3]), np.array([[0.5, 1.0, 1.5]] * 4))
    assert found.below.tolist() == [0.25, 0.5, 0.5]
    assert (found.inside, found.width) == (0.25, 1.0)


def test_a_command_searches_ships_reports_and_predicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "STARTED", time.time())
    x, y = noisy(240)
    frame = pd.DataFrame(x, columns=list("abc")).assign(**{"=price": y})
    frame.to_csv(tmp_path / "train.csv", index=False)
    off = [f"space.tables.{name}=off" for name in only("linear", "decision_tree")["tables"]]
    run = tmp_path / "run"
    given = [f"data.train={tmp_path / 'train.csv'}", "data.target==price", f"run.dir={run}", *off]
    quick = ["budget.trials=3", "budget.seconds=60", "data.folds=2", "runner=inline", "quiet=true"]
    main(["search", *given, *quick, "data.quantiles=[0.1,0.5,0.9]"])
    main(["report", str(run)])
    page = (run / "report.html").read_text()
    for words in ("Coverage: on the dashed line", "Between the quantiles 0.1 and 0.9 lie", "quantile 0.5 of =price"):
        assert words in page
    assert "Left out" not in page
    assert "data.quantiles=[0.1,0.5,0.9]" in page  # in the command that runs it again
    kept = open_run(find(run))
    assert kept.task.target.quantiles == QUANTILES
    out = tmp_path / "predictions.csv"
    main(["predict", str(run / "model"), str(tmp_path / "train.csv"), "-o", str(out), "--spreadsheet"])
    assert out.read_text().splitlines()[0] == "'=price_q0.1,'=price_q0.5,'=price_q0.9"
    with pytest.raises(SystemExit):
        main(["search", *given[:2], *quick, "data.quantiles=[0.1,2]"])
    assert "quantiles must be a list of different numbers" in capsys.readouterr().err


def test_a_contest_may_ask_for_quantiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = noisy(120)
    frame = pd.DataFrame(x, columns=list("abc")).assign(id=np.arange(120), price=y)
    frame.head(90).to_csv(tmp_path / "train.csv", index=False)
    frame.tail(30).drop(columns="price").to_csv(tmp_path / "test.csv", index=False)
    sample = frame.tail(30)[["id"]].assign(low=0.0, mid=0.0, high=0.0)
    sample.to_csv(tmp_path / "sample.csv", index=False)
    given = [str(tmp_path / f"{name}.csv") for name in ("train", "test", "sample")]
    off = [f"space.tables.{name}=off" for name in only("linear")["tables"]]
    quick = ["budget.trials=1", "data.folds=2", "budget.seconds=50", "runner=inline", "quiet=true", "report=false"]
    monkeypatch.setattr(cli, "STARTED", time.time())
    command = ["compete", *given, *quick, *off, f"run.dir={tmp_path / 'run'}"]
    main([*command, "data.quantiles=[0.1,0.5,0.9]"])
    filled = pd.read_csv(tmp_path / "run" / "submission.csv")
    expected = load(tmp_path / "run" / "model").predict(frame.tail(30))
    np.testing.assert_array_equal(filled[["low", "mid", "high"]].to_numpy(), expected)
    with pytest.raises(SystemExit):
        main([*command, "data.quantiles=[0.1,0.9]"])
    assert "The sample has a column to fill in for each quantile; it has 3" in capsys.readouterr().err
