"""Migrations as plain SQL: what a DBA reads is what runs.

A version is a pair of files, ``sql/NAME.up.sql`` and ``sql/NAME.down.sql``, and
a few lines in ``versions/`` that give it its place in the history.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def plain_sql(name: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """The ``upgrade`` and ``downgrade`` of the version whose files are called ``name``.

    A file may hold any number of statements. It runs inside the transaction of
    the whole migration, so it must not begin or commit one itself.
    """

    def run(direction: str) -> None:
        statements = (SQL / f"{name}.{direction}.sql").read_text(encoding="utf-8")
        # Without parameters the driver sends the text as it is: a % stays a %,
        # and several statements may come in one go.
        op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})

    return (lambda: run("up")), (lambda: run("down"))
