"""The pool: connections that are lent, and take nothing of whoever had them to the next one.

asyncpg's pool opens connections and closes them. Who has which is decided here, because
PostgreSQL has to be told for whom one is and to forget it again: whoever asks again soon gets
the one that knows them, and whoever is next has it forget and learn in one round trip.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import inf
from typing import Any

import asyncpg

from storage.errors import unavailable
from storage.lines import UNREACHABLE
from storage.records import Own
from storage.sight import FORGET

WAITING_PER_CONNECTION = 20
"""How many may wait for each connection of a pool; whoever comes next is refused at once."""

REMEMBER_SECONDS = 0.01
"""After which a connection that nobody asks for forgets who had it; twice that at the latest."""

REST_SECONDS = 10.0
"""After which connections that nobody asks for are asyncpg's again, which closes those that are
not used for long."""

GOODBYE_SECONDS = 0.25
"""How long a connection may take to end, or to forget whoever had it before it is ended instead.
A server that stops has several pools to close, and PostgreSQL may be silent to all of them."""

Found = tuple[Any, bool]
"""A connection, and whether it is clean: has forgotten whoever had it."""


class Pool:
    """Connections of one role, and the queue for them."""

    def __init__(
        self, connections: asyncpg.Pool, patience: float, *, forgets: bool, turns_away: bool = True
    ) -> None:
        """``patience`` is how long somebody waits for a connection, in seconds; ``forgets``
        whether there is anything that could be left on one; ``turns_away`` whether who comes
        when many wait is refused at once.
        """
        self._connections = connections
        self.patience = patience
        self._turns_away = turns_away
        self._forgets = forgets
        self._out = 0
        """Connections that are lent or lie here."""
        self._clean: list[Any] = []
        self._used: list[tuple[Any, float]] = []
        """Those that have to forget somebody before they are lent, and since when they lie here."""
        self._kept: dict[object, tuple[Any, float]] = {}
        """The same, by who may ask for theirs again."""
        self._queue: deque[asyncio.Future[Found | None]] = deque()
        self._forgetting: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.commit = f"commit; {FORGET}" if forgets else "commit"
        """What ends a transaction and leaves its connection clean."""
        self.on_commit: Callable[[dict[str, int]], None] = _nobody_listens
        self.on_touch: Callable[[list[Own]], None] = _nobody_listens

    @property
    def size(self) -> int:
        """How many connections there are, whoever has them."""
        return self._connections.get_size()

    def kept_for(self, whose: object) -> Any:
        """The connection that they have kept, as they left it; None when there is none."""
        connection, _ = self._kept.pop(whose, (None, 0.0))
        return connection if connection is not None and self._is_open(connection) else None

    async def borrow(self, words: str) -> Any:
        """A connection that has forgotten whoever had it before, and been told this, if
        anything. Raises UNAVAILABLE.
        """
        connection, is_clean = await self._next()
        try:
            if not is_clean:
                words = "; ".join(filter(None, (self._forgetting_words(connection), words)))
            if words:
                await connection.execute(words)
        except BaseException:
            # Who knows how much of it was heard?
            self.lose(connection)
            raise
        return connection

    def keep(self, connection: Any, whose: object) -> None:
        """Take one back that they may soon ask for again, unless somebody waits for it."""
        if self._queue or whose in self._kept:
            self.give_back(connection)
        else:
            self._kept[whose] = self._lain(connection)

    def let_go(self, whose: object) -> None:
        """They will not ask again for the one that they have kept."""
        lying = self._kept.pop(whose, None)
        if lying is not None:
            self._used.append(lying)

    def give_back(self, connection: Any, *, is_clean: bool = False) -> None:
        """Take one back; ``is_clean`` says that it has forgotten already."""
        is_clean = is_clean or not self._forgets
        if self._hand_on((connection, is_clean)):
            return
        if is_clean:
            self._clean.append(connection)
            self._put_away_later()
        else:
            self._used.append(self._lain(connection))

    async def take_back(self, connection: Any, *, began: bool = False) -> None:
        """Have one forget, whatever state it is in, and take it back; what does not answer in
        time is closed. ``began`` says that a transaction was begun, where the connection may
        have been lost since and tell nothing of it.
        """
        try:
            words = self._forgetting_words(connection, began=began)
            if words:
                await connection.execute(words, timeout=GOODBYE_SECONDS)
        except BaseException as error:
            self.lose(connection)
            if not isinstance(error, Exception):
                raise
        else:
            self.give_back(connection, is_clean=True)

    def lose(self, connection: Any) -> None:
        """Close it at once; another one may be opened in its place."""
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
        self._out -= 1
        self._hand_on(None)

    def _forgetting_words(self, connection: Any, *, began: bool = False) -> str:
        """What leaves nothing of whoever had it: no transaction, and no settings."""
        is_open = began or connection.is_in_transaction()
        return "; ".join(["rollback"] * is_open + [FORGET] * self._forgets)

    async def close(self) -> None:
        """Close every connection; what is still in use after a moment, or dead, is cut."""
        self._is_closing = True
        self._forget_all()
        self._put_away()
        # Who waits is told by asyncpg that there is nothing left.
        for _ in range(len(self._queue)):
            self._hand_on(None)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._connections.close()
        except TimeoutError:
            self._connections.terminate()

    async def _next(self) -> Found:
        while True:
            found = self._lying()
            if found is None and self._out < self._connections.get_max_size():
                return await self._open(), True
            if found is None:
                found = await self._wait()
            if found is not None and self._is_open(found[0]):
                return found

    def _lying(self) -> Found | None:
        if self._used:
            # Before the clean ones: it will not have to forget by itself.
            return self._used.pop()[0], False
        if self._clean:
            return self._clean.pop(), True
        if self._kept:
            # Whoever kept it longest has most likely no use for it.
            return self._kept.pop(next(iter(self._kept)))[0], False
        return None

    async def _open(self) -> Any:
        self._out += 1
        try:
            return await self._connections.acquire(timeout=self.patience)
        except BaseException:
            self._out -= 1
            # Let somebody who waits try in our place.
            self._hand_on(None)
            raise

    async def _wait(self) -> Found | None:
        """What somebody hands on: a connection, or only the permission to open one."""
        # Past a certain length a queue helps nobody: everybody in it would wait
        # for as long as they can and be refused then.
        most = self._connections.get_max_size() * WAITING_PER_CONNECTION
        if self._turns_away and len(self._queue) >= most:
            raise unavailable("postgres")
        turn: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self.patience):
                return await turn
        except BaseException:
            if turn in self._queue:
                self._queue.remove(turn)
            elif not turn.cancelled():
                # It came in the moment in which we gave up.
                self._hand_over(turn.result())
            raise

    def _hand_over(self, found: Found | None) -> None:
        if found is None:
            self._hand_on(None)
        else:
            self.give_back(found[0], is_clean=found[1])

    def _hand_on(self, what: Found | None) -> bool:
        """Give it to who waits longest; False when nobody waits."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(what)
                return True
        return False

    def _is_open(self, connection: Any) -> bool:
        """Whether it can be lent; what cannot is asyncpg's to replace."""
        # asyncpg may have noticed already, and taken it back.
        with suppress(asyncpg.InterfaceError):
            if not connection.is_closed():
                return True
        self.lose(connection)
        return False

    def _lain(self, connection: Any) -> tuple[Any, float]:
        loop = asyncio.get_running_loop()
        if self._forgetting is None:
            self._forgetting = loop.call_later(REMEMBER_SECONDS, self._forget_old)
        return connection, loop.time()

    def _forget_old(self) -> None:
        # Not those that come and go: they forget when they are lent.
        loop = asyncio.get_running_loop()
        self._forget_all(before=loop.time() - REMEMBER_SECONDS)
        if self._used or self._kept:
            self._forgetting = loop.call_later(REMEMBER_SECONDS, self._forget_old)

    def _forget_all(self, before: float = inf) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        for whose, lying in list(self._kept.items()):
            if lying[1] <= before:
                self._used.append(self._kept.pop(whose))
        old = [connection for connection, since in self._used if since <= before]
        self._used = [lying for lying in self._used if lying[1] > before]
        for connection in old:
            self._soon(self.take_back(connection))

    def _put_away_later(self) -> None:
        if self._is_closing:
            self._put_away()
        elif self._resting is None:
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(REST_SECONDS, self._put_away)

    def _put_away(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        clean, self._clean = self._clean, []
        for connection in clean:
            if self._is_open(connection):
                self._out -= 1
                self._soon(self._connections.release(connection, timeout=self.patience))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_quietly(work), name="giving back")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    # A line that is lost now is of no interest to who has their answer; it is closed.
    with suppress(*UNREACHABLE):
        await work


def _nobody_listens(_: object) -> None:
    """Until somebody does, commits are followed by nothing."""
