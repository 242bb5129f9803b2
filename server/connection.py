"""A connection: what lasts longer than one answer, a socket or an HTTP response that goes on.

Both are signed in, read by somebody who may be slow, watched and ended alike.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import structlog

from execution.engine import Engine
from resolvers.viewer import Viewer
from schema.context import Renew
from server.operation import Operation
from server.sessions import Sessions, SignedIn
from server.wire import Wire

MAX_REASON = 123
STALLED_SECONDS = 20.0
"""How long a reader may take for what is on its way before there is more for it."""
DRAIN_SECONDS = 5.0
"""How long operations that have begun may take when the server goes down."""
GOODBYE_SECONDS = 1.0
"""How long what is still on its way may take when a connection is ended."""

log = structlog.get_logger(__name__)


class Close(IntEnum):
    """Why a connection is ended; to a socket, the code it is closed with."""

    DONE = 1000
    """There is nothing more to come."""
    RESTART = 1012
    """The server goes down, or the person is a client now, or none any more: reconnect."""
    TRY_AGAIN_LATER = 1013
    """Too slow to follow, too many sockets within a minute, or a server behind us is out of
    reach: reconnect; cursors still serve."""
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    """No valid token, or none any more."""
    BAD_PROTOCOL = 4406
    INIT_TIMEOUT = 4408
    ID_IN_USE = 4409
    TOO_MANY_INITS = 4429


class Closing(Exception):
    """The connection has to be ended, with this code and reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection may take."""

    init_seconds: float = 5.0
    operations: int = 100
    outbox_bytes: int = 1_048_576
    """Bytes that wait for a reader before it is given up."""
    keepalive_seconds: float = 20.0
    """Between two signs of life, and how long the other side may give none."""


class Connection:
    """One connection: writes what its operations produce, as fast as it is read, and no faster."""

    def __init__(
        self, wire: Wire, engine: Engine, sessions: Sessions, limits: ConnectionLimits
    ) -> None:
        self._wire = wire
        self._sessions = sessions
        self._limits = limits
        self.engine = engine
        self.signed_in: SignedIn | None = None
        self.operations: dict[str, Operation] = {}
        self._arrived: Viewer | None = None
        self._said_goodbye = False
        """Whether the other side ended it on purpose."""
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._is_draining = False
        self._draining: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        """When the connection ends unless something happens: initialisation first, then renewal."""
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    @property
    def viewer(self) -> Viewer | None:
        """Who is signed in."""
        return self.signed_in.viewer if self.signed_in else None

    @property
    def renewal(self) -> Renew | None:
        """Gives the connection a fresh token, where it can take one."""
        return None

    def close(self, code: Close, reason: str) -> None:
        """End the connection, soon."""
        if not self._closing.done():
            # A closing frame has room for so many bytes (RFC 6455, 5.5), and
            # the reason may repeat what a client calls its operation.
            short = reason.encode()[:MAX_REASON].decode(errors="ignore")
            self._closing.set_result(Closing(code, short))

    def post(self, message: bytes) -> None:
        """Send a message after those already waiting; who lets too many wait is given up."""
        if self._closing.done():
            # It may be the message after one that was left out, and must not be taken for the next.
            return
        if not self._outbox and self._wire.write(message):
            return
        # Without this one: a single answer may be longer than all that may wait.
        if self._outbox_bytes > self._limits.outbox_bytes:
            self.close(Close.TRY_AGAIN_LATER, "Too slow to follow")
            return
        self._outbox.append(message)
        self._outbox_bytes += len(message)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="connection writer")

    async def ready(self) -> None:
        """Return when nothing waits any more; who takes nothing for long is given up."""
        if not await self._flushed(STALLED_SECONDS):
            self.close(Close.TRY_AGAIN_LATER, "Too slow to follow")

    def forget(self, operation: Operation) -> None:
        """The operation has ended; its id may be used again."""
        if self.operations.get(operation.id) is operation:
            del self.operations[operation.id]

    async def _serve(self, reading: Coroutine[Any, Any, None]) -> None:
        """Read until either side ends the connection; leaves nothing behind."""
        self._wire.on_shutdown = self._drain
        reader = asyncio.create_task(reading, name="connection reader")
        try:
            ends: list[asyncio.Future[Any]] = [reader, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                await self._say_goodbye(self._closing.result())
        finally:
            if self._deadline:
                self._deadline.cancel()
            self._wire.on_shutdown = None
            for operation in list(self.operations.values()):
                operation.stop()
            if self._arrived:
                self._sessions.left(self._arrived, self, said_goodbye=self._said_goodbye)
            await _cancelled(reader, self._flushing, self._draining)

    def _arrive(self) -> None:
        """Whoever is signed in is there from here on, until the connection ends."""
        if self.viewer:
            self._arrived = self.viewer
            self._sessions.arrived(self.viewer, self)

    async def _say_goodbye(self, closing: Closing) -> None:
        """Tell the other side why, and end the connection."""
        raise NotImplementedError

    def _end_with(self, session: SignedIn) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(
            max(0.0, session.expires_at - time.time()),
            self.close,
            Close.FORBIDDEN,
            "The token has expired",
        )

    def _drain(self) -> None:
        """The server goes down: let what has begun end, begin nothing more, and say goodbye."""
        if not self._is_draining:
            self._is_draining = True
            self._draining = asyncio.create_task(self._finish(), name="connection drain")

    async def _finish(self) -> None:
        running = [operation.finished() for operation in self.operations.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*running)
        self.close(Close.RESTART, "The server restarts")

    async def _flush(self) -> None:
        while self._outbox:
            await self._wire.wait_until_writable()
            while self._outbox and self._wire.write(self._outbox[0]):
                self._outbox_bytes -= len(self._outbox.popleft())
        self._flushing = None

    async def _flushed(self, seconds: float) -> bool:
        """Whether nothing waits any more, within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                while self._flushing:
                    await asyncio.shield(self._flushing)
        except TimeoutError:
            return False
        return True


async def _cancelled(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
