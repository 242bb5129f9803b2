"""A connection to PostgreSQL, as the doctor makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from storage.lines import SHARED, UnfitLineError
from storage.poolers import lends_sessions
from storage.postgres import Database
from storage.sight import Role


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """One of our own for as long as the block lasts, as whoever the URL logs in.

    Raises UnfitLineError where a pooler lends its session to others.
    """
    connection = await _connect(url)
    try:
        if await lends_sessions(connection, partial(_connect, url)):
            raise UnfitLineError(SHARED)
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def working_as(role: Role, url: str) -> AsyncIterator[Database]:
    """A pool as the server opens them. Raises UNAVAILABLE as its first use would."""
    database = await Database.connect(url, role=role, min_size=1, max_size=1)
    try:
        await database.reach()
        yield database
    finally:
        await database.close()


async def _connect(url: str) -> asyncpg.Connection:
    # Prepared statements do not go through every pooler.
    return await asyncpg.connect(url, timeout=10, statement_cache_size=0)
