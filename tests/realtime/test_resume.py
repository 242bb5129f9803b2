"""Who comes back with a cursor gets what they missed, in order, and then what happens."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from realtime.reader import Reader
from storage import events as log
from storage.ids import new_id
from storage.postgres import Connection
from tests.realtime.following import (
    DELETE,
    EDIT,
    EVENTS,
    MESSAGES,
    contents,
    place,
    positions,
    write,
)
from tests.world import World


async def test_what_was_missed_comes_first_and_then_what_happens(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "seen before")
    cursor = await world.dave.cursor(channel)
    for number in range(3):
        await world.carol.say(channel, f"missed {number}")
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel, after=cursor)
        missed = contents(await added.take(3))
        for number in range(2):
            await world.carol.say(channel, f"live {number}")
        live = contents(await added.take(2))
    assert missed == ["missed 0", "missed 1", "missed 2"]
    assert live == ["live 0", "live 1"]


async def test_without_a_cursor_only_what_happens_from_now_on_comes(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "before")
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel)
        await world.carol.say(channel, "after")
        assert contents([await added.next()]) == ["after"]


async def test_the_cursor_at_the_head_gets_nothing_but_what_happens(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "before")
    async with world.dave.socket() as socket:
        cursor = await world.dave.cursor(channel)
        added = await socket.subscribe(MESSAGES, id=channel, after=cursor)
        await world.carol.say(channel, "after")
        assert contents([await added.next()]) == ["after"]


async def test_positions_are_consecutive_across_what_was_missed_and_what_is_live(
    world: World,
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    start = place(channel, cursor).position
    message = [await world.carol.say(channel) for _ in range(3)][-1]
    async with world.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel, after=cursor)
        seen = await events.take(3)
        await world.carol.run(EDIT, id=message, content="Edited")
        await world.carol.run(DELETE, id=message)
        seen += await events.take(2)
    assert positions(channel, seen) == list(range(start + 1, start + 6))
    assert {place(channel, each["channelEvents"]["cursor"]).epoch for each in seen} == {
        place(channel, cursor).epoch
    }


async def test_more_than_one_reading_of_the_log_is_missed_and_comes_whole(world: World) -> None:
    """The log is read in pieces: 450 events are three of them."""
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    said = [str(number) for number in range(450)]
    await write(world, channel, world.carol, said)
    async with world.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel, after=cursor)
        seen = await events.take(450)
    start = place(channel, cursor).position
    assert positions(channel, seen) == list(range(start + 1, start + 451))
    assert contents(seen) == said


async def test_a_burst_longer_than_one_reading_comes_whole_to_those_who_are_there(
    world: World,
) -> None:
    channel = await world.carol.create_channel(world.dave)
    said = [str(number) for number in range(1_100)]
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel)
        await write(world, channel, world.carol, said)
        assert contents(await added.take(1_100)) == said


async def test_replies_are_among_the_messages_added(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    root = await world.carol.say(channel, "root")
    async with world.dave.socket() as socket:
        added = await socket.subscribe(
            "subscription ($id: ID!, $after: String) { messageAdded(channelId: $id, after: $after)"
            " { content parent { id content } } }",
            id=channel,
            after=cursor,
        )
        assert (await added.next())["messageAdded"] == {"content": "root", "parent": None}
        await world.carol.say(channel, "reply", parentId=root)
        assert (await added.next())["messageAdded"] == {
            "content": "reply",
            "parent": {"id": root, "content": "root"},
        }


async def test_messages_added_pass_over_what_are_no_messages(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    first = await world.carol.say(channel, "first")
    await world.carol.run(EDIT, id=first, content="edited")
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel, after=cursor)
        # The message as it is now: what it said at first is nobody's any more.
        assert contents([await added.next()]) == ["edited"]
        await world.carol.run(DELETE, id=first)
        await world.carol.say(channel, "second")
        assert contents([await added.next()]) == ["second"]


async def test_what_was_deleted_meanwhile_is_not_told_to_who_comes_back(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    message = await world.carol.say(channel, "secret")
    await world.carol.run(DELETE, id=message)
    async with world.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel, after=cursor)
        sent, deleted = await events.take(2)
    assert sent["channelEvents"]["__typename"] == "MessageSent"
    assert sent["channelEvents"]["message"]["content"] == ""
    assert deleted["channelEvents"]["__typename"] == "MessageDeleted"


async def test_nobody_is_refused_when_many_come_back_to_different_channels(world: World) -> None:
    """More than may wait for a connection of the log's: each waits for a turn instead."""
    reader = Reader(world.services.live.database)
    found = await asyncio.gather(*(reader.after(new_id(), 0, 0) for _ in range(500)))
    assert found == [[]] * 500


async def test_what_was_read_of_many_channels_is_there_for_those_who_come_a_moment_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_after = log.read_after
    asked: list[tuple[str, int]] = []

    async def counted(database: Connection, places: Mapping[str, int], limit: int) -> Any:
        asked.extend(places.items())
        return await read_after(database, places, limit)

    monkeypatch.setattr(log, "read_after", counted)
    reader = Reader(world.services.live.database)
    channels = [new_id() for _ in range(100)]
    for _ in range(3):
        await asyncio.gather(*(reader.after(channel, 0, 0) for channel in channels))
    assert sorted(asked) == sorted((channel, 0) for channel in channels)
    # What is newer than the reading has to be read.
    await reader.after(channels[0], 0, 1)
    assert len(asked) == 101
