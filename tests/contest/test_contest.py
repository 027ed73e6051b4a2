"""Contests in the usual form: what they ask for is understood, and what is handed in is right to the last digit."""

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import cli, load, multi_target, registry
from automl.cli import main
from automl.compete import compete
from automl.contest import blend, form, submission
from automl.errors import ConfigError, DataError, UnknownNameError
from automl.runtime.table import read_csv
from automl.testing import make_task

N, N_TEST = 150, 40


def tables(target: str, sample_columns: dict[str, Any], id: str = "id", seed: int = 0) -> tuple[pd.DataFrame, ...]:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({id: np.arange(N + N_TEST) * 3 + 7, "a": rng.normal(size=N + N_TEST), "b": rng.random(N + N_TEST)})
    signal = x["a"] + 0.1 * rng.normal(size=N + N_TEST)
    y = {
        "binary": (signal > 0).astype(int),
        "words": np.where(signal > 0, "yes", "no"),
        "classes": np.array(["lo", "mid", "hi"])[np.digitize(signal, [-0.7, 0.7])],
        "values": signal,
    }[target]
    train = x.head(N).assign(target=y[:N])
    test = x.tail(N_TEST).sample(frac=1, random_state=0)
    sample = x.tail(N_TEST)[[id]].assign(**sample_columns)
    return train, test, sample


def as_columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """As they come from a file: texts."""
    return {name: frame[name].astype(str).to_numpy(object) for name in frame}


FORMS = [
    ("binary", {"target": 0.0}, "probability", ()),
    ("binary", {"prediction": 0.5}, "probability", ()),
    ("binary", {"target": 0}, "labels", ()),
    ("words", {"target": "no"}, "labels", ()),
    ("classes", {"hi": 0.3, "lo": 0.3, "mid": 0.4}, "probabilities", ("hi", "lo", "mid")),
    ("classes", {"class_hi": 0.3, "class_lo": 0.3, "class_mid": 0.4}, "probabilities", ("hi", "lo", "mid")),
    ("classes", {"target": "lo"}, "labels", ()),
    ("values", {"target": 0}, "values", ()),
    ("values", {"price": 1.5}, "values", ()),
]


@pytest.mark.parametrize(("target", "columns", "answers", "classes"), FORMS)
def test_the_form_is_read_off(target: str, columns: dict[str, Any], answers: str, classes: tuple[str, ...]) -> None:
    found = form.understand(*map(as_columns, tables(target, columns)))
    assert found == form.Form("id", "target", tuple(columns), answers, classes)
    assert form.Form.from_dict(found.to_dict()) == found


def test_forms_that_cannot_be_told() -> None:
    train, test, sample = map(as_columns, tables("values", {"y1": 0.5}))
    train["more"] = train["target"]
    with pytest.raises(DataError, match=r"data\.target="):
        form.understand(train, test, sample)
    assert form.understand(train, test, sample, target="more").target == "more"
    with pytest.raises(UnknownNameError, match="mor"):
        form.understand(train, test, sample, target="mor")
    with pytest.raises(DataError, match="it has none"):
        form.understand(train, test, {"id": sample["id"]})
    two = {"id": sample["id"], "target": sample["y1"], "more": sample["y1"]}
    expected = [form.Form("id", name, (name,), "values") for name in ("target", "more")]
    assert form.understand_each(train, test, two) == expected
    assert form.understand_each(train, test, {"id": sample["id"], "y1": sample["y1"]}, "more")[0].target == "more"
    train, test, sample = map(as_columns, tables("classes", {"hi": 0.1, "low": 0.2}))
    with pytest.raises(DataError, match="must be the classes"):
        form.understand(train, test, sample)


def test_rows_go_by_their_ids_and_numbers_keep_their_digits(tmp_path: Path) -> None:
    train, test, sample = map(as_columns, tables("values", {"target": 0.0}))
    asked = form.understand(train, test, sample)
    scores = np.array([float(i) + 1 / 3 for i in map(int, test["id"])])[:, None]
    path = tmp_path / "submission.csv"
    submission.write(submission.fill_in(asked, sample, test, scores, ()), path)
    submission.check(asked, sample, path)
    rows = list(csv.DictReader(path.open()))
    assert [row["id"] for row in rows] == list(sample["id"])
    assert all(float(row["target"]) == int(row["id"]) + 1 / 3 for row in rows)


