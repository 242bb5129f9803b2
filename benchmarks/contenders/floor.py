"""The floor: the same SQL, the same policies and the same links behind Starlette, by hand.

    python -m benchmarks.contenders.floor PORT

What a page or a message costs when there is no GraphQL at all: one function for each answer,
which knows what is asked for. It does the same work: the token, the access, row-level security
with the viewer told to the connection and taken back, people by way of the same cache, links
signed. It borrows one connection for each request and asks one question after the other.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import jwt
import orjson
import uvicorn
from cachetools import TTLCache
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loaders.profiles import Profiles
from schema.scalars import to_rfc3339
from server.services import directory_names, object_store_config
from server.settings import Settings
from storage import attachments, channels, ids, messages, reactions
from storage.directory import Directory
from storage.objects import ObjectStore
from storage.records import MessageContentType, MessageRecord, UserRecord
from storage.sight import FORGET, TELL, Role, Sight, Standing

LAST = 2**63 - 1


class Floor:
    """What one process needs."""

    def __init__(self, pool: asyncpg.Pool, profiles: Profiles, objects: ObjectStore) -> None:
        self.pool = pool
        self.profiles = profiles
        self.objects = objects
        self.secret = os.environ["BACKCHANNEL_JWT_SECRET"]
        self.verified: TTLCache[str, str] = TTLCache(10_000, 60)

    def viewer(self, request: Request) -> str:
        """Who asks; a token is verified once a minute."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        known = self.verified.get(token)
        if known is None:
            known = jwt.decode(token, self.secret, ["HS256"], options={"verify_aud": False})["sub"]
            self.verified[token] = known
        return known

    @asynccontextmanager
    async def seen_by(self, viewer: str) -> AsyncIterator[Any]:
        """A connection that sees what they see."""
        async with self.pool.acquire() as connection:
            # For the whole loan, which leaves page and message the transactions they need.
            told = Sight(viewer, "", Standing.INTERNAL)
            await connection.execute(TELL.replace("true", "false"), *told)
            yield connection

    async def page(self, request: Request) -> Response:
        """The newest fifty messages with everything on them, or with their senders alone."""
        asked = orjson.loads(await request.body())
        channel_id, whole = asked["channel"], asked["whole"]
        found_reactions: dict[str, Any] = {}
        found_files: dict[str, Any] = {}
        viewer = self.viewer(request)
        async with self.seen_by(viewer) as connection:
            access = await channels.membership(connection, channel_id, viewer)
            assert access is not None
            page = await messages.page(
                connection, channel_id, after=0, before=LAST, limit=50, backward=True
            )
            if whole:
                message_ids = [message.id for message in page]
                found_reactions = await reactions.by_messages(connection, message_ids)
                found_files = await attachments.by_messages(connection, message_ids)
        wanted = {message.sender_id for message in page}
        for each in found_reactions.values():
            wanted.update(id for reaction in each for id in reaction.user_ids)
        people = await self.profiles.by_ids(wanted)
        nodes = []
        for message in page:
            node = plain(message, people)
            if whole:
                node["reactions"] = [
                    {
                        "emoji": reaction.emoji,
                        "count": reaction.count,
                        "users": [person(people[id]) for id in reaction.user_ids],
                    }
                    for reaction in found_reactions.get(message.id, ())
                ]
                node["attachments"] = [
                    {
                        "id": file.id,
                        "fileName": file.file_name,
                        "fileSize": file.file_size,
                        "mimeType": file.mime_type,
                        "url": await self.link(file.object_key, file.file_name, file.mime_type),
                    }
                    for file in found_files.get(message.id, ())
                ]
            nodes.append({"node": node})
        return answer({"channel": {"messages": {"edges": nodes}}})

    async def link(self, key: str, name: str, mime_type: str) -> str:
        """A signed link."""
        link = self.objects.link(key, name, mime_type)
        return link if isinstance(link, str) else await link

    async def send(self, request: Request) -> Response:
        """A message, by the same statements in the same transaction."""
        asked = orjson.loads(await request.body())
        viewer, channel_id = self.viewer(request), asked["channel"]
        async with self.seen_by(viewer) as connection, connection.transaction():
            await connection.fetchval(channels.LOCK, channel_id)
            access = await channels.membership(connection, channel_id, viewer)
            assert access is not None
            row = await connection.fetchrow(
                messages.INSERT,
                channel_id,
                ids.new_id(),
                viewer,
                asked["content"],
                None,
                MessageContentType.TEXT,
                False,
                None,
                None,
                None,
            )
        people = await self.profiles.by_ids([viewer])
        return answer({"sendMessage": {"message": plain(MessageRecord(*row), people)}})


def plain(message: MessageRecord, people: dict[str, UserRecord]) -> dict[str, Any]:
    """A message and who sent it."""
    return {
        "id": message.id,
        "content": message.content,
        "createdAt": to_rfc3339(message.created_at),
        "sender": person(people[message.sender_id]),
    }


def person(user: UserRecord) -> dict[str, Any]:
    """Who it is."""
    return {"id": user.id, "name": user.name}


def answer(data: object) -> Response:
    """JSON."""
    return Response(orjson.dumps({"data": data}), media_type="application/json")


async def forget(connection: Any) -> None:
    """What the pool does with a connection that comes back."""
    await connection.execute("; ".join(FORGET))


async def ready(_: Request) -> Response:
    """The server is up."""
    return Response()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open what the answers need."""
    settings = Settings()
    async with (
        asyncpg.create_pool(
            settings.database_url,
            min_size=2,
            max_size=10,
            reset=forget,
            server_settings={"role": Role.APP.value, "jit": "off", "timezone": "UTC"},
        ) as pool,
        AsyncMongoClient[Any](settings.mongo_url) as client,
        ObjectStore.open(object_store_config(settings)) as objects,
    ):
        people = Directory(client[settings.mongo_database], directory_names(settings))
        floor = Floor(pool, Profiles(people), objects)
        app.add_route("/page", floor.page, methods=["POST"])
        app.add_route("/send", floor.send, methods=["POST"])
        yield


if __name__ == "__main__":
    app = Starlette(routes=[Route("/readyz", ready)], lifespan=lifespan)
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
