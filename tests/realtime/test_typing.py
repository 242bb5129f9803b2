"""Typing is told to others at once, and ends by itself."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from realtime import typing
from realtime.bell import PostgresBell
from realtime.hub import Hub
from realtime.typing import Typing
from storage import events
from storage.events import Typed
from tests.operations import do
from tests.realtime.following import MESSAGES, TYPING, contents
from tests.world import Operation, Person, World, until

LAST = "the last"
TYPE = "mutation ($id: ID!, $is: Boolean! = true) { setTyping(channelId: $id, isTyping: $is) }"


@asynccontextmanager
async def heard_by(person: Person, channel: str) -> AsyncIterator[Operation]:
    async with person.socket() as socket:
        before = person.world.followers(channel)
        operation = await socket.subscribe(TYPING, id=channel)
        await person.world.followed(channel, before + 1)
        yield operation


@asynccontextmanager
async def notified(world: World, channel: str) -> AsyncIterator[list[Typed]]:
    """What is told to all processes of typing in a channel while this lasts."""
    told: list[Typed] = []
    connection = await asyncpg.connect(world.settings.database_url)

    def hear(_: object, __: object, ___: object, payload: object) -> None:
        told.extend(
            hint
            for hint in events.heard(str(payload))
            if isinstance(hint, Typed) and hint.channel_id in (channel, LAST)
        )

    await connection.add_listener(events.NOTIFY_CHANNEL, hear)
    try:
        yield told
    finally:
        await connection.close()


async def rung(world: World, told: list[Typed]) -> None:
    """Return when everything rung before this was notified."""
    last = Typed(LAST, world.carol.id, False)
    world.services.live.bell.ring(last)
    await until(lambda: told[-1:] == [last])
    told.pop()


def typed(channel: str, person: Person, is_typing: bool) -> dict[str, Any]:
    return {
        "typing": {"channelId": channel, "isTyping": is_typing, "user": {"id": person.id}},
    }


async def test_others_hear_of_it_and_nobody_of_their_own(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with (
        heard_by(world.dave, channel) as other,
        heard_by(world.carol, channel) as own,
        heard_by(world.carol, channel) as another_device,
    ):
        assert await world.carol.run(TYPE, id=channel) == {"setTyping": True}
        assert await other.next() == typed(channel, world.carol, True)
        await world.dave.run(TYPE, id=channel)
        for operation in (own, another_device):
            assert await operation.next() == typed(channel, world.dave, True)
            assert operation.is_silent
        assert other.is_silent


async def test_it_ends_after_three_seconds(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with heard_by(world.dave, channel) as operation:
        began = time.monotonic()
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        assert await operation.next() == typed(channel, world.carol, False)
        assert 3.0 <= time.monotonic() - began < 5.9
        assert channel not in world.services.live.typing._channels


async def test_it_ends_at_once_when_the_person_says_so(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with heard_by(world.dave, channel) as operation:
        await world.carol.run(TYPE, id=channel)
        assert await world.carol.run(TYPE, id=channel, **{"is": False}) == {"setTyping": False}
        assert await operation.take(2, 2.5) == [
            typed(channel, world.carol, True),
            typed(channel, world.carol, False),
        ]
        await world.carol.run(TYPE, id=channel)
        assert await operation.next(2.5) == typed(channel, world.carol, True)


async def test_it_ends_at_once_with_a_message(world: World) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    async with heard_by(world.dave, channel) as operation:
        await world.erin.run(TYPE, id=channel)
        await world.carol.run(TYPE, id=channel)
        await world.carol.say(channel)
        assert await operation.take(3, 2.5) == [
            typed(channel, world.erin, True),
            typed(channel, world.carol, True),
            typed(channel, world.carol, False),
        ]
        # And may begin again at once.
        await world.carol.run(TYPE, id=channel)
        assert await operation.next(2.5) == typed(channel, world.carol, True)


async def test_who_does_not_type_cannot_stop(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with notified(world, channel) as told, heard_by(world.dave, channel) as operation:
        await world.carol.run(TYPE, id=channel, **{"is": False})
        await rung(world, told)
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
    assert Typed(channel, world.carol.id, False) not in told


async def test_going_on_is_told_once_in_two_seconds_and_to_people_once(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with notified(world, channel) as told, heard_by(world.dave, channel) as operation:
        await asyncio.gather(*(world.carol.run(TYPE, id=channel) for _ in range(20)))
        await rung(world, told)
        assert told == [Typed(channel, world.carol.id, True)]
        assert await operation.next() == typed(channel, world.carol, True)
        assert operation.is_silent


async def test_it_is_heard_and_ends_on_another_server(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.another_server() as there, heard_by(there.dave, channel) as operation:
        await until(lambda: there.services.live.bell.is_connected)
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await world.carol.say(channel)
        assert await operation.next(2.5) == typed(channel, world.carol, False)
        # Where she types nobody listens, but even there her message ended it.
        await world.carol.run(TYPE, id=channel)
        assert await operation.next(2.5) == typed(channel, world.carol, True)


@pytest.mark.parametrize(("stranger", "code"), [("erin", "FORBIDDEN"), ("frank", "NOT_FOUND")])
async def test_who_may_not_write_may_not_type(world: World, stranger: str, code: str) -> None:
    channel = await world.carol.create_channel(world.dave, isPrivate=False)
    async with notified(world, channel) as told, heard_by(world.dave, channel) as operation:
        refusal = await getattr(world, stranger).refused(TYPE, id=channel)
        assert refusal.code == code
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await rung(world, told)
    assert told == [Typed(channel, world.carol.id, True)]


async def test_messages_go_their_own_way(world: World) -> None:
    """Who follows messages hears nothing of typing, and typing takes no positions."""
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        heard = await socket.subscribe(TYPING, id=channel)
        await world.followed(channel, 2)
        for number in range(3):
            await world.carol.run(TYPE, id=channel)
            await world.carol.say(channel, str(number))
            assert contents([await added.next()]) == [str(number)]
            states = [each["typing"]["isTyping"] for each in await heard.take(2)]
            assert states == [True, False]
        assert added.is_silent


async def test_what_goes_on_does_not_flicker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewed within three seconds, it lasts three more; only telling others is throttled."""
    monkeypatch.setattr(typing, "LASTS_SECONDS", 0.5)
    monkeypatch.setattr(typing, "THROTTLE_SECONDS", 0.35)
    loop = asyncio.get_running_loop()
    hub = Hub()
    deaf = PostgresBell("", hear=lambda hint: None, returned=lambda: None)
    renewed = Typing(hub, deaf)
    heard: list[Typed] = []
    hub.topic("channel").feed = heard.extend  # type: ignore[method-assign,assignment]
    start = loop.time()
    for number in range(4):
        # Just before it might be told again: dropped, this would end before the next one.
        loop.call_at(start + 0.33 * number, renewed.tell, "channel", "person", True)
    ended = asyncio.Event()
    loop.call_at(start + 0.33 * 3 + 0.49, ended.set)
    await ended.wait()
    assert [hint.is_typing for hint in heard] == [True]
    await until(lambda: len(heard) > 1)
    assert loop.time() - start >= 0.33 * 3 + 0.5
    assert [hint.is_typing for hint in heard] == [True, False]
    await until(lambda: renewed._channels == {})


