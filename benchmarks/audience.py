"""An audience: a crowd that follows a channel on one of the other GraphQL servers (``peers``)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson

from benchmarks import peers
from benchmarks.company import Channel, Company
from benchmarks.crowd import CONTENT, FIELDS, PROTOCOL
from benchmarks.process import Contender
from benchmarks.sockets import Counter, SocketClient, connect
from storage import ids

AT_ONCE = 100
SETTLED_SECONDS = 0.5

FOLLOW = {
    "Yoga": f"subscription ($channel: ID!) {{ messageAdded(channelId: $channel) {{ {FIELDS} }} }}",
    "PostGraphile": "subscription ($channel: UUID!)"
    f" {{ messageAdded(channelId: $channel) {{ {FIELDS} }} }}",
}

SAY = """
with said as (
    insert into peers.messages (id, channel_id, position, sender_id, content, created_at)
    select $1, $2, coalesce(max(position), 0) + 1, $3, $4, now()
      from peers.messages
     where channel_id = $2
    returning id, channel_id
)
select pg_notify('peers_messages', id::text),
       pg_notify('channel:' || channel_id, json_build_object('id', id)::text)
  from said
"""


class Audience:
    """Sockets that all follow the same channel on one server, and who writes in it."""

    def __init__(
        self,
        company: Company,
        channel: Channel,
        server: Contender,
        connection: asyncpg.Connection,
    ) -> None:
        self._company = company
        self._channel = channel
        self.server = server
        self._connection = connection
        self._acknowledged = Counter()
        self.delivered = Counter()
        self.sample = b""

    async def gather(self, count: int) -> None:
        """Let so many subscribe; returns when all of them hear."""
        payload = {"query": FOLLOW[self.server.name], "variables": {"channel": self._channel.id}}
        subscribe = orjson.dumps({"type": "subscribe", "id": "1", "payload": payload})
        for start in range(0, count, AT_ONCE):
            clients = await asyncio.gather(
                *(self._one() for _ in range(min(AT_ONCE, count - start)))
            )
            for client in clients:
                client.send(b'{"type":"connection_init"}')
            await self._acknowledged.reach(start + len(clients))
            for client in clients:
                client.send(subscribe)
        heard = 0
        while heard < count:
            # Nobody tells when a subscription has begun: say something, and see who hears it.
            before, seen = self.delivered.count, -1
            await self.say()
            while seen != self.delivered.count:
                seen = self.delivered.count
                await asyncio.sleep(SETTLED_SECONDS)
            heard = seen - before

    async def say(self) -> None:
        """Write a message, and ring for it."""
        sender = self._company.people[0]
        await self._connection.execute(SAY, ids.new_id(), self._channel.id, sender, CONTENT)

    async def _one(self) -> SocketClient:
        return await connect(self.server.port, self._hear, path="/graphql", protocol=PROTOCOL)

    def _hear(self, text: bytes) -> None:
        if b'"next"' in text and b'"errors"' not in text:
            self.sample = text
            self.delivered.one_more()
        elif b'"connection_ack"' in text:
            self._acknowledged.one_more()
        elif b'"ping"' not in text:
            self.delivered.fail(text)


@asynccontextmanager
async def audience(
    peer: peers.Peer, company: Company, channel: Channel, count: int
) -> AsyncIterator[Audience]:
    """So many who follow the channel there. Raises NotHere."""
    async with peer(company, channel) as (server, _), company.connection() as connection:
        found = Audience(company, channel, server, connection)
        await found.gather(count)
        yield found
