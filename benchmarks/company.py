"""A company to measure on: PostgreSQL, MongoDB and S3 of its own, people, channels and messages."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from bson import ObjectId
from pymongo import AsyncMongoClient

from benchmarks.process import SERVER_CORE, Contender, python, running
from resolvers.rates import Kind
from server.auth import issue_token
from server.embedded.servers import EmbeddedServers, embedded_servers
from server.migrate import migrate
from server.section import variable
from storage import ids

PEOPLE = 50
"""The embedded MongoDB looks at all of them for each question."""


@dataclass
class Channel:
    """A channel and the messages it began with."""

    id: str
    message_ids: list[str] = field(default_factory=list)


@dataclass
class Company:
    """What every contender serves."""

    folder: Path
    backing: EmbeddedServers
    secret: str
    people: list[str]
    """Their ids."""

    @property
    def database_url(self) -> str:
        """As the owner, who may do anything."""
        return self.backing.postgres.url

    def token(self, number: int = 0) -> str:
        """Somebody's, good for a day."""
        person = self.people[number % len(self.people)]
        return issue_token(person, secret=self.secret, lifetime=86_400)

    def environment(self) -> dict[str, str]:
        """The settings of a Backchannel on this company, without any limit on rates."""
        backing = self.backing
        settings: dict[str, Any] = {
            "database_url": backing.postgres.url,
            "mongo_url": backing.mongo.url,
            "mongo_database": backing.mongo.database,
            "s3_endpoint_url": f"http://127.0.0.1:{backing.s3.port}",
            "s3_region": backing.s3.region,
            "s3_access_key_id": backing.s3.access_key_id,
            "s3_secret_access_key": backing.s3.secret_access_key,
            "s3_bucket": backing.s3.bucket,
            "s3_path_style": True,
            "jwt_secret": self.secret,
            "log_level": "warning",
            "directory_channels": "none",
            **{f"rate_{kind}": 0 for kind in Kind},
        }
        return {variable(name): str(value) for name, value in settings.items()}

    @asynccontextmanager
    async def backchannel(
        self, core: int = SERVER_CORE, **changes: str
    ) -> AsyncIterator[Contender]:
        """The product as an operator runs it, one process."""
        import sys

        port = free_port()
        command = [str(Path(sys.executable).with_name("backchannel")), "serve"]
        environment = {**self.environment(), variable("port"): str(port), **changes}
        log = self.folder / "backchannel.log"
        async with running(
            "backchannel", command, port, log=log, environment=environment, core=core
        ) as contender:
            yield contender

    @asynccontextmanager
    async def contender(self, name: str) -> AsyncIterator[Contender]:
        """One of ``benchmarks.contenders``, of the same settings, one process."""
        port = free_port()
        command = [*python(f"benchmarks.contenders.{name}"), str(port)]
        log = self.folder / f"{name}.log"
        async with running(
            name, command, port, log=log, environment=self.environment()
        ) as contender:
            yield contender

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """To PostgreSQL, as its owner."""
        connection = await asyncpg.connect(self.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    async def channel(self, messages: int = 0) -> Channel:
        """A public channel everybody is in, with so many messages, of each person in turn."""
        channel = Channel(ids.new_id(), [ids.new_id() for _ in range(messages)])
        async with self.connection() as connection, connection.transaction():
            await connection.execute(
                "insert into channels"
                " (id, type, name, created_by, position, ordinal, member_count, seats)"
                " values ($1, 'GROUP', 'bench', $2, $3, $3, $4, $4)",
                channel.id,
                self.people[0],
                messages,
                len(self.people),
            )
            await connection.copy_records_to_table(
                "members",
                columns=[
                    "channel_id",
                    "user_id",
                    "role",
                    "seat",
                    "joined_position",
                    "joined_ordinal",
                    "read_position",
                    "read_ordinal",
                ],
                records=[
                    (channel.id, person, "MEMBER", seat, 0, 0, 0, 0)
                    for seat, person in enumerate(self.people)
                ],
            )
            await connection.copy_records_to_table(
                "messages",
                columns=[
                    "id",
                    "channel_id",
                    "position",
                    "ordinal",
                    "sender_ordinal",
                    "sender_id",
                    "content",
                    "content_type",
                ],
                records=[
                    (
                        id,
                        channel.id,
                        at,
                        at,
                        1 + (at - 1) // len(self.people),
                        self.people[at % len(self.people)],
                        f"Message {at}: the quick brown fox jumps over the lazy dog.",
                        "TEXT",
                    )
                    for at, id in enumerate(channel.message_ids, 1)
                ],
            )
            if messages:
                await connection.execute(
                    "update channels set last_message_id = $2, last_message_at = now()"
                    " where id = $1",
                    channel.id,
                    channel.message_ids[-1],
                )
        return channel


@asynccontextmanager
async def company(folder: Path) -> AsyncIterator[Company]:
    """A new company in an empty folder; gone with the block."""
    async with AsyncExitStack() as stack:
        backing = await stack.enter_async_context(embedded_servers(folder, durable=False))
        await asyncio.to_thread(migrate, backing.postgres.url)
        client = await stack.enter_async_context(AsyncMongoClient[Any](backing.mongo.url))
        directory = client[backing.mongo.database]
        role, team = ObjectId(), ObjectId()
        permissions = [
            {"resource": "channels", "actions": ["create"]},
            {"resource": "general_channels", "actions": ["post"]},
        ]
        await directory.roles.insert_one(
            {"_id": role, "name": "employee", "permissions": permissions}
        )
        people = [ObjectId() for _ in range(PEOPLE)]
        await directory.users.insert_many(
            {
                "_id": person,
                "name": f"Person Number{number}",
                "email": f"person{number}@example.com",
                "avatar": f"https://pictures.example.com/{number}.png",
                "isClient": False,
                "status": "active",
                "teamId": team,
                "role": role,
            }
            for number, person in enumerate(people)
        )
        yield Company(folder, backing, secrets.token_hex(32), [str(each) for each in people])


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
