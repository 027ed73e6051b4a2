"""``explain``, ``importance`` and ``dependence`` of what is fitted and of what is shipped, on every kind of data."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import inspection

from automl import AutoML, load, registry
from automl.cli import main
from automl.errors import ConfigError, DataError, UnknownNameError
from automl.explain import explanation


def only(family: str, folder: str) -> dict[str, Any]:
    return {folder: {name: "off" for name in registry.names(folder) if name != family}}


def fitted(x: Any, y: Any, family: str, folder: str = "tables", **options: Any) -> AutoML:
    space = only(family, folder)
    if folder in ("images", "sequences"):
        space[folder][family] = {"epochs": 2}
    return AutoML(seconds=60, trials=1, runner="inline", folds=3, space=space, **options).fit(x, y)


def a_table(n: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers with gaps, levels, dates; a signal in three of the columns, an interaction among it."""
    rng = np.random.default_rng(0)
    x = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "level <b>": rng.choice(["red", "green", "blue"], n),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "noise": rng.normal(size=n),
        }
    )
    signal = x["a"] * (x["level <b>"] == "red") + x["b"] + 0.1 * rng.normal(size=n)
    x.loc[::17, "a"] = np.nan
    return x, signal.fillna(0).to_numpy()


TARGETS = {
    "regression": lambda s: s,
    "binary": lambda s: np.where(s > 0, "yes", "no"),
    "multiclass": lambda s: np.digitize(s, [-0.7, 0.7]),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("family", ["decision_tree", "linear", "lightgbm"])
def test_contributions_add_up_to_what_is_shipped(target: str, family: str, tmp_path: Path) -> None:
    x, signal = a_table()
    model = fitted(x, TARGETS[target](signal), family)
    model.export(tmp_path / "model")
    shipped = load(tmp_path / "model")
    for one, given in ((model, {}), (shipped, {"background": x.tail(30)})):
        found = one.explain(x.head(3), **given)
        answer = one.predict_proba(x.head(3)) if model.task_.target.is_classification else one.predict(x.head(3))
        for row, expected in zip(found.rows, answer, strict=True):
            assert row.features == tuple(x.columns)
            np.testing.assert_allclose(row.base + row.contributions.sum(axis=0), expected, atol=1e-4)
        # Probabilities are no sum of trees, being calibrated and pooled, but so few features need no sampling.
        by_trees = target == "regression" and family != "linear"
        assert found.method == ("trees" if by_trees else "coalitions")
        assert not np.any([row.errors for row in found.rows])
        strength = np.abs(found.contributions).mean(axis=(0, 2))
        assert strength[x.columns.get_loc("noise")] < strength.max() / 3


def test_trees_and_coalitions_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x, signal = a_table()
    model = fitted(x, signal, "lightgbm")
    exact = model.explain(x.head(4))
    assert exact.method == "trees"
    monkeypatch.setattr(explanation, "_by_trees", lambda *_: None)
    again = model.explain(x.head(4))
    assert again.method == "coalitions"
    np.testing.assert_allclose(exact.contributions, again.contributions, atol=1e-4)
    monkeypatch.setattr(explanation, "MOST_ANSWERS", 0)
    sampled = model.explain(x.head(4), pairs=256)
    assert sampled.method == "permutations"
    errors = np.stack([row.errors for row in sampled.rows])
    assert (np.abs(sampled.contributions - exact.contributions) < 4.5 * errors + 1e-4).all()


def test_margins_of_boosted_classes_are_exact(tmp_path: Path) -> None:
    x, signal = a_table()
    model = fitted(x, TARGETS["binary"](signal), "lightgbm")
    with pytest.raises(ConfigError, match="Leave scale out"):  # three models, each under its own link
        model.explain(x.head(3), scale="margin")
    model.export(tmp_path / "small", compact=True)
    small = load(tmp_path / "small")
    p = small.predict_proba(x.head(3))
    if len(small.manifest["members"]) == 1:
        found = small.explain(x.head(3), background=x.tail(30), scale="margin")
        odds = np.log(p[:, 1] / p[:, 0])
        total = np.array([row.base[1] + row.contributions[:, 1].sum() for row in found.rows])
        np.testing.assert_allclose(total, odds, atol=1e-3)
        assert found.method == "trees"


def test_importance_is_scikit_learns(tmp_path: Path) -> None:
    x, signal = a_table()
    model = fitted(x, signal, "lightgbm", metric="r2")
    theirs = inspection.permutation_importance(model, x, signal, scoring="r2", n_repeats=8, random_state=0)
    ours = model.importance(x, signal, repeats=8).set_index("feature").loc[list(x.columns)]
    np.testing.assert_allclose(ours["importance"], theirs.importances_mean, atol=0.1)
    model.export(tmp_path / "model")
    shipped = load(tmp_path / "model").importance(x, signal, repeats=8).set_index("feature").loc[list(x.columns)]
    np.testing.assert_allclose(shipped["importance"], ours["importance"], atol=1e-4)
    own = model.importance()
    assert set(own["feature"][:2]) == {"b", "a"} or set(own["feature"][:2]) == {"b", "level <b>"}
    assert own.set_index("feature").loc["noise", "importance"] < 0.1


def test_dependence_is_scikit_learns() -> None:
    x, signal = a_table()
    x = x[["a", "b", "noise"]]
    model = fitted(x, signal, "linear")
    points = np.sort(x["b"].to_numpy())[::40]
    theirs = inspection.partial_dependence(model, x, ["b"], custom_values={"b": points}, method="brute")
    ours = model.dependence("b", x, points=1000)
    np.testing.assert_allclose(
        np.interp(points, ours["b"].astype(float), ours["prediction"]), theirs["average"][0], atol=1e-6
    )
    few = model.dependence("b")
    assert len(few) <= 20
    assert few["b"].is_monotonic_increasing
    gaps = model.dependence("a", points=1000)["a"].astype(float)
    assert gaps.tolist() == sorted(x["a"].dropna())
    with pytest.raises(UnknownNameError, match="nois"):
        model.dependence("nois")


def test_texts_are_explained_by_their_words() -> None:
    rng = np.random.default_rng(0)
    words = np.array(["free", "winner", "cash", "lunch", "meeting", "office", "river", "hill"])
    texts = [" ".join(rng.choice(words[:5] if i % 2 else words[3:], 6)) for i in range(200)]
    model = fitted(pd.DataFrame({"text": texts}), np.arange(200) % 2, "tfidf_linear", "text", kind="text")
    found = model.explain(pd.DataFrame({"text": ["free meeting river", ""]}))
    row, empty = found.rows
    assert row.features == ("free", "meeting", "river")
    assert row.contributions[0, 1] > 0 > row.contributions[2, 1]
    np.testing.assert_allclose(row.base + row.contributions.sum(axis=0), row.answer, atol=1e-6)
    assert empty.features == ()
    with pytest.raises(DataError, match="frame"):
        _ = found.contributions
    assert list(found.frame()["feature"]) == ["free"] * 2 + ["meeting"] * 2 + ["river"] * 2


@pytest.mark.parametrize("kind", ["image", "sequence"])
def test_arrays_are_explained_by_their_parts(kind: str) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 8, 8, 1) if kind == "image" else (60, 8, 2)).astype(np.float32)
    x[y == 1, :2, :2] += 3
    family = {"image": "conv_stages", "sequence": "temporal_conv"}[kind]
    model = fitted(x, y, family, f"{kind}s", kind=kind)
    found = model.explain(x[:2], x[-4:], pairs=8)
    for row in found.rows:
        np.testing.assert_allclose(row.base + row.contributions.sum(axis=0), row.answer, atol=1e-4)
    assert re.match("rows 0-1" if kind == "image" else "steps 0-0", found.rows[0].features[0])
    if kind == "sequence":  # of fewer features
        assert len(model.importance(repeats=1)) == len(found.rows[0].features)
    with pytest.raises(DataError, match="column"):
        model.dependence("x")


