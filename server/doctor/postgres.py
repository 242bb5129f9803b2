"""PostgreSQL: its version, its schema, and whether it can ring the bell."""

import asyncio
import secrets
from typing import Final

from server import migrate, probes
from server.doctor.line import connected, working_as
from server.doctor.logins import remark, require_roles
from server.doctor.report import Report
from server.logins import needed
from server.probes import UnfitError
from server.section import variable
from server.settings import Settings
from storage import logins
from storage.sight import Role

OLDEST: Final = 15
NEWEST: Final = 18

ECHO: Final = 2.0
"""Seconds a NOTIFY may take to arrive."""


async def check_postgres(settings: Settings, report: Report) -> None:
    """Whether it is a server we can work with, at the schema we need, as whom we log in."""
    async with connected(settings.database_url) as connection:
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
        login = await logins.look(connection)
        if not login.has_tables:
            raise UnfitError(probes.NO_SCHEMA)
        roles = needed(settings, "database_url")
        require_roles(login, roles, "database_url")
        async with working_as(Role.APP, settings.database_url) as database:
            head = migrate.head()
            found = await probes.schema(database, head)
        if found == head:
            report.fine(f"has the schema {head}")
        else:
            report.warn(f"has the schema {found}, newer than {head}, which this is written for")
        remark(login, roles, "database_url", report)


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
    channel = f"backchannel_doctor_{secrets.token_hex(8)}"
    heard = asyncio.Event()
    async with connected(settings.bell) as listener:
        await listener.add_listener(channel, lambda *_: heard.set())
        # From another connection: a pooler may by chance deliver what comes from the same one.
        async with connected(settings.database_url) as teller:
            await teller.execute(f"notify {channel}")
        try:
            async with asyncio.timeout(ECHO):
                await heard.wait()
        except TimeoutError:
            raise UnfitError(
                f"no NOTIFY arrives; {variable(listens_at(settings))} must lead to the same"
                " database, not through a pooler in transaction mode"
            ) from None
    report.fine("a NOTIFY arrives")


def listens_at(settings: Settings) -> str:
    """The setting that says where we LISTEN."""
    given = (name for name in ("listen_url", "background_url") if getattr(settings, name))
    return next(given, "database_url")
