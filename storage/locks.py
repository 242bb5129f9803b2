"""Locks that one process of all holds: PostgreSQL's advisory locks.

They belong to a connection and are free when it ends, however it ends.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import IntEnum
from typing import Any

from storage.lines import UNREACHABLE
from storage.postgres import Connection

TRY = "select pg_try_advisory_lock($1)"

WAIT = "select pg_advisory_lock($1)"

RELEASE = "select pg_advisory_unlock($1)"

KEEP_ALIVE = """
set tcp_keepalives_idle     = 2;
set tcp_keepalives_interval = 1;
set tcp_keepalives_count    = 2;
"""


class Lock(IntEnum):
    """What there is one of. The numbers say "bc" and are nobody else's, we hope."""

    LEADER = 0x6263_0001
    """The process that keeps channels in step with the directory."""
    PASS = 0x6263_0002
    """One comparison of directory and channels, whoever makes it: two at once could each act
    on what the other has already seen differently.
    """


@asynccontextmanager
async def held(connection: Connection, lock: Lock, *, wait: bool = False) -> AsyncIterator[bool]:
    """Whether the lock is ours while the block lasts. ``wait`` until it is, for as long as a
    statement may take. The connection must be the same all the time.
    """
    got = True
    if wait:
        await connection.execute(WAIT, lock)
    else:
        got = await connection.fetchval(TRY, lock)
    try:
        yield got
    finally:
        if got:
            # A connection that is gone holds nothing any more.
            with suppress(*UNREACHABLE):
                await connection.fetchval(RELEASE, lock)


async def keep_alive(connection: Any) -> None:
    """For every new connection that is to hold locks: when the line is cut in silence, let
    PostgreSQL notice within four seconds, so that another process can go on.
    """
    await connection.execute(KEEP_ALIVE)
