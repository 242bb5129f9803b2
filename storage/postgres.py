"""PostgreSQL: a pool of connections, and transactions whose events ring the bell.

Failures to reach the server come out as one refusal, UNAVAILABLE, wherever
they happen; everything else PostgreSQL says is a bug and goes through as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol, Self

import asyncpg

from storage.errors import unavailable
from storage.records import Own

Rows = list[asyncpg.Record]

WAITING_PER_CONNECTION = 20
"""How many may wait for each connection of a pool; whoever comes next is refused at once."""

UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
)


class Connection(Protocol):
    """What a statement needs: a pool, a connection and a transaction all have it."""

    async def fetch(self, query: str, *args: Any) -> Rows:
        """Every row of the answer."""

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, or None."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run it; the answer is PostgreSQL's command tag."""

    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None:
        """Run it once for each of ``args``, in one round trip."""


@contextmanager
def _reaching_postgres() -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        raise unavailable("postgres") from error


class Transaction:
    """A transaction in progress, and which channels it has moved on.

    Its statements see what was committed before each of them (READ
    COMMITTED), so a row read after a channel's lock is taken is current.
    """

    def __init__(self, connection: Connection) -> None:
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.fetchval = connection.fetchval
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.moved: dict[str, int] = {}
        """The newest position of each channel that events were appended to."""
        self.touched: dict[str, set[str]] = {}
        """The channels in which something of each person's own has changed."""
        self.before_commit: Callable[[], Awaitable[None]] | None = None
        """What is to be written last."""
        self.own: list[Own] = []
        """The same as ``touched``, as it is told once it is committed."""


class Database:
    """The pool.

    ``on_commit`` is called after a transaction that appended events has been
    committed, with the channels it moved on; ``on_touch`` after one that changed
    what is people's own. Neither is for one that was rolled back.
    """

    def __init__(self, pool: asyncpg.Pool, timeout: float, patience: float) -> None:
        self.pool = pool
        self._timeout = timeout
        self._patience = patience
        self._waiting = 0
        self.on_commit: Callable[[dict[str, int]], None] = _nobody_listens
        self.on_touch: Callable[[list[Own]], None] = _nobody_listens

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        min_size: int = 2,
        max_size: int = 10,
        timeout: float = 10.0,
        patience: float = 1.0,
        name: str = "backchannel",
        init: Callable[[Any], Coroutine[Any, Any, None]] | None = None,
    ) -> Self:
        """Open the pool. ``timeout`` bounds connecting and each statement, ``patience``
        waiting for a connection that others have, both in seconds. Raises UNAVAILABLE when
        the server cannot be reached.
        """
        with _reaching_postgres():
            pool = await asyncpg.create_pool(
                url,
                min_size=min_size,
                max_size=max_size,
                timeout=timeout,
                command_timeout=timeout,
                init=init,
                # We leave nothing behind on a connection, so nothing needs to be
                # reset when it is given back: that would be a round trip each time.
                reset=_nothing_to_reset,
                server_settings={
                    "application_name": name,
                    "jit": "off",
                    "timezone": "UTC",
                    # A caller that vanished in mid-transaction must not keep a channel locked.
                    "idle_in_transaction_session_timeout": str(int(timeout * 1000)),
                },
            )
        return cls(pool, timeout, patience)

    async def close(self) -> None:
        """Close every connection; what is still in use after a second, or dead, is cut."""
        try:
            async with asyncio.timeout(self._patience):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    async def fetch(self, query: str, *args: Any) -> Rows:
        """Every row of one statement's answer, on any connection."""
        async with self.reading() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """The first row of one statement's answer."""
        async with self.reading() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first value of one statement's answer."""
        async with self.reading() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement in a transaction of its own."""
        async with self.reading() as connection:
            return await connection.execute(query, *args)

    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of ``args``, all in a transaction of their own."""
        async with self.reading() as connection:
            await connection.executemany(command, args)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        # Past a certain length a queue helps nobody: everybody in it would wait
        # for as long as they can and be refused then.
        if self._waiting >= self.pool.get_max_size() * WAITING_PER_CONNECTION:
            raise unavailable("postgres")
        self._waiting += 1
        try:
            connection = await self.pool.acquire(timeout=self._patience)
        finally:
            self._waiting -= 1
        try:
            yield connection
        finally:
            # Over a dead line the last statement cannot even be cancelled; who does not
            # answer in time is cut off, and the pool makes another connection.
            with suppress(TimeoutError):
                await self.pool.release(connection, timeout=self._patience)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for statements that need no transaction around them."""
        with _reaching_postgres():
            async with self._connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with _reaching_postgres():
            async with self._connection() as connection:
                async with connection.transaction():
                    transaction = Transaction(connection)
                    yield transaction
                    if transaction.before_commit:
                        await transaction.before_commit()
        if transaction.moved:
            self.on_commit(transaction.moved)
        if transaction.own:
            self.on_touch(transaction.own)


def _nobody_listens(_: object) -> None:
    """Until somebody does, commits are followed by nothing."""


async def _nothing_to_reset(connection: Any) -> None:
    """See ``Database.connect``."""
