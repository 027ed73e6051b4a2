"""Databases of older and newer versions, of somebody else, and of two processes that open one at once."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.orm import Session

from automl.errors import AutoMLError
from automl.leaderboard.records import StoredMetric
from automl.leaderboard.store import Store
from automl.leaderboard.tables import SCHEMA_VERSION, TrialRow
from automl.types import Report

VERSION_1 = Path(__file__).with_name("version_1.sql")


def make_version_1(url: str) -> None:
    """What the first version made, with a run in it, by its own statements."""
    script = VERSION_1.read_text()
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as plain:
            plain.executescript(script)
        return
    script = re.sub(r"DOUBLE(?! PRECISION)", "DOUBLE PRECISION", script).replace("\tid INTEGER", "\tid SERIAL")
    for table in ("run", "trial", "artifact"):
        script += f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}));\n"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()


def shape(url: str) -> dict:
    """The tables with their columns, and what must be unique or is indexed."""
    engine = create_engine(url)

    def kind(type: object) -> str:  # SQLite's whole numbers have 64 bits, whatever they are called
        return str(type).replace("BIGINT", "INTEGER") if url.startswith("sqlite") else str(type)

    found = inspect(engine)
    tables = {
        name: (
            sorted((column["name"], kind(column["type"]), column["nullable"]) for column in found.get_columns(name)),
            sorted(tuple(unique["column_names"]) for unique in found.get_unique_constraints(name)),
            sorted((str(index["name"]), tuple(index["column_names"])) for index in found.get_indexes(name)),
            found.get_pk_constraint(name)["constrained_columns"],
        )
        for name in found.get_table_names()
    }
    engine.dispose()
    return tables


def check_version_1_is_whole(store: Store) -> None:
    run = store.run("adult")
    assert (run.id, run.status, run.seed, run.fingerprint) == (1, "interrupted", 5, "abc")
    assert (run.metric, run.config, run.task) == (
        StoredMetric("log_loss", greater_is_better=False),
        {"space": {"lr": 0.1}},
        {"rows": 3},
    )
    first, second, failed = store.trials(1)
    assert first.candidate.params == {"family": "mlp", "lr": 0.1}
    assert (first.score, first.seconds) == (-1 / 3, 2.5)
    assert first.reports == (Report(1.0, -1 / 3, 1.25, {"loss": 1e-300}),)
    assert second.score != second.score
    assert failed.failure == "ValueError: x"
    assert store.ensemble(1).members == (("0", 1.0),)
    assert store.artifacts(1)[0].details == {"opset": 20}
    with store._database.read() as session:
        rows = session.query(TrialRow).order_by(TrialRow.id).all()
        assert [row.folds for row in rows[::2]] == [
            [{"fold": 0, "score": -0.25}, {"fold": 1, "score": first.fold_scores[1]}],
            [],
        ]
        assert [row.values for row in rows[::2]] == [{"score": -1 / 3}, {}]
        assert str(rows[1].values) == "{'score': nan}"


def test_version_1_is_upgraded_with_all_that_is_in_it(url: str) -> None:
    make_version_1(url)
    for _ in range(2):
        with Store(url) as store:
            check_version_1_is_whole(store)


def test_an_upgraded_database_is_as_a_new_one(url: str, tmp_path: Path) -> None:
    if url.startswith("sqlite"):
        new = f"sqlite:///{tmp_path / 'new.db'}"
        Store(new).close()
        expected = shape(new)
    else:
        Store(url).close()
        expected = shape(url)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
    make_version_1(url)
    Store(url).close()
    assert shape(url) == expected


def test_the_newest_migration_is_the_version_of_the_tables() -> None:
    config = Config()
    config.set_main_option("script_location", "automl.leaderboard:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [str(SCHEMA_VERSION)]


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "older"])
def test_processes_that_open_a_database_at_once_upgrade_it_once(url: str, is_new: bool) -> None:
    if not is_new:
        make_version_1(url)
    code = (
        "import sys; from automl.leaderboard.store import Store; print(flush=True); input(); Store(sys.argv[1]).close()"
    )
    command, pipe = [sys.executable, "-c", code, url], subprocess.PIPE
    opened = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for process in opened:
        process.stdout.readline()
    for process in opened:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in opened] == [""] * 2
    with Store(url, read_only=True) as store:
        assert len(store.runs()) == (0 if is_new else 1)


def test_an_upgrade_that_fails_leaves_the_older_database(url: str) -> None:
    make_version_1(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE trial SET fold_scores = 'no JSON' WHERE id = 3"))
        before = shape(url)
    with pytest.raises(ValueError, match="Expecting value"):
        Store(url)
    assert shape(url) == before
    with engine.begin() as connection:
        connection.execute(text("UPDATE trial SET fold_scores = '[]' WHERE id = 3"))
    engine.dispose()
    with Store(url) as store:
        check_version_1_is_whole(store)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_schema_is_refused(url: str, read_only: bool) -> None:
    Store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE leaderboard_version SET version_num = '99'"))
    engine.dispose()
    with pytest.raises(AutoMLError, match=rf"has schema 99, this version knows up to {SCHEMA_VERSION}\. Upgrade"):
        Store(url, read_only=read_only)


def test_every_trial_of_a_large_older_database_is_filled(url: str) -> None:
    make_version_1(url)
    engine = create_engine(url)
    columns = "run_id, family, status, params, score, fold_scores, reports, seconds, ended_at"
    copied = f"INSERT INTO trial (candidate_id, {columns}) SELECT :id, {columns} FROM trial WHERE id = 1"
    with engine.begin() as connection:
        connection.execute(text(copied), [{"id": f"copy {i}"} for i in range(2500)])
    engine.dispose()
    with Store(url) as store, store._database.read() as session:
        assert isinstance(session, Session)
        filled = session.query(TrialRow).filter(TrialRow.values.is_not(None), TrialRow.folds.is_not(None)).count()
    assert filled == 2503
