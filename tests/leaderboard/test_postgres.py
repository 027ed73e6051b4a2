"""What is PostgreSQL's own: its errors in words, its limits, and its driver, which is an extra."""

import sys
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from automl.errors import AutoMLError, ConfigError
from automl.leaderboard.records import ArtifactRecord, StoredMetric
from automl.leaderboard.store import Store
from tests.leaderboard.conftest import emptied
from tests.trials import candidate, trial


def start(store: Store, **changes: Any) -> int:
    values = {"name": "a", "folder": "a", "metric": StoredMetric("r2"), "config": {}, "task": {}, **changes}
    return store.start_run(**values)


def test_text_that_a_database_cannot_hold_is_stored_all_the_same(url: str) -> None:
    odd = "nul \0, half a pair \udcff, bell \a, ümlaut, \u2028"
    with Store(url) as store:
        run = start(store, name=odd, config={odd: odd}, task={"target": odd})
        store.add_trial(run, trial(candidate(note=odd), None, "failed", failure=odd))
        told = "nul ?, half a pair ?, bell \a, ümlaut, \u2028"
        found = store.run(run)
        assert (found.name, found.config, found.task) == (told, {odd: odd}, {"target": odd})
        (back,) = store.trials(run)
        assert (back.failure, back.candidate.params["note"]) == (told, odd)


def test_numbers_beyond_four_bytes_are_kept(url: str) -> None:
    with Store(url) as store:
        run = start(store, seed=2**40)
        store.save_artifacts(run, [ArtifactRecord("model", "ensemble", 5 * 10**9)])
        assert (store.run(run).seed, store.artifacts(run)[0].n_bytes) == (2**40, 5 * 10**9)
        with pytest.raises(AutoMLError, match="Unknown run '99999999999999999999'"):
            store.run("99999999999999999999")


def test_the_short_name_of_the_url_is_enough_and_a_foreign_database_is_refused(postgres: str) -> None:
    url = emptied(postgres)
    assert url.startswith("postgresql://")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE studies (id INTEGER)"))
    engine.dispose()
    with pytest.raises(AutoMLError, match=r"holds other tables \(studies\)"):
        Store(url)


def test_a_server_that_is_not_there_or_lets_nobody_in_is_told_in_words(postgres: str) -> None:
    url = emptied(postgres)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS guest"))
        connection.execute(text("CREATE ROLE guest LOGIN PASSWORD 'right'"))
    engine.dispose()
    wrong = {
        "postgresql://automl@/postgres?host=/nowhere": "No such file or directory.*Is the server running",
        "postgresql://automl:secret@127.0.0.1:1/postgres": "Connection refused.*must be running and reachable",
        postgres.format("nosuch"): 'database "nosuch" does not exist',
        url.replace("automl@", "stranger@"): 'role "stranger" does not exist',
        url.replace("automl@", "guest:secret@"): "password authentication failed for user",
        url.replace("automl@", "guest:right@"): "(permission denied|no schema has been selected).*who may make tables",
    }
    for given, message in wrong.items():
        with pytest.raises(AutoMLError, match=f"(?s){message}") as told:
            Store(given)
        assert "secret" not in str(told.value)
        assert "\n" not in str(told.value)


def test_a_driver_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"driver that is not installed.*pip install 'automl\[postgres\]'"):
        Store("postgresql://automl@localhost/name")
    with pytest.raises(ConfigError, match=r"postgres.*Use sqlite:///path or postgresql://"):
        Store("postgres://automl@localhost/name")
