"""What row-level security costs: a page of 50 messages and a message sent, with it and without.

    python -m benchmarks.row_security [--times 1500]

One process, one PostgreSQL, the real engine; the same operations in turns, on connections
that work as the application's role and are told of the viewer, and on connections of the
owner, a superuser, for whom there are no policies and who is told nothing. A block of one is
followed by a block of the other, so what else the machine does befalls both. Times are of the
whole, from the document to the JSON, waiting for PostgreSQL included; without HTTP, which
would only make the ratio smaller. CPU is that of this process and of PostgreSQL together: what
it takes of a machine that has other things to do.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

import psutil

from benchmarks.company import Company, company
from resolvers.services import Services
from resolvers.viewer import Viewer, sign_in
from schema import graphql_schema
from schema.engine import Engine
from schema.requests import Prepared, Request
from server.services import open_services
from server.settings import Settings
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


def engine_on(services: Services, database: Database | None) -> Engine:
    """The engine with row-level security, or on another database without."""
    if database is not None:
        given = {each.name: getattr(services, each.name) for each in fields(Services)}
        services = _Told(**{**given, "database": database})
    return Engine(graphql_schema(), services, introspection=False)


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


async def block(engine: Engine, prepared: Prepared, viewer: Viewer) -> float:
    """One block's time for each of its operations."""
    begun = time.perf_counter()
    for _ in range(BLOCK):
        answer = await engine.execute(prepared, viewer)
        assert not answer.startswith(b'{"errors'), answer
    return (time.perf_counter() - begun) / BLOCK * 1000


async def compare(
    name: str, query: str, id: str, engines: list[Engine], viewer: Viewer, times: int, at: Company
) -> None:
    """Print what the operation takes on each engine."""
    postgres = psutil.Process(at.backing.postgres.child.pid)
    taken = [Taken(), Taken()]
    prepared = [engine.prepare(Request(query, {"id": id}, None, "bench")) for engine in engines]
    for number in range(times // BLOCK + 2):
        # Who goes first takes turns as well.
        for which in (0, 1) if number % 2 else (1, 0):
            cpu = cpu_of(postgres)
            wall = await block(engines[which], prepared[which], viewer)
            if number >= 2:
                taken[which].walls.append(wall)
                taken[which].cpu += cpu_of(postgres) - cpu
    without, guarded = taken
    operations = len(without.walls) * BLOCK
    wall_ratio = statistics.median(b / a for a, b in zip(without.walls, guarded.walls, strict=True))
    print(
        f"{name:<28}"
        f" ms {statistics.median(without.walls):6.2f} {statistics.median(guarded.walls):6.2f}"
        f" ratio {wall_ratio:.2f}"
        f"   CPU ms {without.cpu / operations * 1000:5.2f} {guarded.cpu / operations * 1000:5.2f}"
        f" ratio {guarded.cpu / without.cpu:.2f}",
        flush=True,
    )


async def measure(at: Company, times: int) -> None:
    os.environ.update(at.environment())
    channel = await at.channel(MESSAGES)
    for _ in range(OWN - 1):
        await at.channel()
    async with at.connection() as connection:
        await connection.execute("vacuum analyze")
    async with open_services(Settings()) as services:
        owner = await Database.connect(at.database_url)
        owner.on_commit = services.live.tell_moved
        owner.on_touch = services.live.tell_own
        try:
            engines = [engine_on(services, owner), engine_on(services, None)]
            viewer = await sign_in(services, at.people[0], 60)
            for name, query in (
                ("page of 50 with senders", PAGE),
                ("page of 50 with everything", FULL_PAGE),
                ("sendMessage", SEND),
            ):
                await compare(name, query, channel.id, engines, viewer, times, at)
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
    asyncio.run(main())
