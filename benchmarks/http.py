"""HTTP clients that cost the load next to nothing: one request on its way for each connection."""

import asyncio
import time
from collections.abc import Iterator
from typing import cast

import orjson


def post(path: str, body: object, token: str | None = None) -> bytes:
    """A whole request, made once and sent many times."""
    content = orjson.dumps(body)
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\n{authorization}Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


def graphql(query: str, token: str | None = None, **variables: object) -> bytes:
    """A GraphQL request."""
    return post("/graphql", {"query": query, "variables": variables}, token)


class Caller(asyncio.Protocol):
    """One connection that goes on asking until there is nothing left to ask."""

    def __init__(self, requests: Iterator[bytes], took: list[float]) -> None:
        self._requests = requests
        self._took = took
        self._buffer = b""
        self._length = -1
        self._sent_at = 0.0
        self.last = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none by their class.
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            if not head.startswith(b"http/1.1 200") or at < 0:
                self._fail(self._buffer.decode(errors="replace")[:2000])
                return
            self._length = end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) >= self._length:
            self._took.append(time.perf_counter() - self._sent_at)
            self.last, self._buffer, self._length = self._buffer[: self._length], b"", -1
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(str(exc or "the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(why))
        self._transport.close()


async def ask(port: int, requests: list[bytes], connections: int = 1) -> list[float]:
    """Send all of these, so many at a time; the seconds each took. Raises ConnectionError for
    an answer other than 200, or with errors of GraphQL's.
    """
    took: list[float] = []
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    callers = [
        (await loop.create_connection(lambda: Caller(waiting, took), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    for caller in callers:
        if caller.last.find(b'"errors":[') >= 0:
            raise ConnectionError(caller.last.decode(errors="replace")[:2000])
    return took


async def answer(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    _, caller = await asyncio.get_running_loop().create_connection(
        lambda: Caller(iter([request]), []), "127.0.0.1", port
    )
    await caller.done
    return caller.last.partition(b"\r\n\r\n")[2]


def milliseconds(took: list[float]) -> str:
    """How long requests took, as it is to be read."""
    ordered = sorted(took)
    middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
    return f"p50 {middle * 1000:.2f} ms, p99 {late * 1000:.2f} ms"
