"""The inbox: a snapshot and every change after it are what a fresh snapshot is."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from storage.records import ChannelType
from tests.operations import channel as shown_channel
from tests.operations import do, patiently
from tests.places import MEMBER, OWNER, place
from tests.realtime.sidebars import fresh, sidebar
from tests.world import Person, World, until


@dataclass
class Scene:
    """A channel of carol's, with somebody in it whose sidebar is looked at."""

    world: World
    viewer: Person
    channel: str
    said: str
    """A message of carol's, the last one."""
    own: str
    """One of the viewer's before it."""

    async def by_carol(self, name: str, **arguments: Any) -> None:
        await do(self.world.carol, name, **arguments)

    async def by_viewer(self, name: str, **arguments: Any) -> None:
        await do(self.viewer, name, **arguments)


async def scene(world: World, viewer: Person) -> Scene:
    channel = await world.carol.create_channel(viewer, world.dave, isPrivate=False)
    own = await viewer.say(channel, "Mine")
    said = await world.carol.say(channel, "First")
    return Scene(world, viewer, channel, said, own)


async def sends(s: Scene) -> None:
    await s.world.carol.say(s.channel, "News")


async def sends_a_mention(s: Scene) -> None:
    await s.world.carol.say(s.channel, "@channel: news")


async def replies_with_a_mention(s: Scene) -> None:
    await s.world.carol.say(s.channel, "You", parentId=s.own, mentionedUserIds=[s.viewer.id])


async def writes_on_another_device(s: Scene) -> None:
    await s.viewer.say(s.channel, "Mine again")


async def edits_the_last(s: Scene) -> None:
    await s.by_carol("editMessage", messageId=s.said, content="Corrected")


async def deletes_the_last(s: Scene) -> None:
    await s.by_carol("deleteMessage", messageId=s.said)


async def reads(s: Scene) -> None:
    await s.by_viewer("markRead", channelId=s.channel)


async def reads_less(s: Scene) -> None:
    await reads(s)
    await s.by_viewer("markUnread", messageId=s.said)


async def mutes(s: Scene) -> None:
    await s.by_viewer("updateChannelPreferences", input={"channelId": s.channel, "isMuted": True})


async def pins_the_channel(s: Scene) -> None:
    await s.by_viewer("updateChannelPreferences", input={"channelId": s.channel, "isPinned": True})


async def wants_mentions_only(s: Scene) -> None:
    await s.by_viewer(
        "updateChannelPreferences",
        input={"channelId": s.channel, "notificationLevel": "MENTIONS"},
    )


async def archives(s: Scene) -> None:
    await s.by_carol("archiveChannel", channelId=s.channel)


async def restores(s: Scene) -> None:
    await archives(s)
    await s.by_carol("unarchiveChannel", channelId=s.channel)


async def renames(s: Scene) -> None:
    await s.by_carol("updateChannel", input={"channelId": s.channel, "name": "Another name"})


async def closes(s: Scene) -> None:
    await s.by_carol("updateChannel", input={"channelId": s.channel, "isPrivate": True})


async def others_join(s: Scene) -> None:
    await do(s.world.erin, "joinChannel", channelId=s.channel)


async def others_leave(s: Scene) -> None:
    await do(s.world.dave, "leaveChannel", channelId=s.channel)


async def leaves(s: Scene) -> None:
    await s.by_viewer("leaveChannel", channelId=s.channel)


async def is_removed(s: Scene) -> None:
    await s.by_carol("removeMember", channelId=s.channel, userId=s.viewer.id)


async def is_removed_and_added_again(s: Scene) -> None:
    await is_removed(s)
    await s.by_carol("addMembers", channelId=s.channel, userIds=[s.viewer.id])


async def joins(s: Scene) -> None:
    other = await s.world.carol.create_channel(isPrivate=False)
    await s.by_viewer("joinChannel", channelId=other)


async def is_added(s: Scene) -> None:
    await s.world.carol.create_channel(s.viewer)


async def makes_a_channel(s: Scene) -> None:
    await s.viewer.create_channel(s.world.carol)


async def is_written_to(s: Scene) -> None:
    opened = await do(
        s.world.carol, "openDirectMessage", "{ channel { id } }", userIds=[s.viewer.id]
    )
    await s.world.carol.say(opened["channel"]["id"], "Psst")


async def opens_a_direct_message(s: Scene) -> None:
    await s.by_viewer("openDirectMessage", userIds=[s.world.dave.id])


async def gets_a_role(s: Scene) -> None:
    await s.by_carol("updateMemberRole", channelId=s.channel, userId=s.viewer.id, role="ADMIN")


DEEDS: list[Callable[[Scene], Awaitable[None]]] = [
    sends,
    sends_a_mention,
    replies_with_a_mention,
    writes_on_another_device,
    edits_the_last,
    deletes_the_last,
    reads,
    reads_less,
    mutes,
    pins_the_channel,
    wants_mentions_only,
    archives,
    restores,
    renames,
    closes,
    others_join,
    others_leave,
    leaves,
    is_removed,
    is_removed_and_added_again,
    joins,
    is_added,
    makes_a_channel,
    is_written_to,
    opens_a_direct_message,
    gets_a_role,
]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
async def test_a_stale_snapshot_and_the_events_are_a_fresh_snapshot(
    world: World, deed: Callable[[Scene], Awaitable[None]]
) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    async with sidebar(viewer) as shown:
        stale = shown.state
        await deed(s)
        now = await fresh(viewer)
        assert now != (dict(stale[0]), stale[1])
        await shown.becomes(now)


async def test_without_hints_the_poll_tells_every_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = await world.new_person("Nina")
    monkeypatch.setattr(world.services.live.inboxes, "hear", lambda hint: None)
    scenes = [await scene(world, viewer) for _ in DEEDS]
    async with sidebar(viewer) as shown:
        for deed, s in zip(DEEDS, scenes, strict=True):
            await deed(s)
        await shown.becomes(await fresh(viewer))
        # And once the world stands still, so does the sidebar.
        assert shown.operation.is_silent


async def test_changes_within_a_moment_become_one(world: World) -> None:
    viewer = await world.new_person("Nina")
    s = await scene(world, viewer)
    async with sidebar(viewer) as shown:
        await asyncio.gather(*(world.carol.say(s.channel, str(n)) for n in range(10)))
        await shown.becomes(await fresh(viewer))
        assert len(shown.events) < 1 + 5
        assert shown.channels[s.channel]["unreadCount"] == 11


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
        await sends(s)
        assert (await one.take())["channel"]["unreadCount"] == 1
    await until(lambda: viewer.id not in followed.people and s.channel not in followed.channels)


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
    often = [sends, sends_a_mention, reads, reads_less, mutes, edits_the_last, renames, is_added]
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
