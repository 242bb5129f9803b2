"""Operations whose reads are counted: the real engine on connections that take notes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self

import asyncpg
import orjson
from pymongo import AsyncMongoClient, monitoring

from execution.engine import Engine
from execution.requests import Request
from loaders.profiles import Profiles
from realtime.live import Live
from resolvers.services import Services
from resolvers.viewer import sign_in
from schema import graphql_schema
from storage import events, presences, sidebars
from storage.directory import Directory, DirectoryNames
from storage.postgres import Database
from storage.sight import FORGET, Role
from tests.world import Person, World, data_of


class _MongoNotes(monitoring.CommandListener):
    """Notes which collection each ``find`` is for."""

    def __init__(self, into: list[str]) -> None:
        self._into = into

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in ("find", "aggregate", "getMore"):
            self._into.append(str(event.command.get("find", event.command_name)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


ASIDE = (
    events.HEADS,
    sidebars.REVISIONS,
    presences.WRITE,
    presences.LIVE_ON,
    presences.TIDY,
)

SAID = ("commit", "rollback", FORGET[0])
"""How that begins which a connection is told when it is borrowed and given back."""


@dataclass
class Counted:
    """A second process's worth of services for a world, and what they have asked for."""

    services: Services
    engine: Engine
    sql: list[str] = field(default_factory=list)
    mongo: list[str] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def beside(cls, world: World) -> AsyncIterator[Self]:
        """Services of their own on the servers of this world."""
        sql: list[str] = []
        mongo: list[str] = []

        async def take_notes(connection: asyncpg.Connection) -> None:
            # A new connection asks once how these arrays are written.
            await connection.fetch(
                "select $1::uuid[], $2::bigint[], $3::text[], $4::bool[], $5::float8[]", *([[]] * 5)
            )
            connection.add_query_logger(lambda query: sql.append(query.query))

        settings = world.settings
        database = await Database.connect(settings.database_url, role=Role.APP, init=take_notes)
        log = await Database.connect(settings.database_url, role=Role.LIVE, init=take_notes)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            settings.mongo_url, event_listeners=[_MongoNotes(mongo)]
        )
        directory = Directory(client[settings.mongo_database], DirectoryNames())
        try:
            async with client, Live.open(log, settings.database_url) as live:
                services = replace(
                    world.services,
                    database=database,
                    directory=directory,
                    profiles=Profiles(directory),
                    live=live,
                )
                engine = Engine(graphql_schema(), services, introspection=True)
                yield cls(services, engine, sql, mongo)
        finally:
            await database.close()
            await log.close()

    def forget(self) -> None:
        """Count from zero."""
        self.sql.clear()
        self.mongo.clear()

    @property
    def statements(self) -> list[str]:
        """The SQL, but for what is done by the clock (polls, and who is there), and what is said
        to each connection when it is borrowed and given back.
        """
        return [query for query in self.sql if query not in ASIDE and not query.startswith(SAID)]

    async def run(self, person: Person, query: str, **variables: Any) -> Any:
        """The data of an operation by a process that knows nobody's profile; counts from zero."""
        services = replace(self.services, profiles=Profiles(self.services.directory))
        engine = Engine(graphql_schema(), services, introspection=True)
        viewer = await sign_in(self.services, person.id, 60.0)
        prepared = engine.prepare(Request(query, variables, None, "counted"))
        self.forget()
        result = await engine.execute(prepared, viewer)
        # asyncpg takes its notes of a statement in the turn of the loop after its answer.
        await asyncio.sleep(0)
        return data_of(orjson.loads(result))