def test_what_cannot_be_explained_is_said(tmp_path: Path) -> None:
    x, signal = a_table(120)
    model = fitted(x, TARGETS["binary"](signal), "decision_tree")
    model.export(tmp_path / "model")
    shipped = load(tmp_path / "model")
    with pytest.raises(DataError, match="background=rows"):
        shipped.explain(x.head(1))
    with pytest.raises(DataError, match=r"folder of its run.*importance\(x, y\)"):
        shipped.importance()
    assert shipped.explain(x.head(2)).rows  # two rows can be compared with each other
    with pytest.raises(UnknownNameError, match="answer"):
        model.explain(x, scale="answr")
    with pytest.raises(DataError, match=r"folder of its run.*dependence\(column, x\)"):
        shipped.dependence("a")
    with pytest.raises(DataError, match="'a'"):
        shipped.explain(x.drop(columns="a"))
    with pytest.raises(DataError, match="one of the classes"):
        shipped.importance(x, np.full(len(x), "maybe"))
    with pytest.raises(DataError, match="same number of rows"):
        shipped.importance(x, np.full(3, "yes"))


@pytest.mark.parametrize("share", [0, 0.25])
def test_a_model_beside_its_run_is_explained_by_the_rows_of_it(share: float, tmp_path: Path) -> None:
    x, signal = a_table()
    x.assign(y=signal).to_csv(tmp_path / "x.csv", index=False)
    given = [f"data.train={tmp_path / 'x.csv'}", "data.target=y", f"data.test_share={share}", "space.tables=[linear]"]
    given += [f"run.dir={tmp_path / 'run'}", "budget.trials=1", "budget.seconds=null", "runner=inline", "quiet=true"]
    main(["search", *given, "report=false"])
    shipped = load(tmp_path / "run" / "model")
    assert shipped.importance()["feature"][0] == "b"
    assert len(shipped.dependence("a")) > 5
    (row,) = shipped.explain(x.head(1)).rows
    np.testing.assert_allclose(row.base, shipped.predict(x).mean(), atol=4 * shipped.predict(x).std() / 8)
    (tmp_path / "x.csv").unlink()
    with pytest.raises(DataError, match="importance"):
        load(tmp_path / "run" / "model").importance()


def test_values_are_tried_in_the_order_in_which_the_model_reads_them() -> None:
    rng = np.random.default_rng(0)
    amounts = np.tile([3, 5, 10, 999, 1200, 1500], 30)
    days = pd.date_range("2023-12-01", periods=180).strftime("%d.%m.%Y")
    x = pd.DataFrame({"price": [f"{v:,}" for v in amounts], "weight": [f"{v} kg" for v in amounts], "day": days})
    fit = fitted(x, amounts + rng.normal(size=180), "linear")
    tried = {name: fit.dependence(name, x).iloc[:, 0].tolist() for name in x}
    assert tried["price"] == ["3", "5", "10", "999", "1,200", "1,500"]
    assert tried["weight"] == [f"{v} kg" for v in (3, 5, 10, 999, 1200, 1500)]
    shown = pd.to_datetime(pd.Series(tried["day"]), format="%d.%m.%Y")
    assert shown.is_monotonic_increasing