async def test_whatever_a_person_does_the_bell_rings_once_in_two_seconds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing, "THROTTLE_SECONDS", 0.5)
    monkeypatch.setattr(typing, "LASTS_SECONDS", 0.75)
    channel = await world.carol.create_channel(world.dave)
    clock = asyncio.get_running_loop().time
    connection = await asyncpg.connect(world.settings.database_url)
    rung: list[tuple[float, bool]] = []

    def hear(_: object, pid: int, name: str, payload: object) -> None:
        rung.extend(
            (clock(), hint.is_typing)
            for hint in events.heard(str(payload))
            if isinstance(hint, Typed) and hint.channel_id == channel
        )

    await connection.add_listener(events.NOTIFY_CHANNEL, hear)
    try:
        async with heard_by(world.dave, channel) as operation:
            began = clock()
            toggles = 0
            while clock() < began + 1.2:
                toggles += 1
                await world.carol.run(TYPE, id=channel, **{"is": toggles % 2 == 1})
            await world.carol.run(TYPE, id=channel, **{"is": False})
            heard = toggles + toggles % 2
            assert toggles > 6
            # Those on this server hear each of them, as it happens.
            states = [each["typing"]["isTyping"] for each in await operation.take(heard)]
            assert states == [True, False] * (heard // 2)
            await until(lambda: clock() > began + 1.2 + 2 * 0.5)
        times = [at for at, _ in rung]
        # A notification may be a little late, and the next one in time.
        assert all(later - at > 0.4 for at, later in itertools.pairwise(times)), rung
        assert 2 <= len(rung) <= 4
        # What others heard last is so.
        assert rung[-1][1] is False
    finally:
        await connection.close()


async def test_going_on_at_two_devices_rings_as_often_as_at_one(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with (
        world.another_server() as there,
        heard_by(world.dave, channel) as operation,
        notified(world, channel) as told,
    ):
        await until(lambda: there.services.live.bell.is_connected)
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await until(lambda: channel in there.services.live.typing._channels)
        await there.carol.run(TYPE, id=channel)
        await rung(world, told)
        assert told == [Typed(channel, world.carol.id, True)]


@pytest.mark.parametrize("how", ["by it", "without one"])
async def test_it_ends_with_the_connection(world: World, how: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with heard_by(world.dave, channel) as operation:
        async with world.carol.socket() as socket:
            await (socket if how == "by it" else world.carol).run(TYPE, id=channel)
            assert await operation.next() == typed(channel, world.carol, True)
            socket.connection.transport.abort()
        # Much sooner than by itself.
        assert await operation.next(2.0) == typed(channel, world.carol, False)


async def test_it_does_not_end_with_another_connection(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with heard_by(world.dave, channel) as operation, world.carol.socket() as stays:
        async with world.carol.socket() as goes:
            await stays.run(TYPE, id=channel)
            assert await operation.next() == typed(channel, world.carol, True)
            await goes.settled()
        assert world.services.live.presence.is_connected(world.carol.id)
        await until(lambda: len(world.services.live.presence._people[world.carol.id].sockets) == 1)
        assert operation.is_silent


async def heard_there(there: World, channel: str) -> None:
    """Return when another server knows of somebody who types in a channel."""
    await until(lambda: channel in there.services.live.typing._channels)


async def test_it_goes_on_by_way_of_whichever_server_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a load balancer each request may reach another one."""
    monkeypatch.setattr(typing, "LASTS_SECONDS", 1.5)
    monkeypatch.setattr(typing, "THROTTLE_SECONDS", 0.75)
    channel = await world.carol.create_channel(world.dave)
    loop = asyncio.get_running_loop()
    async with (
        world.another_server() as there,
        heard_by(world.dave, channel) as here,
        heard_by(there.dave, channel) as far,
    ):
        await until(lambda: there.services.live.bell.is_connected)
        await world.carol.run(TYPE, id=channel)
        await heard_there(there, channel)
        # So soon that it may not ring the bell yet.
        await asyncio.sleep(0.5)
        await there.carol.run(TYPE, id=channel)
        renewed = loop.time()
        for operation in (here, far):
            assert await operation.next() == typed(channel, world.carol, True)
            assert await operation.next() == typed(channel, world.carol, False)
            assert loop.time() - renewed >= 1.4


async def test_it_ends_by_way_of_whichever_server_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing, "THROTTLE_SECONDS", 0.5)
    channel = await world.carol.create_channel(world.dave)
    async with (
        world.another_server() as there,
        heard_by(world.dave, channel) as here,
        heard_by(there.dave, channel) as far,
    ):
        await until(lambda: there.services.live.bell.is_connected)
        await world.carol.run(TYPE, id=channel)
        assert await far.next() == typed(channel, world.carol, True)
        await there.carol.run(TYPE, id=channel, **{"is": False})
        assert await far.next(1.0) == typed(channel, world.carol, False)
        states = [await here.next(2.9), await here.next(2.9)]
        assert states == [typed(channel, world.carol, each) for each in (True, False)]


async def test_what_was_said_before_a_message_is_not_heard_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bell is late for who rings it often: what it says has an age."""
    monkeypatch.setattr(typing, "THROTTLE_SECONDS", 0.5)
    channel = await world.carol.create_channel(world.dave)
    async with (
        world.another_server() as there,
        heard_by(there.dave, channel) as operation,
        notified(world, channel) as told,
    ):
        await until(lambda: there.services.live.bell.is_connected)
        for _ in range(2):
            await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await there.carol.say(channel)
        assert await operation.next() == typed(channel, world.carol, False)
        # What was said the second time is told when two seconds are over.
        said = world.services.live.typing._channels[channel][world.carol.id]
        assert said.is_news
        await until(lambda: not said.is_news)
        await rung(world, told)
        assert told[-1].age > 0
        assert operation.is_silent


async def test_who_begins_to_listen_is_told_who_is_typing(world: World) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    async with heard_by(world.dave, channel) as early:
        await world.carol.run(TYPE, id=channel)
        assert await early.next() == typed(channel, world.carol, True)
        async with heard_by(world.erin, channel) as late, heard_by(world.carol, channel) as own:
            assert await late.next() == typed(channel, world.carol, True)
            await world.carol.run(TYPE, id=channel, **{"is": False})
            for operation in (early, late):
                assert await operation.next() == typed(channel, world.carol, False)
            assert own.is_silent


@pytest.mark.parametrize("how", ["leaves", "is removed"])
async def test_it_ends_with_who_leaves(world: World, how: str) -> None:
    channel = await world.carol.create_channel(world.dave, world.erin)
    async with heard_by(world.dave, channel) as operation:
        await world.erin.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.erin, True)
        if how == "leaves":
            await do(world.erin, "leaveChannel", channelId=channel)
        else:
            await do(world.carol, "removeMember", channelId=channel, userId=world.erin.id)
        assert await operation.next(2.0) == typed(channel, world.erin, False)


async def test_it_does_not_end_with_somebody_who_is_added(world: World) -> None:
    """That is told by a message, too, but not by one of theirs."""
    channel = await world.carol.create_channel(world.dave)
    async with heard_by(world.dave, channel) as operation, world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel, 2)
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await do(world.carol, "addMembers", channelId=channel, userIds=[world.erin.id])
        assert contents([await added.next()]) == ["was added to the channel"]
        assert operation.is_silent
