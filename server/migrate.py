"""Bringing a database to the schema this program was written for."""

from pathlib import Path

import migrations


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``, forwards or backwards ("base" is empty).

    One transaction: all of it happens or nothing. Several at once are safe; the
    later ones wait and find the work done. Raises ``psycopg.Error`` if the
    database cannot be reached or refuses a statement, ``alembic.util.CommandError``
    for a revision this program does not know.
    """
    from server.alembic_run import move

    move(database_url, revision)


def current(database_url: str) -> str | None:
    """The database's revision; None before the first migration. Raises ``psycopg.Error``."""
    import psycopg

    from server.libpq import libpq_url

    with psycopg.connect(libpq_url(database_url)) as connection:
        try:
            row = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def head() -> str:
    """The revision this program was written for: files of revisions begin with it."""
    versions = Path(migrations.__file__).parent / "versions"
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9]*_*.py"))
