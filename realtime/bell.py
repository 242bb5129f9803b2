"""The bell: how the processes tell each other that something has happened.

A bell carries hints and promises nothing: a hint may be lost, doubled, late or
out of order. Everything durable is read from the log, so nothing but latency
depends on which bell it is. PostgreSQL's LISTEN/NOTIFY is the one that needs
no further server; NATS or Redis could stand behind the same few methods.
"""

import asyncio
import random
import secrets
from collections.abc import Callable
from typing import Protocol

import asyncpg
import structlog

from storage import events
from storage.events import Echo, Hint, Moved, Typed
from storage.lines import SHARED, UnfitLineError
from storage.poolers import lends_sessions

ECHO_SECONDS = 2.0
"""How often the line is tried, and how long it has to answer."""

TOGETHER_SECONDS = 0.005
"""Between two notifications: what is rung meanwhile is told together. Each takes a round trip
here, and wakes every process."""

CONNECT_SECONDS = 2.0
FIRST_BACKOFF_SECONDS = 0.05
LAST_BACKOFF_SECONDS = 2.0

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What the driver says of a statement that we ring with in the moment of PostgreSQL's goodbye.
    asyncpg.InternalClientError,
)

log = structlog.get_logger(__name__)


class Bell(Protocol):
    """What the rest of the process may ask of a bell."""

    def ring(self, hint: Hint) -> None:
        """Tell every other process, soon. Returns at once and never raises."""

    async def run(self) -> None:
        """Hear and be heard until cancelled; survives whatever happens to the line."""


class PostgresBell:
    """LISTEN and NOTIFY on one connection of its own.

    ``hear`` is called with each hint of any process, this one included, but for its own of typing.
    ``returned`` is called whenever the line is new, that is when hints may
    have been missed.

    NOTIFY inside the writers' transactions would make every commit on the
    server wait for one lock. Here hints are sent after the commits, all that
    gathered during the last notification and a few milliseconds after it in one statement.
    """

    def __init__(
        self,
        url: str,
        *,
        hear: Callable[[Hint], None],
        returned: Callable[[], None],
    ) -> None:
        self._url = url
        self._hear = hear
        self._returned = returned
        self._moved: dict[str, int] = {}
        self._others: list[Hint] = []
        self._waiting = asyncio.Event()
        self._echo: asyncio.Future[None] | None = None
        self._token = ""
        self._pid = 0
        self.is_connected = False

    def ring(self, hint: Hint) -> None:
        """See ``Bell.ring``. Of several moves of one channel only the last is told."""
        if isinstance(hint, Moved):
            known = self._moved.get(hint.channel_id, -1)
            self._moved[hint.channel_id] = max(known, hint.position)
        elif self.is_connected:
            # Worth nothing later: nobody wants to hear who was typing a minute ago.
            self._others.append(hint)
        self._waiting.set()

    async def run(self) -> None:
        """See ``Bell.run``."""
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            try:
                connection = await self._connect()
            except LOST as error:
                log.warning("bell.unreachable", error=type(error).__name__)
            else:
                try:
                    await self._serve(connection)
                except UnfitLineError as error:
                    log.error("bell.unfit", line=str(error))
                except LOST as error:
                    log.warning("bell.lost", error=type(error).__name__)
                    backoff = FIRST_BACKOFF_SECONDS
                finally:
                    self.is_connected = False
                    # A polite close would wait for an answer from a dead link.
                    connection.terminate()
            # Jitter, so that a fleet does not come back in one instant.
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
            backoff = min(backoff * 2, LAST_BACKOFF_SECONDS)

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=ECHO_SECONDS,
            server_settings={"application_name": "backchannel bell"},
        )

    async def _serve(self, connection: asyncpg.Connection) -> None:
        if await lends_sessions(connection, self._connect):
            # It would listen in a session that is somebody else's the next moment.
            raise UnfitLineError(SHARED)
        lost = asyncio.get_running_loop().create_future()

        def on_loss(_: object) -> None:
            if not lost.done():
                lost.set_exception(ConnectionError("the bell's connection was closed"))

        connection.add_termination_listener(on_loss)
        await connection.add_listener(events.NOTIFY_CHANNEL, self._on_notification)
        self._pid = connection.get_server_pid()
        self.is_connected = True
        self._returned()
        parts = [
            asyncio.ensure_future(self._ring_on(connection)),
            asyncio.ensure_future(self._watch()),
            lost,
        ]
        try:
            # None of the three ever ends but by failing.
            await asyncio.gather(*parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _ring_on(self, connection: asyncpg.Connection) -> None:
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            hints = [*(Moved(*item) for item in self._moved.items()), *self._others]
            self._moved, self._others = {}, []
            if hints:
                await events.notify(connection, hints)
                # Not before: who rings seldom is told of at once.
                await asyncio.sleep(TOGETHER_SECONDS)

    async def _watch(self) -> None:
        """Ask ourselves something over the line; no answer means that it is dead.

        A link that is cut in silence never reports an error: asyncpg would wait for ever.
        """
        while True:
            self._token = secrets.token_hex(8)
            self._echo = asyncio.get_running_loop().create_future()
            self._others.append(Echo(self._token))
            self._waiting.set()
            async with asyncio.timeout(ECHO_SECONDS):
                await self._echo
            await asyncio.sleep(ECHO_SECONDS)

    def _on_notification(self, connection: object, pid: int, channel: str, payload: object) -> None:
        try:
            hints = events.heard(str(payload))
        except ValueError:
            log.warning("bell.nonsense")
            return
        for hint in hints:
            if isinstance(hint, Echo):
                if hint.token == self._token and self._echo and not self._echo.done():
                    self._echo.set_result(None)
            elif not (isinstance(hint, Typed) and pid == self._pid):
                # Of typing nothing is read anew: by now it may be otherwise here.
                self._hear(hint)
