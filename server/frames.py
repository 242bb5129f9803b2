"""Frames: the shortest way from a message to a connection.

An ASGI server makes a frame anew for each message of each connection, behind
an await. Where one event goes to thousands of connections, that is most of the
work. This is uvicorn's own protocol with one thing added: the application may
hand it a message to be written at once, in a frame that needs nothing from the
connection but that it is open.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

from starlette.types import Scope

from server.pieces import BoundedSocketProtocol
from server.wire import Wire

EXTENSION = "backchannel.frames"

_TEXT = 0x81
"""A text message in one frame (RFC 6455, 5.2): from a server unmasked, and never compressed."""


class Frames(Wire, Protocol):
    """An open WebSocket that takes text messages without an await."""

    def close_now(self, code: int, reason: str) -> None:
        """Send a closing frame behind what is on its way, and end the connection.

        Who does not answer or does not even read is cut off ten seconds later.
        """


class FramingProtocol(BoundedSocketProtocol):
    """uvicorn's protocol, offering itself as ``Frames`` in the scope's extensions."""

    on_shutdown: Callable[[], None] | None = None

    async def run_asgi(self) -> None:
        """Called by uvicorn once the scope is made."""
        cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self
        await super().run_asgi()

    def shutdown(self) -> None:
        """Called by uvicorn when it was told to stop, and then waits for the connection to end."""
        if self.on_shutdown and not self.close_sent:
            self.on_shutdown()
        else:
            super().shutdown()

    def write(self, message: bytes) -> bool:
        """See ``Wire``."""
        if not self.writable.is_set():
            return False
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(frame(message))
        return True

    async def wait_until_writable(self) -> None:
        """See ``Wire``."""
        await self.writable.wait()

    def close_now(self, code: int, reason: str) -> None:
        """See ``Frames``. uvicorn's own way of closing waits for a slow reader, for ever."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Called by uvicorn when a ping has no answer. It would then wait, for ever, until the
        vanished reader has taken what is on its way, and tell nobody.
        """
        super().keepalive_timeout()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
        self.transport.abort()


def frame(message: bytes) -> bytes:
    """The frame that carries this text message."""
    size = len(message)
    if size < 126:
        return bytes((_TEXT, size)) + message
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + message
    return b"\x81\x7f" + size.to_bytes(8, "big") + message


def frames_of(scope: Scope) -> Frames:
    """The connection behind a WebSocket's scope; it must be served by ``FramingProtocol``."""
    found: Frames = scope["extensions"][EXTENSION]
    return found
