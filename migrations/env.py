"""Run by alembic for every command that touches a database.

The caller hands over a connection with its transaction already open; which
database that is, how it is reached and who may go first is not known here.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
