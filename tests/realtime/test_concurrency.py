"""Many send at once, many come and go: each gets everything, once, in one order."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.realtime.following import EVENTS, contents, place, positions
from tests.world import Person, World

SENDERS = 10
MESSAGES_EACH = 50
SUBSCRIBERS = 6

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


@pytest.fixture(scope="module")
async def worlds(world: World) -> AsyncIterator[list[World]]:
    """The same company by way of two servers."""
    async with world.another_server() as other:
        yield [world, other]


async def send(person: Person, channel: str, name: int) -> None:
    async with person.socket() as socket:
        for number in range(MESSAGES_EACH):
            await socket.run(SEND, input={"channelId": channel, "content": f"{name} {number}"})


async def follow(
    worlds: list[World], channel: str, cursor: str, chance: random.Random
) -> list[Any]:
    """Everything after the cursor, by somebody who is cut off or leaves again and again."""
    seen: list[Any] = []
    while len(seen) < SENDERS * MESSAGES_EACH:
        async with chance.choice(worlds).dave.socket() as socket:
            events = await socket.subscribe(EVENTS, id=channel, after=cursor)
            some = min(chance.randint(1, 120), SENDERS * MESSAGES_EACH - len(seen))
            seen += await events.take(some)
            cursor = seen[-1]["channelEvents"]["cursor"]
            if chance.random() < 0.5:
                socket.connection.transport.abort()
        # Away for a moment, in which others go on.
        await asyncio.sleep(chance.uniform(0, 0.05))
    return seen


async def test_everybody_gets_everything_once_and_in_one_order(worlds: list[World]) -> None:
    carol = worlds[0].carol
    people = [
        getattr(each, key) for each in worlds for key in ("alice", "bob", "dave", "erin", "ivan")
    ]
    channel = await carol.create_channel(*people[:5])
    cursor = await carol.cursor(channel)
    followers = [
        asyncio.create_task(follow(worlds, channel, cursor, random.Random(number)))
        for number in range(SUBSCRIBERS)
    ]
    async with asyncio.timeout(40):
        await asyncio.gather(*(send(person, channel, name) for name, person in enumerate(people)))
        everything = await asyncio.gather(*followers)
    start = place(channel, cursor).position
    wanted = list(range(start + 1, start + SENDERS * MESSAGES_EACH + 1))
    said = contents(everything[0])
    for seen in everything:
        assert positions(channel, seen) == wanted
        assert contents(seen) == said
    for name in range(SENDERS):
        own = [text for text in said if text.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(MESSAGES_EACH)]


async def test_who_stays_misses_nothing_while_others_come_and_go(worlds: list[World]) -> None:
    here, there = worlds
    channel = await here.carol.create_channel(here.dave)
    async with here.dave.socket() as staying, there.dave.socket() as coming:
        stays = await staying.subscribe(EVENTS, id=channel)
        await here.followed(channel)
        start = place(channel, await here.dave.cursor(channel)).position
        for number in range(40):
            comes = await coming.subscribe(EVENTS, id=channel)
            passes = await staying.subscribe(EVENTS, id=channel)
            await (here, there)[number % 2].carol.say(channel, str(number))
            await passes.complete()
            await comes.complete()
        seen = await stays.take(40)
    assert positions(channel, seen) == list(range(start + 1, start + 41))
    assert contents(seen) == [str(number) for number in range(40)]


async def test_what_is_sent_on_one_server_is_seen_on_the_other(
    worlds: list[World],
) -> None:
    here, there = worlds
    channel = await here.carol.create_channel(here.dave)
    async with here.dave.socket() as socket, there.dave.socket() as other:
        events = await socket.subscribe(EVENTS, id=channel)
        elsewhere = await other.subscribe(EVENTS, id=channel)
        await here.followed(channel)
        await there.followed(channel)
        await here.carol.say(channel, "from here")
        await there.carol.say(channel, "from there")
        seen = await events.take(2)
        assert contents(seen) == ["from here", "from there"]
        assert await elsewhere.take(2) == seen
