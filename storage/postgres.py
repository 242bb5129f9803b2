"""PostgreSQL: a pool of connections, and transactions whose events ring the bell.

Failures to reach the server come out as one refusal, UNAVAILABLE, wherever
they happen; everything else PostgreSQL says is a bug and goes through as it is.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Protocol, Self

import asyncpg

from storage.errors import unavailable
from storage.lines import UNREACHABLE, Init, open_pool
from storage.pool import Pool
from storage.records import Own
from storage.session import Rows, Session
from storage.sight import Role, Sight

AT_ONCE = 4
"""Statements of one person's operation at a time. A document may need hundreds: all at once they
would fill the queue for connections, and others would be refused for them.
"""


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
    """A pool, and for whom connections are borrowed from it.

    As it is opened that is nobody, who sees nothing where there are policies
    for viewers. ``seen_by`` gives the same pool for a person: each connection
    is told of them when it is borrowed, and has forgotten them before anybody
    else gets it, however the block that borrowed it ends.
    """

    def __init__(self, pool: Pool, sight: Sight | None = None) -> None:
        self._pool = pool
        self._sight = sight
        self._turns = None if sight is None else asyncio.Semaphore(AT_ONCE)

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
        turns_away: bool = True,
        name: str = "backchannel",
        init: Init | None = None,
    ) -> Self:
        """Open the pool. ``timeout`` bounds connecting and each statement, ``patience``
        waiting for a connection that others have, both in seconds; when many wait, whoever
        comes next is refused at once if it ``turns_away``. Works as ``role``, or as
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
        # Only operations leave anything behind on a connection. For the others to forget would
        # be a round trip each time for nothing.
        return cls(Pool(pool, patience, forgets=role is Role.APP, turns_away=turns_away))

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
        await self._pool.close()

    async def reach(self) -> None:
        """Return if there is a connection, whoever uses it, or one can be made. Raises
        UNAVAILABLE.
        """
        if not self._pool.size:
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
        async with self._writing() as connection:
            return await connection.execute(query, *args)

    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each of ``args``, all in a transaction of their own."""
        async with self._writing() as connection:
            await connection.executemany(command, args)

    def _writing(self) -> AbstractAsyncContextManager[Connection]:
        # What is read for a person is in a transaction that ends when somebody gets to it.
        return self.reading() if self._sight is None else self.transaction()

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A connection for statements that need no transaction around them; for a person, for
        statements that only read: they are in one all the same, which is told of them.
        """
        return _Loan(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with _reaching_postgres():
            session = self._pool.kept_for(self) or await self._pool.borrow()
            session.begin(self._sight)
            try:
                transaction = Transaction(session)
                yield transaction
                if transaction.before_commit:
                    await transaction.before_commit()
                await session.commit()
            except BaseException:
                await self._pool.take_back(session)
                raise
            self._pool.give_back(session)
        if transaction.moved:
            self._pool.on_commit(transaction.moved)
        if transaction.own:
            self._pool.on_touch(transaction.own)

    async def take(self) -> Session:
        """A session for statements that only read, for whom this is. To be given to
        ``take_back``; for ``reading``.
        """
        if self._turns is not None:
            await self._turn(self._turns)
        try:
            session = self._pool.kept_for(self)
            if session is None and self._sight is None:
                session = await self._pool.borrow_clean()
                session.use()
            elif session is None:
                session = await self._pool.borrow()
                session.begin(self._sight, read_only=True)
        except BaseException:
            self._end_turn()
            raise
        return session

    async def take_back(self, session: Session, error: BaseException | None) -> None:
        """See ``take``; ``error`` is what ended its use."""
        try:
            if isinstance(error, UNREACHABLE):
                # What has been given up after too long is being cancelled, and that may reach
                # PostgreSQL as late as with the next one's statement.
                self._pool.lose(session)
            elif error is not None:
                await self._pool.take_back(session)
            elif self._sight is None:
                self._pool.give_back(session)
            else:
                # To say for whom it is takes as long as to ask something, and an operation's
                # statements follow each other at once: what was said for one holds for the next.
                self._pool.keep(session, self)
        finally:
            self._end_turn()

    async def _turn(self, turns: asyncio.Semaphore) -> None:
        if not turns.locked():
            await turns.acquire()
            return
        async with asyncio.timeout(self._pool.patience):
            await turns.acquire()

    def _end_turn(self) -> None:
        if self._turns is not None:
            self._turns.release()

    def let_go(self) -> None:
        """Nothing more is asked for this person, as far as the caller knows: the connection that
        is kept for their next statement may have it forget them.
        """
        self._pool.let_go(self)


class _Loan:
    """A connection for as long as a block lasts. Written out, because every statement has one."""

    __slots__ = ("_database", "_session")

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Connection:
        with _reaching_postgres():
            self._session = await self._database.take()
        return self._session

    async def __aexit__(self, type: object, error: BaseException | None, traceback: object) -> None:
        await self._database.take_back(self._session, error)
        if isinstance(error, UNREACHABLE):
            raise unavailable("postgres") from error
