"""Typing is told to others at once, and ends by itself."""

import asyncio
import itertools
import time

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
from tests.realtime.typists import TYPE, heard_by, notified, rung, typed, words
from tests.world import World, until


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
    assert Typed(channel, world.carol.id, False) not in words(told)


async def test_going_on_is_told_once_in_two_seconds_and_to_people_once(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with notified(world, channel) as told, heard_by(world.dave, channel) as operation:
        await asyncio.gather(*(world.carol.run(TYPE, id=channel) for _ in range(20)))
        await rung(world, told)
        assert words(told) == [Typed(channel, world.carol.id, True)]
        assert await operation.next() == typed(channel, world.carol, True)
        assert operation.is_silent


@pytest.mark.parametrize(("stranger", "code"), [("erin", "FORBIDDEN"), ("frank", "NOT_FOUND")])
async def test_who_may_not_write_may_not_type(world: World, stranger: str, code: str) -> None:
    channel = await world.carol.create_channel(world.dave, isPrivate=False)
    async with notified(world, channel) as told, heard_by(world.dave, channel) as operation:
        refusal = await getattr(world, stranger).refused(TYPE, id=channel)
        assert refusal.code == code
        await world.carol.run(TYPE, id=channel)
        assert await operation.next() == typed(channel, world.carol, True)
        await rung(world, told)
    assert words(told) == [Typed(channel, world.carol.id, True)]


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
    heard: list[tuple[bool, float]] = []
    times: list[float] = []

    def renew() -> None:
        times.append(loop.time())
        renewed.tell("channel", "person", True)

    def hear(hints: list[Typed]) -> None:
        heard.extend((hint.is_typing, loop.time()) for hint in hints)

    hub.topic("channel").feed = hear  # type: ignore[method-assign,assignment]
    start = loop.time()
    for number in range(4):
        # Just before it might be told again: dropped, this would end before the next one.
        loop.call_at(start + 0.33 * number, renew)
    await until(lambda: len(heard) > 1)
    assert [is_typing for is_typing, _ in heard] == [True, False]
    assert len(times) == 4
    assert heard[-1][1] - times[-1] >= 0.49
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


async def test_what_ended_does_not_begin_again_with_the_servers_own_bell(world: World) -> None:
    """It comes back from PostgreSQL when it may be otherwise here."""
    channel = await world.carol.create_channel(world.dave)
    both = "mutation ($id: ID!) { on: setTyping(channelId: $id) off: setTyping(channelId: $id, "
    async with heard_by(world.dave, channel) as operation, notified(world, channel) as told:
        await world.carol.run(both + "isTyping: false) }", id=channel)
        states = await operation.take(2)
        assert [each["typing"]["isTyping"] for each in states] == [True, False]
        await until(lambda: words(told) == [Typed(channel, world.carol.id, True)])
        await world.erin.create_channel()
        assert operation.is_silent
        # And the others are told of the end when they may be told again.
        await until(lambda: words(told[1:]) == [Typed(channel, world.carol.id, False)])
        assert operation.is_silent
