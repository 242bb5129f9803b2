"""A copy of a channel, kept by the events of its log, is what a fresh look at it is."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.files import upload
from tests.operations import do
from tests.world import Operation, Person, World

MESSAGE = """
  id content contentType isEdited editedAt isDeleted isPinned replyCount sender { name }
  parent { id } reactions { emoji count users { name } } mentions { name }
  attachments { fileName } revisions { content }
"""
CHANNEL = "name topic avatarUrl isPrivate isArchived memberCount updatedAt"
LOOK = f"""
query ($id: ID!) {{
  channel(id: $id) {{
    cursor {CHANNEL} lastMessage {{ id }} pinnedMessages {{ id }}
    members {{ edges {{ node {{ role user {{ id }} }} }} }}
    messages(last: 20) {{
      edges {{ node {{ {MESSAGE} replies(first: 5) {{ edges {{ node {{ {MESSAGE} }} }} }} }} }}
    }}
  }}
}}
"""
TOLD = MESSAGE.replace("parent { id }", "parent { id replyCount }")
FOLLOW = f"""
subscription ($id: ID!, $after: String) {{
  channelEvents(channelId: $id, after: $after) {{
    __typename cursor
    ... on MessageSent {{ message {{ {TOLD} }} }}
    ... on MessageEdited {{ message {{ {TOLD} }} }}
    ... on MessageDeleted {{ message {{ {TOLD} }} }}
    ... on MessagePinned {{ message {{ {TOLD} }} }}
    ... on MessageUnpinned {{ message {{ {TOLD} }} }}
    ... on ReactionAdded {{ message {{ {TOLD} }} }}
    ... on ReactionRemoved {{ message {{ {TOLD} }} }}
    ... on MemberJoined {{ memberCount user {{ id }} }}
    ... on MemberLeft {{ memberCount user {{ id }} }}
    ... on MemberRoleChanged {{ role user {{ id }} }}
    ... on ChannelUpdated {{ channel {{ {CHANNEL} }} }}
  }}
}}
"""


class Copy:
    """What a client keeps of a channel."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.cursor: str = found.pop("cursor")
        self.pinned = [message["id"] for message in found.pop("pinnedMessages")]
        self.last = found.pop("lastMessage")["id"]
        edges = found.pop("members")["edges"]
        self.members = {edge["node"]["user"]["id"]: edge["node"]["role"] for edge in edges}
        self.messages: dict[str, dict[str, Any]] = {}
        for edge in found.pop("messages")["edges"]:
            replies = edge["node"].pop("replies")["edges"]
            for node in (edge["node"], *(reply["node"] for reply in replies)):
                self.messages[node["id"]] = node
        self.channel = found

    @property
    def state(self) -> Any:
        return self.cursor, self.channel, self.members, self.messages, self.pinned, self.last

    def apply(self, event: dict[str, Any]) -> None:
        """What each kind of event means to whoever has the state before it. What it shows may be
        newer than the event, and is what is so: nothing is counted here.
        """
        self.cursor = event["cursor"]
        match event["__typename"]:
            case (
                "MessageSent"
                | "MessageEdited"
                | "MessageDeleted"
                | "MessagePinned"
                | "MessageUnpinned"
                | "ReactionAdded"
                | "ReactionRemoved"
            ):
                self.show(event["message"], event["__typename"] == "MessagePinned")
            case "MemberJoined":
                self.members[event["user"]["id"]] = "MEMBER"
                self.channel["memberCount"] = event["memberCount"]
            case "MemberLeft":
                del self.members[event["user"]["id"]]
                self.channel["memberCount"] = event["memberCount"]
            case "MemberRoleChanged":
                self.members[event["user"]["id"]] = event["role"]
            case "ChannelUpdated":
                self.channel = event["channel"]
            case unknown:
                raise AssertionError(unknown)

    def show(self, message: dict[str, Any], was_just_pinned: bool) -> None:
        """Put a message where it belongs."""
        id, parent = message["id"], message["parent"]
        is_new = id not in self.messages
        self.messages[id] = message
        if parent:
            self.messages[parent["id"]]["replyCount"] = parent.pop("replyCount")
        elif is_new and message["contentType"] != "SYSTEM":
            self.last = id
        if was_just_pinned or not message["isPinned"]:
            self.pinned = [other for other in self.pinned if other != id]
        if was_just_pinned and message["isPinned"]:
            self.pinned.insert(0, id)


