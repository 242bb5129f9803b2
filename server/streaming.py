"""A response that goes on: one operation, its results one after the other.

What a socket says by the code it is closed with is said here by how the body
ends. It ends as it should when nothing more is to come: with ``complete``, after
an error where there is one. It breaks off when the same operation may go on
elsewhere, from its cursor: clients take that for the network, and come back.
"""

import asyncio
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from execution.engine import Engine
from execution.requests import Prepared
from schema.errors import errors_of
from server.chunks import chunks_of
from server.connection import (
    GOODBYE_SECONDS,
    STALLED_SECONDS,
    Close,
    Closing,
    Connection,
    ConnectionLimits,
)
from server.dialects import StreamDialect
from server.operation import Operation
from server.sessions import Sessions, SignedIn
from storage.errors import unauthenticated


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request that accepts a stream comes down to."""

    what: Prepared | Exception
    """The operation, or why it will not be done."""
    dialect: StreamDialect
    signed_in: SignedIn | None
    request_id: str


class Streaming(Connection):
    """The connection behind one such response."""

    def __init__(
        self,
        scope: Scope,
        engine: Engine,
        sessions: Sessions,
        limits: ConnectionLimits,
        asked: Asked,
    ) -> None:
        self._chunks = chunks_of(scope)
        super().__init__(self._chunks, engine, sessions, limits)
        self.signed_in = asked.signed_in
        self._asked = asked
        self._dialect = asked.dialect
        self._request_id = asked.request_id
        self._is_whole = False
        """Whether the body has come to its proper end."""
        self._heart: asyncio.TimerHandle

    async def run(self, receive: Receive, send: Send) -> None:
        """Respond until either side ends the connection; leaves nothing behind."""
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", self._dialect.media_type.encode()),
                    (b"x-request-id", self._request_id.encode()),
                    (b"cache-control", b"no-store"),
                    # nginx would keep events until it has enough of them.
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )
        self._begin()
        self._heart = self._next_beat()
        if self._chunks.is_stopping:
            self._drain()
        try:
            await self._serve(_disconnected(receive))
        finally:
            self._heart.cancel()
        if self._is_whole:
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            except TimeoutError:
                await self._chunks.cut(0)

    def forget(self, operation: Operation) -> None:
        """See ``Connection``. With its operation the response ends."""
        super().forget(operation)
        self.close(Close.DONE, "")

    def _begin(self) -> None:
        self._chunks.give_up_after(2 * self._limits.keepalive_seconds)
        self.post(self._dialect.opening)
        if isinstance(self._asked.what, Prepared):
            if self.signed_in:
                self._end_with(self.signed_in)
                self._arrive()
            operation = Operation(self, "", self._dialect, self._request_id)
            self.operations[operation.id] = operation
            operation.start(self._asked.what)
        else:
            self.post(self._dialect.error(errors_of(self._asked.what, self._request_id)))
            self.close(Close.DONE, "")

    def _next_beat(self) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(self._limits.keepalive_seconds, self._beat)

    def _beat(self) -> None:
        if not self._outbox:
            self.post(self._dialect.heartbeat)
        self._heart = self._next_beat()

    async def _say_goodbye(self, closing: Closing) -> None:
        if closing.code is Close.DONE:
            self._is_whole = await self._flushed(STALLED_SECONDS)
        elif closing.code is Close.FORBIDDEN and await self._flushed(GOODBYE_SECONDS):
            reason = unauthenticated(closing.reason)
            self._is_whole = self._chunks.write(
                self._dialect.error(errors_of(reason, self._request_id))
            )
        elif closing.code is Close.RESTART and await self._flushed(GOODBYE_SECONDS):
            await self._chunks.cut(GOODBYE_SECONDS)
            return
        if not self._is_whole:
            await self._chunks.cut(0)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
