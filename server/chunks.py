"""Chunks: the shortest way from a message to an HTTP response that goes on.

What ``server.frames`` is for WebSockets. This is uvicorn's own protocol with one
thing added: once a response has begun, the application may hand it parts of
the body to be written at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from server.heads import BoundedProtocol
from server.wire import Wire

EXTENSION = "backchannel.chunks"


class Chunks(Wire, Protocol):
    """A response that has begun and has no length."""

    is_stopping: bool
    """Whether the server was told to stop: ``on_shutdown`` is not called any more."""

    def give_up_after(self, seconds: float) -> None:
        """End the connection when what was sent is not acknowledged for so long, as far as the
        system can tell: nothing else notices a reader that has vanished without a word.
        """

    async def cut(self, seconds: float) -> None:
        """End the connection in the middle of the body, when what is on its way has gone or after
        so many seconds. Returns once it is lost.
        """


class ChunkingProtocol(BoundedProtocol):
    """uvicorn's protocol, offering itself as ``Chunks`` in the scope's extensions."""

    on_shutdown: Callable[[], None] | None = None
    is_stopping = False
    _lost: asyncio.Event

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        self._lost = asyncio.Event()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        super().connection_lost(exc)
        self._lost.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Called by uvicorn when a request's turn has come."""
        scope = cast(dict[str, Any], cycle.scope)
        scope.setdefault("extensions", {})[EXTENSION] = self
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """Called by uvicorn when it was told to stop, and then waits for the connection to end."""
        super().shutdown()
        self.is_stopping = True
        if self.on_shutdown:
            self.on_shutdown()

    def write(self, message: bytes) -> bool:
        """See ``Wire``."""
        if self.flow.write_paused:
            return False
        if not self.transport.is_closing():
            self.transport.write(b"%x\r\n%b\r\n" % (len(message), message))
        return True

    async def wait_until_writable(self) -> None:
        """See ``Wire``."""
        await self.flow.drain()

    async def cut(self, seconds: float) -> None:
        """See ``Chunks``."""
        self.transport.close()
        abort = self.loop.call_later(seconds, self.transport.abort)
        await self._lost.wait()
        abort.cancel()


def chunks_of(scope: Scope) -> Chunks:
    """The connection behind a request's scope; it must be served by ``ChunkingProtocol``."""
    found: Chunks = scope["extensions"][EXTENSION]
    return found
