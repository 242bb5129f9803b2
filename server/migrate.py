"""Bringing a database to the schema this program was written for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

import migrations

# Any number will do, as long as it never changes.
ONE_AT_A_TIME = 5_140_318_902_117

# Alembic has what it is doing in globals, so within a process databases take turns.
_turn = threading.Lock()


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``, forwards or backwards ("base" is empty).

    One transaction: all of it happens or nothing. Several at once are safe; the
    later ones wait and find the work done. Raises ``psycopg.Error`` if the
    database cannot be reached or refuses a statement, ``alembic.util.CommandError``
    for a revision this program does not know.
    """
    config = _config()
    script = ScriptDirectory.from_config(config)
    with _turn, _transaction(database_url) as connection:
        # Bound to the transaction, so that it works through a pooler too.
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})")
        config.attributes["connection"] = connection
        here = _current(connection)
        behind = [step.revision for step in script.iterate_revisions(here, "base")] if here else []
        if revision == "base" or revision in behind[1:]:
            command.downgrade(config, revision)
        else:
            command.upgrade(config, revision)


def current(database_url: str) -> str | None:
    """The database's revision; None before the first migration."""
    with _transaction(database_url) as connection:
        return _current(connection)


def head() -> str:
    """The revision this program was written for."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("there are no migrations")
    return revision


def _config() -> Config:
    config = Config()
    # Alembic reads its options with interpolation, where % is special.
    folder = str(Path(migrations.__file__).parent).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return config


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _transaction(database_url: str) -> Iterator[Connection]:
    url = _for_libpq(database_url)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool
    )
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        # The driver's own says it in a line; this one repeats the whole migration.
        raise error.orig or error from None


def _for_libpq(database_url: str) -> str:
    """The same database for psycopg as asyncpg would connect to.

    Both read the same URLs but for one thing: asyncpg takes any parameter it
    does not know for a server setting, where libpq refuses it.
    """
    server, _, parameters = database_url.partition("?")
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    query: dict[str, str] = {}
    settings: list[str] = []
    for key, value in parse_qsl(parameters, keep_blank_values=True):
        name = "dbname" if key == "database" else key
        if name == "options":
            settings.append(value)
        elif name in known:
            query[name] = value
        else:
            escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
            settings.append(f"-c {key}={escaped}")
    if settings:
        query["options"] = " ".join(settings)
    # libpq decodes %20 but leaves a + as it is.
    return f"{server}?{urlencode(query, quote_via=quote)}"
