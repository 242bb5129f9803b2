"""PostgreSQL: its version, its schema, and whether it can ring the bell."""

import asyncio
import secrets
from typing import Final

import asyncpg

from server import migrate, probes
from server.doctor.report import Report
from server.probes import UnfitError
from server.settings import Settings, variable

OLDEST: Final = 15
NEWEST: Final = 18

ECHO: Final = 2.0
"""Seconds a NOTIFY may take to arrive."""


async def check_postgres(settings: Settings, report: Report) -> None:
    """Whether it is a server we can work with, at the schema we need."""
    connection = await _connect(settings.database_url)
    try:
        version = connection.get_server_version()
        judge_version(version.major, version.minor, report)
        if await connection.fetchval("select pg_is_in_recovery()"):
            report.wrong("is a standby: nothing can be written to it")
        # Each worker has its pool, and one connection that listens.
        wanted = settings.workers * (settings.database_pool_max + 1)
        allowed = int(await connection.fetchval("show max_connections"))
        if wanted > allowed:
            report.warn(
                f"allows {allowed} connections; {variable('workers')} times "
                f"({variable('database_pool_max')} and one) is {wanted}"
            )
        head = migrate.head()
        found = await probes.schema(connection, head)
        if found == head:
            report.fine(f"has the schema {head}")
        else:
            report.warn(f"has the schema {found}, newer than {head}, which this is written for")
    finally:
        connection.terminate()


def judge_version(major: int, minor: int, report: Report) -> None:
    """Whether it is one of the versions we are tested on."""
    said = f"is version {major}.{minor}"
    if major < OLDEST:
        report.wrong(f"{said}; {OLDEST} is the oldest that works")
    elif major > NEWEST:
        report.warn(f"{said}; {NEWEST} is the newest this was tested on")
    else:
        report.fine(said)


async def check_listen(settings: Settings, report: Report) -> None:
    """Whether what is told to the database is heard where we listen."""
    name = variable("listen_url" if settings.listen_url else "database_url")
    channel = f"backchannel_doctor_{secrets.token_hex(8)}"
    heard = asyncio.Event()
    listener = await _connect(settings.listen_url or settings.database_url)
    try:
        await listener.add_listener(channel, lambda *_: heard.set())
        # From another connection: a pooler may by chance deliver what comes from the same one.
        teller = await _connect(settings.database_url)
        try:
            await teller.execute(f"notify {channel}")
        finally:
            teller.terminate()
        try:
            async with asyncio.timeout(ECHO):
                await heard.wait()
        except TimeoutError:
            raise UnfitError(
                f"no NOTIFY arrives; {name} must lead to the same database, not through a pooler "
                "in transaction mode"
            ) from None
    finally:
        listener.terminate()
    report.fine("a NOTIFY arrives")


async def _connect(url: str) -> asyncpg.Connection:
    # Prepared statements do not go through every pooler.
    return await asyncpg.connect(url, timeout=10, statement_cache_size=0)
