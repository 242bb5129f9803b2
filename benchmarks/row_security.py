"""What row-level security costs: a page of 50 messages and a message sent, with it and without.

    python -m benchmarks.row_security [--times 1500]

One process, one PostgreSQL, the real engine; the same operations in turns, on connections
that work as the application's role and are told of the viewer, and on connections of the
owner, a superuser, for whom there are no policies and who is told nothing. A block of one is
followed by a block of the other, so what else the machine does befalls both. Times are of the
whole, waiting for PostgreSQL included: first as whoever asks has it, over HTTP, then of the
engine alone, from the document to the JSON. CPU is that of this process and of PostgreSQL
together: what it takes of a machine that has other things to do.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

import psutil
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as HTTPRequest
from starlette.routing import Route
from starlette.types import ASGIApp

from benchmarks.company import Company, company, free_port
from benchmarks.http import ask, graphql
from execution.engine import Engine
from execution.requests import Request
from resolvers.services import Services
from resolvers.viewer import Viewer, sign_in
from schema import graphql_schema
from server.app import authenticator, connection_limits
from server.connections import Connections
from server.headers import SecurityHeaders
from server.http import GraphQLOverHTTP
from server.origins import Origins
from server.serve import options
from server.services import open_services
from server.sessions import Sessions
from server.settings import Settings
from server.unforeseen import Unforeseen
from storage.postgres import Database

MESSAGES = 2_000
OWN = 50
"""Channels the viewer is in: each statement looks them up."""

BLOCK = 25

PAGE = """
query ($id: ID!) {
  channel(id: $id) {
    messages(last: 50) { edges { node { id content createdAt sender { id name } } } }
  }
}
"""

FULL_PAGE = """
query ($id: ID!) {
  channel(id: $id) {
    name memberCount
    messages(last: 50) {
      edges {
        node {
          id content createdAt isEdited replyCount sender { id name avatarUrl }
          reactions { emoji users { id name } }
          attachments { id fileName } mentions { id name }
        }
      }
      pageInfo { hasPreviousPage startCursor }
    }
  }
}
"""

SEND = """
mutation ($id: ID!) {
  sendMessage(input: { channelId: $id, content: "Hello" }) { message { id content createdAt } }
}
"""


class _Told(Services):
    """Services whose database is the same whoever is told of."""

    def seen_by(self, sight: object) -> Self:
        return self


def told_nothing(services: Services, database: Database) -> Services:
    """The services on this database, whoever is looking."""
    given = {each.name: getattr(services, each.name) for each in fields(Services)}
    return _Told(**{**given, "database": database})


@asynccontextmanager
async def served(engine: Engine, services: Services, settings: Settings) -> AsyncIterator[int]:
    """The engine over HTTP, in this process; the port."""
    sessions = Sessions(authenticator(settings), services, settings.session_cache_seconds)
    origins = Origins(settings.allowed_origins)
    connections = Connections(engine, sessions, origins, connection_limits(settings))
    over_http = GraphQLOverHTTP(engine, sessions, origins, connections)

    async def answer(request: HTTPRequest) -> ASGIApp:
        return await over_http(request)

    app = Starlette(
        routes=[Route("/graphql", answer, methods=["POST"])],
        middleware=[Middleware(SecurityHeaders), Middleware(Unforeseen)],
    )
    port = free_port()
    how = {**options(settings), "port": port, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **how))
    serving = asyncio.create_task(server._serve())  # without its signal handlers
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await serving


@dataclass
class Taken:
    """What the blocks of one kind took."""

    walls: list[float] = field(default_factory=list)
    """Milliseconds an operation, block by block."""
    cpu: float = 0.0
    """Seconds of this process and of PostgreSQL, all blocks together."""


def cpu_of(postgres: psutil.Process) -> float:
    """Seconds used so far by us and by everything PostgreSQL has started."""
    used = time.process_time()
    for process in [postgres, *postgres.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


Block = Callable[[], Awaitable[object]]
"""Does an operation ``BLOCK`` times."""


def block_over_http(port: int, request: bytes) -> Block:
    """As those have it who ask."""
    return lambda: ask(port, [request] * BLOCK)


def block_of_engine(engine: Engine, query: str, id: str, viewer: Viewer) -> Block:
    """From the document to the JSON."""
    prepared = engine.prepare(Request(query, {"id": id}, None, "bench"))

    async def block() -> None:
        for _ in range(BLOCK):
            answer = await engine.execute(prepared, viewer)
            assert not answer.startswith(b'{"errors'), answer

    return block


async def compare(name: str, blocks: Sequence[Block], times: int, at: Company) -> None:
    """Print what the operation takes, without and with."""
    postgres = psutil.Process(at.backing.postgres.child.pid)
    taken = [Taken(), Taken()]
    for number in range(times // BLOCK + 2):
        # Who goes first takes turns as well.
        for which in (0, 1) if number % 2 else (1, 0):
            cpu, begun = cpu_of(postgres), time.perf_counter()
            await blocks[which]()
            wall = (time.perf_counter() - begun) / BLOCK * 1000
            if number >= 2:
                taken[which].walls.append(wall)
                taken[which].cpu += cpu_of(postgres) - cpu
    without, guarded = taken
    operations = len(without.walls) * BLOCK
    wall_ratio = statistics.median(b / a for a, b in zip(without.walls, guarded.walls, strict=True))
    print(
        f"{name:<40}"
        f" ms {statistics.median(without.walls):6.2f} {statistics.median(guarded.walls):6.2f}"
        f" ratio {wall_ratio:.2f}"
        f"   CPU ms {without.cpu / operations * 1000:5.2f} {guarded.cpu / operations * 1000:5.2f}"
        f" ratio {guarded.cpu / without.cpu:.2f}",
        flush=True,
    )


OPERATIONS = {
    "page of 50 with senders": PAGE,
    "page of 50 with everything": FULL_PAGE,
    "sendMessage": SEND,
}


async def compare_all(
    at: Company, each: Sequence[Services], settings: Settings, times: int, id: str
) -> None:
    """Print what every operation takes."""
    engines = [Engine(graphql_schema(), services, introspection=False) for services in each]
    async with (
        served(engines[0], each[0], settings) as without,
        served(engines[1], each[1], settings) as guarded,
    ):
        for name, query in OPERATIONS.items():
            request = graphql(query, at.token(), id=id)
            blocks = [block_over_http(port, request) for port in (without, guarded)]
            await compare(f"{name}, over HTTP", blocks, times, at)
    viewer = await sign_in(each[1], at.people[0], 60)
    for name, query in OPERATIONS.items():
        blocks = [block_of_engine(engine, query, id, viewer) for engine in engines]
        await compare(name, blocks, times, at)


async def measure(at: Company, times: int) -> None:
    os.environ.update(at.environment())
    channel = await at.channel(MESSAGES)
    for _ in range(OWN - 1):
        await at.channel()
    async with at.connection() as connection:
        await connection.execute("vacuum analyze")
    settings = Settings()
    async with open_services(settings) as services:
        owner = await Database.connect(at.database_url)
        owner.on_commit = services.live.tell_moved
        owner.on_touch = services.live.tell_own
        try:
            each = (told_nothing(services, owner), services)
            await compare_all(at, each, settings, times, channel.id)
        finally:
            await owner.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backchannel-bench-") as folder:
        async with company(Path(folder)) as at:
            await measure(at, options.times)


if __name__ == "__main__":
    # The loop that the server runs on.
    uvloop.run(main())
