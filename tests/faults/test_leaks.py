"""Those who come and go, or just vanish, leave nothing behind."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from tests.faults.fleet import KEEPALIVE_SECONDS, Fleet, Server
from tests.faults.followers import EVENTS
from tests.faults.size import SIZE, Size
from tests.proxy import Proxy
from tests.world import Person, World

SOCKETS = 10
MEMORY_BYTES = 4_000_000
"""What the process may have grown by: the allocator never gives everything back."""


async def test_coming_and_going_thousands_of_times_leaves_nothing(
    fleet: Fleet, size: Size, note: Callable[[str], None]
) -> None:
    server = await fleet.other()
    carol = fleet.person("carol", server)
    channel = await carol.create_channel()
    cursor = await carol.cursor(channel)
    await carol.say(channel)
    await come_and_go(carol, channel, cursor, 500)
    before = await empty(server)
    await come_and_go(carol, channel, cursor, size.subscriptions)
    after = await empty(server, before)
    grown = after["resident"] - before["resident"]
    note(f"{size.subscriptions} subscriptions begun and ended: {grown / 1e6:+.1f} MB")
    assert grown < MEMORY_BYTES


async def come_and_go(person: Person, channel: str, cursor: str, times: int) -> None:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(person.socket()) for _ in range(SOCKETS)]

        async def on(number: int) -> None:
            socket = sockets[number]
            for turn in range(times // SOCKETS):
                after = cursor if turn % 2 else None
                operation = await socket.subscribe(EVENTS, id=channel, after=after)
                if after and turn % 4 == 1:
                    await operation.next()
                # Otherwise it may end before it has begun.
                await operation.complete()
                socket.waiting.clear() if turn % 4 == 1 else await socket.settled()

        await asyncio.gather(*map(on, range(SOCKETS)))


async def test_sockets_that_vanish_are_noticed_and_leave_nothing(
    fleet: Fleet, size: Size, note: Callable[[str], None]
) -> None:
    server = await fleet.other()
    carol = fleet.person("carol", server)
    channel = await carol.create_channel()
    # So many at once need room, and are given the same room again.
    await vanish(server, carol, channel, size.vanishing)
    before = await empty(server)
    await vanish(server, carol, channel, size.vanishing)
    after = await empty(server, before)
    note(
        f"{size.vanishing} sockets vanished, for the second time:"
        f" {(after['resident'] - before['resident']) / 1e6:+.1f} MB"
    )
    assert after["resident"] - before["resident"] < MEMORY_BYTES


async def vanish(server: Server, person: Person, channel: str, count: int) -> None:
    """Half of them break, half are on a link that is cut in silence while a lot is on its way."""
    world = person.world
    async with Proxy.to("127.0.0.1", world.port) as line, AsyncExitStack() as stack:
        far = World(line.port, world.settings, world.services, world.http, world.mongo, world.ids)
        lost = []
        for number in range(count):
            there = Person(far if number % 2 else world, person.key, person.id)
            socket = await stack.enter_async_context(there.socket())
            await socket.subscribe(EVENTS, id=channel)
            await socket.settled()
            if number % 2:
                lost.append(socket)
            else:
                socket.connection.transport.abort()
        line.lose()
        for _ in range(5):
            await person.say(channel, "x" * 3_000)
        await empty(server)
        # On this side each would wait ten seconds for the answer to its close.
        for socket in lost:
            socket.connection.transport.abort()


async def empty(server: Server, before: Any = None) -> Any:
    """What the process holds once it has noticed that nobody is there: nothing of anybody's, and
    no task that there was not ``before``. With its bell connected, whose line may be lost on a
    busy machine: without one it has fewer tasks.
    """
    deadline = time.monotonic() + 3 * KEEPALIVE_SECONDS * SIZE.slack
    while True:
        found = await server.probe()
        more = Counter(found["tasks"]) - Counter(before["tasks"]) if before else None
        if found["bell"] and not any(found["held"].values()) and not more:
            break
        assert time.monotonic() < deadline, (found["bell"], found["held"], more)
        await asyncio.sleep(0.1)
    assert found["topics"] == 0
    return found
