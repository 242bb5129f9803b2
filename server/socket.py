"""GraphQL over WebSocket: the graphql-transport-ws protocol, one connection.

https://github.com/enisdenny/graphql-ws/blob/master/PROTOCOL.md. The close
codes below 4400 are those on which clients reconnect by themselves.
"""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import structlog
from starlette.websockets import WebSocket

from schema.engine import Engine
from server.addresses import address_of
from server.auth import token_in
from server.frames import frames_of
from server.messages import Malformed, read_message
from server.operation import Operation
from server.sessions import Sessions, SignedIn
from storage.errors import ErrorCode, Refusal, forbidden

PROTOCOL = "graphql-transport-ws"
GOODBYE_SECONDS = 1.0
MAX_REASON = 123
STALLED_SECONDS = 20.0
"""How long a reader may take for what is on its way before there is more for it."""
DRAIN_SECONDS = 5.0
"""How long operations that have begun may take when the server goes down."""

log = structlog.get_logger(__name__)


class Close(IntEnum):
    """Why a socket is closed."""

    RESTART = 1012
    """The server goes down: reconnect, to another one perhaps."""
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
    """The connection has to be closed, with this code and reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one connection may take."""

    init_seconds: float = 5.0
    operations: int = 100
    outbox_bytes: int = 1_048_576
    """Bytes that wait for a reader before it is given up."""


