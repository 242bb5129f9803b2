"""Strawberry as it comes: what its documentation shows, over the same tables.

    python -m benchmarks.contenders.plain_strawberry PORT

Types are classes, nested fields are async resolvers, people come through a DataLoader in one
query a page. It knows neither tokens nor row-level security. ``/cached`` is the same schema with
Strawberry's caches of parsed and validated documents.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import strawberry
import uvicorn
from bson import ObjectId
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from server.settings import Settings

PAGE = """
select id::text, content, created_at, sender_id
  from messages
 where channel_id = $1
 order by position desc
 limit $2
"""

pool: Any = None
people: Any = None


@strawberry.type
class User:
    """A person."""

    id: strawberry.ID
    name: str


@strawberry.type
class Message:
    """A message."""

    id: strawberry.ID
    content: str
    created_at: datetime
    sender_id: strawberry.Private[str]

    @strawberry.field
    async def sender(self, info: strawberry.Info) -> User:
        """Who sent it."""
        user: User = await info.context["users"].load(self.sender_id)
        return user


@strawberry.type
class Edge:
    """A message in its list."""

    node: Message


@strawberry.type
class Connection:
    """A list of messages."""

    edges: list[Edge]


@strawberry.type
class Channel:
    """A channel."""

    id: strawberry.ID

    @strawberry.field
    async def messages(self, last: int) -> Connection:
        """The newest messages, oldest first."""
        rows = await pool.fetch(PAGE, self.id, last)
        return Connection(
            edges=[
                Edge(
                    node=Message(
                        id=row["id"],
                        content=row["content"],
                        created_at=row["created_at"],
                        sender_id=row["sender_id"],
                    )
                )
                for row in reversed(rows)
            ]
        )


@strawberry.type
class Query:
    """The root."""

    @strawberry.field
    async def channel(self, id: strawberry.ID) -> Channel:
        """A channel."""
        return Channel(id=id)


async def users(ids: list[str]) -> list[User]:
    """People by id."""
    found = people.find({"_id": {"$in": [ObjectId(id) for id in ids]}}, {"name": 1})
    by_id = {
        str(row["_id"]): User(id=strawberry.ID(str(row["_id"])), name=row["name"])
        async for row in found
    }
    return [by_id[id] for id in ids]


class View(GraphQL[Any, Any]):
    """Strawberry's own, with a DataLoader for each request."""

    async def get_context(self, request: Any, response: Any) -> Any:
        """What resolvers share."""
        return {"request": request, "response": response, "users": DataLoader(users)}


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Open what the resolvers need."""
    global pool, people  # noqa: PLW0603
    settings = Settings()
    async with (
        asyncpg.create_pool(settings.database_url) as pool,
        AsyncMongoClient[Any](settings.mongo_url) as client,
    ):
        people = client[settings.mongo_database].users
        yield


async def ready(_: Request) -> Response:
    """The server is up."""
    return Response()


if __name__ == "__main__":
    app = Starlette(lifespan=lifespan)
    app.add_route("/readyz", ready)
    app.mount("/graphql", View(strawberry.Schema(Query)))
    app.mount("/cached", View(strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
