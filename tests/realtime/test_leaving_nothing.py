"""Who comes and goes a thousand times, or vanishes, leaves nothing behind."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest
from structlog.testing import capture_logs

from realtime.cohorts import Cohort, Subscriber
from realtime.hub import Topic
from realtime.stream import Stream
from server.connection import Connection
from server.operation import Operation
from tests.realtime.following import EVENTS, MESSAGES, TYPING, contents
from tests.streams import MULTIPART, SSE, stream
from tests.world import PLAIN, World, until

OURS = (Topic, Cohort, Subscriber, Stream, Operation, Connection)
TYPE = "mutation ($id: ID!) { setTyping(channelId: $id) }"


def alive() -> int:
    """Tasks, and what an operation is made of."""
    gc.collect()
    ours = sum(isinstance(each, OURS) for each in gc.get_objects())
    return ours + len(asyncio.all_tasks())


@asynccontextmanager
async def nothing_left(world: World) -> AsyncIterator[None]:
    """What the block leaves in this process must be nothing, once the server has noticed."""
    live = world.services.live
    # A bell whose line is lost, as happens on a busy machine, has fewer tasks until the next.
    await until(lambda: live.bell.is_connected)
    before = alive()
    yield
    await until(lambda: not live.hub.topics)
    await until(lambda: alive() <= before)
    assert live.follower._moved == set()
    await until(lambda: not live.typing._channels)
    assert live.typing._people == {}


async def test_a_thousand_comings_and_goings(world: World) -> None:
    channels = [await world.carol.create_channel(world.dave) for _ in range(5)]
    cursors = [await world.dave.cursor(channel) for channel in channels]
    for channel in channels:
        await world.carol.say(channel)
    async with nothing_left(world):
        async with world.dave.socket() as socket:
            for number in range(1_000):
                more = {"after": cursors[number % 5]} if number % 2 else {}
                query = (MESSAGES, EVENTS, TYPING)[number % 3]
                if query == TYPING:
                    more = {}
                operation = await socket.subscribe(query, id=channels[number % 5], **more)
                if number % 4 == 0:
                    await socket.settled()
                await operation.complete()
                if number % 50 == 0:
                    # And the socket is as good as new.
                    stays = await socket.subscribe(MESSAGES, id=channels[0], after=cursors[0])
                    assert contents([await stays.next()]) == ["Hello"]
                    await stays.complete()
            await socket.settled()


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_sockets_that_vanish(world: World, how: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with nothing_left(world):
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(world.dave.socket()) for _ in range(10)]
            for number, socket in enumerate(sockets):
                for query in (MESSAGES, EVENTS, TYPING):
                    await socket.subscribe(query, id=channel)
                if number % 2:
                    # Some go before their subscriptions have begun.
                    await socket.settled()
            await world.carol.run(TYPE, id=channel)
            for socket in sockets:
                if how == "abort":
                    socket.connection.transport.abort()
                else:
                    await socket.connection.close()
        await world.carol.say(channel)


@pytest.mark.parametrize("accept", [SSE, MULTIPART], ids=["sse", "multipart"])
async def test_streams_that_vanish(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel)
    async with nothing_left(world):
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.port}", verify=PLAIN)
            )
            for number in range(20):
                answer = await stack.enter_async_context(
                    stream(world.dave, EVENTS, accept, client=client, id=channel, after=cursor)
                )
                if number % 2:
                    # Some go before their subscriptions have begun.
                    assert contents(await answer.take(1)) == ["Hello"]
        await world.carol.say(channel)


async def test_sockets_that_vanish_at_any_moment_of_their_beginning(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    for _ in range(3):
        await world.carol.say(channel)
    with capture_logs() as logs:
        async with nothing_left(world):
            for yields in range(40):
                async with world.dave.socket() as socket:
                    await socket.subscribe(EVENTS, id=channel, after=cursor)
                    for _ in range(yields):
                        await asyncio.sleep(0)
                    socket.connection.transport.abort()
    # On a busy machine an echo takes longer than the watchdog of the bell waits.
    assert [line for line in logs if line["event"] != "bell.lost"] == []
    assert [record for record in caplog.records if record.levelname != "INFO"] == []
