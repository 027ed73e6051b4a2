"""The database under the leaderboard: opening it, its schema version, short transactions, errors in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from automl.errors import AutoMLError, ConfigError
from automl.leaderboard.tables import SCHEMA_VERSION, Base, SchemaRow

# How long a write waits for another process's, which takes milliseconds.
_BUSY_SECONDS = 30.0


class Database:
    """One open database with the leaderboard's tables in it.

    url: an SQLAlchemy URL, or the path of an SQLite file. create: make the file (and its folder)
    when there is none; otherwise that is an error.

    Raises ``AutoMLError`` when it cannot be opened, is made by a newer version, or is somebody else's.
    """

    def __init__(self, url: str | Path, create: bool) -> None:
        self.url = _url(url)
        self._engine = _engine(self.url, create)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose changes are on disk when the block ends, or not at all when it raises."""
        with self._guard("written"), Session(self._engine) as session, session.begin():
            if self._engine.dialect.name == "sqlite":
                # Take the write lock first: a read that later turns into a write does not wait for others.
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading."""
        with self._guard("read"), Session(self._engine) as session:
            yield session

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _prepare(self) -> None:
        with self.read() as session:
            found = set(inspect(session.connection()).get_table_names())
            version = session.scalar(select(SchemaRow.version)) if SchemaRow.__tablename__ in found else None
        if version is not None and version > SCHEMA_VERSION:
            raise AutoMLError(
                f"A leaderboard is read by the version that made it, or a newer one; {self.url} has schema {version}, "
                f"this version knows up to {SCHEMA_VERSION}. Upgrade automl, or give another database."
            )
        if found and SchemaRow.__tablename__ not in found:
            raise AutoMLError(
                f"A leaderboard needs a database of its own; {self.url} holds other tables "
                f"({', '.join(sorted(found)[:5])}). Give another path."
            )
        if version is None:
            self._create()

    def _create(self) -> None:
        # One transaction, and nothing that another process may have created meanwhile.
        with self.write() as session:
            for table in Base.metadata.sorted_tables:
                session.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    session.execute(CreateIndex(index, if_not_exists=True))
            if session.scalar(select(SchemaRow.version)) is None:
                session.add(SchemaRow(version=SCHEMA_VERSION))

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise AutoMLError(
                f"The leaderboard {self.url} cannot be {doing}: {reason}. "
                "It must be a database on a local disk with room, in a folder this user may write to; "
                "repair that, or give another path."
            ) from error


def _url(url: str | Path) -> URL:
    if "://" not in str(url):
        return URL.create("sqlite", database=str(url))
    try:
        return make_url(str(url))
    except ArgumentError as error:
        raise ConfigError(f"A leaderboard is a path or a database URL; '{url}' is neither ({error}).") from None


def _engine(url: URL, create: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        _check_file(Path(url.database or ":memory:"), create)
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url)
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigError(f"The database {url} cannot be used here: {error}. Use sqlite:///path.") from None
    event.listen(engine, "connect", _configure)
    return engine


def _check_file(path: Path, create: bool) -> None:
    if not create and not path.exists():
        raise AutoMLError(f"There is no leaderboard at '{path}'. Run a search first, or give the path of another one.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutoMLError(
            f"A leaderboard's folder is made if need be; '{path.parent}' cannot be ({error.strerror}). "
            "Give a path that can be written."
        ) from None


def _configure(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    # WAL lets others read while one writes. On a file system without shared memory SQLite stays as it was.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
