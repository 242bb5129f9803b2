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
from storage.session import Session

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


class Pool:
    """Sessions of one role, and the queue for them."""

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
        self._clean: list[Session] = []
        self._used: list[tuple[Session, float]] = []
        """Those that have somebody to forget, and since when they lie here."""
        self._kept: dict[object, tuple[Session, float]] = {}
        """The same, by who may ask for theirs again."""
        self._queue: deque[asyncio.Future[Session | None]] = deque()
        self._forgetting: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.on_commit: Callable[[dict[str, int]], None] = _nobody_listens
        self.on_touch: Callable[[list[Own]], None] = _nobody_listens

    @property
    def size(self) -> int:
        """How many connections there are, whoever has them."""
        return self._connections.get_size()

    def kept_for(self, whose: object) -> Session | None:
        """The session that they have kept, as they left it; None when there is none."""
        session, _ = self._kept.pop(whose, (None, 0.0))
        return session if session is not None and self._is_open(session) else None

    async def borrow(self) -> Session:
        """A session, with whatever is left of whoever had it. Raises UNAVAILABLE."""
        while True:
            found = self._lying()
            if found is None and self._out < self._connections.get_max_size():
                return await self._open()
            if found is None:
                found = await self._wait()
            if found is not None and self._is_open(found):
                return found

    async def borrow_clean(self) -> Session:
        """A session that has forgotten whoever had it. Raises UNAVAILABLE."""
        session = await self.borrow()
        if not session.is_clean:
            try:
                await session.forget()
            except BaseException:
                # Who knows how much of it was heard?
                self.lose(session)
                raise
        return session

    def keep(self, session: Session, whose: object) -> None:
        """Take one back that they may soon ask for again, unless somebody waits for it."""
        if self._queue or whose in self._kept:
            self.give_back(session)
        else:
            self._kept[whose] = self._lain(session)

    def let_go(self, whose: object) -> None:
        """They will not ask again for the one that they have kept."""
        lying = self._kept.pop(whose, None)
        if lying is not None:
            self._used.append(lying)

    def give_back(self, session: Session) -> None:
        """Take one back as it is."""
        if self._hand_on(session):
            return
        if session.is_clean:
            self._clean.append(session)
            self._put_away_later()
        else:
            self._used.append(self._lain(session))

    async def take_back(self, session: Session) -> None:
        """Have one forget, whatever state it is in, and take it back; what does not answer in
        time is closed.
        """
        try:
            await session.forget(GOODBYE_SECONDS)
        except BaseException as error:
            self.lose(session)
            if not isinstance(error, Exception):
                raise
        else:
            self.give_back(session)

    def lose(self, session: Session) -> None:
        """Close it at once; another one may be opened in its place."""
        session.terminate()
        self._out -= 1
        self._hand_on(None)

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

    def _lying(self) -> Session | None:
        if self._used:
            # Before the clean ones: it will not have to forget by itself.
            return self._used.pop()[0]
        if self._clean:
            return self._clean.pop()
        if self._kept:
            # Whoever kept it longest has most likely no use for it.
            return self._kept.pop(next(iter(self._kept)))[0]
        return None

    async def _open(self) -> Session:
        self._out += 1
        try:
            connection = await self._connections.acquire(timeout=self.patience)
        except BaseException:
            self._out -= 1
            # Let somebody who waits try in our place.
            self._hand_on(None)
            raise
        return Session(connection, leaves_something=self._forgets)

    async def _wait(self) -> Session | None:
        """What somebody hands on: a session, or only the permission to open one."""
        # Past a certain length a queue helps nobody: everybody in it would wait
        # for as long as they can and be refused then.
        most = self._connections.get_max_size() * WAITING_PER_CONNECTION
        if self._turns_away and len(self._queue) >= most:
            raise unavailable("postgres")
        turn: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
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

    def _hand_over(self, found: Session | None) -> None:
        if found is None:
            self._hand_on(None)
        else:
            self.give_back(found)

    def _hand_on(self, what: Session | None) -> bool:
        """Give it to who waits longest; False when nobody waits."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(what)
                return True
        return False

    def _is_open(self, session: Session) -> bool:
        """Whether it can be lent; what cannot is asyncpg's to replace."""
        if session.is_open():
            return True
        self.lose(session)
        return False

    def _lain(self, session: Session) -> tuple[Session, float]:
        loop = asyncio.get_running_loop()
        if self._forgetting is None:
            self._forgetting = loop.call_later(REMEMBER_SECONDS, self._forget_old)
        return session, loop.time()

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
        old = [session for session, since in self._used if since <= before]
        self._used = [lying for lying in self._used if lying[1] > before]
        for session in old:
            self._soon(self.take_back(session))

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
        for session in clean:
            if self._is_open(session):
                self._out -= 1
                self._soon(self._connections.release(session.connection, timeout=self.patience))

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
