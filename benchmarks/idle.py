"""Idle sockets: what one takes of the server's memory, with ten thousand of them in one process.

They all come at once, as they do after a deployment: first everybody connects and signs in, then
everybody subscribes, and nobody is refused.
"""

import asyncio
import resource
import statistics
import time
from contextlib import AsyncExitStack

from benchmarks.company import Company
from benchmarks.crowd import AT_ONCE, MESSAGE_ADDED, Crowd
from benchmarks.process import Contender
from benchmarks.rows import Effort, Row, Target
from benchmarks.sockets import SocketClient, connect

SOCKETS = 10_000
SPARE = 500
"""Files that are no sockets of clients."""
CHANNELS = 100
RESTING_SECONDS = 5.0


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Everybody subscribed to one of a hundred channels, against those who have only connected."""
    count = min(SOCKETS, _open_files() - SPARE)
    connecting: list[float] = []
    subscribing: list[float] = []
    resting: list[float] = []

    async def ours() -> float:
        channels = [await company.channel(1) for _ in range(CHANNELS)]
        async with company.backchannel() as server:
            # What the first ones make the server keep is not theirs.
            crowd = Crowd(company, server)
            await crowd.gather(CHANNELS)
            await crowd.subscribe("0", MESSAGE_ADDED, lambda n: channels[n % CHANNELS])
            before, began = server.memory(), time.perf_counter()
            crowd = Crowd(company, server)
            await crowd.gather(count)
            connecting.append(time.perf_counter() - began)
            took = await crowd.subscribe("1", MESSAGE_ADDED, lambda n: channels[n % CHANNELS])
            subscribing.append(took)
            figure = (server.memory() - before) / count / 1024
            with server.metered() as usage:
                await asyncio.sleep(RESTING_SECONDS)
            resting.append(usage.cpu / usage.wall)
            return figure

    async def bare() -> float:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(company.contender("bare_socket"))
            await _connected(server, CHANNELS)
            before = server.memory()
            clients = await _connected(server, count)
            figure = (server.memory() - before) / count / 1024
            assert not any(client.closed.done() for client in clients)
            return figure

    # Each round has servers of its own, so none is there to warm up.
    figures: dict[str, list[float]] = {"ours": [], "bare socket": []}
    for _ in range(min(2, effort.rounds // 3)):
        figures["ours"].append(await ours())
        figures["bare socket"].append(await bare())
    return [
        Row(
            "idle",
            f"an idle subscribed socket, of {count:,} in one process",
            "KiB",
            figures.pop("ours"),
            figures,
            [Target("bare socket", 2)],
            {
                "for all to connect and sign in": f"{statistics.median(connecting):.1f} s",
                "for all to subscribe": f"{statistics.median(subscribing):.1f} s",
                "CPU while nothing happens": f"{statistics.median(resting):.1%}",
            },
        )
    ]


def _open_files() -> int:
    """How many this process may have open, now that it has asked for all it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


async def _connected(server: Contender, count: int) -> list[SocketClient]:
    clients: list[SocketClient] = []
    for start in range(0, count, AT_ONCE):
        clients += await asyncio.gather(
            *(
                connect(server.port, lambda _: None, path="/echo")
                for _ in range(min(AT_ONCE, count - start))
            )
        )
    return clients
