"""A small company with a running server, for the tests that need one.

The server is the real one, on a real port, on the three real servers; tests
talk to it as clients do. It is shared by the whole session, so each test makes
the channels it works in.
"""

import asyncio
import contextlib
import itertools
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

import asyncpg
import httpx
import orjson
import uvicorn
from bson import ObjectId
from pymongo import AsyncMongoClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from resolvers.rates import Kind
from resolvers.services import Services
from server.app import create_app
from server.auth import issue_token
from server.serve import options
from server.settings import Settings
from storage.postgres import Database
from tests.servers import Fresh, Servers

SECRET = "a secret for tests that is long enough"

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of HTTP: nothing here is HTTPS, and to read the authorities of the world takes each
of them 50 ms.
"""

ROLES: dict[str, list[dict[str, Any]]] = {
    "super_admin": [],
    "department_head": [
        {"resource": "channels", "actions": ["create", "manage"]},
        {"resource": "general_channels", "actions": ["post"]},
        {"resource": "members", "actions": ["manage"]},
    ],
    "employee": [
        {"resource": "channels", "actions": ["create"]},
        {"resource": "general_channels", "actions": ["post"]},
    ],
    "support_agent": [
        {"resource": "channels", "actions": ["create"]},
        {"resource": "support", "actions": ["answer"]},
    ],
    "intern": [],
}

PATIENCE = 20.0
"""Seconds after which what is waited for does not come: long, as machines are busy."""

NO_LIMITS = {f"rate_{kind}": 0 for kind in Kind}
"""Tests do in a second what people do in a day."""

PEOPLE: dict[str, dict[str, Any]] = {
    "alice": {"name": "Alice Adams", "role": "super_admin"},
    "bob": {"name": "Bob Brown", "role": "support_agent"},
    "carol": {"name": "Carol Clark", "role": "department_head"},
    "dave": {"name": "Dave Davis", "role": "employee"},
    "erin": {"name": "Erin Evans", "role": "employee"},
    "ivan": {"name": "Ivan Intern", "role": "intern"},
    "olga": {"name": "Olga Other", "role": "employee", "team": "other"},
    "frank": {"name": "Frank Foster", "isClient": True},
    "grace": {"name": "Grace Green", "isClient": True},
    "zoe": {"name": "Zoe Gone", "role": "employee", "status": "disabled"},
}


class RefusedError(Exception):
    """A GraphQL error; its ``code``, and ``extensions`` for the rest."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.message = errors[0]["message"]
        self.extensions = errors[0]["extensions"]
        self.code = self.extensions["code"]
        self.field = self.extensions.get("field")


def data_of(result: dict[str, Any]) -> Any:
    """The data of a result without errors; raises RefusedError otherwise."""
    if result.get("errors"):
        raise RefusedError(result["errors"])
    return result["data"]


