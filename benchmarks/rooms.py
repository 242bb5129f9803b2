"""Rooms: the listeners of ``benchmarks.contenders.broadcast``, and of plain Strawberry."""

import asyncio
import time
from collections.abc import Sequence

import httpx
import orjson

from benchmarks.process import Contender
from benchmarks.sockets import Counter, SocketClient, connect

AT_ONCE = 200


class Rooms:
    """Sockets that are sent what is broadcast in their rooms."""

    def __init__(self, server: Contender) -> None:
        self._server = server
        self._senders: dict[str, SocketClient] = {}
        self.delivered = Counter()

    async def open(self, names: Sequence[str]) -> None:
        """Put one listener for each of these names in the room of that name."""
        for start in range(0, len(names), AT_ONCE):
            await asyncio.gather(
                *(self._connect("room", name) for name in names[start : start + AT_ONCE])
            )
        for name in set(names):
            self._senders[name] = await self._connect("send", name)

    def say(self, name: str, text: bytes) -> float:
        """Send to everybody in the room; when it was sent."""
        began = time.perf_counter()
        self._senders[name].send(text)
        return began

    async def _connect(self, role: str, name: str) -> SocketClient:
        return await connect(self._server.port, self._hear, path=f"/{role}/{name}")

    def _hear(self, _: bytes) -> None:
        self.delivered.one_more()


class Plain:
    """Subscribers of ``benchmarks.contenders.plain_live``."""

    def __init__(self, server: Contender, http: httpx.AsyncClient) -> None:
        self._server = server
        self._http = http
        self._acknowledged = Counter()
        self.delivered = Counter()

    async def open(self, count: int) -> None:
        """Let so many subscribe."""
        query = (
            "subscription { messageAdded { id channelId content createdAt sender { id name } } }"
        )
        for start in range(0, count, AT_ONCE):
            clients = await asyncio.gather(
                *(
                    connect(
                        self._server.port,
                        self._hear,
                        path="/graphql/",
                        protocol="graphql-transport-ws",
                    )
                    for _ in range(min(AT_ONCE, count - start))
                )
            )
            for client in clients:
                client.send(b'{"type":"connection_init"}')
            await self._acknowledged.reach(start + len(clients))
            for client in clients:
                client.send(
                    orjson.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}})
                )
        while int((await self._http.get(f"{self._server.url}/listening")).text) < count:
            await asyncio.sleep(0.05)

    async def say(self, content: str) -> None:
        """Send a message to all of them."""
        query = "mutation ($content: String!) { say(content: $content) }"
        body = {"query": query, "variables": {"content": content}}
        answer = await self._http.post(f"{self._server.url}/graphql/", json=body)
        assert answer.json()["data"]["say"], answer.text

    def _hear(self, text: bytes) -> None:
        if b'"connection_ack"' in text:
            self._acknowledged.one_more()
        elif b'"next"' in text:
            self.delivered.one_more()
        else:
            raise ValueError(text)
