"""Sending: what is stored of a message, and what cannot be sent."""

from typing import Any

import pytest

from tests.operations import channel, denied, do, message, nothing_happens, send
from tests.places import archive
from tests.world import World

ALL = """{
  message {
    id channelId channel { id } sender { id name } content contentType parent { id } replyCount
    replies { edges { cursor } } mentions { id } attachments { id } reactions { emoji }
    isEdited editedAt isDeleted clientMessageId createdAt
  }
  messageEdge { cursor node { id } }
}"""


async def test_a_message_tells_everything_and_the_edge_is_its_place(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    answer = await send(
        world.dave,
        id.upper(),
        "  Hello, **world** \u2764\ufe0f \u202e \n",
        ALL,
        clientMessageId="one",
    )
    sent = answer["message"]
    created = sent.pop("createdAt")
    assert created.endswith("Z")
    assert sent == {
        "id": sent["id"],
        "channelId": id,
        "channel": {"id": id},
        "sender": {"id": world.dave.id, "name": "Dave Davis"},
        "content": "Hello, **world** \u2764\ufe0f \u202e",
        "contentType": "TEXT",
        "parent": None,
        "replyCount": 0,
        "replies": {"edges": []},
        "mentions": [],
        "attachments": [],
        "reactions": [],
        "isEdited": False,
        "editedAt": None,
        "isDeleted": False,
        "clientMessageId": "one",
    }
    seen = await channel(
        world.carol,
        id,
        "{ lastMessageAt lastMessage { id clientMessageId }"
        " messages { edges { cursor node { id } } } }",
    )
    assert answer["messageEdge"]["node"] == {"id": sent["id"]}
    assert seen["messages"]["edges"] == [answer["messageEdge"]]
    assert seen["lastMessageAt"] == created
    # The sender's own business.
    assert seen["lastMessage"] == {"id": sent["id"], "clientMessageId": None}


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "\n\t \u3000\u00a0\u2028",
        "\u200b",
        "\u2060\ufeff",
        " \u200d\u200e\u00ad\u180e ",
        "\ufe0f",
        "x" * 4_001,
        "\U0001f600" * 4_001,
        "a\x00b",
        "\ud800",
        "ok \udfff",
        "\ud83d\u200b",
    ],
)
@pytest.mark.parametrize("name", ["sendMessage", "editMessage"])
async def test_content_that_is_empty_too_long_or_no_text_is_refused(
    world: World, content: str, name: str
) -> None:
    id = await world.carol.create_channel(world.dave)
    mine = await world.dave.say(id)
    calls: dict[str, dict[str, Any]] = {
        "sendMessage": {"input": {"channelId": id, "content": content}},
        "editMessage": {"messageId": mine, "content": content},
    }
    async with nothing_happens(world, id, world.carol):
        refusal = await denied(world.dave, name, **calls[name])
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "content")


@pytest.mark.parametrize(
    "content", ["x" * 4_000, " " + "\U0001f600" * 4_000 + "\n", "0", "\u2800."]
)
async def test_four_thousand_characters_are_not_too_long(world: World, content: str) -> None:
    id = await world.carol.create_channel()
    sent = await world.carol.say(id, content)
    assert await message(world.carol, sent, "{ content }") == {"content": content.strip()}


async def test_members_can_be_mentioned_once_each_and_others_not(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    ids = [world.erin.id.upper(), world.dave.id, world.erin.id]
    sent = await send(
        world.carol, id, "You", "{ message { mentions { id } } }", mentionedUserIds=ids
    )
    mentioned = [user["id"] for user in sent["message"]["mentions"]]
    assert sorted(mentioned) == sorted([world.dave.id, world.erin.id])


async def test_a_message_names_a_hundred_people_at_most(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    ids = [world.dave.id] * 101
    async with nothing_happens(world, id, world.carol):
        refusal = await denied(
            world.dave,
            "sendMessage",
            input={"channelId": id, "content": "You", "mentionedUserIds": ids},
        )
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "mentionedUserIds")
    await send(world.dave, id, "You", mentionedUserIds=ids[:100])


@pytest.mark.parametrize(
    "keys", [["ivan"], ["erin", "ivan"], ["zoe"], ["0" * 24], ["nobody"], [""], ["erin", "x"]]
)
async def test_who_is_no_member_is_not_mentioned_in_the_same_words(
    world: World, keys: list[str]
) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    ids = [world.ids.get(key, key) for key in keys]
    input = {"channelId": id, "content": "You", "mentionedUserIds": ids}
    async with nothing_happens(world, id, world.carol):
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field, refusal.message) == (
        "BAD_USER_INPUT",
        "mentionedUserIds",
        "Only members of the channel can be mentioned.",
    )


async def test_an_archived_channel_is_read_and_not_written(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    mine = await world.dave.say(id)
    await archive(world, id)
    before = await world.state_of(id)
    emoji = {"messageId": mine, "emoji": "\U0001f44d"}
    calls: dict[str, dict[str, Any]] = {
        "sendMessage": {"input": {"channelId": id, "content": "More"}},
        "editMessage": {"messageId": mine, "content": "Other"},
        "deleteMessage": {"messageId": mine},
        "addReaction": emoji,
        "removeReaction": emoji,
        "setTyping": {"channelId": id},
        "updateChannel": {"input": {"channelId": id, "name": "Other"}},
        "addMembers": {"channelId": id, "userIds": [world.erin.id]},
        "removeMember": {"channelId": id, "userId": world.dave.id},
        "updateMemberRole": {"channelId": id, "userId": world.dave.id, "role": "ADMIN"},
    }
    for name, arguments in calls.items():
        for person in (world.carol, world.dave):
            assert (await denied(person, name, **arguments)).code in ("CONFLICT", "FORBIDDEN")
        assert (await denied(world.carol, name, **arguments)).code == "CONFLICT"
    assert await world.state_of(id) == before
    found = await channel(world.dave, id, "{ isArchived messages { edges { node { id } } } }")
    assert found == {"isArchived": True, "messages": {"edges": [{"node": {"id": mine}}]}}
    await do(world.dave, "markRead", channelId=id)