@dataclass
class Person:
    """Somebody who talks to the server over HTTP and sockets."""

    world: "World"
    key: str
    id: str

    @property
    def token(self) -> str:
        """A fresh token of theirs."""
        return self.world.token(self.id)

    async def respond(self, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        """The response to an operation over HTTP, whatever it is."""
        return await self.world.http.post(
            "/graphql",
            content=_json({"query": query, "variables": variables or {}}),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )

    async def post(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole result of an operation over HTTP."""
        response = await self.respond(query, variables)
        assert response.status_code == 200, response.text
        result: dict[str, Any] = response.json()
        return result

    async def run(self, query: str, **variables: Any) -> Any:
        """The data of an operation; raises RefusedError when there are errors."""
        return data_of(await self.post(query, variables))

    async def refused(self, query: str, **variables: Any) -> RefusedError:
        """The refusal of an operation that must be refused, without any data."""
        try:
            got = await self.run(query, **variables)
        except RefusedError as refusal:
            return refusal
        raise AssertionError(f"not refused: {got}")

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """A connection that is initialised and signed in."""
        async with self.world.bare_socket() as socket:
            await socket.send(
                {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}}
            )
            assert await socket.receive() == {"type": "connection_ack"}
            yield socket

    async def create_channel(self, *members: "Person", **more: Any) -> str:
        """The id of a new private group of theirs."""
        input = {
            "name": f"channel {next(self.world.numbers)}",
            "isPrivate": True,
            "memberIds": [member.id for member in members],
            **more,
        }
        data = await self.run(
            "mutation ($input: CreateChannelInput!)"
            "{ createChannel(input: $input) { channel { id } } }",
            input=input,
        )
        id: str = data["createChannel"]["channel"]["id"]
        return id

    async def say(self, channel_id: str, content: str = "Hello", **more: Any) -> str:
        """The id of a message they have sent."""
        data = await self.run(
            "mutation ($input: SendMessageInput!){ sendMessage(input: $input) { message { id } } }",
            input={"channelId": channel_id, "content": content, **more},
        )
        id: str = data["sendMessage"]["message"]["id"]
        return id

    async def cursor(self, channel_id: str) -> str:
        """The cursor of the channel's newest event."""
        data = await self.run("query ($id: ID!) { channel(id: $id) { cursor } }", id=channel_id)
        cursor: str = data["channel"]["cursor"]
        return cursor


@dataclass
class Socket:
    """A graphql-transport-ws connection; operations read what is theirs."""

    connection: ClientConnection
    ids: Iterator[int] = field(default_factory=itertools.count)
    waiting: dict[str, asyncio.Queue[dict[str, Any]]] = field(default_factory=dict)
    reader: asyncio.Task[None] | None = None

    async def send(self, message: Any) -> None:
        """Send one message."""
        await self.connection.send(_json(message).decode())

    async def receive(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next message; not to be mixed with operations."""
        async with asyncio.timeout(seconds):
            message: dict[str, Any] = orjson.loads(await self.connection.recv())
        return message

    async def closed(self, seconds: float = PATIENCE) -> int:
        """The code with which the server closes the connection."""
        async with asyncio.timeout(seconds):
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code

    async def subscribe(self, query: str, **variables: Any) -> "Operation":
        """Start an operation."""
        if self.reader is None:
            self.reader = asyncio.create_task(self._read())
        operation = Operation(self, str(next(self.ids)))
        self.waiting[operation.id] = asyncio.Queue()
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": operation.id, "payload": payload})
        return operation

    async def run(self, query: str, **variables: Any) -> Any:
        """The data of a query or mutation over this socket."""
        operation = await self.subscribe(query, **variables)
        data = await operation.next()
        assert (await operation.message())["type"] == "complete"
        return data

    async def settled(self) -> None:
        """Return when the server has read everything sent before this."""
        await self.run("{ __typename }")

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for text in self.connection:
                message = orjson.loads(text)
                if message["type"] in ("next", "error", "complete"):
                    self.waiting[message["id"]].put_nowait(message)


@dataclass
class Operation:
    """One operation on a socket."""

    socket: Socket
    id: str

    async def message(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """Its next message, whatever it is."""
        async with asyncio.timeout(seconds):
            return await self.socket.waiting[self.id].get()

    async def next(self, seconds: float = PATIENCE) -> Any:
        """The data of its next result; raises RefusedError for an error."""
        message = await self.message(seconds)
        if message["type"] == "error":
            raise RefusedError(message["payload"])
        assert message["type"] == "next", message
        return data_of(message["payload"])

    async def take(self, count: int, seconds: float = PATIENCE) -> list[Any]:
        """The data of its next results."""
        return [await self.next(seconds) for _ in range(count)]

    @property
    def is_silent(self) -> bool:
        """Whether nothing more has arrived."""
        return self.socket.waiting[self.id].empty()

    async def complete(self) -> None:
        """Tell the server to stop."""
        await self.socket.send({"type": "complete", "id": self.id})


@dataclass
class World:
    """The company, its server, and ways to talk to it."""

    port: int
    settings: Settings
    services: Services
    http: httpx.AsyncClient
    mongo: Any
    ids: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    database: Database = field(default=cast(Any, None))
    """As the owner of the tables, who may do everything: for what no operation does."""

    @property
    def owning(self) -> Services:
        """What operations work with, for which there is no row-level security."""
        return replace(self.services, database=self.database)

    def __getattr__(self, key: str) -> Person:
        """The person of this key."""
        try:
            return Person(self, key, self.ids[key])
        except KeyError:
            raise AttributeError(key) from None

    def token(self, user_id: str, **claims: Any) -> str:
        """A token for this id."""
        return issue_token(user_id, **{"secret": SECRET, "lifetime": 3600, **claims})

    @asynccontextmanager
    async def bare_socket(self, **options: Any) -> AsyncIterator[Socket]:
        """A connection on which nothing has been said."""
        url = f"ws://127.0.0.1:{self.port}/graphql"
        options.setdefault("subprotocols", [Subprotocol("graphql-transport-ws")])
        async with connect(url, proxy=None, **options) as connection:
            socket = Socket(connection)
            try:
                yield socket
            finally:
                # Read on until then: behind much that nobody takes, the answer to the close is
                # waited for in vain for ten seconds.
                await connection.close()
                if socket.reader:
                    socket.reader.cancel()

    def people_changed(self) -> None:
        """Have the people read again: one more and one less would look like nothing new."""
        self.services.roster.outdate()

    async def new_person(self, name: str, **document: Any) -> Person:
        """Somebody new in the directory: an employee of the first team unless said otherwise."""
        id = ObjectId()
        role = await self.mongo.roles.find_one({"name": "employee"})
        person = {
            "_id": id,
            "name": name,
            "email": f"{id}@example.com",
            "status": "active",
            "isClient": False,
            "role": role["_id"],
            "teamId": TEAMS["first"],
            **document,
        }
        await self.mongo.users.insert_one(person)
        self.people_changed()
        return Person(self, str(id), str(id))

    async def state_of(self, channel_id: str) -> tuple[Any, ...]:
        """Everything stored about a channel: compared, it shows whether anything was written."""
        database = self.database
        return (
            await database.fetchrow("select * from channels where id = $1", channel_id),
            await database.fetch(
                "select * from members where channel_id = $1 order by 2", channel_id
            ),
            await database.fetch(
                "select * from messages where channel_id = $1 order by 3", channel_id
            ),
            await database.fetch(
                "select * from events where channel_id = $1 order by 2", channel_id
            ),
            await database.fetch(
                "select r.* from reactions r join messages m on m.id = r.message_id"
                " where m.channel_id = $1 order by number",
                channel_id,
            ),
            await database.fetch(
                "select * from attachments where channel_id = $1 order by id", channel_id
            ),
            await database.fetch(
                "select * from mentions where channel_id = $1 order by position, user_id",
                channel_id,
            ),
            await database.fetch(
                "select r.* from revisions r join messages m on m.id = r.message_id"
                " where m.channel_id = $1 order by message_id, number",
                channel_id,
            ),
            await database.fetch(
                "select * from attachments where channel_id = $1 order by id", channel_id
            ),
        )

    def followers(self, channel_id: str) -> int:
        """How many operations on this server have caught up with a channel and hear it live."""
        topic = self.services.live.hub.topics.get(channel_id)
        return sum(len(cohort.subscribers) for cohort in topic.cohorts.values()) if topic else 0

    async def followed(self, channel_id: str, count: int = 1) -> None:
        """Return when just so many operations on this server hear a channel live."""
        await until(lambda: self.followers(channel_id) == count)

    @classmethod
    @asynccontextmanager
    async def running(cls, servers: Servers, fresh: Fresh, **changes: Any) -> AsyncIterator[Self]:
        """A company of its own, with a server of its own."""
        async with AsyncExitStack() as stack:
            mongo_client: AsyncMongoClient[dict[str, Any]] = await stack.enter_async_context(
                AsyncMongoClient(servers.mongo_url)
            )
            mongo_database = await stack.enter_async_context(fresh.mongo_database())
            settings = Settings(
                **{
                    "database_url": await stack.enter_async_context(fresh.database()),
                    "mongo_url": servers.mongo_url,
                    "mongo_database": mongo_database,
                    # They are there, however busy the machine is; tests in which they are not say
                    # when to give them up.
                    "mongo_timeout": 20,
                    "s3_timeout": 20,
                    "s3_endpoint_url": servers.s3_url,
                    "s3_region": servers.s3_region,
                    "s3_access_key_id": servers.s3_access_key_id,
                    "s3_secret_access_key": servers.s3_secret_access_key,
                    "s3_bucket": await stack.enter_async_context(fresh.bucket()),
                    "s3_path_style": True,
                    "jwt_secret": SECRET,
                    "introspection": True,
                    # Channels that tests make are nobody else's business.
                    "directory_channels": (),
                    **NO_LIMITS,
                    "port": free_port(),
                    **changes,
                }
            )
            mongo = mongo_client[mongo_database]
            ids = await populate(mongo)
            yield await stack.enter_async_context(cls._served(settings, mongo, ids))

    @asynccontextmanager
    async def another_server(self, **changes: Any) -> AsyncIterator[Self]:
        """The same company by way of a second server, which shares everything behind the first."""
        settings = self.settings.model_copy(update={"port": free_port(), **changes})
        async with self._served(settings, self.mongo, self.ids) as world:
            yield world

    @classmethod
    @asynccontextmanager
    async def _served(
        cls, settings: Settings, mongo: Any, ids: dict[str, str]
    ) -> AsyncIterator[Self]:
        base = f"http://127.0.0.1:{settings.port}"
        http = httpx.AsyncClient(base_url=base, timeout=10, verify=PLAIN)
        async with (
            served(settings) as services,
            http,
            owner_of(settings.owner) as database,
        ):
            database.on_commit = services.live.tell_moved
            database.on_touch = services.live.tell_own
            yield cls(
                settings.port,
                settings,
                services,
                http,
                mongo,
                ids,
                database=database,
            )


TEAMS = {"first": ObjectId(), "other": ObjectId()}


async def populate(mongo: Any) -> dict[str, str]:
    """Put the people into an empty directory; their ids by key."""
    roles = {name: ObjectId() for name in ROLES}
    await mongo.roles.insert_many(
        [{"_id": roles[name], "name": name, "permissions": ROLES[name]} for name in ROLES]
    )
    ids = {key: ObjectId() for key in PEOPLE}
    await mongo.users.insert_many(
        [
            {
                "_id": ids[key],
                "name": person["name"],
                "email": f"{key}@example.com",
                "avatar": f"https://pictures.example.com/{key}.png",
                "isClient": person.get("isClient", False),
                "status": person.get("status", "active"),
                "teamId": TEAMS[person.get("team", "first")],
                "role": roles.get(person.get("role", "")),
            }
            for key, person in PEOPLE.items()
        ]
    )
    return {key: str(id) for key, id in ids.items()}


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[Services]:
    """The real server, in this process; the services behind it."""
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, **options(settings)))
    serving = asyncio.create_task(server._serve())  # without its signal handlers
    deadline = time.monotonic() + 40
    while not server.started:
        assert not serving.done(), serving
        assert time.monotonic() < deadline, "the server does not start"
        await asyncio.sleep(0.01)
    try:
        yield app.state.services
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def owner_of(url: str) -> AsyncIterator[Database]:
    """A database as its owner, before whom there is no row-level security: a superuser."""
    database = await Database.connect(url, min_size=0, patience=PATIENCE)
    try:
        yield database
    finally:
        await database.close()


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return when something is so that the server, unlike everything else, tells nobody of."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        import json

        return json.dumps(value).encode()


async def committed(database_url: str, query: str, *args: Any) -> Any:
    """A value that another connection sees."""
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(query, *args)
    finally:
        await connection.close()
