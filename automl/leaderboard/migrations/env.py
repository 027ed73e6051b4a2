"""What alembic runs for every command: it works in the transaction of the connection that it is given."""

from alembic import context

from automl.leaderboard.tables import VersionRow

context.configure(connection=context.config.attributes["connection"], version_table=VersionRow.__tablename__)
context.run_migrations()
