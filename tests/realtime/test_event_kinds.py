"""Every kind of thing that happens in a channel arrives, with everything about it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.realtime.following import ADD, DELETE, EDIT, LEAVE, REACT, REMOVE
from tests.world import Operation, Person, World

EVERYTHING = """
subscription ($id: ID!, $after: String) {
  channelEvents(channelId: $id, after: $after) {
    __typename cursor channelId occurredAt actor { id name }
    ... on MessageSent { message { ...said } }
    ... on MessageEdited { message { ...said } }
    ... on MessageDeleted { messageId }
    ... on ReactionAdded { messageId emoji user { id name } }
    ... on ReactionRemoved { messageId emoji user { id name } }
    ... on MemberJoined { user { id name } }
    ... on MemberLeft { user { id name } }
    ... on MemberRoleChanged { user { id name } role }
    ... on ChannelUpdated { channel { id name topic avatarUrl isPrivate memberCount cursor } }
  }
}
fragment said on Message {
  id channelId content contentType isEdited editedAt isDeleted replyCount createdAt
  sender { id name } parent { id } mentions { id }
  reactions { emoji count users { id } } attachments { id }
}
"""
ROLE = """
mutation ($channel: ID!, $person: ID!, $role: MemberRole!) {
  updateMemberRole(channelId: $channel, userId: $person, role: $role) { channel { id } }
}
"""
UNREACT = """
mutation ($id: ID!, $emoji: String!) {
  removeReaction(messageId: $id, emoji: $emoji) { message { id } }
}
"""
UPDATE = (
    "mutation ($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { id } } }"
)
JOIN = "mutation ($channel: ID!) { joinChannel(channelId: $channel) { channel { id } } }"


def who(person: Person, name: str) -> dict[str, str]:
    return {"id": person.id, "name": name}


@asynccontextmanager
async def followed(world: World, channel: str) -> AsyncIterator[Operation]:
    async with world.carol.socket() as socket:
        events = await socket.subscribe(EVERYTHING, id=channel)
        await world.followed(channel)
        yield events


async def told(
    world: World, channel: str, events: Operation, *, is_last: bool = True
) -> dict[str, Any]:
    """The next event, without what every event has, which is checked here."""
    event: dict[str, Any] = (await events.next())["channelEvents"]
    assert event.pop("channelId") == channel
    occurred = datetime.fromisoformat(event.pop("occurredAt"))
    assert timedelta(0) <= datetime.now(UTC) - occurred < timedelta(minutes=1)
    assert (event.pop("cursor") == await world.carol.cursor(channel)) == is_last
    return event


async def noticed(world: World, channel: str, events: Operation, person: Person, text: str) -> None:
    """After that, a message of the system says so."""
    event = await told(world, channel, events)
    assert (event["__typename"], event["actor"]["id"]) == ("MessageSent", person.id)
    assert event["message"]["contentType"] == "SYSTEM"
    assert (event["message"]["sender"]["id"], event["message"]["content"]) == (person.id, text)


async def test_a_message(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with followed(world, channel) as events:
        message = await world.dave.say(channel, "Hello", mentionedUserIds=[world.carol.id])
        event = await told(world, channel, events)
        said = event["message"]
        assert event["__typename"] == "MessageSent"
        assert event["actor"] == who(world.dave, "Dave Davis")
        assert datetime.fromisoformat(said.pop("createdAt")) <= datetime.now(UTC)
        assert said == {
            "id": message,
            "channelId": channel,
            "content": "Hello",
            "contentType": "TEXT",
            "isEdited": False,
            "editedAt": None,
            "isDeleted": False,
            "replyCount": 0,
            "sender": who(world.dave, "Dave Davis"),
            "parent": None,
            "mentions": [{"id": world.carol.id}],
            "reactions": [],
            "attachments": [],
        }


async def test_a_reply(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    root = await world.carol.say(channel)
    async with followed(world, channel) as events:
        reply = await world.dave.say(channel, "A reply", parentId=root)
        event = await told(world, channel, events)
        assert event["__typename"] == "MessageSent"
        assert event["message"]["id"] == reply
        assert event["message"]["parent"] == {"id": root}


async def test_an_edit(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.dave.say(channel, "Helo")
    await world.carol.run(REACT, id=message, emoji="👍")
    async with followed(world, channel) as events:
        await world.dave.run(EDIT, id=message, content="Hello")
        event = await told(world, channel, events)
        assert event["__typename"] == "MessageEdited"
        assert event["actor"] == who(world.dave, "Dave Davis")
        said = event["message"]
        assert (said["id"], said["content"], said["isEdited"]) == (message, "Hello", True)
        assert said["editedAt"] is not None
        assert said["reactions"] == [{"emoji": "👍", "count": 1, "users": [{"id": world.carol.id}]}]


async def test_a_deletion(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.dave.say(channel)
    async with followed(world, channel) as events:
        await world.carol.run(DELETE, id=message)
        assert await told(world, channel, events) == {
            "__typename": "MessageDeleted",
            "actor": who(world.carol, "Carol Clark"),
            "messageId": message,
        }


async def test_a_reaction_and_its_end(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.carol.say(channel)
    async with followed(world, channel) as events:
        for mutation, kind in ((REACT, "ReactionAdded"), (UNREACT, "ReactionRemoved")):
            await world.dave.run(mutation, id=message, emoji="👍🏽")
            assert await told(world, channel, events) == {
                "__typename": kind,
                "actor": who(world.dave, "Dave Davis"),
                "messageId": message,
                "emoji": "👍🏽",
                "user": who(world.dave, "Dave Davis"),
            }


async def test_people_added_join_one_after_the_other(world: World) -> None:
    channel = await world.carol.create_channel()
    async with followed(world, channel) as events:
        people = [world.dave.id, world.erin.id]
        await world.carol.run(ADD, channel=channel, people=people)
        joined = [(await events.next())["channelEvents"] for _ in people]
    assert [event["__typename"] for event in joined] == ["MemberJoined"] * 2
    assert [event["user"]["id"] for event in joined] == people
    assert {event["actor"]["id"] for event in joined} == {world.carol.id}
    assert len({event["cursor"] for event in joined}) == 2


async def test_somebody_joins(world: World) -> None:
    channel = await world.carol.create_channel(isPrivate=False)
    async with followed(world, channel) as events:
        await world.erin.run(JOIN, channel=channel)
        assert await told(world, channel, events, is_last=False) == {
            "__typename": "MemberJoined",
            "actor": who(world.erin, "Erin Evans"),
            "user": who(world.erin, "Erin Evans"),
        }
        await noticed(world, channel, events, world.erin, "joined the channel")


async def test_somebody_leaves(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with followed(world, channel) as events:
        await world.dave.run(LEAVE, channel=channel)
        assert await told(world, channel, events, is_last=False) == {
            "__typename": "MemberLeft",
            "actor": who(world.dave, "Dave Davis"),
            "user": who(world.dave, "Dave Davis"),
        }
        await noticed(world, channel, events, world.dave, "left the channel")


async def test_somebody_is_removed(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with followed(world, channel) as events:
        await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        assert await told(world, channel, events, is_last=False) == {
            "__typename": "MemberLeft",
            "actor": who(world.carol, "Carol Clark"),
            "user": who(world.dave, "Dave Davis"),
        }
        await noticed(world, channel, events, world.dave, "was removed from the channel")


async def test_another_role(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with followed(world, channel) as events:
        await world.carol.run(ROLE, channel=channel, person=world.dave.id, role="ADMIN")
        assert await told(world, channel, events) == {
            "__typename": "MemberRoleChanged",
            "actor": who(world.carol, "Carol Clark"),
            "user": who(world.dave, "Dave Davis"),
            "role": "ADMIN",
        }


async def test_the_channel_itself_changes(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with followed(world, channel) as events:
        changed = {"name": "another name", "topic": "a topic", "isPrivate": False}
        avatar = {"avatarUrl": "https://pictures.example.com/channel.png"}
        await world.carol.run(UPDATE, input={"channelId": channel, **changed, **avatar})
        assert await told(world, channel, events) == {
            "__typename": "ChannelUpdated",
            "actor": who(world.carol, "Carol Clark"),
            "channel": {
                "id": channel,
                **changed,
                **avatar,
                "memberCount": 2,
                "cursor": await world.carol.cursor(channel),
            },
        }


async def test_what_changes_nothing_is_no_event(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.carol.say(channel, "Hello")
    await world.carol.run(REACT, id=message, emoji="👍")
    async with followed(world, channel) as events:
        before = await world.state_of(channel)
        await world.carol.run(EDIT, id=message, content="Hello")
        await world.carol.run(REACT, id=message, emoji="👍")
        await world.carol.run(UNREACT, id=message, emoji="👎")
        await world.carol.run(ADD, channel=channel, people=[world.dave.id])
        await world.carol.run(ROLE, channel=channel, person=world.dave.id, role="MEMBER")
        await world.carol.run(UPDATE, input={"channelId": channel, "topic": None})
        assert await world.state_of(channel) == before
        await world.carol.say(channel, "the next")
        assert (await told(world, channel, events))["__typename"] == "MessageSent"
