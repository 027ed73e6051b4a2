"""Measured values and stored folds of trials; the lease of a run's driver; numbers beyond 2**31 on PostgreSQL."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from automl.leaderboard.tables import decode, encode

revision = "2"
down_revision = None  # version 1 had no migrations

_BATCH = 1000


def upgrade() -> None:
    """Add the columns and fill them from what there is."""
    op.add_column("trial", sa.Column("measured", sa.Text))
    op.add_column("trial", sa.Column("folds", sa.Text))
    op.add_column("run", sa.Column("lease", sa.String))
    op.add_column("run", sa.Column("leased_at", sa.Double))
    op.add_column("run", sa.Column("renewed_at", sa.Double))
    op.create_index("ix_trial_standing", "trial", ["run_id", "status", "score"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":  # SQLite's integers have 64 bits
        op.alter_column("run", "seed", type_=sa.BigInteger)
        op.alter_column("artifact", "n_bytes", type_=sa.BigInteger)
    _fill_trials(connection)
    _name_processes(connection)
    op.drop_table("schema_version")  # alembic keeps the number from here on


def _fill_trials(connection: sa.Connection) -> None:
    select = sa.text("SELECT id, score, fold_scores FROM trial WHERE id > :after ORDER BY id LIMIT :batch")
    update = sa.text("UPDATE trial SET measured = :measured, folds = :folds WHERE id = :id")
    after = 0
    while rows := connection.execute(select, {"after": after, "batch": _BATCH}).all():
        connection.execute(update, [_filled(*row) for row in rows])
        after = rows[-1].id


def _filled(id: int, score: Any, fold_scores: str) -> dict[str, Any]:
    # SQLite holds a score that is not a number as the text "NaN".
    measured = {} if score is None else {"score": float(score)}
    folds = [{"fold": i, "score": score} for i, score in enumerate(decode(fold_scores))]
    return {"id": id, "measured": encode(measured), "folds": encode(folds)}


def _name_processes(connection: sa.Connection) -> None:
    """Turn "host pid birth" into the JSON of a ``Process`` on a machine that is not known."""
    update = sa.text("UPDATE run SET process = :process WHERE id = :id")
    for id, process in connection.execute(sa.text("SELECT id, process FROM run")).all():
        host, pid, birth = process.rsplit(" ", 2)
        known = {"host": host, "machine": "unknown", "pid": int(pid), "birth": birth}
        connection.execute(update, {"id": id, "process": json.dumps(known)})
