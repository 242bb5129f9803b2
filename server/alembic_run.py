"""Alembic at work on one database. Apart from ``server.migrate``, because it takes a second to
import and 25 MB to have, and only who migrates needs it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

import migrations
from server.libpq import libpq_url

# Any number will do, as long as it never changes.
ONE_AT_A_TIME = 5_140_318_902_117

# Alembic has what it is doing in globals, so within a process databases take turns.
_turn = threading.Lock()


def move(database_url: str, revision: str) -> None:
    """See ``server.migrate.migrate``."""
    config = Config()
    # Alembic reads its options with interpolation, where % is special.
    folder = str(Path(migrations.__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    with _turn, _transaction(database_url) as connection:
        # Bound to the transaction, so that it works through a pooler too.
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})")
        config.attributes["connection"] = connection
        here = MigrationContext.configure(connection).get_current_revision()
        behind = [step.revision for step in script.iterate_revisions(here, "base")] if here else []
        if revision == "base" or revision in behind[1:]:
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


@contextmanager
def _transaction(database_url: str) -> Iterator[Connection]:
    url = libpq_url(database_url)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool
    )
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        # The driver's own says it in a line; this one repeats the whole migration.
        raise error.orig or error from None
