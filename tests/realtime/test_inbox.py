"""The inbox: a snapshot and every change after it are what a fresh snapshot is."""

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from realtime import inboxes
from storage.records import ChannelType
from tests.operations import channel as shown_channel
from tests.operations import do, patiently
from tests.places import MEMBER, OWNER, place
from tests.realtime.deeds import (
    BEFORE,
    DEEDS,
    Deed,
    Scene,
    comes_back,
    deletes_an_earlier_one,
    edits_the_last,
    is_added,
    is_removed,
    is_removed_and_added_again,
    leaves,
    mutes,
    pins_the_last,
    reads,
    reads_no_more,
    renames,
    scene,
    sends,
    sends_a_mention,
    unmutes,
)
from tests.realtime.sidebars import fresh, sidebar
from tests.world import Person, World, until


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
async def test_a_stale_snapshot_and_the_events_are_a_fresh_snapshot(
    world: World, deed: Deed
) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    if deed in BEFORE:
        await BEFORE[deed](s)
    async with sidebar(viewer) as shown:
        stale = dict(shown.channels), shown.unread
        await deed(s)
        # By itself: a device that comes has the others told of what they have not heard of.
        await shown.take()
        now = await fresh(viewer)
        assert now != stale
        await shown.becomes(now)


async def test_without_hints_the_poll_tells_every_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await world.new_person("Nina")
    monkeypatch.setattr(world.services.live.inboxes, "hear", lambda hint: None)
    monkeypatch.setattr(inboxes, "POLL_SECONDS", 0.2)
    scenes = [await scene(world, viewer) for _ in DEEDS]
    async with sidebar(viewer) as shown:
        for deed, s in zip(DEEDS, scenes, strict=True):
            if deed in BEFORE:
                await BEFORE[deed](s)
            await deed(s)
        # Between these two a poll finds everything.
        for _ in range(2):
            last = await world.carol.create_channel(viewer)
            while last not in shown.channels:
                await shown.take()
        assert shown.state == await fresh(viewer)
        # And once the world stands still, so does the sidebar.
        last = await world.carol.create_channel(viewer)
        assert (await shown.take())["channel"]["id"] == last


async def test_changes_within_a_moment_become_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    async with sidebar(viewer) as shown:
        # A moment that is over when all has happened, however long that takes.
        monkeypatch.setattr(inboxes, "GATHER_SECONDS", 3_600.0)
        await asyncio.gather(*(world.carol.say(s.channel, str(n)) for n in range(10)))
        for deed in (edits_the_last, deletes_an_earlier_one, renames, mutes, pins_the_last):
            await deed(s)
        monkeypatch.undo()
        ours = world.services.live.inboxes
        assert ours._tell_at is not None
        ours._tell_at = 0.0
        ours._wake.set()
        channel = (await shown.take())["channel"]
        assert (channel["unreadCount"], channel["name"]) == (3 + 10 - 1, "Another name")
        assert channel["membership"]["isMuted"]
        # Nothing more was told of it.
        other = await world.carol.create_channel(viewer)
        assert (await shown.take())["channel"]["id"] == other
        await shown.becomes(await fresh(viewer))


def test_a_moment_is_a_tenth_of_a_second() -> None:
    assert inboxes.GATHER_SECONDS == 0.1


async def test_reactions_are_told_only_to_those_who_ask_for_them(world: World) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    row = "id lastMessage { reactions { emoji count viewerHasReacted } }"
    async with sidebar(viewer) as plain, sidebar(viewer, row) as asking:
        await s.by_carol("addReaction", messageId=s.said, emoji="👍")
        await asking.becomes(await fresh(viewer, row))
        [reaction] = asking.channels[s.channel]["lastMessage"]["reactions"]
        assert reaction == {"emoji": "👍", "count": 1, "viewerHasReacted": False}
        await world.carol.say(s.channel, "News")
        assert (await plain.take())["channel"]["lastMessage"]["content"] == "News"


async def test_the_last_thing_heard_of_a_channel_is_that_it_is_gone(world: World) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    async with sidebar(viewer) as shown:
        await is_removed(s)
        await world.carol.say(s.channel, "Now that she is gone")
        assert await shown.take() == {
            "__typename": "InboxChannelRemoved",
            "channelId": s.channel,
            "unread": {"messages": 0, "mentions": 0, "channels": 0},
        }
        other = await world.carol.create_channel(viewer)
        assert (await shown.take())["channel"]["id"] == other
        assert shown.operation.is_silent


