"""Poolers that stand before PostgreSQL, and whether a session behind one stays ours.

LISTEN, advisory locks and what each new session is asked first are a session's. A pooler in
transaction or statement mode lends one session to many, a transaction each: nothing of that
fails there, and nothing of it holds.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

BACKEND = "select pg_backend_pid()"

BROKEN = (
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.DuplicatePreparedStatementError,
    asyncpg.ProtocolViolationError,
)
"""What comes of statements that were prepared in one session and are run in another."""


async def lends_sessions(line: Any, another: Callable[[], Awaitable[Any]]) -> bool:
    """Whether the session behind this line is lent to others when we are between transactions.

    ``another`` opens a second line to the same place as the same user. Lines straight to
    PostgreSQL, or through what only passes bytes on, cost one question.
    """
    try:
        # Who answered us told us which session it has for us. A pooler cannot: it has one
        # for us only when there is something to be done.
        if await _session(line) == line.get_server_pid():
            return False
        other = await another()
        try:
            return await _are_shared(line, other)
        finally:
            other.terminate()
    except BROKEN:
        return True
    except asyncpg.ConnectionDoesNotExistError as error:
        # PgBouncer's word for a transaction where it lends for a statement.
        if "statement pooling mode" in str(error):
            return True
        raise


async def _are_shared(line: Any, other: Any) -> bool:
    """Two lines that have a session each have the same one every time, and never each other's.

    What was given back last is lent next, or what was given back first: either shows at once
    if nobody else comes in between, and now and then if somebody does.
    """
    ours, theirs = set(), set()
    for _ in range(4):
        ours |= {await _session(line), await _session(line)}
        theirs.add(await _session(other))
    return len(ours) > 1 or len(theirs) > 1 or not ours.isdisjoint(theirs)


async def _session(line: Any) -> int:
    # In a transaction, or it would be prepared in one session and run in another.
    async with line.transaction():
        pid: int = await line.fetchval(BACKEND)
    return pid
