"""A copy of a channel, kept by the events of its log, is what a fresh look at it is."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.operations import do
from tests.world import Operation, Person, World

MESSAGE = """
  id content isEdited isDeleted isPinned replyCount sender { name } parent { id }
  reactions { emoji count users { name } }
"""
CHANNEL = "name topic isPrivate isArchived memberCount"
LOOK = f"""
query ($id: ID!) {{
  channel(id: $id) {{
    cursor {CHANNEL}
    members {{ edges {{ node {{ role user {{ id }} }} }} }}
    messages(last: 20) {{
      edges {{ node {{ {MESSAGE} replies(first: 5) {{ edges {{ node {{ {MESSAGE} }} }} }} }} }}
    }}
  }}
}}
"""
FOLLOW = f"""
subscription ($id: ID!, $after: String) {{
  channelEvents(channelId: $id, after: $after) {{
    __typename cursor
    ... on MessageSent {{ message {{ {MESSAGE} }} }}
    ... on MessageEdited {{ message {{ {MESSAGE} }} }}
    ... on MessageDeleted {{ messageId }}
    ... on MessagePinned {{ message {{ {MESSAGE} }} }}
    ... on MessageUnpinned {{ message {{ {MESSAGE} }} }}
    ... on ReactionAdded {{ messageId emoji user {{ name }} }}
    ... on ReactionRemoved {{ messageId emoji user {{ name }} }}
    ... on MemberJoined {{ user {{ id }} }}
    ... on MemberLeft {{ user {{ id }} }}
    ... on MemberRoleChanged {{ role user {{ id }} }}
    ... on ChannelUpdated {{ channel {{ {CHANNEL} }} }}
  }}
}}
"""


class Copy:
    """What a client keeps of a channel."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.cursor: str = found.pop("cursor")
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
        return self.cursor, self.channel, self.members, self.messages

    def apply(self, event: dict[str, Any]) -> None:
        """What each kind of event means to whoever has the state before it."""
        self.cursor = event["cursor"]
        message = event.get("message") or self.messages.get(event.get("messageId", ""))
        match event["__typename"]:
            case "MessageSent" | "MessageEdited" | "MessagePinned" | "MessageUnpinned":
                assert message
                is_new = message["id"] not in self.messages
                self.messages[message["id"]] = message
                if is_new and message["parent"]:
                    self.messages[message["parent"]["id"]]["replyCount"] += 1
            case "MessageDeleted":
                assert message
                message.update(content="", isDeleted=True, isPinned=False, reactions=[])
                message.update(isEdited=False)
                if message["parent"]:
                    self.messages[message["parent"]["id"]]["replyCount"] -= 1
            case "ReactionAdded":
                assert message
                reactions = {each["emoji"]: each for each in message["reactions"]}
                one = reactions.setdefault(
                    event["emoji"], {"emoji": event["emoji"], "count": 0, "users": []}
                )
                one["count"] += 1
                one["users"].append(event["user"])
                message["reactions"] = list(reactions.values())
            case "ReactionRemoved":
                assert message
                for one in message["reactions"]:
                    if one["emoji"] == event["emoji"]:
                        one["count"] -= 1
                        one["users"].remove(event["user"])
                message["reactions"] = [one for one in message["reactions"] if one["count"]]
            case "MemberJoined":
                self.members[event["user"]["id"]] = "MEMBER"
                self.channel["memberCount"] += 1
            case "MemberLeft":
                del self.members[event["user"]["id"]]
                self.channel["memberCount"] -= 1
            case "MemberRoleChanged":
                self.members[event["user"]["id"]] = event["role"]
            case "ChannelUpdated":
                self.channel = event["channel"]
            case unknown:
                raise AssertionError(unknown)


class Scene:
    """A channel in which there is something to do everything to."""

    def __init__(self, world: World, channel: str) -> None:
        self.world = world
        self.channel = channel
        self.root = self.reply = ""

    async def fill(self) -> None:
        carol, dave = self.world.carol, self.world.dave
        self.root = await dave.say(self.channel, "Root")
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


DEEDS = dict(
    [
        ("says", _says),
        ("replies", _replies),
        by("dave", "editMessage", "root", content="Corrected"),
        by("carol", "editMessage", "reply", content="Corrected"),
        by("dave", "deleteMessage", "root"),
        by("carol", "deleteMessage", "reply"),
        by("erin", "addReaction", "root", emoji="👍"),
        by("erin", "addReaction", "reply", emoji="🎉"),
        by("dave", "removeReaction", "root", emoji="👍"),
        by("dave", "unpinMessage", "root"),
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
