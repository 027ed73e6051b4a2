"""The steps from an older version of the leaderboard's tables to this one; a new database is made from ``tables.py``.

A change of the tables is one more file, ``versions/version_N.py`` with revision "N" after "N-1", and
``SCHEMA_VERSION = N`` in ``tables.py``.
"""

import threading

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

_ONE_AT_A_TIME = threading.Lock()  # alembic's context belongs to the process


def upgrade(connection: Connection) -> None:
    """Bring an older database to this version, within the transaction that is open."""
    config = Config()
    config.set_main_option("script_location", "automl.leaderboard:migrations")
    config.attributes["connection"] = connection
    with _ONE_AT_A_TIME:
        command.upgrade(config, "head")
