"""Editing and deleting: whose, how often, and what is left."""

import asyncio
from typing import Any

import pytest

from tests.operations import (
    channel,
    denied,
    do,
    kinds_of_events,
    message,
    nothing_happens,
    send,
)
from tests.world import World

STATE = """{
  content isEdited editedAt isDeleted replyCount
  mentions { id } reactions { emoji } attachments { id } clientMessageId createdAt
}"""


async def revisions(world: World, id: str) -> list[str]:
    """The earlier texts, as a member sees them; each was written before the next."""
    found = await message(world.carol, id, "{ editedAt revisions { content editedAt } }")
    times = [each["editedAt"] for each in [*found["revisions"], found] if each["editedAt"]]
    assert times == sorted(set(times))
    return [each["content"] for each in found["revisions"]]


async def test_an_edit_changes_the_text_and_keeps_the_earlier_ones(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    sent = await send(
        world.dave, id, "One", "{ message { id } }", mentionedUserIds=[world.carol.id]
    )
    mine = sent["message"]["id"]
    before = await message(world.dave, mine, STATE)
    await do(world.dave, "editMessage", messageId=mine.upper(), content=" Two ")
    answer = await do(
        world.dave, "editMessage", "{ message " + STATE + " }", messageId=mine, content="Three"
    )
    after = answer["message"]
    assert after["editedAt"] > before["createdAt"]
    assert after == {
        **before,
        "content": "Three",
        "isEdited": True,
        "editedAt": after["editedAt"],
    }
    assert await message(world.carol, mine, STATE) == {**after, "clientMessageId": None}
    assert await revisions(world, mine) == ["One", "Two"]
    kept = (await message(world.carol, mine, "{ revisions { editedAt } }"))["revisions"]
    assert kept[0]["editedAt"] == before["createdAt"]
    assert (await kinds_of_events(world, id))[-2:] == ["MessageEdited", "MessageEdited"]


async def test_an_edit_to_the_same_text_is_none(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    mine = await world.dave.say(id, "Same")
    async with nothing_happens(world, id, world.carol):
        answer = await do(
            world.dave,
            "editMessage",
            "{ message { isEdited } }",
            messageId=mine,
            content="Same ",
        )
    assert answer["message"] == {"isEdited": False}


async def test_edits_at_once_are_done_one_after_the_other(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    mine = await world.dave.say(id, "0")
    texts = [str(number) for number in range(1, 9)]
    await asyncio.gather(
        *(do(world.dave, "editMessage", messageId=mine, content=text) for text in texts)
    )
    last = (await message(world.dave, mine, "{ content }"))["content"]
    kept = await revisions(world, mine)
    assert kept[0] == "0"
    assert sorted([*kept, last]) == ["0", *texts]


async def test_a_deleted_message_keeps_its_place_and_nothing_else(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    first = await world.dave.say(id, "First")
    sent = await send(
        world.dave, id, "Secret", mentionedUserIds=[world.carol.id], clientMessageId="deleted"
    )
    doomed = sent["message"]["id"]
    await do(world.dave, "editMessage", messageId=doomed, content="Secret @channel")
    await do(world.carol, "addReaction", messageId=doomed, emoji="\U0001f44d")
    last = await world.dave.say(id, "Last")
    answer = await do(
        world.dave, "deleteMessage", "{ message " + STATE + " }", messageId=doomed.upper()
    )
    created = answer["message"].pop("createdAt")
    edited = answer["message"].pop("editedAt")
    assert created < edited
    assert answer["message"] == {
        "content": "",
        "isEdited": True,
        "isDeleted": True,
        "replyCount": 0,
        "mentions": [],
        "reactions": [],
        "attachments": [],
        "clientMessageId": "deleted",
    }
    assert await revisions(world, doomed) == []
    found = await channel(world.carol, id, "{ messages { edges { node { id content } } } }")
    assert [edge["node"] for edge in found["messages"]["edges"]] == [
        {"id": first, "content": "First"},
        {"id": doomed, "content": ""},
        {"id": last, "content": "Last"},
    ]
    assert "Secret" not in str(await world.state_of(id))


async def test_the_last_message_of_a_channel_stays_the_last_when_it_is_deleted(
    world: World,
) -> None:
    id = await world.carol.create_channel()
    doomed = await world.carol.say(id, "Secret")
    await do(world.carol, "deleteMessage", messageId=doomed)
    found = await channel(world.carol, id, "{ lastMessage { id content isDeleted } }")
    assert found["lastMessage"] == {"id": doomed, "content": "", "isDeleted": True}


async def test_a_message_is_deleted_once_however_often_it_is_asked_for(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    doomed = await world.dave.say(id)
    await asyncio.gather(
        *(do(world.dave, "deleteMessage", messageId=doomed) for _ in range(5)),
        *(do(world.carol, "deleteMessage", messageId=doomed) for _ in range(5)),
    )
    assert (await kinds_of_events(world, id)).count("MessageDeleted") == 1
    async with nothing_happens(world, id, world.carol):
        await do(world.dave, "deleteMessage", messageId=doomed)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("editMessage", {"content": "Back again"}),
        ("addReaction", {"emoji": "\U0001f44d"}),
        ("removeReaction", {"emoji": "\U0001f44d"}),
    ],
)
async def test_nothing_can_be_done_to_a_deleted_message(
    world: World, name: str, more: dict[str, Any]
) -> None:
    id = await world.carol.create_channel(world.dave)
    doomed = await world.dave.say(id)
    await do(world.dave, "deleteMessage", messageId=doomed)
    async with nothing_happens(world, id, world.carol):
        refusal = await denied(world.dave, name, messageId=doomed, **more)
    assert (refusal.code, refusal.field) == ("CONFLICT", "messageId")


async def test_only_the_sender_edits_and_only_they_and_admins_delete(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin, world.ivan)
    await do(world.carol, "updateMemberRole", channelId=id, userId=world.erin.id, role="ADMIN")
    doomed = await world.dave.say(id, "Mine")
    async with nothing_happens(world, id, world.carol):
        for person in (world.carol, world.erin, world.ivan):
            refusal = await denied(person, "editMessage", messageId=doomed, content="Yours")
            assert refusal.code == "FORBIDDEN"
        assert (await denied(world.ivan, "deleteMessage", messageId=doomed)).code == "FORBIDDEN"
    await do(world.erin, "deleteMessage", messageId=doomed)
    doomed = await world.erin.say(id, "Mine")
    await do(world.carol, "deleteMessage", messageId=doomed)
    assert (await message(world.ivan, doomed, "{ isDeleted }"))["isDeleted"] is True


async def test_in_a_direct_message_nobody_deletes_the_others_words(world: World) -> None:
    one, two = [await world.new_person(f"Changes {number}") for number in range(2)]
    opened = await do(one, "openDirectMessage", userIds=[two.id])
    id = opened["channel"]["id"]
    said = await two.say(id)
    async with nothing_happens(world, id, two):
        assert (await denied(one, "deleteMessage", messageId=said)).code == "FORBIDDEN"


async def test_a_super_admin_in_the_channel_deletes_what_anybody_said(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.alice)
    doomed = await world.dave.say(id)
    await do(world.alice, "deleteMessage", messageId=doomed)
    assert (await message(world.dave, doomed, "{ isDeleted }"))["isDeleted"] is True
    mine = await world.dave.say(id)
    async with nothing_happens(world, id, world.dave):
        refusal = await denied(world.alice, "editMessage", messageId=mine, content="Yours")
        assert refusal.code == "FORBIDDEN"


async def test_who_has_left_cannot_change_what_they_said(world: World) -> None:
    open_id = await world.carol.create_channel(world.dave, isPrivate=False)
    mine = await world.dave.say(open_id)
    await do(world.dave, "leaveChannel", channelId=open_id)
    async with nothing_happens(world, open_id, world.carol):
        for name, more in (
            ("editMessage", {"content": "Other"}),
            ("deleteMessage", {}),
            ("addReaction", {"emoji": "\U0001f44d"}),
        ):
            refusal = await denied(world.dave, name, messageId=mine, **more)
            assert refusal.code == "FORBIDDEN"
    await do(world.carol, "updateChannel", input={"channelId": open_id, "isPrivate": True})
    refusal = await denied(world.dave, "deleteMessage", messageId=mine)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "messageId")
