"""A connection to PostgreSQL, as the doctor makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """One of our own for as long as the block lasts, as whoever the URL logs in."""
    # Prepared statements do not go through every pooler.
    connection = await asyncpg.connect(url, timeout=10, statement_cache_size=0)
    try:
        yield connection
    finally:
        connection.terminate()
