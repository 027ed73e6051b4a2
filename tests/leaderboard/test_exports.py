"""What a run is for others' tools: read back by the tools themselves, where they are installed."""

import json
import math
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import optuna
import pytest
from sqlalchemy.exc import SQLAlchemyError

from automl import cli
from automl.errors import ConfigError
from automl.leaderboard import exports, study
from automl.leaderboard.records import Board
from automl.leaderboard.store import Store
from automl.types import Trial
from tests.board import made


@pytest.fixture(scope="module", params=[("score",), ("score", "bytes")], ids=["one goal", "two goals"])
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Board:
    url, run = made.leaderboard(tmp_path_factory.mktemp("exports"), 40, goals=request.param)
    with Store(url, read_only=True) as store:
        return store.board(run)


def test_a_study_holds_what_the_leaderboard_does(board: Board, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    study.write(board.run, board.trials, url, "adult")
    found = optuna.load_study(study_name="adult", storage=url)
    assert [t.user_attrs["id"] for t in found.trials] == [t.candidate.id for t in board.trials]
    states = {"finished": "COMPLETE", "stopped": "PRUNED", "failed": "FAIL"}
    assert [t.state.name for t in found.trials] == [states[t.status] for t in board.trials]
    for written, trial in zip(found.trials, board.trials, strict=True):
        assert written.params == trial.candidate.params
        if trial.status == "finished":
            assert written.values[0] == pytest.approx(-trial.values["score"])  # a loss, as people know it
    best = min(-t.values["score"] for t in board.trials if t.status == "finished")
    assert min(t.values[0] for t in found.best_trials) == pytest.approx(best)
    with pytest.raises(ConfigError, match="--name"):
        study.write(board.run, board.trials, url, "adult")


def test_ranges_are_those_of_the_configuration(board: Board) -> None:
    ranges: Any = study.distributions(board.run, board.trials)
    rate, width = ranges["family.net.rate"], ranges["family.net.kernel.rbf.width"]
    assert (rate.low, rate.high, rate.log) == (1e-4, 1, True)
    assert (width.low, width.high, width.log) == (1, 9, False)


def test_defaults_are_those_of_the_configuration(board: Board) -> None:
    params = {"family": "net", "family.net.rate": 0.5, "family.net.kernel": "rbf", "family.net.kernel.rbf.width": 5}
    expected = {"family.net.rate": 0.01, "family.net.kernel": "rbf", "family.net.kernel.rbf.width": 3}
    assert study.defaults(board.run, params) == expected


@pytest.mark.parametrize("url", ["nonsense", "mysql+nothing://x/y", "sqlite:////nowhere/at/all/x.db"])
def test_a_storage_that_cannot_be_used_is_named(board: Board, url: str) -> None:
    with pytest.raises(ConfigError, match="storage"):
        study.write(board.run, board.trials, url, "x")


def test_the_dashboard_of_optuna_opens_it(board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    leaderboard = str(Path(board.run.folder).parent / "leaderboard.db")
    cli.main(["optuna-export", str(board.run.id), "--url", leaderboard, "--storage", url])
    assert f"optuna-dashboard {url}" in capsys.readouterr().out
    program = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]
    with subprocess.Popen(
        [*program, url, "--port", "8719"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            studies = asked("http://127.0.0.1:8719/api/studies")
            (summary,) = studies["study_summaries"]
            assert summary["study_name"] == board.run.name
            found = asked(f"http://127.0.0.1:8719/api/studies/{summary['study_id']}?after=0")
            assert len(found["trials"]) == 40
        finally:
            server.terminate()


def asked(address: str) -> Any:
    """The JSON at an address of a server that may be starting."""
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def events(folder: Path) -> Iterator[Any]:
    """What TensorBoard would read in a folder: records of a length, its checksum, an event and its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    (file,) = folder.glob("events.*")
    content = file.read_bytes()
    while content:
        (size,) = struct.unpack("<Q", content[:8])
        yield Event.FromString(content[12 : 12 + size])
        content = content[16 + size :]


def test_event_files_hold_the_curves(board: Board, tmp_path: Path) -> None:
    exports.to_tensorboard(board, tmp_path / "tb")
    assert len(list((tmp_path / "tb").iterdir())) == 40
    trial = board.trials[0]
    folder = tmp_path / "tb" / f"0_{trial.candidate.family}"
    values = [(e.step, v.simple_value) for e in events(folder) for v in e.summary.value if v.tag == "log_loss"]
    expected = [(round(100 * r.progress), -r.score) for r in trial.reports] + [(100, -(trial.score or 0.0))]
    assert [step for step, _ in sorted(values)] == [step for step, _ in sorted(expected)]
    assert [value for _, value in sorted(values)] == pytest.approx([value for _, value in sorted(expected)])
    (folder,) = (tmp_path / "tb").glob("1_*")
    by_epoch = [(e.step, v.tag) for e in events(folder) for v in e.summary.value if v.tag.startswith("fold_2/")]
    assert sorted(by_epoch) == sorted(
        (epoch, f"fold_2/{name}") for epoch in range(1, 5) for name in ("log_loss", "loss")
    )


def test_mlflow_holds_runs_parameters_and_curves(board: Board, tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="pip install '.[mlflow]'")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    exports.to_mlflow(board, uri, "mine")
    client = tracking.MlflowClient(uri)
    place = client.get_experiment_by_name("mine").experiment_id
    runs = client.search_runs([place], max_results=100)
    assert len(runs) == 41
    by_name = {run.data.tags["mlflow.runName"]: run for run in runs}
    trial = board.trials[0]
    found = by_name[f"{trial.candidate.family} #0"]
    assert found.data.params == {path: str(value) for path, value in trial.candidate.params.items()}
    assert found.data.metrics["log_loss"] == pytest.approx(-(trial.score or math.nan))
    assert [m.step for m in client.get_metric_history(found.info.run_id, "log_loss")] == [33, 67, 100]
    assert found.data.tags["mlflow.parentRunId"] == by_name[board.run.name].info.run_id


def test_without_mlflow_it_says_how_to_get_it(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", None)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"automl\[mlflow\]"):
        exports.to_mlflow(board, "x", "x")


@pytest.mark.parametrize(
    "error",
    [
        "MLflow's own",
        SQLAlchemyError("no such table"),
        ImportError("No module named 'MySQLdb'"),
        ConnectionError("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("where", ["__init__", "get_experiment_by_name"])
def test_a_uri_that_mlflow_cannot_use_is_named(
    error: Exception | str, where: str, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = type("MlflowException", (Exception,), {})

    def fail(*_: Any) -> None:
        raise own(error) if isinstance(error, str) else error

    client = type("MlflowClient", (), {"__init__": lambda self, uri: None, where: fail})
    entities: dict[str, Any] = dict.fromkeys(("Metric", "Param", "RunTag"))
    parts: dict[str, dict[str, Any]] = {
        "entities": entities,
        "exceptions": {"MlflowException": own},
        "tracking": {"MlflowClient": client},
    }
    monkeypatch.setitem(sys.modules, "mlflow", ModuleType("mlflow"))
    for name, content in parts.items():
        module = ModuleType(f"mlflow.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(ConfigError, match=f"'http://x:1': {error}.* --uri of a server"):
        exports.to_mlflow(board, "http://x:1", "mine")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "nosuch://x", "sqlite:///bad.db"])
def test_mlflow_itself_says_so_too(uri: str, board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow.tracking", reason="pip install '.[mlflow]'")
    (tmp_path / "bad.db").write_text("this is no database\n" * 100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match=f"'{uri}'"):
        exports.to_mlflow(board, uri, "mine")


def test_scores_that_are_no_numbers_are_left_out(tmp_path: Path, board: Board) -> None:
    odd = Trial(board.trials[0].candidate, "finished", {"score": math.nan})
    exports.to_tensorboard(Board(board.run, (odd,)), tmp_path / "tb")
    written = study.write(board.run, (odd,), f"sqlite:///{tmp_path / 'o.db'}", "odd")
    assert written.trials[0].state.name == "FAIL"
