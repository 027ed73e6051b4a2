"""Which process took a trial up, and when; an index with all that whole runs are summed up by."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add the columns, unknown of the trials there are, and the index."""
    op.add_column("trial", sa.Column("worker", sa.String))
    op.add_column("trial", sa.Column("started_at", sa.Double))
    summary = ["run_id", "id", "family", "status", "score", "seconds", "ended_at"]
    op.create_index("ix_trial_summary", "trial", summary)
