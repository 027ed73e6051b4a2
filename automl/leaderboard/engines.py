"""From a leaderboard's URL or path to an SQLAlchemy engine: SQLite to write or only to read, PostgreSQL."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, StaticPool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from automl.errors import AutoMLError, ConfigError

# How long a write waits for another process's, which takes milliseconds.
BUSY_SECONDS = 30
# A driver that is suspended within a transaction holds up others: the server ends it before its lease does.
IDLE_SECONDS = 20
# How long PostgreSQL may take to answer before it counts as gone; a URL's own values come first.
_POSTGRES = {"connect_timeout": "10", "tcp_user_timeout": "30000"}


def parsed(url: str | Path) -> URL:
    """Return an SQLAlchemy URL, or the path of an SQLite file, as a URL. Raises ``ConfigError``."""
    if "://" not in str(url):
        return URL.create("sqlite", database=str(url))
    try:
        return make_url(str(url))
    except ArgumentError as error:
        raise ConfigError(f"A leaderboard is a path or a database URL; '{url}' is neither ({error}).") from None


def writable(url: URL) -> Engine:
    """Return an engine that makes an SQLite file, and its folder, where there is none."""
    if url.get_backend_name() == "sqlite":
        _make_folder(Path(url.database or ":memory:").parent)
        engine = _engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    return _server(url)


def read_only(url: URL) -> Engine:
    """Return an engine that changes nothing, neither in the database nor beside it.

    Raises ``AutoMLError`` where there is no such file.
    """
    if url.get_backend_name() != "sqlite":
        return _server(url).execution_options(postgresql_readonly=True)
    path = Path(url.database or ":memory:").absolute()
    if not path.exists():
        raise AutoMLError(f"There is no leaderboard at '{path}'. Run a search first, or give the path of another one.")
    # A connection for each transaction: whether somebody writes may change in between.
    return create_engine("sqlite://", creator=lambda: _connect_to_read(path), poolclass=NullPool)


def in_memory_copy(path: Path) -> Engine:
    """Return an engine on a copy of an SQLite file, which is left as it is."""
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    source = _connect_to_read(path.absolute())
    source.backup(copy)
    source.close()
    return create_engine("sqlite://", creator=lambda: copy, poolclass=StaticPool)


def _server(url: URL) -> Engine:
    if url.get_backend_name() != "postgresql":
        return _engine(url)
    # A connection that the server ended while nothing was asked of it is opened anew.
    arguments = {name: value for name, value in _POSTGRES.items() if name not in url.query}
    engine = _engine(url, connect_args=arguments, pool_pre_ping=True)
    event.listen(engine, "connect", _configure_postgres)
    return engine


def _engine(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, **options)
    except ImportError as error:
        extra = " pip install 'automl[postgres]' brings it." if url.get_backend_name() == "postgresql" else ""
        raise ConfigError(f"The database {url} needs a driver that is not installed ({error}).{extra}") from None
    except SQLAlchemyError as error:
        raise ConfigError(
            f"The database {url} cannot be used here: {error}. Use sqlite:///path or postgresql://user@host/name."
        ) from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutoMLError(
            f"A leaderboard's folder is made if need be; '{folder}' cannot be ({error.strerror}). "
            "Give a path that can be written."
        ) from None


def _connect_to_read(path: Path) -> sqlite3.Connection:
    # In WAL mode the file alone is whole while nobody has it open, and there is no log beside it. SQLite would make
    # one to read it, unless it is told that nothing will change: short as reads are, nothing does.
    unopened = not Path(f"{path}-wal").exists()
    query = "mode=ro&immutable=1" if unopened else "mode=ro"
    return sqlite3.connect(f"{path.as_uri()}?{query}", uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


def _configure_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    # WAL lets others read while one writes. On a file system without shared memory SQLite stays as it was.
    _patiently(lambda: cursor.execute("PRAGMA journal_mode = WAL"))
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _patiently(change: Callable[[], object]) -> None:
    """Change the journal as soon as no other process does: for that, SQLite itself does not wait for another one."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            change()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _configure_postgres(connection: Any, record: object) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    connection.commit()
