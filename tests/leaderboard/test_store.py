"""The store on SQLite files and a PostgreSQL server: exact round trips, replacement, kills, several processes."""

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from automl.errors import AutoMLError, ConfigError, UnknownNameError
from automl.leaderboard.records import ArtifactRecord, StoredMetric
from automl.leaderboard.store import Store
from automl.types import Blob, Candidate, FoldRef, Report, Trial

METRIC = StoredMetric("log_loss", greater_is_better=False)

WRITER = """
import sys
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.types import Candidate, Trial

database, name, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(database) as store:
    run = store.start_run(name=name, folder=name, metric=StoredMetric("r2"), config={}, task={})
    for i in range(n):
        store.add_trial(run, Trial(Candidate(str(i), {"family": "mlp"}), "finished", {"score": float(i)}))
        print(i, flush=True)
    store.finish_run(run)
"""


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as store:
        yield store


def start(store: Store, name: str = "adult", folder: str | Path = "runs/adult", **changes: Any) -> int:
    values = {"metric": METRIC, "config": {"space": {"lr": 0.1}}, "task": {"n_rows": 3}, **changes}
    return store.start_run(name=name, folder=folder, **values)


def trial(id: str = "0", status: Any = "finished", score: Any = -0.1, **changes: Any) -> Trial:
    return Trial(
        Candidate(id, {"family": "mlp", "lr": 0.1}), status, {} if score is None else {"score": score}, **changes
    )


def writer(url: str, folder: Any, name: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url, name, str(n)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)


