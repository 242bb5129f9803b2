"""A crowd: many sockets of Backchannel's, each a client that has subscribed."""

import asyncio
import time
from collections.abc import Callable, Sequence

import orjson

from benchmarks.company import Channel, Company
from benchmarks.http import answer, graphql
from benchmarks.process import Contender
from benchmarks.sockets import Counter, SocketClient, connect

PROTOCOL = "graphql-transport-ws"
AT_ONCE = 100
"""Connections that are being made at a time."""

FIELDS = "id channelId content createdAt sender { id name }"
MESSAGE_ADDED = (
    "subscription ($channel: ID!, $after: String) {"
    f" messageAdded(channelId: $channel, after: $after) {{ {FIELDS} }} }}"
)
CHANNEL_EVENTS = (
    "subscription ($channel: ID!, $after: String) {"
    " channelEvents(channelId: $channel, after: $after) {"
    " __typename cursor occurredAt ... on MessageSent { message { ...Shown } } } }"
    f" fragment Shown on Message {{ {FIELDS} }}"
)
OWN = (
    "subscription ($channel: ID!, $after: String) {"
    " messageAdded(channelId: $channel, after: $after) {"
    f" {FIELDS} clientMessageId reactions {{ emoji viewerHasReacted }} }} }}"
)
CURSOR = "query ($channel: ID!) { channel(id: $channel) { cursor } }"
SEND = (
    "mutation ($channel: ID!, $content: String!) {"
    " sendMessage(input: {channelId: $channel, content: $content}) { message { id } } }"
)
CONTENT = "The quick brown fox jumps over the lazy dog."


class Crowd:
    """Everybody is somebody of the company in turn."""

    def __init__(self, company: Company, server: Contender) -> None:
        self._company = company
        self._server = server
        self._clients: list[SocketClient] = []
        self._sender: SocketClient | None = None
        self._signed_in = Counter()
        self._answers_due = 0
        self._answered: asyncio.Future[float] | None = None
        self.delivered = Counter()
        self.first_at = 0.0
        """When the first delivery since the last message was sent came."""
        self.sample = b""
        """The last text that was delivered."""

    async def gather(self, count: int) -> None:
        """Connect and sign in so many more."""
        wanted = self._signed_in.count + count
        while self._signed_in.count < wanted:
            at_once = min(AT_ONCE, wanted - self._signed_in.count)
            numbers = range(len(self._clients), len(self._clients) + at_once)
            self._clients += await asyncio.gather(
                *(self._one(each, self._hear) for each in numbers)
            )
            await self._signed_in.reach(len(self._clients))

    async def subscribe(
        self, id: str, query: str, channel_of: Callable[[int], Channel], count: int | None = None
    ) -> float:
        """Let everybody, or the first so many, subscribe at once; the seconds it takes.

        Each comes with a cursor from before a message, which is how we know when they are live.
        """
        clients = self._clients[:count]
        channels = {channel_of(each).id: channel_of(each) for each in range(len(clients))}
        cursors = {each: await self._cursor(channel) for each, channel in channels.items()}
        for channel in channels.values():
            await self.say(channel)
        before, began = self.delivered.count, time.perf_counter()
        for number, client in enumerate(clients):
            channel_id = channel_of(number).id
            variables = {"channel": channel_id, "after": cursors[channel_id]}
            client.send(_subscribe(id, query, variables))
        await self.delivered.reach(before + len(clients))
        return time.perf_counter() - began

    async def say(self, channel: Channel, content: str = CONTENT) -> float:
        """Send a message by a socket of its own; when its answer came, after its commit."""
        sender = await self._sending()
        self.first_at = 0.0
        self._answers_due = 1
        variables = {"channel": channel.id, "content": content}
        sender.send(_subscribe("send", SEND, variables))
        return await self._answer()

    async def say_at_once(self, channels: Sequence[Channel]) -> None:
        """Send one message in each of these channels, without waiting between them."""
        sender = await self._sending()
        self._answers_due = len(channels)
        for channel in channels:
            variables = {"channel": channel.id, "content": CONTENT}
            sender.send(_subscribe(channel.id, SEND, variables))
        await self._answer()

    async def leave(self) -> None:
        """Go, all of them."""
        clients = [*self._clients, *([self._sender] if self._sender else [])]
        for client in clients:
            client.transport.close()
        await asyncio.gather(*(client.closed for client in clients))
        self._clients.clear()
        self._sender = None

    async def _sending(self) -> SocketClient:
        if self._sender is None:
            self._answers_due = 1
            self._sender = await self._one(0, self._hear_answer)
            await self._answer()
        return self._sender

    async def _one(self, number: int, hear: Callable[[bytes], None]) -> SocketClient:
        client = await connect(self._server.port, hear, path="/graphql", protocol=PROTOCOL)
        token = self._company.token(number)
        client.send(orjson.dumps({"type": "connection_init", "payload": {"authorization": token}}))
        return client

    async def _cursor(self, channel: Channel) -> str:
        request = graphql(CURSOR, self._company.token(), channel=channel.id)
        found = orjson.loads(await answer(self._server.port, request))
        cursor: str = found["data"]["channel"]["cursor"]
        return cursor

    async def _answer(self) -> float:
        self._answered = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(30):
            return await self._answered

    def _hear(self, text: bytes) -> None:
        if b'"next"' in text[:60]:
            if not self.first_at:
                self.first_at = time.perf_counter()
            if b'"errors"' in text:
                self.delivered.fail(text)
            self.sample = text
            self.delivered.one_more()
        elif b'"connection_ack"' in text:
            self._signed_in.one_more()
        else:
            self.delivered.fail(text)

    def _hear_answer(self, text: bytes) -> None:
        if b'"errors"' in text:
            raise ValueError(text)
        if b'"next"' in text[:80] or b'"connection_ack"' in text:
            self._answers_due -= 1
            if self._answers_due == 0 and self._answered:
                self._answered.set_result(time.perf_counter())


def _subscribe(id: str, query: str, variables: dict[str, str]) -> bytes:
    payload = {"query": query, "variables": variables}
    return orjson.dumps({"type": "subscribe", "id": id, "payload": payload})
