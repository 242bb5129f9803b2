"""A line to a server that can be cut, frozen and mended, as networks are."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self


class Proxy:
    """Passes bytes between whoever connects to ``port`` and a server, while it is told to.

    ``cut`` is a server that has died: connections break and new ones are
    refused. ``freeze`` is a link that swallows everything: connections are
    accepted and stay open, and nothing ever comes. ``lose`` is a route that has
    changed: what is open stays open and carries nothing any more, what is new
    works. ``linger`` is a line that outlives the server's end of it. ``babble`` is
    something else at the same address, which answers nonsense.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[asyncio.Task[None]] = set()
        self._lost: set[asyncio.Task[None]] = set()
        self._nonsense = b""
        self._hung_up: asyncio.Event | None = None
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> AsyncIterator[Self]:
        """A line to this server, for as long as the block lasts."""
        proxy = cls(host, port)
        await proxy.mend()
        try:
            yield proxy
        finally:
            await proxy.cut()

    async def mend(self) -> None:
        """Let everything through: again, after ``cut`` or ``freeze``."""
        self._flowing.set()
        self._nonsense = b""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    def freeze(self) -> None:
        """Swallow what is sent from now on; nobody is told."""
        self._flowing.clear()

    def lose(self) -> None:
        """Drop for ever what is sent over the connections of now."""
        self._lost |= self._links

    def linger(self) -> asyncio.Event:
        """From now on carry what the server says, and not that it has hung up; set when it has."""
        self._hung_up = asyncio.Event()
        return self._hung_up

    async def babble(self, nonsense: bytes) -> None:
        """Break every connection; answer on new ones whatever is asked with this."""
        await self.cut()
        await self.mend()
        self._nonsense = nonsense

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.create_task(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)
        link.add_done_callback(self._lost.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._flowing.wait()
            if self._nonsense:
                await self._talk_nonsense(reader, writer)
                return
            try:
                there, back = await asyncio.open_connection(*self._target)
            except ConnectionError:
                return  # nobody is there, and that is what the other end sees
            writers.append(back)
            link = asyncio.current_task()
            ways = [
                asyncio.ensure_future(self._carry(reader, back, link)),
                asyncio.ensure_future(self._answer(there, writer, link)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            for end in writers:
                end.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: object
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._flowing.wait()
                if link not in self._lost:
                    writer.write(data)
                    await writer.drain()
            if link in self._lost:
                # Over a lost line not even the end is told.
                await asyncio.Event().wait()

    async def _answer(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, link: object
    ) -> None:
        await self._carry(there, writer, link)
        if self._hung_up:
            self._hung_up.set()
            await asyncio.Event().wait()

    async def _talk_nonsense(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(65_536):
                writer.write(self._nonsense)
                await writer.drain()
