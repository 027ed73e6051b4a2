"""The candidates that a one-shot search proposes."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Add the column; the trials there are have found none."""
    op.add_column("trial", sa.Column("found", sa.Text))
