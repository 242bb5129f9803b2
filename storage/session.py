"""A session of PostgreSQL's: what is said in it before the next statement, and what it forgets."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from storage.sight import FORGET, TELL, Sight

Rows = list[asyncpg.Record]

BEGIN = "begin"
READ = "begin read only"
ROLLBACK = "rollback"

SAID_AHEAD = (BEGIN, READ, ROLLBACK, *FORGET, TELL)
"""What is said ahead of statements: every line learns it."""


class Session:
    """A connection for as long as it is ours, and for whom its next statement is.

    What begins a transaction, and tells it of its viewer, goes with its first statement. If that
    raises, whatever it is, nothing of the transaction is left once the session has forgotten.
    """

    __slots__ = ("_ahead", "_began", "_is_clean", "_leaves_something", "connection")

    def __init__(self, connection: Any, *, leaves_something: bool) -> None:
        """``leaves_something`` says whether statements leave anything that has to be forgotten."""
        self.connection = connection
        self._leaves_something = leaves_something
        self._is_clean = True
        self._began = False
        self._ahead: list[tuple[str, ...]] | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left of whoever had it, and nothing is to be said for them."""
        return self._is_clean and not self._began and self._ahead is None

    def begin(self, sight: Sight | None, *, read_only: bool = False) -> None:
        """Have a transaction begin with the next statement, for this person or nobody; nothing
        is left in it of any before.
        """
        ahead: list[tuple[str, ...]] = [(READ if read_only else BEGIN,)]
        if self._began:
            ahead.insert(0, (ROLLBACK,))
        if not self._is_clean:
            # Rolled back it would be there again: until the next viewer is told of likewise.
            ahead += [(each,) for each in FORGET]
        if sight is not None:
            ahead.append((TELL, *sight))
        self._ahead = ahead

    def use(self) -> None:
        """Have the next statement be in no transaction, for nobody. Only of one that is clean."""
        assert self.is_clean
        self._is_clean = not self._leaves_something

    async def fetch(self, query: str, *args: Any) -> Rows:
        """Every row of the answer."""
        self._say_ahead()
        rows: Rows = await self.connection.fetch(query, *args)
        return rows

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        self._say_ahead()
        row: asyncpg.Record | None = await self.connection.fetchrow(query, *args)
        return row

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        self._say_ahead()
        return await self.connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        """Run it; the answer is PostgreSQL's command tag."""
        if not args:
            await self._arrive()
        self._say_ahead()
        tag: str = await self.connection.execute(query, *args)
        return tag

    async def executemany(self, command: str, args: Sequence[Sequence[Any]]) -> None:
        """Run it once for each of ``args``, in one round trip."""
        await self._arrive()
        await self.connection.executemany(command, args)

    async def commit(self) -> None:
        """Make the transaction last, and forget."""
        if self._ahead is not None:
            self._ahead = None  # nothing was asked in it
            return
        words = ["commit", *(FORGET if self._leaves_something else ())]
        await self.connection.execute("; ".join(words))
        self._began, self._is_clean = False, True

    async def forget(self, timeout: float | None = None) -> None:
        """Whatever state it is in, end the transaction and leave nothing of whoever had it."""
        self._ahead = None
        is_open = self._began or self.connection.is_in_transaction()
        words = [ROLLBACK] * is_open + list(FORGET) * (not self._is_clean)
        if words:
            await self.connection.execute("; ".join(words), timeout=timeout)
        self._began, self._is_clean = False, True

    def is_open(self) -> bool:
        """Whether there is anybody at the other end, as far as can be known without asking."""
        # asyncpg may have noticed already, and taken it back.
        with suppress(asyncpg.InterfaceError):
            return not self.connection.is_closed() and not self.connection.has_news()
        return False

    def terminate(self) -> None:
        """Close it at once, if it is not closed yet."""
        with suppress(asyncpg.InterfaceError):
            self.connection.terminate()

    def _say_ahead(self) -> None:
        if self._ahead is None:
            return
        if self.connection.is_closed():
            raise asyncpg.InterfaceError("the connection is closed")
        # Before, as who knows how much of it is heard?
        self._began, self._is_clean = True, not self._leaves_something
        ahead, self._ahead = self._ahead, None
        self.connection.say(ahead)

    async def _arrive(self) -> None:
        """Have what is ahead done before anything that it cannot go ahead of."""
        if self._ahead is not None:
            self._say_ahead()
            await self.connection.fetchval("select 1")