class Socket:
    """One connection: reads what the client says, writes what its operations produce."""

    def __init__(
        self, websocket: WebSocket, engine: Engine, sessions: Sessions, limits: SocketLimits
    ) -> None:
        self._websocket = websocket
        self._sessions = sessions
        self._limits = limits
        self.engine = engine
        self.signed_in: SignedIn | None = None
        self.operations: dict[str, Operation] = {}
        self._is_initialised = False
        self._outbox: deque[bytes] = deque()
        self._outbox_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._is_draining = False
        self._draining: asyncio.Task[None] | None = None
        self._frames = frames_of(websocket.scope)
        self._deadline: asyncio.TimerHandle
        """When the connection ends unless something happens: initialisation first, then renewal."""
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve the connection until either side ends it; leaves nothing behind."""
        if PROTOCOL not in self._websocket.scope.get("subprotocols", []):
            # Accepted first: a browser shows its page no code of a refused handshake.
            await self._websocket.accept()
            await self._websocket.close(Close.BAD_PROTOCOL, "Subprotocol not acceptable")
            return
        await self._websocket.accept(PROTOCOL)
        self._frames.on_shutdown = self._drain
        self._deadline = asyncio.get_running_loop().call_later(
            self._limits.init_seconds,
            self.close,
            Close.INIT_TIMEOUT,
            "Connection initialisation timeout",
        )
        reading = asyncio.create_task(self._read(), name="socket reader")
        try:
            ends: list[asyncio.Future[Any]] = [reading, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._closing.done():
                await self._say_goodbye(self._closing.result())
        finally:
            self._deadline.cancel()
            self._frames.on_shutdown = None
            for operation in list(self.operations.values()):
                operation.stop()
            await _cancelled(reading, self._flushing, self._draining)

    @property
    def is_stranger(self) -> bool:
        """Whether it never said who it was: not even in vain."""
        return not self._is_initialised

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
        if not self._outbox and self._frames.write_text(message):
            return
        # Without this one: a single answer may be longer than all that may wait.
        if self._outbox_bytes > self._limits.outbox_bytes:
            self.close(Close.TRY_AGAIN_LATER, "Too slow to follow")
            return
        self._outbox.append(message)
        self._outbox_bytes += len(message)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="socket writer")

    async def ready(self) -> None:
        """Return when nothing waits any more; who takes nothing for long is given up."""
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                while self._flushing:
                    await asyncio.shield(self._flushing)
        except TimeoutError:
            self.close(Close.TRY_AGAIN_LATER, "Too slow to follow")

    def forget(self, operation: Operation) -> None:
        """The operation has ended; its id may be used again."""
        if self.operations.get(operation.id) is operation:
            del self.operations[operation.id]

    def _drain(self) -> None:
        """The server goes down: let what has begun end, begin nothing more, and say goodbye."""
        if not self._is_draining:
            self._is_draining = True
            self._draining = asyncio.create_task(self._finish(), name="socket drain")

    async def _finish(self) -> None:
        running = [operation.finished() for operation in self.operations.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await asyncio.gather(*running)
        self.close(Close.RESTART, "The server restarts")

    async def _flush(self) -> None:
        while self._outbox:
            await self._frames.wait_until_writable()
            while self._outbox and self._frames.write_text(self._outbox[0]):
                self._outbox_bytes -= len(self._outbox.popleft())
        self._flushing = None

    async def _read(self) -> None:
        try:
            while True:
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                await self._take(read_message(event))
        except Malformed as malformed:
            self.close(Close.BAD_REQUEST, str(malformed))
        except Closing as closing:
            self.close(closing.code, closing.reason)
        except Exception:
            log.exception("socket.failed")
            self.close(Close.TRY_AGAIN_LATER, "Something went wrong on our side")

    async def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "connection_init":
            await self._initialise(message.get("payload") or {})
        elif kind == "ping":
            self.post(b'{"type":"pong"}')
        elif kind == "subscribe":
            self._subscribe(message["id"], message["payload"])
        elif kind == "complete":
            operation = self.operations.get(message["id"])
            if operation:
                operation.stop()

    async def _initialise(self, payload: dict[str, Any]) -> None:
        if self._is_initialised:
            raise Closing(Close.TOO_MANY_INITS, "Too many initialisation requests")
        self._is_initialised = True
        token = token_in(payload) or token_in(dict(self._websocket.headers))
        try:
            self.signed_in = await self._sessions.connect(token, address_of(self._websocket))
        except Refusal as refusal:
            if refusal.code is ErrorCode.UNAUTHENTICATED:
                raise Closing(Close.FORBIDDEN, "Forbidden") from None
            raise Closing(Close.TRY_AGAIN_LATER, refusal.message) from None
        self._end_with(self.signed_in)
        self.post(b'{"type":"connection_ack"}')

    async def renew(self, token: str) -> datetime:
        """Go on with a fresh token of the same person; answers until when.

        Nothing that runs notices. Raises FORBIDDEN for another person's token,
        and UNAUTHENTICATED for one that is not valid: the old one still is.
        """
        fresh = await self._sessions.sign_in(token)
        assert self.signed_in is not None, "operations begin after signing in"
        if fresh.viewer.id != self.signed_in.viewer.id:
            raise forbidden("This is another person's token.")
        self.signed_in = fresh
        self._end_with(fresh)
        return datetime.fromtimestamp(fresh.expires_at, UTC)

    def _end_with(self, session: SignedIn) -> None:
        self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(
            max(0.0, session.expires_at - time.time()),
            self.close,
            Close.FORBIDDEN,
            "The token has expired",
        )

    def _subscribe(self, id: str, payload: dict[str, Any]) -> None:
        if self.signed_in is None:
            raise Closing(Close.UNAUTHORIZED, "Unauthorized")
        if self._is_draining:
            # The client will send it again, to another server.
            return
        if id in self.operations:
            raise Closing(Close.ID_IN_USE, f"Subscriber for {id} already exists")
        if len(self.operations) >= self._limits.operations:
            raise Closing(Close.BAD_REQUEST, "Too many operations on one connection")
        operation = self.operations[id] = Operation(self, id, payload)
        operation.start()

    async def _say_goodbye(self, closing: Closing) -> None:
        # What was produced before is still sent, unless the reader is the one who is too slow.
        if closing.code is not Close.TRY_AGAIN_LATER:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self.ready()
        self._frames.close_now(closing.code, closing.reason)


async def _cancelled(*tasks: asyncio.Task[None] | None) -> None:
    running = [task for task in tasks if task]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
