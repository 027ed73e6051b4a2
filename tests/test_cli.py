"""The command line, as a person uses it: what only a process shows is seen in one, all else in this one."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

from automl import hydra_app, load, registry
from automl.errors import AutoMLError
from automl.leaderboard.store import Store
from automl.options import configuration
from automl.run_folder import find
from tests.commands import AUTOML, automl, automl_process

# Quick to fit, and two of them; nothing of them is compressed where that is not what a test is about.
FAMILIES = ["space.tables=[lightgbm,linear]", "data.folds=2"]
QUICK = [*FAMILIES, "compress=none"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.csv and test.csv, with strings for classes, a category and gaps."""
    folder = tmp_path_factory.mktemp("place")
    bunch = load_breast_cancer(as_frame=True)
    frame = bunch.data.iloc[:, :8].assign(diagnosis=bunch.target_names[bunch.target])
    frame["size class"] = pd.cut(frame["mean radius"], 3, labels=["small", "medium", "large"]).astype(object)
    frame.iloc[::9, 2] = np.nan
    frame.iloc[::11, -1] = None
    frame.iloc[:400].to_csv(folder / "train.csv", index=False)
    frame.iloc[400:].to_csv(folder / "test.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(place: Path) -> subprocess.CompletedProcess[str]:
    done = automl_process(
        *("search", "data.train=train.csv", "data.target=diagnosis", "data.test=test.csv", "budget.trials=5"),
        *("budget.seconds=null", "run.dir=runs/first", "runner=inline", *FAMILIES),
        cwd=place,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_search_prints_the_leaderboard_and_where_the_model_lies(
    run: subprocess.CompletedProcess[str], place: Path
) -> None:
    assert "5 trials" in run.stdout
    assert "verified" in run.stdout
    assert "automl predict runs/first/model data.csv -o predictions.csv" in run.stdout
    assert "Traceback" not in run.stderr
    manifest = json.loads((place / "runs/first/model/manifest.json").read_text())
    assert manifest["parity"]["changed_labels"] == 0
    assert manifest["scores"]["test roc_auc"] > 0.9
    assert {p.name for p in (place / "runs/first/model").iterdir()} == {
        "model.onnx",
        "predict.py",
        "manifest.json",
        "README.md",
    }
    assert (place / "runs/first/compact/manifest.json").exists()


def test_every_way_to_predict_agrees(run: subprocess.CompletedProcess[str], place: Path) -> None:
    assert automl_process("predict", "runs/first/model", "test.csv", "-o", "a.csv", cwd=place).returncode == 0
    alone = [sys.executable, "-I", "runs/first/model/predict.py", "test.csv", "-o", "b.csv"]
    subprocess.run(alone, cwd=place, check=True)
    assert (place / "a.csv").read_text() == (place / "b.csv").read_text()
    frame = pd.read_csv(place / "test.csv")
    model = load(place / "runs/first/model")
    answers = pd.read_csv(place / "a.csv")
    assert answers["prediction"].tolist() == model.predict(frame).tolist()
    np.testing.assert_allclose(answers.iloc[:, 1:].to_numpy(), model.predict_proba(frame), atol=1e-6)
    # Columns in any order, with extra ones, and the same from Parquet.
    shuffled = frame[frame.columns[::-1]].assign(extra=1)
    assert model.predict(shuffled).tolist() == model.predict(frame).tolist()
    frame.to_parquet(place / "test.parquet")
    assert automl("predict", "runs/first/model", "test.parquet", "-o", "c.csv", cwd=place).returncode == 0
    assert (place / "c.csv").read_text() == (place / "a.csv").read_text()


def test_predicting_on_what_was_never_seen(run: subprocess.CompletedProcess[str], place: Path) -> None:
    frame = pd.read_csv(place / "test.csv").head(3)
    model = load(place / "runs/first/model")
    frame["size class"] = ["enormous", None, "small"]
    frame.iloc[0, :8] = np.nan
    assert np.isfinite(model.predict_proba(frame)).all()


def test_leaderboard(run: subprocess.CompletedProcess[str], place: Path) -> None:
    text = automl("leaderboard", "runs/first", cwd=place).stdout
    assert "Ensemble" in text
    rows = list(csv.DictReader(io.StringIO(automl("leaderboard", "runs/first", "--csv", cwd=place).stdout)))
    assert [row["rank"] == "" for row in rows] == [row["family"] == "baseline" for row in rows]
    assert len(rows) == 6
    whole = json.loads(automl("leaderboard", "--json", cwd=place).stdout)
    assert whole["run"]["status"] == "finished"
    assert len(whole["trials"]) == 5
    assert "first" in automl("leaderboard", "--runs", cwd=place).stdout
    rows = list(csv.DictReader(io.StringIO(automl("leaderboard", "--runs", "--csv", cwd=place).stdout)))
    runs = json.loads(automl("leaderboard", "--runs", "--json", cwd=place).stdout)
    assert [row["name"] for row in rows] == [run["name"] for run in runs]
    assert {"first"} <= {run["name"] for run in runs}
    assert automl("leaderboard", "frist", cwd=place).stderr.count("(first)") == 1


def test_resume_goes_on_and_export_ships_again(run: subprocess.CompletedProcess[str], place: Path) -> None:
    done = automl("resume", "runs/first", "budget.trials=6", cwd=place)
    assert done.returncode == 0, done.stderr
    folder = find(place / "runs/first")
    with Store(folder.leaderboard_url) as store:
        ids = [t.candidate.id for t in store.trials(folder.run_id or 0)]
    assert sorted(ids, key=int) == ["0", "1", "2", "3", "4", "5"]
    done = automl("export", "runs/first", "-o", "again", "--members", 1, cwd=place)
    assert done.returncode == 0, done.stderr
    assert len({m["trial"] for m in json.loads((place / "again/model/manifest.json").read_text())["members"]}) == 1


def test_a_run_goes_on_from_any_folder_with_metrics_and_losses_of_ones_own(place: Path, tmp_path: Path) -> None:
    here, there = place / "own", tmp_path
    here.mkdir()
    shutil.copy(place / "train.csv", here)
    (here / "metric_here.py").write_text("def right(y, labels):\n    return float((y == labels).mean())\n")
    shutil.copy(Path(__file__).parents[1] / "examples/own_loss.py", here / "loss_here.py")
    done = automl(
        *("search", "data.train=train.csv", "data.target=diagnosis", "metric=metric_here:right", "run.dir=run"),
        *("plugins.losses=[loss_here]", "budget.trials=2", "budget.seconds=null", "runner=inline", *QUICK),
        cwd=here,
    )
    assert done.returncode == 0, done.stderr
    for command in (
        ("resume", here / "run", "budget.trials=3"),
        ("export", here / "run", "-o", "again", "limits.bytes=10000000"),
        ("report", here / "run", "-o", "said"),
    ):
        for name in ("metric_here", "loss_here"):
            sys.modules.pop(name, None)
        done = automl(*command, cwd=there)
        assert done.returncode == 0, done.stderr
    assert (there / "again/model/manifest.json").exists()
    assert (there / "said/report.html").exists()


def test_an_export_keeps_limits_that_the_search_did_not_know(
    run: subprocess.CompletedProcess[str], place: Path
) -> None:
    done = automl("export", "runs/first", "-o", "tiny", "limits.bytes=60000", "limits.row_ms=50", cwd=place)
    assert done.returncode == 0, done.stderr
    assert json.loads((place / "tiny/model/manifest.json").read_text())["bytes"]["model.onnx"] <= 60_000
    assert not (place / "tiny/compact").exists()
    done = automl("export", "runs/first", "-o", "none", "limits.bytes=10", cwd=place)
    assert done.returncode == 2
    assert "Nothing that was found is within the limits" in done.stderr


def test_space_prints_what_overrides_change(place: Path) -> None:
    assert (
        "high: 1023"
        in automl("space", "tables.lightgbm.num_leaves", "space.tables.lightgbm.num_leaves.high=1023", cwd=place).stdout
    )
    assert "Did you mean 'lightgbm'" in automl("space", "tables.lightgbn", cwd=place).stderr


def test_space_prints_plugins_too(place: Path, tmp_path: Path) -> None:
    (tmp_path / "soft_loss.py").write_text(
        "from automl.option import Loss\nfrom automl.space import Float\n"
        "OPTION = Loss(space={'softness': Float(0, 1)}, build=print)\n"
    )
    given = ("plugins.losses=[soft_loss]", "space.tables.mlp.loss.soft_loss.softness.high=0.75")
    assert "high: 0.75" in automl("space", "tables.mlp.loss.soft_loss", *given, cwd=tmp_path).stdout


def test_hydra_shows_the_configuration(place: Path) -> None:
    done = automl_process("search", "--cfg", "job", "data.train=x", "searcher=gp", cwd=place)
    assert "name: gp" in done.stdout
    for key, default in configuration("searchers", "gp").items():
        assert f"  {key}: {default}" in done.stdout


def test_roles_go_by_the_names_of_columns(place: Path) -> None:
    frame = pd.read_csv(place / "train.csv")
    frame.assign(zip=np.arange(len(frame)) % 7, **{"2020": frame["mean area"]}).to_csv(place / "zip.csv", index=False)
    given = ("data.train=zip.csv", "data.target=diagnosis", "runner=inline", "budget.trials=1", *QUICK)
    for name, roles in (
        ("braces", ["data.roles={zip: categorical, 2020: dropped}"]),
        ("dots", ["data.roles.zip=text"]),
    ):
        done = automl("search", *given, f"run.dir=runs/{name}", *roles, cwd=place)
        assert done.returncode == 0, done.stderr
        columns = {c["name"]: c["role"] for c in json.loads(_manifest(place, name))["schema"]["columns"]}
        assert columns["zip"] == ("categorical" if name == "braces" else "text")
    done = automl("resume", "runs/dots", "budget.trials=2", "searcher=random", "scheduler=none", cwd=place)
    assert done.returncode == 0, done.stderr


def _manifest(place: Path, name: str) -> str:
    return (place / "runs" / name / "model" / "manifest.json").read_text()


@pytest.fixture(scope="module")
def installed(place: Path) -> Path:
    """The program ``automl`` in a folder of its own, beside what a shell evaluates once for its completion."""
    folder = place / "bin"
    folder.mkdir()
    program = folder / "automl"
    program.write_text(f'#!/bin/sh\nexec {" ".join(AUTOML)} "$@"\n')
    program.chmod(0o755)
    script = subprocess.run([program, "search", "-sc", "install=bash"], capture_output=True, check=True, timeout=60)
    (folder / "completion.sh").write_bytes(script.stdout)
    return folder


def completions(installed: Path, line: str) -> set[str]:
    """What bash would offer at the end of ``line``."""
    script = """
        source "$1"
        complete -p automl > /dev/null || exit 1
        read -ra typed <<< "$COMP_LINE"
        COMP_CWORD=$(( ${#typed[@]} - 1 ))
        $(complete -p automl | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    env = {**os.environ, "PATH": f"{installed}:{os.environ['PATH']}", "COMP_LINE": line}
    command = ["bash", "-c", script, "bash", str(installed / "completion.sh")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("automl lead", {"leaderboard"}),
        ("automl search sched", {"scheduler=", "scheduler."}),
        ("automl search searcher=gp scheduler=", {f"scheduler={name}" for name in registry.names("schedulers")}),
        ("automl search 'data.roles={zip: text}' space.tables.lightg", {"space.tables.lightgbm."}),
        ("automl search searcher=tpe searcher.start", {"searcher.startup_trials="}),
        ("automl search space=", {"space=full", "space=small"}),
        ("automl predict mod", set()),
    ],
)
def test_bash_completes_commands_keys_and_options(installed: Path, line: str, offered: set[str]) -> None:
    assert completions(installed, line) == offered


def test_the_help_of_search_is_a_page(place: Path) -> None:
    done = automl("search", "--help", cwd=place)
    assert done.returncode == 0
    assert done.stdout.count("\n") < 50
    assert "automl search --cfg job" in done.stdout


@pytest.mark.parametrize("runner", [["runner=inline"], ["runner=ray_tune", "runner.workers=1"]])
def test_a_metric_and_a_loss_of_ones_own_may_lie_in_the_current_folder(
    runner: list[str], place: Path, tmp_path: Path
) -> None:
    (tmp_path / "mymet.py").write_text("def cost(y, labels):\n    return float((y == labels).mean())\n")
    (tmp_path / "myloss.py").write_text(
        "import torch\nfrom automl.option import Loss\n"
        "def build(params, problem):\n"
        "    return lambda output, y: torch.nn.functional.cross_entropy(output, y, reduction='none')\n"
        "OPTION = Loss(space={}, build=build, targets=('binary', 'multiclass'))\n"
    )
    only = ["space.tables=[mlp]", "space.tables.mlp.epochs=2", "data.folds=2", "compress=none"]
    done = automl_process(
        *("search", f"data.train={place / 'train.csv'}", "data.target=diagnosis", "metric=mymet:cost", "seed=1"),
        *("plugins.losses=[myloss]", "space.tables.mlp.loss=myloss", "budget.trials=1", "run.dir=run", *only, *runner),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "cost" in done.stdout


def test_each_run_of_a_multirun_has_its_own_budget_and_folder(place: Path) -> None:
    given = ("data.train=train.csv", "data.target=diagnosis", "runner=inline", "budget.trials=1", "budget.seconds=15")
    done = automl_process("search", "-m", *given, "seed=0,1", "leaderboard.url=sqlite:///multi.db", *QUICK, cwd=place)
    assert done.returncode == 0, done.stderr
    with Store(f"sqlite:///{place / 'multi.db'}") as store:
        runs = store.runs()
    assert [run.seed for run in runs] == [0, 1]
    assert {run.status for run in runs} == {"finished"}
    assert len({run.folder for run in runs}) == 2
    assert not (place / "multirun.yaml").exists()


def test_a_run_that_fails_does_not_cancel_the_others_of_a_multirun(place: Path) -> None:
    """Here, as the data is looked at, and before that; each is told, and the exit code is the worst there was."""
    given = ("data.train=train.csv", "runner=inline", "budget.trials=1", "budget.seconds=15", *QUICK)
    sweep = ("data.target=diagnosis,nowhere", "seed=-1,0", "run.dir=runs/some-${data.target}-${seed}")
    done = automl_process("search", "-m", *given, *sweep, cwd=place)
    assert done.returncode == 2, done.stderr
    assert [path.name for path in place.glob("runs/some-*/model")] == ["model"]
    assert (place / "runs/some-diagnosis-0/model").is_dir()
    assert done.stderr.count("automl: ") == 3
    assert "Traceback" not in done.stderr


def test_the_exit_code_of_a_multirun_is_the_worst_there_was(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "argv", sys.argv)
    for seeds, code, began in (("3,2,0", 3, [3, 2, 0]), ("0,2,0", 2, [0, 2, 0]), ("0,130,2", 130, [0, 130])):
        seen: list[int] = []

        def search(config: dict[str, Any], started: float, seen: list[int] = seen) -> bool:
            seen.append(config["seed"])
            if config["seed"] in (2, 3):
                raise AutoMLError("The rule.") if config["seed"] == 2 else RuntimeError("a mistake of ours")
            return bool(config["seed"])

        with pytest.raises((SystemExit, KeyboardInterrupt)) as left:
            hydra_app.run(["-m", "data.train=x", f"seed={seeds}"], search, time.time())
        assert (left.value.code if isinstance(left.value, SystemExit) else 130) == code
        assert seen == began
        for file in re.findall(r"'(\S+\.txt)'", capsys.readouterr().err):
            Path(file).unlink()


BAD = {
    "missing file": (["data.train=trian.csv", "data.target=diagnosis"], "train.csv"),
    "unknown target": (["data.train=train.csv", "data.target=diagnosi"], "'diagnosis'"),
    "no target": (["data.train=train.csv"], "as in data.target=size class"),
    "not binary": (["data.train=train.csv", "data.target='size class'", "task=binary"], "Use task=multiclass"),
    "unknown task": (["data.train=train.csv", "data.target=diagnosis", "task=clasification"], "Unknown task"),
    "unknown key": (["data.train=train.csv", "budget.second=3"], "'budget.seconds'"),
    "unknown option": (["data.train=train.csv", "searcher=tpee"], "'tpe'"),
    "unknown path": (["data.train=train.csv", "space.tables.lightgbm.num_leave.high=3"], "num_leaves"),
    "range upside down": (
        ["data.train=train.csv", "data.target=diagnosis", "space.tables.lightgbm.num_leaves.low=9999"],
        "low <= high",
    ),
    "no budget": (["data.train=train.csv", "data.target=diagnosis", "budget.seconds=0"], "greater than zero"),
    "unknown metric": (["data.train=train.csv", "data.target=diagnosis", "metric=acuracy"], "'accuracy'"),
    "unfit metric": (["data.train=train.csv", "data.target=diagnosis", "metric=rmse"], "regression"),
    "no data": (["data.target=diagnosis"], "data.train"),
    "unwritable": (["data.train=train.csv", "data.target=diagnosis", "run.dir=/proc/run"], "run.dir"),
    "a run that exists": (["data.train=train.csv", "data.target=diagnosis", "run.dir=occupied"], "resume"),
    "nobody answers": (
        ["data.train=train.csv", "data.target=diagnosis", "runner=ray_tune", "runner.address=127.0.0.1:1"],
        "address",
    ),
    "no number": (["data.train=train.csv", "compress.max_loss=abc"], "at least 0; got 'abc'"),
    "negative": (["data.train=train.csv", "compress.max_loss=-1"], "at least 0; got -1"),
    "unknown compressor": (["data.train=train.csv", "compress.options=[trim_tree]"], "'trim_trees'"),
    "no list": (["data.train=train.csv", "compress.options=trim_trees"], "is auto or a list"),
    "no candidates": (["data.train=train.csv", "ensemble.candidates=abc"], "candidates of the ensemble"),
    "no members": (["data.train=train.csv", "ensemble.max_members=0"], "at least 1; got 0"),
    "no rounds": (["data.train=train.csv", "ensemble.rounds=0"], "at least 1; got 0"),
    "no such value": (["data.train=train.csv", "measure=[synflo]"], "Did you mean 'synflow'"),
    "half a trial": (["data.train=train.csv", "budget.trials=2.5"], "whole number greater than zero"),
    "no limit": (["data.train=train.csv", "budget.trials=inf"], "null for no limit"),
    "perhaps quiet": (["data.train=train.csv", "quiet=maybe"], "true or false; got 'maybe'"),
    "no URL": (["data.train=train.csv", "leaderboard.url=foo"], "sqlite:///foo"),
    "no workers": (["data.train=train.csv", "budget.trials=2", "runner.workers=0"], "at least 1; got 0"),
    "no cores": (["data.train=train.csv", "budget.trials=2", "runner.cpus_per_trial=0"], "at least 1; got 0"),
    "too many cores": (["data.train=train.csv", "runner.cpus_per_trial=9999"], "at most its"),
    "all families off": (["data.train=train.csv", "data.target=diagnosis", "~space.tables"], "space"),
    "wrong plugin": (
        ["data.train=train.csv", "data.target=diagnosis", "plugins.losses=[no.such.loss]"],
        "no.such.loss",
    ),
    "half a list": (["data.train=train.csv", "space.tables=[lightgbm"], "got 'space.tables=[lightgbm'"),
    "a list that is none": (["data.train=train.csv", "space.tables=[a,,b}]"], "got 'space.tables=[a,,b}]'"),
    "no list of plugins": (["data.train=train.csv", "data.target=diagnosis", "plugins.losses=my_loss"], "a list"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_message(case: str, place: Path) -> None:
    (place / "occupied").mkdir(exist_ok=True)
    (place / "occupied" / "file").touch()
    arguments, message = BAD[case]
    runner = [] if any(a.startswith("runner") for a in arguments) else ["runner=inline"]
    done = automl("search", *arguments, *runner, cwd=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


BAD_ARGUMENTS = {
    "no members": (["export", "runs/first", "-o", "never", "--members", "0"], "at least 1; got 0"),
    "negative members": (["export", "runs/first", "-o", "never", "--members", "-1"], "at least 1; got -1"),
    "negative loss": (["export", "runs/first", "-o", "never", "--max-loss", "-4"], "at least 0; got -4"),
    "no key of an export": (["export", "runs/first", "-o", "never", "seed=3"], "of limits, compress, ensemble"),
    "no such limit": (["export", "runs/first", "-o", "never", "limits.byte=3"], "Did you mean 'limits.bytes'"),
    "unwritable": (["export", "runs/first", "-o", "/proc/never"], "choose another -o"),
    "no program": (["torch-export", "runs/first", "-o", "never"], "takes a network that sees the rows as they are"),
    "a run for a model": (["predict", "runs/first", "test.csv"], "its model is 'runs/first/model'"),
    "negative top": (["leaderboard", "--top", "-3"], "at least 0; got -3"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments_are_one_clear_message(case: str, run: subprocess.CompletedProcess[str], place: Path) -> None:
    arguments, message = BAD_ARGUMENTS[case]
    done = automl(*arguments, cwd=place)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (place / "never").exists()


def test_a_damaged_model_is_refused(run: subprocess.CompletedProcess[str], place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "runs/first/model", tmp_path / "model")
    with (tmp_path / "model/model.onnx").open("ab") as file:
        file.write(b"x")
    done = automl_process("predict", tmp_path / "model", "test.csv", "-o", "never.csv", cwd=place)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not (place / "never.csv").exists()


def test_missing_columns_are_named(run: subprocess.CompletedProcess[str], place: Path) -> None:
    pd.read_csv(place / "test.csv").drop(columns=["mean area"]).to_csv(place / "less.csv", index=False)
    done = automl("predict", "runs/first/model", "less.csv", "-o", "never.csv", cwd=place)
    assert done.returncode == 2
    assert "mean area" in done.stderr


def started(place: Path, name: str, *arguments: str, n_trials: int = 3) -> subprocess.Popen[str]:
    """Start a search; return when ``n_trials`` of its trials have ended."""
    given = [
        "search",
        "data.train=train.csv",
        "data.target=diagnosis",
        f"run.dir=runs/{name}",
        "budget.seconds=300",
        *FAMILIES,
    ]
    process = subprocess.Popen(
        [*AUTOML, *given, *arguments], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.time() + 120
    run = place / "runs" / name / "run.json"
    while time.time() < deadline and (not run.exists() or len(trials_of(place, name)) < n_trials):
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)
    return process


def trials_of(place: Path, name: str) -> list:
    if not (place / "runs" / name / "run.json").exists():
        return []
    folder = find(place / "runs" / name)
    with Store(folder.leaderboard_url) as store:
        return store.trials(folder.run_id or 0)


def test_kill_minus_nine_loses_nothing_that_was_finished(place: Path) -> None:
    process = started(place, "killed", "runner=inline")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = trials_of(place, "killed")
    assert len(before) >= 3
    done = automl("report", "runs/killed", cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has shipped nothing. Finish it with: automl resume" in done.stderr
    done = automl("resume", "runs/killed", "budget.seconds=null", f"budget.trials={len(before) + 1}", cwd=place)
    assert done.returncode == 0, done.stderr
    after = trials_of(place, "killed")
    assert [t.candidate for t in after[: len(before)]] == [t.candidate for t in before]
    assert len(after) == len(before) + 1
    assert (place / "runs/killed/model/manifest.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_end_of_a_job_ship_the_best_so_far(number: signal.Signals, place: Path) -> None:
    process = started(place, number.name, "runner=ray_tune", "runner.workers=2")
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "interrupted" in errors
    assert "SIGTERM" not in errors
    assert "verified" in output
    assert (place / "runs" / number.name / "model/manifest.json").exists()


def test_ctrl_c_while_shipping_waits_for_it(place: Path) -> None:
    process = started(place, "shipping", "runner=inline", "budget.trials=3")
    assert process.stderr is not None
    while "exporting" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "is being shipped" in errors
    assert "verified" in output


# A metric that takes a minute to judge a model; the constant and the truth, by which it is tried first, it does not.
SLOW = """
import time
def metric(y, labels):
    time.sleep(60 if (labels != y).any() and labels.std() > 0 else 0)
    return 0.0
"""


def test_an_interrupt_before_any_model_is_told_as_that(place: Path) -> None:
    (place / "slow.py").write_text(SLOW)
    process = started(place, "early", "runner=inline", "metric=slow:metric", n_trials=0)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted before any model was ready" in errors
    folder = find(place / "runs/early")
    with Store(folder.leaderboard_url) as store:
        assert store.run(folder.run_id).status == "interrupted"


def test_an_interrupt_ends_a_multirun(place: Path) -> None:
    given = ("run.dir=runs/sweep-${seed}", f"leaderboard.url=sqlite:///{place}/sweep.db")
    process = started(place, "sweep-0", "runner=inline", "-m", "seed=0,1", *given)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "verified" in output
    assert "not begun" in errors
    assert not (place / "runs/sweep-1").exists()
