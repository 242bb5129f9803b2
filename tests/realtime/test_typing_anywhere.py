"""Typing, by way of whichever server is asked."""

import asyncio

import pytest

from realtime import typing
from storage.events import Typed
from tests.operations import do
from tests.realtime.typists import TYPE, heard_by, notified, rung, typed, words
from tests.world import World, until


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
        assert words(told) == [Typed(channel, world.carol.id, True)]


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
