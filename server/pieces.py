"""Pieces: what comes over a WebSocket before it is a message, in bounded room.

uvicorn keeps a message's pieces for as long as there are more of them, however
small, answers every ping whether anybody reads the answers or not, and leaves a
connection open that it could not make a WebSocket of. This is its own protocol
with a limit on each.
"""

import asyncio

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

MAX_PIECES = 1_000

_REFUSED = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol; hangs up on a message of too many pieces and on what is no handshake,
    and answers no more pings than are read.
    """

    transport: asyncio.Transport
    _pong: bytes = b""
    """The answer to the latest ping, while the reader must catch up first."""

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        super().data_received(data)
        if not self.handshake_initiated:
            # uvicorn has handed over the whole head, so it is one that cannot be read.
            self.transport.write(b"".join(self.conn.data_to_send()) or _REFUSED)
            self.transport.close()

    async def send(self, message: ASGISendEvent) -> None:
        """Called by the application."""
        await super().send(message)
        if self.initial_response and self.close_sent:
            # Refused with a response; uvicorn would complain that it was not accepted.
            self.handshake_complete = True

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        if self._pong and not self.close_sent:
            self.transport.write(self._pong)
        self._pong = b""

    def handle_cont(self, event: Frame) -> None:
        """Called for each piece of a message but the first."""
        if len(self.frames) < MAX_PIECES:
            super().handle_cont(event)
        elif not self.close_sent:
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "Too many pieces")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Called for each ping; what answers those of one read is there to be sent."""
        pongs = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(pongs))
        elif pongs:
            # Only the latest has to be answered (RFC 6455, 5.5.3).
            self._pong = pongs[-1]
