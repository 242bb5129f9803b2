"""Everything that can happen to a sidebar, done to one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.files import upload
from tests.operations import do
from tests.world import Person, World


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
    early: str = ""
    """One of carol's between the two."""
    calling: str = ""
    """And one that calls everybody in the channel."""
    reply: str = ""
    """And one under the viewer's that mentions them."""

    async def by_carol(self, name: str, **arguments: Any) -> None:
        await do(self.world.carol, name, **arguments)

    async def by_viewer(self, name: str, **arguments: Any) -> None:
        await do(self.viewer, name, **arguments)


async def scene(world: World, viewer: Person) -> Scene:
    channel = await world.carol.create_channel(viewer, world.dave, isPrivate=False)
    own = await viewer.say(channel, "Mine")
    early = await world.carol.say(channel, "Earlier")
    calling = await world.carol.say(channel, "@channel: come")
    reply = await world.carol.say(channel, "You", parentId=own, mentionedUserIds=[viewer.id])
    said = await world.carol.say(channel, "First")
    return Scene(world, viewer, channel, said, own, early, calling, reply)


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


async def edits_in_a_mention(s: Scene) -> None:
    await s.by_carol("editMessage", messageId=s.early, content="@channel: earlier")


async def edits_out_a_mention(s: Scene) -> None:
    await s.by_carol("editMessage", messageId=s.calling, content="Nobody")


async def edits_in_who_is_here(s: Scene) -> None:
    await s.by_carol("editMessage", messageId=s.early, content="@here: earlier")


async def deletes_an_earlier_one(s: Scene) -> None:
    await s.by_carol("deleteMessage", messageId=s.early)


async def deletes_a_mention(s: Scene) -> None:
    await s.by_carol("deleteMessage", messageId=s.calling)


async def deletes_a_reply_with_a_mention(s: Scene) -> None:
    await s.by_carol("deleteMessage", messageId=s.reply)


async def replies_to_the_last(s: Scene) -> None:
    await s.world.carol.say(s.channel, "More", parentId=s.said)


async def sends_a_file(s: Scene) -> None:
    file = await upload(s.world.carol, s.channel)
    await s.world.carol.say(s.channel, "", attachmentIds=[file["id"]])


async def pins_the_last(s: Scene) -> None:
    await s.by_carol("pinMessage", messageId=s.said)


async def unpins_the_last(s: Scene) -> None:
    await s.by_carol("unpinMessage", messageId=s.said)


async def deletes_the_last(s: Scene) -> None:
    await s.by_carol("deleteMessage", messageId=s.said)


async def reads(s: Scene) -> None:
    await s.by_viewer("markRead", channelId=s.channel)


async def reads_no_more(s: Scene) -> None:
    await s.by_viewer("markUnread", messageId=s.said)


async def reads_some(s: Scene) -> None:
    await s.by_viewer("markRead", channelId=s.channel, messageId=s.early)


async def mutes(s: Scene) -> None:
    await s.by_viewer("updateChannelPreferences", input={"channelId": s.channel, "isMuted": True})


async def unmutes(s: Scene) -> None:
    await s.by_viewer("updateChannelPreferences", input={"channelId": s.channel, "isMuted": False})


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
    await s.by_carol("unarchiveChannel", channelId=s.channel)


async def renames(s: Scene) -> None:
    await s.by_carol("updateChannel", input={"channelId": s.channel, "name": "Another name"})


async def gives_it_a_topic(s: Scene) -> None:
    await s.by_carol("updateChannel", input={"channelId": s.channel, "topic": "Weather"})


async def gives_it_a_picture(s: Scene) -> None:
    link = "https://pictures.example.com/channel.png"
    await s.by_carol("updateChannel", input={"channelId": s.channel, "avatarUrl": link})


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


async def comes_back(s: Scene) -> None:
    await s.by_viewer("joinChannel", channelId=s.channel)


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


Deed = Callable[[Scene], Awaitable[None]]

DEEDS: list[Deed] = [
    sends,
    sends_a_mention,
    replies_with_a_mention,
    writes_on_another_device,
    edits_the_last,
    edits_in_a_mention,
    edits_out_a_mention,
    edits_in_who_is_here,
    deletes_the_last,
    deletes_an_earlier_one,
    deletes_a_mention,
    deletes_a_reply_with_a_mention,
    replies_to_the_last,
    sends_a_file,
    pins_the_last,
    unpins_the_last,
    reads,
    reads_some,
    reads_no_more,
    mutes,
    unmutes,
    pins_the_channel,
    wants_mentions_only,
    archives,
    restores,
    renames,
    gives_it_a_topic,
    gives_it_a_picture,
    closes,
    others_join,
    others_leave,
    leaves,
    is_removed,
    is_removed_and_added_again,
    comes_back,
    joins,
    is_added,
    makes_a_channel,
    is_written_to,
    opens_a_direct_message,
    gets_a_role,
]


BEFORE: dict[Deed, Deed] = {
    unpins_the_last: pins_the_last,
    unmutes: mutes,
    restores: archives,
    comes_back: leaves,
    reads_no_more: reads,
}
"""What has to be done for a deed to be one."""
