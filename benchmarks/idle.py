"""Idle sockets: what one takes of the server's memory, and ten thousand of them in one process."""

import asyncio
import time
from contextlib import AsyncExitStack

from benchmarks.company import Company
from benchmarks.crowd import AT_ONCE, MESSAGE_ADDED, Crowd
from benchmarks.process import Contender
from benchmarks.rows import Effort, Row, Target, Work, in_turns
from benchmarks.sockets import SocketClient, connect

SOCKETS = 10_000
CHANNELS = 100


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Everybody subscribed to one of a hundred channels, against those who have only connected."""
    count = effort.times(SOCKETS)
    took: list[float] = []

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
            await crowd.subscribe("1", MESSAGE_ADDED, lambda n: channels[n % CHANNELS])
            took.append(time.perf_counter() - began)
            return (server.memory() - before) / count / 1024

    async def bare() -> float:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(company.contender("bare_socket"))
            await _connected(server, CHANNELS)
            before = server.memory()
            clients = await _connected(server, count)
            figure = (server.memory() - before) / count / 1024
            assert not any(client.closed.done() for client in clients)
            return figure

    works: dict[str, Work] = {"ours": ours, "bare socket": bare}
    figures = await in_turns(Effort(rounds=min(2, effort.rounds)), works)
    return [
        Row(
            "idle",
            f"an idle subscribed socket, of {count:,} in one process",
            "KiB",
            figures.pop("ours"),
            figures,
            [Target("bare socket", 2)],
            {"for all to connect and subscribe": f"{sorted(took)[len(took) // 2]:.1f} s"},
        )
    ]


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
