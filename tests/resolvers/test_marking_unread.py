"""Marking unread: back to before a message, on purpose."""

import asyncio

import pytest

from tests.operations import UNKNOWN_ID, channel, denied, do, nothing_happens
from tests.world import Person, World

COUNTS = "{ unreadCount mentionCount }"


async def unread(person: Person, id: str) -> tuple[int, int]:
    found = await channel(person, id, COUNTS)
    return found["unreadCount"], found["mentionCount"]


async def test_the_message_and_what_follows_it_are_unread_again(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = [await world.carol.say(id, f"{n} @channel") for n in range(4)]
    await world.dave.say(id, "Mine")
    await do(world.dave, "markRead", channelId=id)
    answer = await do(
        world.dave, "markUnread", "{ channel " + COUNTS + " }", messageId=said[1].upper()
    )
    assert answer["channel"] == {"unreadCount": 3, "mentionCount": 3}
    assert await unread(world.dave, id) == (3, 3)
    await do(world.dave, "markRead", channelId=id, messageId=said[2])
    assert await unread(world.dave, id) == (1, 1)


async def test_what_is_unread_already_stays_as_it_is(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = [await world.carol.say(id) for _ in range(3)]
    before = await world.state_of(id)
    for message_id in said:
        await do(world.dave, "markUnread", messageId=message_id)
    assert await world.state_of(id) == before


async def test_from_a_reply_on_what_came_after_it_is_unread(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id)
    reply = await world.carol.say(id, "You", parentId=root, mentionedUserIds=[world.dave.id])
    await world.carol.say(id)
    await do(world.dave, "markRead", channelId=id)
    await do(world.dave, "markUnread", messageId=reply)
    assert await unread(world.dave, id) == (1, 1)


async def test_what_was_said_before_one_came_does_not_become_unread(world: World) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    old = await world.carol.say(id, "@channel")
    await do(world.dave, "joinChannel", channelId=id)
    await world.carol.say(id, "@channel")
    await do(world.dave, "markRead", channelId=id)
    await do(world.dave, "markUnread", messageId=old)
    assert await unread(world.dave, id) == (1, 1)


async def test_a_deleted_message_is_a_place_like_any_other(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    gone, _ = [await world.carol.say(id) for _ in range(2)]
    await do(world.dave, "markRead", channelId=id)
    await do(world.carol, "deleteMessage", messageId=gone)
    await do(world.dave, "markUnread", messageId=gone)
    assert await unread(world.dave, id) == (1, 0)


async def test_reading_and_marking_unread_at_once_end_in_one_of_the_two(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = [await world.carol.say(id) for _ in range(3)]
    for _ in range(10):
        await asyncio.gather(
            do(world.dave, "markRead", channelId=id),
            do(world.dave, "markUnread", messageId=said[1]),
            do(world.dave, "markRead", channelId=id, messageId=said[2]),
        )
        assert await unread(world.dave, id) in [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize("which", ["secret", UNKNOWN_ID, "", "not an id"])
async def test_what_one_cannot_see_is_not_marked(world: World, which: str) -> None:
    secret = await world.carol.create_channel()
    said = await world.carol.say(secret)
    async with nothing_happens(world, secret, world.carol):
        wrong = said if which == "secret" else which
        refusal = await denied(world.dave, "markUnread", messageId=wrong)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "messageId")
    assert refusal.message == "There is no such message."


async def test_who_only_looks_in_has_no_marker_to_move(world: World) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    said = await world.carol.say(id)
    async with nothing_happens(world, id, world.carol):
        assert (await denied(world.dave, "markUnread", messageId=said)).code == "FORBIDDEN"