def stored(url: str, query: str) -> list[Any]:
    """What the database holds, asked without the store."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return rows


def test_trials_come_back_as_they_were_bit_for_bit(store: Store) -> None:
    run = start(store)
    params = {"family": "mlp", "lr": 0.1 + 0.2, "depth": 3, "big": 2**60, "norm": "batch", "bias": True, "none": None}
    reports = (Report(0.5, -1 / 3, 1.25, {"loss": 1e-300}), Report(1.0, -math.pi, 2.5))
    blob = Blob("a%2F7/0.model", 2**40, "ab" * 32)
    folds = (FoldRef(0, -2 / 3, blob, replace(blob, n_bytes=1)), FoldRef(1, -5e-324))
    full = Trial(Candidate("a/7", params), "finished", {"score": -math.e, "bytes": 1 / 3}, folds, reports, 12.7)
    failed = replace(trial("8", "failed", None), failure="ValueError: no ümlaut \udcff")
    store.add_trial(run, full)
    store.add_trial(run, failed)
    assert store.trials(run) == [full, replace(failed, failure="ValueError: no ümlaut ?")]


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, np.float64(0.1), np.float32(0.1), 1])
def test_every_float_survives_also_in_json(store: Store, url: str, score: Any) -> None:
    run = start(store)
    store.add_trial(
        run, trial(score=score, folds=(FoldRef(0, score),), reports=(Report(0.5, score, 1.0, {"x": score}),))
    )
    (back,) = store.trials(run)
    report = back.reports[0]
    for value in (back.score, back.fold_scores[0], report.score, report.extra["x"]):
        assert value == score or (math.isnan(value) and math.isnan(score))
    for column in ("reports", "folds", "measured"):
        (found,) = stored(url, f"SELECT {column} FROM trial")
        json.loads(found[0], parse_constant=pytest.fail)


def test_a_trial_replaces_the_earlier_one_of_its_candidate_in_its_run_only(store: Store) -> None:
    run, other = start(store), start(store)
    for id in ("0", "1"):
        store.add_trial(run, trial(id, "stopped", -0.5))
        store.add_trial(other, trial(id, "stopped", -0.5))
    store.add_trial(run, trial("0", "finished", -0.1))
    assert [(t.candidate.id, t.status) for t in store.trials(run)] == [("1", "stopped"), ("0", "finished")]
    assert [t.status for t in store.trials(other)] == ["stopped", "stopped"]


def test_running_trials_and_unknown_runs_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="Only ended trials"):
        store.add_trial(start(store), trial(status="running"))
    for write in (store.finish_run, store.resume_run, lambda run: store.add_trial(run, trial())):
        with pytest.raises(UnknownNameError, match="run '7'"):
            write(7)


def test_a_run_is_described_ended_and_resumed(store: Store, tmp_path: Path) -> None:
    run_id = start(store, folder=tmp_path / "x", seed=5, fingerprint="abc")
    run = store.run()
    assert (run.id, run.status, run.ended_at, run.seed, run.fingerprint) == (run_id, "running", None, 5, "abc")
    assert (run.metric, run.config, run.task) == (METRIC, {"space": {"lr": 0.1}}, {"n_rows": 3})
    assert run.metric.shown(-0.25) == 0.25
    assert {"automl", "python", "numpy", "torch", "lightgbm"} <= set(run.versions)
    store.finish_run(run_id, "interrupted")
    assert store.run().status == "interrupted"
    assert store.run().ended_at >= run.started_at
    assert store.resume_run(run_id).status == "running"
    assert store.run().ended_at is None


def test_ensembles_and_artifacts_are_kept_and_replaced(store: Store) -> None:
    run = start(store)
    assert store.ensemble(run) is None
    store.save_ensemble(run, [("0", 1.0)], -0.3)
    store.save_ensemble(run, [("0", np.float64(0.75)), ("1", 0.25)], -0.2)
    assert store.ensemble(run).members == (("0", 0.75), ("1", 0.25))
    assert store.ensemble(run).score == -0.2
    small = ArtifactRecord("out/a", "compact", 10, 0.1, verified=True, candidates=("0",), details={"opset": 20})
    big = ArtifactRecord("out/b", "ensemble", 30)
    store.save_artifacts(run, [big, small])
    assert store.artifacts(run) == [big, small]
    store.save_artifacts(run, [replace(big, n_bytes=5)])
    board = store.board(run)
    assert (board.run.id, board.ensemble.score) == (run, -0.2)
    assert board.artifacts == (replace(big, n_bytes=5),), "what is not shipped this time is no longer there"


def test_runs_are_found_by_id_folder_and_name_and_the_nearest_is_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AutoMLError, match="no runs yet"):
        store.run()
    first = start(store, "adult", tmp_path / "a")
    start(store, "adult", tmp_path / "b")
    third = start(store, "higgs", tmp_path / "c")
    assert [store.run(key).name for key in (None, 1, "1", "adult", "higgs")] == ["higgs", *["adult"] * 3, "higgs"]
    assert store.run("adult").id == 2
    assert store.run(tmp_path / "a").id == first
    assert store.run(str(tmp_path / "x" / ".." / "c")).id == third
    with pytest.raises(UnknownNameError, match=r"Unknown run 'adullt'\. Did you mean 'adult'"):
        store.run("adullt")


def test_a_kill_loses_nothing_that_was_finished(url: str, tmp_path: Path) -> None:
    process = writer(url, tmp_path, "killed", 100_000)
    for _ in range(20):
        process.stdout.readline()
    with Store(url) as store:
        assert store.run().status == "running"
        with pytest.raises(AutoMLError, match=f"by process {process.pid} on host '.*', which is alive"):
            store.resume_run(1)
        os.kill(process.pid, signal.SIGKILL)
        told = 20 + len(process.communicate()[0].split())
        ids = [t.candidate.id for t in store.trials(1)]
        assert ids[:told] == [str(i) for i in range(told)]
        assert len(ids) <= told + 1
        assert store.run().status == "interrupted"
        assert store.resume_run(1).status == "running"
    if url.startswith("sqlite"):
        assert stored(url, "PRAGMA integrity_check") == [("ok",)]


def test_processes_create_one_database_and_write_to_it_together(url: str, tmp_path: Path) -> None:
    processes = [writer(url, tmp_path, name, 40) for name in ("one", "two")]
    assert [process.communicate()[0].count("\n") for process in processes] == [40, 40]
    with Store(url) as store:
        runs = store.runs()
        assert {run.name for run in runs} == {"one", "two"}
        assert {run.status for run in runs} == {"finished"}
        assert [[t.score for t in store.trials(run.id)] for run in runs] == [[float(i) for i in range(40)]] * 2


def test_a_write_waits_for_another_and_readers_do_not(store: Store, url: str) -> None:
    run = start(store)
    engine = create_engine(url, connect_args={"check_same_thread": False} if url.startswith("sqlite") else {})
    other = engine.connect()
    other.exec_driver_sql("BEGIN IMMEDIATE" if url.startswith("sqlite") else "LOCK TABLE run IN EXCLUSIVE MODE")
    assert store.trials(run) == []
    assert store.run(run).status == "running"
    threading.Timer(0.3, other.commit).start()
    began = time.monotonic()
    store.add_trial(run, trial())
    assert time.monotonic() - began > 0.2
    assert len(store.trials(run)) == 1
    other.close()
    engine.dispose()


def test_what_cannot_be_a_leaderboard_is_refused_with_a_way_out(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("not a database " * 100)
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as plain:
        plain.execute("CREATE TABLE studies (id INTEGER)")
    for path, message in (
        (notes, "file is not a database.*give another path"),
        (foreign, r"holds other tables \(studies\)"),
        (tmp_path, "unable to open database file.*give another path"),
        (notes / "leaderboard.db", "Give a path that can be written"),
    ):
        with pytest.raises(AutoMLError, match=message):
            Store(path)
    assert "studies" in str(sqlite3.connect(foreign).execute("SELECT name FROM sqlite_master").fetchall())
    with pytest.raises(AutoMLError, match="no leaderboard at"):
        Store(tmp_path / "none.db", read_only=True)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(ConfigError, match="cannot be used"):
        Store("nosuchdatabase://host/name")


def test_a_full_disk_is_told_and_what_was_stored_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "leaderboard.db")
    run = start(store)
    store.add_trial(run, trial("0"))
    with store._database.read() as session:
        session.connection().exec_driver_sql("PRAGMA max_page_count = 1")  # on the one pooled connection
    with pytest.raises(AutoMLError, match="cannot be written: database or disk is full"):
        store.add_trial(run, trial("1", failure="x" * 100_000))
    assert [t.candidate.id for t in store.trials(run)] == ["0"]
    store.close()


def test_the_report_and_the_live_view_load_no_database() -> None:
    heavy = "{'sqlalchemy', 'sklearn', 'rich', 'pandas'}"
    code = f"import sys, automl.progress, automl.leaderboard.report; print({heavy} & {{*sys.modules}})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_who_fitted_a_trial_and_since_when_is_kept(store: Store) -> None:
    run = start(store)
    known, unknown = trial("0", worker="host:7", started_at=12.5), trial("1")
    store.add_trial(run, known)
    store.add_trial(run, unknown)
    assert [(t.worker, t.started_at) for t in store.trials(run)] == [("host:7", 12.5), ("", None)]
