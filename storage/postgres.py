"""PostgreSQL: a pool of connections, and transactions whose events ring the bell.

Failures to reach the server come out as one refusal, UNAVAILABLE, wherever
they happen; everything else PostgreSQL says is a bug and goes through as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol, Self

import asyncpg

from storage.errors import unavailable
from storage.lines import UNREACHABLE, Init, open_pool
from storage.records import Own
from storage.sight import SEE, Role, Sight

Rows = list[asyncpg.Record]

WAITING_PER_CONNECTION = 20
"""How many may wait for each connection of a pool; whoever comes next is refused at once."""

KEPT_SECONDS = 0.001
"""How long a connection is kept for its viewer's next statement, unless somebody waits for it."""

GOODBYE_SECONDS = 0.25
"""How long a connection may take to end. A server that stops has several pools to close, and
PostgreSQL may be silent to all of them."""


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


class _Pool:
    """Connections of one role, and the queue for them."""

    def __init__(self, pool: asyncpg.Pool, timeout: float, patience: float) -> None:
        self.connections = pool
        self.timeout = timeout
        self.patience = patience
        self.waiting = 0
        self.on_commit: Callable[[dict[str, int]], None] = _nobody_listens
        self.on_touch: Callable[[list[Own]], None] = _nobody_listens
        self._giving_back: set[asyncio.Task[None]] = set()

    async def borrow(self) -> Any:
        """A connection that has forgotten whoever had it before. Raises UNAVAILABLE."""
        # Past a certain length a queue helps nobody: everybody in it would wait
        # for as long as they can and be refused then.
        if self.waiting >= self.connections.get_max_size() * WAITING_PER_CONNECTION:
            raise unavailable("postgres")
        self.waiting += 1
        try:
            return await self.connections.acquire(timeout=self.patience)
        finally:
            self.waiting -= 1

    async def give_back(self, connection: Any) -> None:
        """Return when it has forgotten who had it, or is closed."""
        with suppress(TimeoutError):
            await self.connections.release(connection, timeout=self.patience)

    def give_back_soon(self, connection: Any) -> None:
        """The same without waiting for it."""
        task = asyncio.create_task(self._give_back_quietly(connection), name="giving back")
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def _give_back_quietly(self, connection: Any) -> None:
        # A line that is lost now is of no interest to who has their answer; it is closed.
        with suppress(*UNREACHABLE):
            await self.give_back(connection)


class Database:
    """A pool, and for whom connections are borrowed from it.

    As it is opened that is nobody, who sees nothing where there are policies
    for viewers. ``seen_by`` gives the same pool for a person: each connection
    is told of them when it is borrowed, and has forgotten them before anybody
    else gets it, however the block that borrowed it ends.
    """

    def __init__(self, pool: _Pool, sight: Sight | None = None) -> None:
        self._pool = pool
        self._sight = sight
        self._kept: Any = None
        self._letting_go: asyncio.TimerHandle | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        role: Role | None = None,
        min_size: int = 2,
        max_size: int = 10,
        timeout: float = 10.0,
        patience: float = 1.0,
        name: str = "backchannel",
        init: Init | None = None,
    ) -> Self:
        """Open the pool. ``timeout`` bounds connecting and each statement, ``patience``
        waiting for a connection that others have, both in seconds. Works as ``role``, or as
        whoever the URL says. Where it may not yet, before the first migration, the pool opens
        empty and every use of it is UNAVAILABLE until it may. Raises UNAVAILABLE when the
        server cannot be reached, or cannot be used: the cause says why.
        """
        with _reaching_postgres():
            pool = await open_pool(
                url,
                role,
                init,
                min_size=min_size,
                max_size=max_size,
                timeout=timeout,
                name=name,
            )
        return cls(_Pool(pool, timeout, patience))

    def seen_by(self, sight: Sight) -> "Database":
        """The same pool for one person: nothing else is seen or changed by way of it."""
        return Database(self._pool, sight)

    @property
    def on_commit(self) -> Callable[[dict[str, int]], None]:
        """Called after a transaction that appended events has been committed, whoever it was
        for, with the channels it moved on; never for one that was rolled back.
        """
        return self._pool.on_commit

    @on_commit.setter
    def on_commit(self, call: Callable[[dict[str, int]], None]) -> None:
        self._pool.on_commit = call

    @property
    def on_touch(self) -> Callable[[list[Own]], None]:
        """Called after a transaction that changed what is people's own; the same applies."""
        return self._pool.on_touch

    @on_touch.setter
    def on_touch(self, call: Callable[[list[Own]], None]) -> None:
        self._pool.on_touch = call

    async def close(self) -> None:
        """Close every connection; what is still in use after a moment, or dead, is cut."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._pool.connections.close()
        except TimeoutError:
            self._pool.connections.terminate()

    async def reach(self) -> None:
        """Return if there is a connection, whoever uses it, or one can be made. Raises
        UNAVAILABLE.
        """
        if not self._pool.connections.get_size():
            await self.fetchval("select 1")

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
        connection = self._take_kept() or await self._borrow()
        try:
            yield connection
        except BaseException:
            # Over a dead line the last statement cannot even be cancelled; who does not
            # answer in time is cut off, and the pool makes another connection.
            await self._pool.give_back(connection)
            raise
        if self._sight is None:
            await self._pool.give_back(connection)
        else:
            self._keep(connection)

    async def _borrow(self) -> Any:
        connection = await self._pool.borrow()
        if self._sight is not None:
            try:
                await connection.execute(SEE, *self._sight)
            except BaseException:
                await self._pool.give_back(connection)
                raise
        return connection

    def _keep(self, connection: Any) -> None:
        """To say for whom it is, and to forget it, are two questions to PostgreSQL, and an
        operation's statements follow each other at once: what was said for one holds for the
        next. Nobody waits while it forgets.
        """
        if self._kept is not None or self._pool.waiting:
            self._pool.give_back_soon(connection)
            return
        self._kept = connection
        self._letting_go = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._let_go)

    def _take_kept(self) -> Any:
        connection, self._kept = self._kept, None
        if self._letting_go is not None:
            self._letting_go.cancel()
            self._letting_go = None
        return connection

    def _let_go(self) -> None:
        connection = self._take_kept()
        if connection is not None:
            self._pool.give_back_soon(connection)

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
            self._pool.on_commit(transaction.moved)
        if transaction.own:
            self._pool.on_touch(transaction.own)


def _nobody_listens(_: object) -> None:
    """Until somebody does, commits are followed by nothing."""
