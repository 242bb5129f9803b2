"""Lines to PostgreSQL: opened as one role, and refused where that cannot be had."""

from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg

from storage.ahead import Line
from storage.poolers import lends_sessions
from storage.session import SAID_AHEAD
from storage.sight import Role

Init = Callable[[Any], Coroutine[Any, Any, None]]


class UnfitLineError(ConnectionError):
    """PostgreSQL answers, and we cannot work on such a line; the message says why."""


class NoRoleError(UnfitLineError):
    """The login may not become the role, or there is none: before the first migration."""


SHARED = (
    "is behind a pooler that lends sessions for a transaction or a statement: connect past it, or"
    " have it in session mode"
)

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # A goodbye of PostgreSQL's that came between two statements: until the driver hears the line
    # end, all it can say of the next one is that it fits nothing.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
)


async def open_pool(
    url: str,
    role: Role | None,
    init: Init | None,
    *,
    min_size: int,
    max_size: int,
    timeout: float,
    name: str,
) -> asyncpg.Pool:
    """Lines that work as ``role``, or as whoever the URL says. The pool is empty where the
    role cannot be had yet. Raises UnfitLineError, or as asyncpg does.
    """
    settings = {
        "application_name": name,
        "jit": "off",
        "timezone": "UTC",
        # A caller that vanished in mid-transaction must not keep a channel locked.
        "idle_in_transaction_session_timeout": str(int(timeout * 1000)),
    }
    if role is not None:
        settings["role"] = role.value

    async def connect(*args: Any, **options: Any) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(*args, **options)
        except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as error:
            if role is None:
                raise
            raise NoRoleError(
                f"may not be used as {role}: run backchannel migrate, or grant it to the login"
            ) from error
        except asyncpg.ProtocolViolationError as error:
            raise UnfitLineError(
                f"is behind a pooler that refuses the startup parameters {', '.join(settings)}:"
                " connect past it"
            ) from error

    async def another() -> asyncpg.Connection:
        return await connect(url, timeout=timeout, server_settings=settings)

    async def begin(connection: Any) -> None:
        if await lends_sessions(connection, another):
            raise UnfitLineError(SHARED)
        connection.learn(SAID_AHEAD)
        if await connection.fetchval("select current_user") != role and role is not None:
            raise UnfitLineError(
                f"is behind a pooler that drops the startup parameter role; set it to {role} for"
                " the login, or connect past the pooler"
            )
        if init is not None:
            await init(connection)

    async def open_with(least: int) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            url,
            connect=connect,
            connection_class=Line,
            min_size=least,
            max_size=max_size,
            timeout=timeout,
            command_timeout=timeout,
            init=begin,
            # What is left of whoever had one is ``storage.pool``'s to take away.
            reset=_nothing,
            server_settings=settings,
        )

    try:
        return await open_with(min_size)
    except NoRoleError:
        return await open_with(0)


async def _nothing(connection: Any) -> None:
    """See ``open_pool``."""
