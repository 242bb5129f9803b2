"""Who asks for the same in the same words is sent the same bytes, rendered once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest

from execution.rendering import Rendering
from realtime.source import Rendered, settled
from tests.realtime.following import EVENTS, MESSAGES, REACT, contents, positions
from tests.world import Operation, World, until

WITH_REACTIONS = """
subscription ($id: ID!, $after: String, $people: Int = 20) {
  messageAdded(channelId: $id, after: $after) {
    content
    reactions { emoji count users(first: $people) { id } }
  }
}
"""
WITH_VIEWERS_OWN = """
subscription ($id: ID!, $after: String) {
  messageAdded(channelId: $id, after: $after) {
    content
    clientMessageId
    reactions { viewerHasReacted }
  }
}
"""


class Renderings:
    """How often an event was rendered while this looked on, and whether that may go on."""

    def __init__(self) -> None:
        self.count = 0
        self.door = asyncio.Event()
        self.door.set()

    @asynccontextmanager
    async def held(self, world: World, channel: str, count: int) -> AsyncIterator[None]:
        """Nothing is rendered until so many, who come in this block, catch up with a channel."""
        self.door.clear()
        yield
        topics = world.services.live.hub.topics
        await until(lambda: channel in topics and topics[channel].waiting == count)
        self.door.set()


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> Renderings:
    seen = Renderings()
    render = Rendering.render

    async def held(*args: Any) -> bytes | None:
        await seen.door.wait()
        return await settled(render(*args))

    def counted(*args: Any) -> Rendered:
        seen.count += 1
        return render(*args) if seen.door.is_set() else held(*args)

    monkeypatch.setattr(Rendering, "render", counted)
    return seen


@contextmanager
def counting(renderings: Renderings, wanted: int) -> Iterator[None]:
    """In this block, there must be so many renderings."""
    before = renderings.count
    yield
    assert renderings.count - before == wanted


@pytest.mark.parametrize("query", [MESSAGES, EVENTS, WITH_REACTIONS])
async def test_an_event_is_rendered_once_however_many_hear_it(
    world: World, renderings: Renderings, query: str
) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    async with AsyncExitStack() as stack:
        operations: list[Operation] = []
        for person in (world.carol, world.dave, world.dave, world.erin):
            socket = await stack.enter_async_context(person.socket())
            operations += [await socket.subscribe(query, id=channel) for _ in range(3)]
        await world.followed(channel, 12)
        with counting(renderings, 2):
            await world.carol.say(channel, "one")
            await world.carol.say(channel, "two")
            seen = [await operation.take(2) for operation in operations]
    assert seen == [seen[0]] * 12
    assert [each["messageAdded"]["content"] for each in seen[0] if "messageAdded" in each] in (
        ["one", "two"],
        [],
    )


async def test_those_who_came_with_different_cursors_are_sent_the_same_afterwards(
    world: World, renderings: Renderings
) -> None:
    """Where somebody began says nothing about what they are sent later."""
    channel = await world.carol.create_channel(world.dave)
    cursors = []
    for number in range(3):
        cursors.append(await world.dave.cursor(channel))
        await world.carol.say(channel, str(number))
    async with world.dave.socket() as socket:
        operations = [await socket.subscribe(MESSAGES, id=channel, after=c) for c in cursors]
        operations.append(await socket.subscribe(MESSAGES, id=channel))
        await world.followed(channel, 4)
        with counting(renderings, 1):
            await world.carol.say(channel, "live")
            missed = [contents(await operations[n].take(4 - n)) for n in range(3)]
            missed.append(contents([await operations[3].next()]))
    assert missed == [["0", "1", "2", "live"], ["1", "2", "live"], ["2", "live"], ["live"]]


async def test_those_who_come_back_together_are_sent_what_was_rendered_once(
    world: World, renderings: Renderings
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    for number in range(20):
        await world.carol.say(channel, str(number))
    async with world.dave.socket() as socket:
        with counting(renderings, 20):
            async with renderings.held(world, channel, 10):
                operations = [
                    await socket.subscribe(EVENTS, id=channel, after=cursor) for _ in range(10)
                ]
            seen = await asyncio.gather(*(operation.take(20) for operation in operations))
    assert all(each == seen[0] for each in seen)
    head = positions(channel, seen[0])[-1]
    assert positions(channel, seen[0]) == list(range(head - 19, head + 1))


async def test_another_variable_below_the_root_is_another_cohort(
    world: World, renderings: Renderings
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    message = await world.carol.say(channel)
    for person in (world.carol, world.dave):
        await person.run(REACT, id=message, emoji="👍")
    async with world.dave.socket() as socket:
        with counting(renderings, 3):
            async with renderings.held(world, channel, 4):
                operations = [
                    await socket.subscribe(WITH_REACTIONS, id=channel, after=cursor, **more)
                    for more in ({}, {"people": 1}, {"people": 0}, {})
                ]
            people = [
                [person["id"] for person in found["messageAdded"]["reactions"][0]["users"]]
                for found in [await operation.next() for operation in operations]
            ]
    carol, dave = world.carol.id, world.dave.id
    assert people == [[carol, dave], [carol], [], [carol, dave]]


async def test_what_depends_on_the_viewer_is_each_ones_own_truth(world: World) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    cursor = await world.carol.cursor(channel)
    mine = f"{channel} mine"
    message = await world.carol.say(channel, "Hello", clientMessageId=mine)
    await world.dave.run(REACT, id=message, emoji="👍")
    told = {}
    async with AsyncExitStack() as stack:
        people = (world.carol, world.dave, world.erin)
        sockets = [await stack.enter_async_context(person.socket()) for person in people]
        operations = [
            await socket.subscribe(WITH_VIEWERS_OWN, id=channel, after=cursor) for socket in sockets
        ]
        for person, operation in zip(people, operations, strict=True):
            said = (await operation.next())["messageAdded"]
            told[person.key] = (said["clientMessageId"], said["reactions"][0]["viewerHasReacted"])
        await world.erin.say(channel, "live", clientMessageId=f"{channel} erin's")
        for person, operation in zip(people, operations, strict=True):
            said = (await operation.next())["messageAdded"]
            assert said["content"] == "live"
            told[f"{person.key} live"] = said["clientMessageId"]
    assert told == {
        "carol": (mine, False),
        "dave": (None, True),
        "erin": (None, False),
        "carol live": None,
        "dave live": None,
        "erin live": f"{channel} erin's",
    }


async def test_a_viewers_own_field_in_a_fragment_is_each_ones_own_truth(world: World) -> None:
    query = """
    subscription ($id: ID!) { ...events }
    fragment events on Subscription { channelEvents(channelId: $id) { ...event } }
    fragment event on ChannelEvent { ... on MessageSent { message { ...own } } }
    fragment own on Message { mine: clientMessageId }
    """
    channel = await world.carol.create_channel(world.dave)
    async with world.carol.socket() as carols, world.dave.socket() as daves:
        hers = await carols.subscribe(query, id=channel)
        his = await daves.subscribe(query, id=channel)
        await world.followed(channel, 2)
        await world.carol.say(channel, clientMessageId=f"{channel} hers")
        assert (await hers.next())["channelEvents"]["message"]["mine"] == f"{channel} hers"
        assert (await his.next())["channelEvents"]["message"]["mine"] is None


async def test_two_devices_of_one_person_share_even_what_is_their_own(
    world: World, renderings: Renderings
) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.carol.socket() as one, world.carol.socket() as two:
        first = await one.subscribe(WITH_VIEWERS_OWN, id=channel)
        second = await two.subscribe(WITH_VIEWERS_OWN, id=channel)
        await world.followed(channel, 2)
        with counting(renderings, 1):
            await world.carol.say(channel, clientMessageId=f"{channel} hers")
            seen = await first.next()
            assert await second.next() == seen
    assert seen["messageAdded"]["clientMessageId"] == f"{channel} hers"


@pytest.mark.parametrize(
    "variables", [{"x": "\ud800"}, {"x": 10**30}, {"x": [[[[]]]] * 3}, {"x": None}, {"after": None}]
)
async def test_what_is_sent_along_beside_what_is_declared_does_no_harm(
    world: World, renderings: Renderings, variables: dict[str, Any]
) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        plain = await socket.subscribe(MESSAGES, id=channel)
        strange = await socket.subscribe(MESSAGES, id=channel, **variables)
        await world.followed(channel, 2)
        with counting(renderings, 1):
            await world.carol.say(channel, "Hello")
            assert contents([await plain.next(), await strange.next()]) == ["Hello", "Hello"]