async def test_a_direct_message_is_heard_of_when_something_is_said_in_it(world: World) -> None:
    viewer = await world.new_person("Nina")
    async with sidebar(viewer) as shown:
        opened = await do(
            world.carol, "openDirectMessage", "{ channel { id } }", userIds=[viewer.id]
        )
        other = await world.carol.create_channel(viewer)
        assert (await shown.take())["channel"]["id"] == other
        await world.carol.say(opened["channel"]["id"], "Psst")
        assert (await shown.take())["channel"]["lastMessage"]["content"] == "Psst"


async def test_every_device_is_told_and_one_that_leaves_takes_nothing_with_it(
    world: World,
) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    followed = world.services.live.inboxes._followed
    async with sidebar(viewer) as one:
        async with sidebar(viewer) as other:
            await reads(s)
            for device in (one, other):
                assert (await device.take())["channel"]["unreadCount"] == 0
            await reads_no_more(s)
            for device in (one, other):
                assert (await device.take())["channel"]["unreadCount"] == 1
        await sends(s)
        assert (await one.take())["channel"]["unreadCount"] == 2
    await until(lambda: viewer.id not in followed.people and s.channel not in followed.channels)


@pytest.mark.parametrize(
    ("before", "deed", "back"),
    [(reads, mutes, unmutes), (reads, leaves, comes_back), (leaves, comes_back, leaves)],
)
async def test_who_comes_between_a_change_and_its_end_is_told_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch, before: Deed, deed: Deed, back: Deed
) -> None:
    """Although it may look to those who were there before as if nothing had been."""
    monkeypatch.setattr(inboxes, "GATHER_SECONDS", 0.5)
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    await before(s)
    async with sidebar(viewer) as early:
        await deed(s)
        async with sidebar(viewer) as late:
            await back(s)
            now = await fresh(viewer)
            assert late.state != now
            await late.becomes(now)
        await early.becomes(now)


async def test_it_is_heard_on_another_server(world: World) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    async with world.another_server() as there:
        async with sidebar(Person(there, viewer.key, viewer.id)) as shown:
            await sends(s)
            await reads(s)
            await is_added(s)
            await shown.becomes(await fresh(viewer))


async def test_nobody_hears_of_what_is_another_persons_own(world: World) -> None:
    viewer, other = await world.new_person("Nina"), await world.new_person("Otto")
    channel = await world.carol.create_channel(viewer, other)
    await world.carol.say(channel)
    async with sidebar(viewer) as shown:
        await do(other, "markRead", channelId=channel)
        await world.carol.say(channel, "News")
        assert (await shown.take())["channel"]["lastMessage"]["content"] == "News"
        assert (await shown_channel(viewer, channel, "{ unreadCount }"))["unreadCount"] == 2


async def test_whatever_happens_at_the_same_time_it_ends_as_a_fresh_snapshot(world: World) -> None:
    viewer = await world.new_person("Nina")
    scenes = [await scene(world, viewer) for _ in range(4)]
    often = [sends, sends_a_mention, reads, reads_no_more, mutes, edits_the_last, renames, is_added]
    chance = random.Random(7)

    async def act(s: Scene) -> None:
        for deed in chance.sample(often * 2, 12):
            await patiently(partial(deed, s))
        await is_removed_and_added_again(s)

    async with sidebar(viewer) as early:
        acting = asyncio.gather(*map(act, scenes))
        async with sidebar(viewer) as late:
            await acting
            now = await fresh(viewer)
            await early.becomes(now)
            await late.becomes(now)
            assert early.state == late.state


MANY = 150

PEOPLE = """
subscription {
  inbox {
    ... on InboxSnapshot {
      channels { members(first: 5) { edges { node { user { id presence { status } } } } } }
    }
  }
}
"""


def people_of(channel: Any) -> set[str]:
    return {edge["node"]["user"]["id"] for edge in channel["members"]["edges"]}


async def test_somebody_in_many_channels_is_told_of_the_people_in_each(world: World) -> None:
    """What is read channel by channel waits for its turn, however many there are."""
    viewer = await world.new_person("Everywhere")
    for _ in range(MANY):
        await place(world, ChannelType.GROUP, (world.carol, OWNER), (viewer, MEMBER))
    async with viewer.socket() as socket:
        inbox = await socket.subscribe(PEOPLE)
        found = (await inbox.next())["inbox"]["channels"]
    carol, theirs = world.carol.id, viewer.id
    assert [people_of(each) for each in found] == [{carol, theirs}] * MANY
