"""The database under the leaderboard: opening it, its version, short transactions, errors in words."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Double, cast, extract, func, insert, inspect, literal, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from automl.errors import AutoMLError
from automl.leaderboard import engines
from automl.leaderboard.tables import SCHEMA_VERSION, Base, VersionRow

# Any number that other users of a PostgreSQL server do not lock by chance.
_UPGRADE_LOCK = 0x6175746F6D6C


class Database:
    """One open database with the leaderboard's tables in it, of this version.

    url: an SQLAlchemy URL, or the path of an SQLite file. What is not there is made, what is older is upgraded.
    read_only: nothing is changed or made; an older SQLite file is read through a copy in memory.

    Raises ``AutoMLError`` when it cannot be opened, is made by a newer version, or is somebody else's.
    """

    def __init__(self, url: str | Path, read_only: bool = False) -> None:
        self.url = engines.parsed(url)
        self._engine = engines.read_only(self.url) if read_only else engines.writable(self.url)
        try:
            with self._guard("opened"):
                self._check_to_read() if read_only else self._upgrade()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose changes are on disk when the block ends, or not at all when it raises."""
        with self._guard("written"), Session(self._engine) as session, session.begin():
            _begin(session.connection())
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading."""
        with self._guard("read"), Session(self._engine) as session:
            yield session

    def now(self) -> ColumnElement[float]:
        """Return the time in Unix seconds, to be selected: of a server, or of this host for a file."""
        if self._engine.dialect.name == "postgresql":
            return cast(extract("epoch", func.clock_timestamp()), Double)
        return literal(time.time())

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _check_to_read(self) -> None:
        found = self._known_version()
        if found is None:
            raise AutoMLError(f"The leaderboard {self.url} is empty. Run a search first, or give another one.")
        if found == SCHEMA_VERSION:
            return
        if self._engine.dialect.name != "sqlite":
            raise AutoMLError(
                f"The leaderboard {self.url} was made by an older version (schema {found}, this version has "
                f"{SCHEMA_VERSION}), and reading changes nothing. The next search or resume with it upgrades it."
            )
        self._engine = engines.in_memory_copy(Path(self.url.database or ""))
        self._upgrade()

    def _upgrade(self) -> None:
        if self._known_version() == SCHEMA_VERSION:
            return
        with self._engine.begin() as connection:
            _begin(connection)
            if self._engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_UPGRADE_LOCK)))
            found = self._version(connection)  # another process may have done it meanwhile
            if found is None:
                Base.metadata.create_all(connection)
                connection.execute(insert(VersionRow).values(version_num=str(SCHEMA_VERSION)))
            elif found < SCHEMA_VERSION:
                from automl.leaderboard import migrations  # alembic takes its time to import

                migrations.upgrade(connection)

    def _known_version(self) -> int | None:
        """Return the version of the tables once no other process is upgrading them."""
        with self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":  # which tables there are is never read as of one moment
                connection.execute(select(func.pg_advisory_xact_lock_shared(_UPGRADE_LOCK)))
            elif self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            return self._version(connection)

    def _version(self, connection: Connection) -> int | None:
        """Return the version of the tables, None for an empty database; refuse what cannot be used."""
        found = set(inspect(connection).get_table_names())
        if VersionRow.__tablename__ in found:
            version = int(connection.scalars(select(VersionRow.version_num)).one())
        elif "schema_version" in found:  # of version 1
            version = int(connection.scalars(text("SELECT version FROM schema_version")).one())
        elif not found:
            return None
        else:
            raise AutoMLError(
                f"A leaderboard needs a database of its own; {self.url} holds other tables "
                f"({', '.join(sorted(found)[:5])}). Give another path."
            )
        if version > SCHEMA_VERSION:
            raise AutoMLError(
                f"A leaderboard is read by the version that made it, or a newer one; {self.url} has schema {version}, "
                f"this version knows up to {SCHEMA_VERSION}. Upgrade automl, or give another database."
            )
        return version

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise AutoMLError(
                f"The leaderboard {self.url} cannot be {doing}: {_reason(error)}. {self._needs()}"
            ) from error

    def _needs(self) -> str:
        if self._engine.dialect.name == "sqlite":
            return (
                "It must be a database on a local disk with room, in a folder this user may write to; "
                "repair that, or give another path."
            )
        return (
            "Its server must be running and reachable, and let this user in, who may make tables there; "
            "repair that, or give another leaderboard."
        )


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Take the write lock first: a read that later turns into a write does not wait for others.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reason(error: SQLAlchemyError) -> str:
    # PostgreSQL's reasons have several lines.
    return " ".join(str(getattr(error, "orig", None) or error).split())