class Scene:
    """A channel in which there is something to do everything to."""

    def __init__(self, world: World, channel: str) -> None:
        self.world = world
        self.channel = channel
        self.root = self.reply = ""

    async def fill(self) -> None:
        carol, dave = self.world.carol, self.world.dave
        file = await upload(dave, self.channel)
        self.root = await dave.say(
            self.channel, "Root", mentionedUserIds=[carol.id], attachmentIds=[file["id"]]
        )
        await do(dave, "editMessage", messageId=self.root, content="The root")
        self.reply = await carol.say(self.channel, "Reply", parentId=self.root)
        for message in (self.root, self.reply):
            for person in (carol, dave):
                await do(person, "addReaction", messageId=message, emoji="👍")
            await do(carol, "pinMessage", messageId=message)
        await carol.say(self.channel, "Something else")

    async def look(self) -> Copy:
        return Copy((await self.world.carol.run(LOOK, id=self.channel))["channel"])


Deed = Callable[[Scene], Awaitable[object]]


def by(key: str, name: str, on: str = "channelId", **more: Any) -> tuple[str, Deed]:
    """Somebody's call of a mutation, on the channel, its root message or the reply."""

    async def deed(s: Scene) -> None:
        person: Person = getattr(s.world, key)
        target = {"channelId": s.channel, "root": s.root, "reply": s.reply}[on]
        argument = "channelId" if on == "channelId" else "messageId"
        if "userId" in more:
            more["userId"] = getattr(s.world, more["userId"]).id
        await do(person, name, **{argument: target}, **more)

    return f"{name} {on}", deed


async def _says(s: Scene) -> None:
    await s.world.dave.say(s.channel, "News")


async def _replies(s: Scene) -> None:
    await s.world.dave.say(s.channel, "Another", parentId=s.root)


async def _renames(s: Scene) -> None:
    await do(s.world.carol, "updateChannel", input={"channelId": s.channel, "name": "Renamed"})


async def _describes(s: Scene) -> None:
    link = "https://pictures.example.com/channel.png"
    changes = {"topic": "Weather", "avatarUrl": link, "isPrivate": True}
    await do(s.world.carol, "updateChannel", input={"channelId": s.channel, **changes})


async def _says_a_file(s: Scene) -> None:
    file = await upload(s.world.dave, s.channel)
    await s.world.dave.say(s.channel, "", attachmentIds=[file["id"]])


async def _calls(s: Scene) -> None:
    await s.world.dave.say(
        s.channel, "@channel and @here", mentionedUserIds=[s.world.erin.id, s.world.carol.id]
    )


async def _deletes_what_was_just_said(s: Scene) -> None:
    said = await s.world.dave.say(s.channel, "Oh")
    await do(s.world.dave, "pinMessage", messageId=said)
    await do(s.world.dave, "deleteMessage", messageId=said)


async def _reacts_anew(s: Scene) -> None:
    """An emoji keeps its place until nobody uses it any more."""
    for emoji in ("🎉", "❤️"):
        await do(s.world.erin, "addReaction", messageId=s.root, emoji=emoji)
    for person in (s.world.carol, s.world.dave):
        await do(person, "removeReaction", messageId=s.root, emoji="👍")
    await do(s.world.dave, "addReaction", messageId=s.root, emoji="👍")


async def _leaves_and_comes_back(s: Scene) -> None:
    await do(s.world.erin, "leaveChannel", channelId=s.channel)
    await do(s.world.erin, "joinChannel", channelId=s.channel)


async def _unpins_and_pins_again(s: Scene) -> None:
    await do(s.world.dave, "unpinMessage", messageId=s.root)
    await do(s.world.dave, "pinMessage", messageId=s.root)


async def _adds(s: Scene) -> None:
    await do(s.world.carol, "addMembers", channelId=s.channel, userIds=[s.world.ivan.id])


