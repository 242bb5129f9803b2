"""Clients that follow a channel: they come back with their cursor whenever they are thrown out."""

import asyncio
import contextlib
import itertools
import random
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from tests.faults.fleet import Server
from tests.faults.record import Delivery, Heard
from tests.realtime.following import place
from tests.streams import SSE, stream
from tests.world import PLAIN, Person

EVENTS = """
subscription ($id: ID!, $after: String) {
  channelEvents(channelId: $id, after: $after) {
    __typename
    cursor
    ... on MessageSent { message { id content contentType sender { name } } }
  }
}
"""

numbers = itertools.count()

SILENCE_SECONDS = 60.0
"""A server that lives gives far more signs of it over HTTP."""


def first_word(content: str | None) -> str | None:
    """Of a message its client id, without the padding."""
    return content and content.split(" ", 1)[0]


class Follower:
    """A client that follows a channel and comes back whenever it is thrown out."""

    def __init__(
        self,
        servers: Callable[[], Sequence[Server]],
        person: Person,
        channel_id: str,
        cursor: str,
        heard: Heard,
    ) -> None:
        self._servers = servers
        self._person = person
        self._channel_id = channel_id
        self.cursor = cursor
        self.heard = heard
        self.closes: list[int] = []
        """The codes with which its connections were closed; 1006 for a body that broke off."""
        self.refusals: list[str] = []
        """The codes with which its operations were ended."""
        self.names: set[str] = set()
        """Of the senders of messages, as they were shown."""
        self.is_live = asyncio.Event()
        self.is_over = asyncio.Event()
        """The operation was ended for good."""
        self.reads = asyncio.Event()
        """Cleared, it stops reading."""
        self.reads.set()

    async def run(self) -> None:
        """Follow until cancelled, or ended for good."""
        for attempt in itertools.count():
            servers = self._servers()
            if self.is_over.is_set():
                return
            if servers:
                with contextlib.suppress(
                    OSError, WebSocketException, httpx.TransportError, TimeoutError
                ):
                    await self._follow(servers[attempt % len(servers)])
            await asyncio.sleep(random.uniform(0.05, 0.2))

    def vanish(self) -> None:
        """Go without a close; it comes back by way of the next server."""
        raise NotImplementedError

    async def _follow(self, server: Server) -> None:
        """Follow by way of this server until the operation or the connection ends."""
        raise NotImplementedError

    @property
    def _variables(self) -> dict[str, Any]:
        return {"id": self._channel_id, "after": self.cursor}

    def _hear(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        said = event.get("message") or {}
        if said.get("contentType") == "SYSTEM":
            # A notice of who came or went has its position, and nobody sent it.
            said = {}
        self.cursor = event["cursor"]
        if "sender" in said:
            self.names.add(said["sender"]["name"])
        self.heard.take(
            Delivery(
                place(self._channel_id, self.cursor).position,
                event["__typename"] if said or "message" not in event else "Notice",
                said.get("id"),
                first_word(said.get("content")),
                now,
            )
        )


class SocketFollower(Follower):
    """One on a ``graphql-transport-ws`` socket."""

    def __init__(
        self, *args: Any, query: str = EVENTS, receive_bytes: int | None = None, **options: Any
    ) -> None:
        """``receive_bytes`` is what its end of a connection takes before it is read;
        ``options`` are for ``websockets``.
        """
        super().__init__(*args)
        self._query = query
        self._receive_bytes = receive_bytes
        self._options = options
        self._connection: ClientConnection | None = None
        self._answers: dict[str, asyncio.Future[Any]] = {}

    def vanish(self) -> None:
        """See ``Follower``."""
        self.is_live.clear()
        if self._connection:
            self._connection.transport.abort()

    async def ask(self, query: str, **variables: Any) -> Any:
        """The result of another operation on its socket, which must be open."""
        assert self._connection
        id = f"a{next(numbers)}"
        answer = self._answers[id] = asyncio.get_running_loop().create_future()
        payload = {"query": query, "variables": variables}
        await self._send(self._connection, type="subscribe", id=id, payload=payload)
        async with asyncio.timeout(10):
            return await answer

    async def _follow(self, server: Server) -> None:
        async with connect(
            f"ws://127.0.0.1:{server.port}/graphql",
            proxy=None,
            subprotocols=[Subprotocol("graphql-transport-ws")],
            open_timeout=60,
            sock=self._narrow(server),
            **self._options,
        ) as connection:
            self._connection = connection
            token = server.world.token(self._person.id)
            await self._send(connection, type="connection_init", payload={"authorization": token})
            try:
                if orjson.loads(await connection.recv())["type"] != "connection_ack":
                    return
                await self._subscribe(connection)
                while True:
                    await self.reads.wait()
                    await self._take(connection, orjson.loads(await connection.recv()))
            except ConnectionClosed:
                self.closes.append(connection.close_code or 1006)

    def _narrow(self, server: Server) -> socket.socket | None:
        """A connection whose end here takes little, so that it fills up soon."""
        if self._receive_bytes is None:
            return None
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        end.connect(("127.0.0.1", server.port))
        end.setblocking(False)
        return end

    async def _subscribe(self, connection: ClientConnection) -> None:
        payload = {"query": self._query, "variables": self._variables}
        await self._send(connection, type="subscribe", id="s", payload=payload)
        await self._send(connection, type="ping")

    async def _take(self, connection: ClientConnection, message: dict[str, Any]) -> None:
        if message["type"] == "pong":
            self.is_live.set()
        elif message.get("id") in self._answers:
            if message["type"] != "complete":
                self._answers.pop(message["id"]).set_result(message["payload"])
        elif message["type"] == "next":
            self._hear(message["payload"]["data"]["channelEvents"])
        elif message["type"] == "error":
            code = message["payload"][0]["extensions"]["code"]
            self.refusals.append(code)
            if code == "UNAVAILABLE":
                await asyncio.sleep(random.uniform(0.05, 0.2))
                await self._subscribe(connection)
            else:
                self.is_over.set()

    async def _send(self, connection: ClientConnection, **message: Any) -> None:
        await connection.send(orjson.dumps(message).decode())


class StreamFollower(Follower):
    """One whose events come over HTTP, as server-sent ones."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._stays: asyncio.Timeout | None = None

    def vanish(self) -> None:
        """See ``Follower``."""
        self.is_live.clear()
        if self._stays:
            self._stays.reschedule(asyncio.get_running_loop().time())

    async def _follow(self, server: Server) -> None:
        base = f"http://127.0.0.1:{server.port}"
        token = server.world.token(self._person.id)
        async with (
            asyncio.timeout(None) as self._stays,
            httpx.AsyncClient(
                base_url=base, timeout=SILENCE_SECONDS, trust_env=False, verify=PLAIN
            ) as client,
            stream(
                self._person, EVENTS, SSE, client=client, token=token, **self._variables
            ) as answer,
        ):
            if answer.response.status_code != 200:
                return
            self.is_live.set()
            try:
                async for event in answer.events:
                    await self.reads.wait()
                    if event.kind == "next":
                        self._take(event.data)
            except httpx.TransportError:
                self.closes.append(1006)

    def _take(self, result: dict[str, Any]) -> None:
        if errors := result.get("errors"):
            code = errors[0]["extensions"]["code"]
            self.refusals.append(code)
            # With a fresh token it may come back, if the person still may.
            if code not in ("UNAVAILABLE", "UNAUTHENTICATED"):
                self.is_over.set()
        else:
            self._hear(result["data"]["channelEvents"])
