"""Heads: what comes around a request's body, in bounded room and time.

httptools keeps a head for as long as it grows, and the fields behind a body in
chunks as well; uvicorn waits for a head for ever, and for somebody who takes
none of an answer. So a stranger could fill our memory with one header, and our
table of connections with silence. This is uvicorn's own protocol with a limit on
each.
"""

import asyncio
import socket
from typing import Any, cast

from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from server.headers import SECURITY_HEADERS

EXTENSION = "backchannel.body"

MAX_HEAD_BYTES = 65_536
HEAD_SECONDS = 10.0
STALLED_SECONDS = 60.0
"""How long a reader may take nothing of what was sent, as far as the system can tell."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; hangs up on whose head is too long, or takes too long, and on who
    takes nothing.
    """

    _is_in_request = True
    _head_bytes = 0
    """Of the request but for its body, since the last part of that."""
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        super().connection_made(transport)
        self.give_up_after(STALLED_SECONDS)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._has_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        # Line ends between two requests begin none, and yet uvicorn takes them for a sign of life.
        cycle = cast(RequestResponseCycle | None, self.cycle)
        if cycle is None or cycle.response_complete:
            self._expect_head()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._is_in_request and self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")

    def send_400_response(self, msg: str) -> None:
        """Called for what is no request, whatever has been answered on this connection before."""
        if not self.transport.is_closing():
            fields = {
                **SECURITY_HEADERS,
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": str(len(msg)),
                "Connection": "close",
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            self.transport.write(STATUS_LINE[400] + f"{head}\r\n{msg}".encode())
            self.transport.close()

    def give_up_after(self, seconds: float) -> None:
        """End the connection when what was sent is not taken for so long: nothing else notices a
        reader that does not read, or has vanished without a word.
        """
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if option is None or self.transport.is_closing():
            return
        line = self.transport.get_extra_info("socket")
        if line.family in (socket.AF_INET, socket.AF_INET6):
            line.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1000))

    def on_message_begin(self) -> None:
        """Called by httptools."""
        super().on_message_begin()
        self._is_in_request, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        self._has_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called by httptools."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by httptools."""
        self._is_in_request = False
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Called by uvicorn when a request's turn has come."""
        scope = cast(dict[str, Any], cycle.scope)
        scope.setdefault("extensions", {})[EXTENSION] = cycle
        super()._start_asgi_task(cycle, app)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _has_head(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def has_come(scope: Scope) -> bool:
    """Whether the whole body of a request is here, so that nobody has to wait for it."""
    cycle: RequestResponseCycle | None = scope.get("extensions", {}).get(EXTENSION)
    return cycle is not None and not cycle.more_body
