"""Thousands of WebSocket clients that cost the load next to nothing."""

import asyncio
import base64
import os
import time
from collections.abc import Callable

MASKED_TEXT = b"\x81"


class SocketClient(asyncio.Protocol):
    """One connection: shakes hands, sends what it is told, and counts what it is sent."""

    def __init__(self, path: str, protocol: str | None, on_text: Callable[[bytes], None]) -> None:
        self._path = path
        self._protocol = protocol
        self._on_text = on_text
        self._buffer = bytearray()
        self._shaken = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        protocol = f"Sec-WebSocket-Protocol: {self._protocol}\r\n" if self._protocol else ""
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"
            f"\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._shaken:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._buffer.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(bytes(self._buffer[:end]).decode()))
                return
            del self._buffer[: end + 4]
            self._shaken = True
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        buffer = self._buffer
        start = 0
        while len(buffer) - start >= 2:
            size, head = buffer[start + 1], 2
            if size == 126:
                size, head = int.from_bytes(buffer[start + 2 : start + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(buffer[start + 2 : start + 10], "big"), 10
            if len(buffer) - start < head + size:
                break
            if buffer[start] & 0x0F == 1:
                self._on_text(bytes(buffer[start + head : start + head + size]))
            elif buffer[start] & 0x0F == 9:
                self._frame(0x8A, bytes(buffer[start + head : start + head + size]))
            start += head + size
        del buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed during the handshake"))
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, text: bytes) -> None:
        """One text message, masked with zeros: the mask is for proxies, not for secrecy."""
        self._frame(0x81, text)

    def _frame(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes((kind, 0x80 | size))
        elif size < 65_536:
            head = bytes((kind, 0x80 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((kind, 0x80 | 127)) + size.to_bytes(8, "big")
        self.transport.write(head + b"\0\0\0\0" + payload)


async def connect(
    port: int, on_text: Callable[[bytes], None], *, path: str, protocol: str | None = None
) -> SocketClient:
    """An open connection."""
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: SocketClient(path, protocol, on_text), "127.0.0.1", port
    )
    await client.opened
    return client


class Counter:
    """Counts arrivals; wakes whoever waits for so many, and knows when the last came."""

    def __init__(self) -> None:
        self.count = 0
        self.last_at = 0.0
        self._wanted: tuple[int, asyncio.Future[None]] | None = None

    def one_more(self) -> None:
        """Something arrived."""
        self.count += 1
        self.last_at = time.perf_counter()
        if self._wanted and self.count >= self._wanted[0] and not self._wanted[1].done():
            self._wanted[1].set_result(None)

    def fail(self, why: bytes) -> None:
        """Something else arrived: whoever waits is told so."""
        if self._wanted and not self._wanted[1].done():
            self._wanted[1].set_exception(ConnectionError(why.decode(errors="replace")))

    async def reach(self, count: int, seconds: float = 60.0) -> None:
        """Return when so many have arrived since the beginning."""
        if self.count >= count:
            return
        self._wanted = (count, asyncio.get_running_loop().create_future())
        async with asyncio.timeout(seconds):
            await self._wanted[1]