def test_what_is_wrong_with_a_submission_is_found(tmp_path: Path) -> None:
    train, test, sample = map(as_columns, tables("binary", {"target": 0.0}))
    asked = form.understand(train, test, sample)
    right = submission.fill_in(asked, sample, test, np.full((N_TEST, 2), 0.5), [0, 1])
    path = tmp_path / "s.csv"
    wrong: list[tuple[dict[str, list[Any]], str]] = [
        ({"target": right["target"], "id": right["id"]}, "in this order"),
        ({"id": right["id"][:-1], "target": right["target"][:-1]}, "must have 40 rows"),
        ({"id": right["id"][::-1], "target": right["target"]}, "ids of the sample"),
        ({"id": right["id"], "target": [float("nan"), *right["target"][1:]]}, "row 1 of 'target' has 'nan'"),
        ({"id": right["id"], "target": ["", *right["target"][1:]]}, "an answer in each row"),
        ({"id": right["id"], "target": [1.5, *right["target"][1:]]}, "must hold probabilities"),
    ]
    for columns, message in wrong:
        submission.write(columns, path)
        with pytest.raises(DataError, match=message):
            submission.check(asked, sample, path)
    other = {**test, "id": np.append(test["id"][:-1], test["id"][0])}
    with pytest.raises(DataError, match="names two"):
        submission.fill_in(asked, sample, other, np.zeros((N_TEST, 2)), [0, 1])
    with pytest.raises(DataError, match="not in the test data"):
        submission.fill_in(asked, {**sample, "id": np.array(["x"] * N_TEST)}, test, np.zeros((N_TEST, 2)), [0, 1])


def test_a_blend_is_no_worse_than_its_best_run_and_refuses_others() -> None:
    task = make_task("table", "binary")
    rng = np.random.default_rng(0)
    truth = np.eye(2)[task.data.y]
    noisy = {name: np.abs(truth - 0.35 * rng.random(truth.shape[:1])[:, None]) for name in "abc"}
    noisy = {name: p / p.sum(axis=1, keepdims=True) for name, p in noisy.items()}
    noisy["b"][:5] = np.nan
    found = blend.blend(dict.fromkeys("abc", task), noisy)
    best = max if task.metric.greater_is_better else min
    assert best([found.score, *found.alone.values()]) == found.score
    assert sum(found.weights.values()) == pytest.approx(1)
    with pytest.raises(ConfigError, match="rows and the target"):
        blend.blend({"a": task, "b": make_task("table", "multiclass")}, noisy)


class FoundOut(Exception):
    """Ends a search where its configuration is known."""


@pytest.mark.parametrize(
    ("said", "lacking", "dropped"),
    [
        ([], [], ["id"]),
        (["data.drop=[]"], [], ["id"]),
        (["data.drop=[a]"], [], ["a", "id"]),
        (["data.drop=[id,a]"], [], ["id", "a"]),
        (["data.drop=[a]", "data.roles={id: numeric}"], [], ["a"]),
        (["data.drop=[a]"], ["id"], ["a"]),
    ],
)
def test_the_id_is_no_feature(
    said: list[str], lacking: list[str], dropped: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``lacking``: of the training data."""
    parts = dict(zip(("train", "test", "sample"), tables("binary", {"target": 0.5}), strict=True))
    parts["train"] = parts["train"].drop(columns=lacking)
    given = {name: str(tmp_path / f"{name}.csv") for name in parts}
    for name, frame in parts.items():
        frame.to_csv(given[name], index=False)

    def found_out(config: dict[str, Any], *_: Any) -> None:
        raise FoundOut(config["data"]["drop"])

    monkeypatch.setattr(multi_target, "searched", found_out)
    with pytest.raises(FoundOut) as found:
        compete(given["train"], given["test"], given["sample"], said, time.time())
    assert found.value.args == (dropped,)


@pytest.mark.parametrize(("target", "columns"), [FORMS[0][:2], FORMS[4][:2], FORMS[7][:2]])
def test_one_command_makes_a_submission(
    target: str,
    columns: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("train", "test", "sample")
    for name, frame in zip(names, tables(target, columns), strict=True):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    given = [str(tmp_path / f"{name}.csv") for name in names]
    quick = ["budget.trials=1", "data.folds=2", "budget.seconds=65", "runner=inline", "quiet=true", "report=false"]
    only = [f"space.tables.{name}=off" for name in registry.available("tables") if name != "decision_tree"]
    runs = [tmp_path / "runs" / name for name in ("one", "two")]
    for seed, run in enumerate(runs):
        monkeypatch.setattr(cli, "STARTED", time.time())
        main(["compete", *given, *quick, *only, f"run.dir={run}", f"seed={seed}"])
    said = capsys.readouterr()
    assert "told apart with a ROC AUC of" in said.err
    test, filled = pd.read_csv(given[1]), pd.read_csv(runs[0] / "submission.csv")
    model = load(runs[0] / "model")
    expected = model.predict(test) if target == "values" else model.predict_proba(test)
    by_id = pd.DataFrame(np.asarray(expected).reshape(N_TEST, -1), index=test["id"]).loc[filled["id"]]
    labels = [str(c) for c in model.classes_] if target != "values" else ["target"]
    wanted = [labels.index(c) for c in columns] if target == "classes" else [1] if target == "binary" else [0]
    np.testing.assert_array_equal(filled[list(columns)].to_numpy(np.float64), by_id[wanted].to_numpy(np.float64))
    main(["ensemble", *map(str, runs), "-o", str(tmp_path / "blend.csv")])
    assert list(pd.read_csv(tmp_path / "blend.csv")["id"]) == list(filled["id"])
    log = read_csv(tmp_path / "runs" / "submissions.csv")
    assert len(log["sha256"]) == 3
    assert log["run"][2].count("one") + log["run"][2].count("two") >= 1