async def _removes(s: Scene) -> None:
    await do(s.world.carol, "removeMember", channelId=s.channel, userId=s.world.erin.id)


async def _promotes(s: Scene) -> None:
    await do(
        s.world.carol,
        "updateMemberRole",
        channelId=s.channel,
        userId=s.world.erin.id,
        role="ADMIN",
    )


async def _restores(s: Scene) -> None:
    await do(s.world.carol, "archiveChannel", channelId=s.channel)
    await do(s.world.carol, "unarchiveChannel", channelId=s.channel)


async def _replies_to_what_is_gone(s: Scene) -> None:
    await do(s.world.dave, "deleteMessage", messageId=s.root)
    await s.world.carol.say(s.channel, "Another", parentId=s.root)


async def _takes_the_text_away(s: Scene) -> None:
    await do(s.world.dave, "editMessage", messageId=s.root, content="")


DEEDS = dict(
    [
        ("says", _says),
        ("replies", _replies),
        by("dave", "editMessage", "root", content="Corrected"),
        by("carol", "editMessage", "reply", content="Corrected"),
        by("carol", "deleteMessage", "reply"),
        by("erin", "addReaction", "root", emoji="👍"),
        by("erin", "addReaction", "reply", emoji="🎉"),
        by("dave", "removeReaction", "root", emoji="👍"),
        by("dave", "unpinMessage", "root"),
        by("carol", "deleteMessage", "root"),
        by("carol", "removeReaction", "reply", emoji="👍"),
        by("dave", "unpinMessage", "reply"),
        ("unpins and pins again", _unpins_and_pins_again),
        ("says a file", _says_a_file),
        ("replies to what is gone", _replies_to_what_is_gone),
        ("takes the text away", _takes_the_text_away),
        ("calls", _calls),
        ("deletes what was just said", _deletes_what_was_just_said),
        ("reacts anew", _reacts_anew),
        ("leaves and comes back", _leaves_and_comes_back),
        ("describes", _describes),
        ("renames", _renames),
        ("adds", _adds),
        ("removes", _removes),
        ("promotes", _promotes),
        by("erin", "leaveChannel"),
        by("olga", "joinChannel"),
        by("carol", "archiveChannel"),
        ("restores", _restores),
    ]
)


async def kept(copy: Copy, operation: Operation, until: Copy) -> None:
    """Apply every event until the copy is as far as that one."""
    while copy.cursor != until.cursor:
        copy.apply((await operation.next())["channelEvents"])


@pytest.mark.parametrize("name", DEEDS)
async def test_a_stale_copy_and_the_events_are_a_fresh_look(world: World, name: str) -> None:
    s = Scene(world, await world.carol.create_channel(world.dave, world.erin, isPrivate=False))
    await s.fill()
    copy = await s.look()
    async with world.carol.socket() as socket:
        operation = await socket.subscribe(FOLLOW, id=s.channel, after=copy.cursor)
        await DEEDS[name](s)
        fresh = await s.look()
        assert fresh.cursor != copy.cursor
        await kept(copy, operation, fresh)
        assert copy.state == fresh.state
        assert operation.is_silent


LAST = {
    "deleteMessage root": 1,
    "deleteMessage reply": 1,
    "replies to what is gone": 2,
    "removes": 3,
}
"""What has to come after everything else, in this order."""

NOT_ANY_MORE = {"archiveChannel channelId", "describes", "leaveChannel channelId"}
"""After which others could not be done."""


@pytest.mark.parametrize("is_all", [True, False])
async def test_who_was_away_is_told_what_leads_to_a_fresh_look(world: World, is_all: bool) -> None:
    s = Scene(world, await world.carol.create_channel(world.dave, world.erin, isPrivate=False))
    await s.fill()
    copy = await s.look()
    for name in sorted(DEEDS.keys() - NOT_ANY_MORE, key=lambda name: (LAST.get(name, 0), name)):
        if is_all or name not in LAST:
            await DEEDS[name](s)
    fresh = await s.look()
    async with world.carol.socket() as socket:
        operation = await socket.subscribe(FOLLOW, id=s.channel, after=copy.cursor)
        await kept(copy, operation, fresh)
        assert copy.state == fresh.state
        assert operation.is_silent
