"""Several target columns: a search for each within one budget, one folder that answers all, and contests of them."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.multioutput import MultiOutputRegressor

from automl import AutoML, cli, load, registry, run_folder
from automl.again import command_of
from automl.cli import main
from automl.errors import ArtifactError, AutoMLError, DataError
from automl.hydra_app import composed
from automl.leaderboard.store import Store
from automl.past_run import recorded
from automl.runtime.errors import PredictionError
from automl.runtime.manifest import checksum
from automl.runtime.models import Several, open_model
from automl.runtime.table import read_csv

QUICK = ["data.folds=2", "budget.seconds=60", "runner=inline", "quiet=true", "report=false"]
QUICK += [f"space.tables.{name}=off" for name in registry.available("tables") if name != "linear"]
TARGETS = ["price", "kind of it"]


def frame(n: int = 120, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    labels = np.where(x["a"] - x["b"] + 0.1 * rng.normal(size=n) > 0, "=yes", "no")
    return x.assign(**{"price": 3 * x["a"] + x["b"] + 0.1 * rng.normal(size=n), "kind of it": labels})


@pytest.fixture(autouse=True)
def budget_begins_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "STARTED", time.time())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    whole = frame()
    whole.loc[:9, "price"] = np.nan  # rows without one target serve the other
    whole.to_csv(folder / "train.csv", index=False)
    given = [f"data.train={folder / 'train.csv'}", "data.target=[price, kind of it]", f"run.dir={folder / 'run'}"]
    cli.STARTED = time.time()
    main(["search", *given, *QUICK, "budget.trials=4"])
    return folder / "run"


def test_each_target_has_a_run_without_the_others(run: Path) -> None:
    runs = run_folder.runs_in(run)
    assert runs == {"price": run / "price", "kind of it": run / "target-2"}
    assert run.stat().st_mode & 0o777 == 0o700
    rows = {}
    for target, folder in runs.items():
        config = recorded(run_folder.find(folder))
        assert config["data"]["target"] == target
        assert config["data"]["drop"] == [other for other in TARGETS if other != target]
        assert config["budget"]["trials"] == 2
        schema = json.loads((folder / "model" / "manifest.json").read_text())["schema"]
        assert [c["name"] for c in schema["columns"] if c["role"] != "dropped"] == ["a", "b"]
        with np.load(folder / "validation.npz") as kept:
            rows[target] = len(kept["y"])
    assert rows == {"price": 110, "kind of it": 120}


def test_the_seconds_that_one_target_leaves_are_the_others(run: Path) -> None:
    first, second = (recorded(run_folder.find(f))["budget"]["seconds"] for f in run_folder.runs_in(run).values())
    assert first == pytest.approx(29.75, abs=0.01)  # half of what is not kept for joining
    assert first < second < 60


def test_one_folder_answers_all(run: Path, tmp_path: Path) -> None:
    asked = frame(30, seed=1)
    asked.to_csv(tmp_path / "rows.csv", index=False)
    each = {target: load(folder / "model") for target, folder in run_folder.runs_in(run).items()}
    opened = open_model(run / "model")
    assert isinstance(opened, Several)
    for target, answers in opened.predict(asked).items():
        np.testing.assert_array_equal(answers, each[target].predict(asked))
    command = [sys.executable, str(run / "model" / "predict.py"), str(tmp_path / "rows.csv")]
    header, *rows = csv.reader(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    assert header == ["price", "kind of it", "kind of it_probability_=yes", "kind of it_probability_no"]
    np.testing.assert_array_equal([float(row[0]) for row in rows], each["price"].predict(asked))
    assert [row[1] for row in rows] == each["kind of it"].predict(asked).tolist()
    proba = each["kind of it"].predict_proba(asked)
    np.testing.assert_allclose([[float(p) for p in row[2:]] for row in rows], proba, rtol=1e-6)
    main(["predict", str(run / "model"), str(tmp_path / "rows.csv"), "-o", str(tmp_path / "p.csv"), "--spreadsheet"])
    assert set(pd.read_csv(tmp_path / "p.csv")["kind of it"]) == {"'=yes", "no"}


def test_one_of_its_models_serves_alone_and_all_together_are_no_one_model(run: Path) -> None:
    assert load(run / "model" / "price").predict(frame(3)).shape == (3,)
    with pytest.raises(ArtifactError, match="a model for each of several targets: 'price', 'kind of it'"):
        load(run / "model")


def damage(run: Path, folder: Path, **changes: Any) -> Path:
    """Return a copy of the joined folder whose manifest is otherwise."""
    shutil.copytree(run / "model", folder)
    manifest = json.loads((folder / "manifest.json").read_text()) | changes
    del manifest["checksum"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"checksum": checksum(manifest)}))
    return folder


def test_a_damaged_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (one, two) = json.loads((run / "model" / "manifest.json").read_text())["models"]
    for i, (models, message) in enumerate(
        [
            ([one, one], "its targets are none, or repeat"),
            ([], "its targets are none, or repeat"),
            ([one | {"folder": "../x"}], "is no folder inside it"),
            ([one | {"folder": "absent"}], "is incomplete"),
            ([one | {"manifest": two["manifest"]}], "its SHA-256 differs"),
            ([one | {"target": 1}], "target"),
        ]
    ):
        with pytest.raises(PredictionError, match=message):
            open_model(damage(run, tmp_path / str(i), models=models))


def test_what_is_about_one_run_asks_for_one(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AutoMLError, match="holds a run for each of its targets"):
        run_folder.find(run)
    for command in (["predict", str(run), "x.csv", "-o", "y.csv"], ["optuna-export", str(run)]):
        with pytest.raises(SystemExit):
            main(command)
    said = capsys.readouterr().err
    assert f"its model is '{run / 'model'}'" in said
    assert f"Give one of them: {run / 'price'}, {run / 'target-2'}" in said


def test_its_leaderboard_is_that_of_other_runs_and_is_shown_whole(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Store(run.parent / "leaderboard.db", read_only=True) as store:
        assert [one.name for one in store.runs()] == ["run/price", "run/target-2"]
    (tmp_path / "runs").symlink_to(run.parent)  # where no run is named, the newest one is shown
    monkeypatch.chdir(tmp_path)
    for given in ([str(run)], []):
        main(["leaderboard", *given])
        assert re.findall("^target (.*)$", capsys.readouterr().out, re.MULTILINE) == TARGETS
    main(["leaderboard", str(run), "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert {target: board["run"]["metric"]["name"] for target, board in shown.items()} == dict(
        zip(TARGETS, ("rmse", "roc_auc"), strict=True)
    )
    main(["leaderboard", str(run), "--csv"])
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert {row["target"] for row in rows} == set(TARGETS)
    main(["leaderboard", str(run), "--runs", "--csv"])
    assert [row["name"] for row in csv.DictReader(capsys.readouterr().out.splitlines())] == [
        "run/price",
        "run/target-2",
    ]
    main(["leaderboard", str(run / "price")])
    assert "target" not in capsys.readouterr().out.splitlines()[0]


def test_it_is_reported_and_shipped_again_as_one(run: Path, tmp_path: Path) -> None:
    main(["report", str(run), "-o", str(tmp_path)])
    told = (tmp_path / "report.md").read_text()
    assert re.findall("^# (.*)$", told, re.MULTILINE) == ["run/price\\: price", "run/target\\-2\\: kind of it"]
    assert told.count("data.drop=") == 2
    main(["export", str(run), "-o", str(tmp_path / "small"), "--members", "1"])
    opened = open_model(tmp_path / "small" / "model")
    assert set(opened.predict(frame(3))) == set(TARGETS)
    with pytest.raises(SystemExit):
        main(["export", str(run), "-o", str(tmp_path / "none"), "limits.bytes=1"])
    assert not (tmp_path / "none").exists()


def n_trials(run: Path) -> dict[str, int]:
    found = run_folder.begun_in(run)
    with Store(run.parent / "leaderboard.db", read_only=True) as store:
        return {target: len(store.trials(folder.run_id or 0)) for target, folder in found.items()}


def test_a_run_that_goes_on_is_joined_again(run: Path) -> None:
    before = (run / "model" / "price" / "manifest.json").read_bytes()
    main(["resume", str(run / "price"), "budget.trials=3", "budget.seconds=null"])
    after = (run / "model" / "price" / "manifest.json").read_bytes()
    assert after == (run / "price" / "model" / "manifest.json").read_bytes() != before
    assert isinstance(open_model(run / "model"), Several)
    assert list(n_trials(run).values()) == [3, 2]


def test_all_targets_go_on_together_and_those_that_had_not_begun(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["resume", str(run), "budget.trials=8", "budget.seconds=null"])
    assert list(n_trials(run).values()) == [4, 4]
    for left in (run / "target-2", run / "model"):  # as where the search was ended within its first target
        shutil.rmtree(left)
    assert list(run_folder.begun_in(run)) == TARGETS[:1]
    main(["report", str(run)])
    with pytest.raises(SystemExit):
        main(["export", str(run), "-o", str(run.parent / "again")])
    assert "no search has begun for kind of it" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["resume", str(run), "data.target=price"])
    assert "goes on with the targets it began with: price, kind of it" in capsys.readouterr().err
    main(["resume", str(run), "budget.trials=8", "budget.seconds=null"])
    assert list(n_trials(run).values()) == [4, 4]
    assert set(open_model(run / "model").predict(frame(3))) == set(TARGETS)


def test_trials_are_shared_and_are_no_more_than_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame().assign(other=lambda x: x["a"] + x["b"]).to_csv(tmp_path / "train.csv", index=False)
    run, targets = tmp_path / "run", "data.target=[price,other,kind of it]"
    given = [f"data.train={tmp_path / 'train.csv'}", targets, f"run.dir={run}", *QUICK, "compress=none"]
    with pytest.raises(SystemExit):
        main(["search", *given, "budget.trials=2"])
    assert "one for each target or more, is a whole number of at least 3; got 2" in capsys.readouterr().err
    assert not run.exists()
    main(["search", *given, "budget.trials=4"])
    assert list(n_trials(run).values()) == [2, 1, 1]
    main(["resume", str(run / "price"), "budget.trials=4", "budget.seconds=null"])
    main(["resume", str(run), "budget.trials=7", "budget.seconds=null"])
    assert list(n_trials(run).values()) == [4, 2, 1]  # what is left of 7 by the first


@pytest.mark.parametrize("targets", ["[price,price]", "[price,rooms]"])
def test_targets_that_there_are_not_leave_nothing(
    targets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame().to_csv(tmp_path / "train.csv", index=False)
    given = [f"data.train={tmp_path / 'train.csv'}", f"data.target={targets}", f"run.dir={tmp_path / 'run'}"]
    with pytest.raises(SystemExit):
        main(["search", *given, *QUICK, "budget.trials=2"])
    said = capsys.readouterr().err
    assert "several different ones" in said or "'rooms'" in said
    assert not (tmp_path / "run").exists()


def test_a_column_may_be_called_like_a_list() -> None:
    for written, expected in (
        ("[a,b]", ["a", "b"]),
        ('["a, b", c]', ["a, b", "c"]),
        ("[a]", "[a]"),
        ('"[a,b]"', "[a,b]"),
    ):
        config = composed(["data.train=x.csv", f"data.target={written}"])
        assert config["data"]["target"] == expected
        _, _, *again = shlex.split(command_of(config))
        assert composed(again)["data"]["target"] == expected


def test_scikit_learns_wrapper_fits_an_estimator_for_each_column() -> None:
    whole = frame()
    x, y = whole[["a", "b"]], whole[["price"]].assign(other=-whole["price"])
    with pytest.raises(DataError, match="MultiOutputRegressor"):
        AutoML(seconds=None, trials=1).fit(x, y)
    space = {"tables": {name: "off" for name in registry.available("tables") if name != "linear"}}
    here = {"seconds": None, "runner": {"name": "inline", "threads": 1}, "trials": 1, "folds": 2, "space": space}
    p = MultiOutputRegressor(AutoML(**here)).fit(x, y).predict(x)
    np.testing.assert_allclose(p[:, 0], -p[:, 1], atol=0.05)


def test_a_contest_of_several_targets_is_answered_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = frame(160).assign(id=np.arange(160) + 5).rename(columns={"kind of it": "kind"})
    whole["sold"] = (whole["kind"] == "no").astype(int)
    whole = whole.drop(columns="kind")
    whole.head(120).to_csv(tmp_path / "train.csv", index=False)
    asked = whole.tail(40).drop(columns=["price", "sold"])
    asked.to_csv(tmp_path / "test.csv", index=False)
    sample = asked[["id"]].sample(frac=1, random_state=0).assign(sold=0.5, price=0.0)
    sample.to_csv(tmp_path / "sample.csv", index=False)
    files = [str(tmp_path / f"{name}.csv") for name in ("train", "test", "sample")]
    run = tmp_path / "runs" / "one"
    main(["compete", *files, *QUICK, "budget.trials=2", f"run.dir={run}"])
    said = capsys.readouterr().err
    assert "Predict 'sold' by auto: the probability of the second class" in said
    filled = pd.read_csv(run / "submission.csv")
    assert list(filled) == ["id", "sold", "price"]
    assert list(filled["id"]) == list(sample["id"])
    by_id = asked.set_index("id").loc[filled["id"]].reset_index()
    np.testing.assert_array_equal(filled["price"], load(run / "price" / "model").predict(by_id))
    np.testing.assert_allclose(filled["sold"], load(run / "sold" / "model").predict_proba(by_id)[:, 1], rtol=1e-6)
    truth = whole.set_index("id").loc[filled["id"]]
    assert np.corrcoef(filled["price"], truth["price"])[0, 1] > 0.9
    other = tmp_path / "runs" / "other"
    monkeypatch.setattr(cli, "STARTED", time.time())
    main(["compete", *files, *QUICK, "budget.trials=2", "seed=1", f"run.dir={other}"])
    main(["ensemble", str(run), str(other), "-o", str(tmp_path / "blend.csv")])
    blended = pd.read_csv(tmp_path / "blend.csv")
    assert list(blended["id"]) == list(filled["id"])
    assert np.corrcoef(blended["price"], truth["price"])[0, 1] > 0.9
    assert blended["sold"].between(0, 1).all()
    log = read_csv(tmp_path / "runs" / "submissions.csv")
    assert log["metric"].tolist() == ["roc_auc and rmse"] * 3
    assert "one" in log["run"][2] or "other" in log["run"][2]
    with pytest.raises(SystemExit):
        main(["compete", *files, *QUICK, "budget.trials=2", "data.target=[price,b]", f"run.dir={run}-2"])
    assert "The sample has columns for price, sold; data.target names price, b" in capsys.readouterr().err
