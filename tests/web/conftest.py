"""The GraphiQL page on a real server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from server.graphiql import DemoChannel, DemoPerson, GraphiQL

PEOPLE = [
    DemoPerson("alice", "65f000000000000000000001", "Alice Moreau", "alice.alice.alice"),
    DemoPerson("bob", "65f000000000000000000002", "Bob Lindqvist", "bob.bob.bob"),
    DemoPerson("carol", "65f000000000000000000003", "Carol Vega", "carol.carol.carol"),
    DemoPerson("frank", "65f000000000000000000006", "Frank Weber", "frank.frank.frank"),
    DemoPerson("grace", "65f000000000000000000007", "Grace Hopkins", "grace.grace.grace"),
]
CHANNELS = [
    DemoChannel("general", "019a9f00-0000-7000-8000-000000000001", "GENERAL"),
    DemoChannel("sales", "019a9f00-0000-7000-8000-000000000002", "DEPARTMENT"),
    DemoChannel("support-frank", "019a9f00-0000-7000-8000-000000000003", "CLIENT_SUPPORT"),
]


@asynccontextmanager
async def serving(graphiql: GraphiQL) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that has nothing but this page."""
    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=graphiql.routes())
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    served = asyncio.create_task(server.serve(sockets=[listening]))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await served


@pytest.fixture(scope="session")
async def demo() -> AsyncIterator[httpx.AsyncClient]:
    async with serving(GraphiQL(people=PEOPLE, channels=CHANNELS)) as client:
        yield client


@pytest.fixture(scope="session")
async def plain() -> AsyncIterator[httpx.AsyncClient]:
    async with serving(GraphiQL()) as client:
        yield client
