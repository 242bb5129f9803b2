"""Strawberry's subscriptions as they come: what its documentation shows, with a queue for each.

    python -m benchmarks.contenders.plain_live PORT

Nothing is stored and nobody signs in: a message goes from a mutation to the queues of those who
subscribed, and everything is there when it is asked for.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import uuid4

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from strawberry.asgi import GraphQL

queues: set[asyncio.Queue["Message"]] = set()


@strawberry.type
class User:
    """A person."""

    id: strawberry.ID
    name: str


@strawberry.type
class Message:
    """A message."""

    id: strawberry.ID
    channel_id: strawberry.ID
    content: str
    created_at: datetime
    sender: User


@strawberry.type
class Query:
    """The root, which has to have something."""

    ok: bool = True


@strawberry.type
class Mutation:
    """What changes."""

    @strawberry.mutation
    async def say(self, content: str) -> bool:
        """Send a message to everybody."""
        message = Message(
            id=strawberry.ID(str(uuid4())),
            channel_id=strawberry.ID("1"),
            content=content,
            created_at=datetime.now(UTC),
            sender=User(id=strawberry.ID("1"), name="Person Number1"),
        )
        for queue in queues:
            queue.put_nowait(message)
        return True


@strawberry.type
class Subscription:
    """What is live."""

    @strawberry.subscription
    async def message_added(self) -> AsyncGenerator[Message, None]:
        """Every message from now on."""
        queue: asyncio.Queue[Message] = asyncio.Queue()
        queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)


async def ready(_: Request) -> Response:
    """The server is up."""
    return Response()


async def listening(_: Request) -> Response:
    """How many have subscribed."""
    return Response(str(len(queues)))


if __name__ == "__main__":
    app = Starlette()
    app.add_route("/readyz", ready)
    app.add_route("/listening", listening)
    app.mount("/graphql", GraphQL(strawberry.Schema(Query, Mutation, Subscription)))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
