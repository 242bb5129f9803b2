"""Reading back through a channel, and how far the viewer has read."""

import asyncio
from typing import Any

import pytest

from tests.operations import UNKNOWN_ID, channel, denied, do, message, nothing_happens
from tests.world import Person, World

PAGE = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  channel(id: $id) { messages(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}
"""
COUNTS = "{ unreadCount mentionCount membership { lastReadAt } }"


async def page(person: Person, id: str, **arguments: Any) -> Any:
    data = await person.run(PAGE, id=id, **arguments)
    return data["channel"]["messages"]


def ids(part: Any) -> list[str]:
    return [edge["node"]["id"] for edge in part["edges"]]


async def history(world: World, count: int) -> tuple[str, list[str]]:
    """A channel with messages, events and replies between them."""
    id = await world.carol.create_channel(world.dave)
    said = []
    for number in range(count):
        said.append(await world.carol.say(id, f"Message {number}"))
        await world.dave.say(id, "Reply", parentId=said[0])
    return id, said


async def test_pages_put_together_are_the_whole_history_both_ways(world: World) -> None:
    id, said = await history(world, 7)
    forward: list[str] = []
    after = None
    for number in range(3):
        part = await page(world.dave, id, first=3, after=after)
        info = part["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (number > 0, number < 2)
        assert info["startCursor"] == part["edges"][0]["cursor"]
        forward += ids(part)
        after = info["endCursor"]
    assert forward == said

    back: list[str] = []
    before = None
    for number in range(3):
        part = await page(world.dave, id, last=3, before=before)
        info = part["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (number < 2, number > 0)
        back = ids(part) + back
        before = info["startCursor"]
    assert back == said


async def test_a_page_between_two_cursors(world: World) -> None:
    id, said = await history(world, 6)
    cursors = [edge["cursor"] for edge in (await page(world.dave, id))["edges"]]
    between = {"after": cursors[0], "before": cursors[5]}
    assert ids(await page(world.dave, id, **between)) == said[1:5]
    assert ids(await page(world.dave, id, first=2, **between)) == said[1:3]
    assert ids(await page(world.dave, id, last=2, **between)) == said[3:5]
    assert ids(await page(world.dave, id, first=2, before=cursors[1])) == said[:1]
    assert ids(await page(world.dave, id, last=2, after=cursors[4])) == said[5:]
    assert ids(await page(world.dave, id, first=2, after=cursors[5])) == []
    assert ids(await page(world.dave, id, first=2, after=cursors[5], before=cursors[0])) == []


async def test_the_newest_fifty_when_nothing_is_said(world: World) -> None:
    id = await world.carol.create_channel()
    said = [await world.carol.say(id, str(number)) for number in range(52)]
    part = await page(world.carol, id)
    assert ids(part) == said[2:]
    assert part["pageInfo"]["hasPreviousPage"] is True
    assert part["pageInfo"]["hasNextPage"] is False
    assert ids(await page(world.carol, id, after=part["pageInfo"]["startCursor"])) == said[3:]


async def test_none_can_be_asked_for_and_both_ends_cannot(world: World) -> None:
    id, _ = await history(world, 2)
    for arguments in ({"first": 0}, {"last": 0}):
        part = await page(world.dave, id, **arguments)
        assert part["edges"] == []
        assert part["pageInfo"]["startCursor"] is None
    refusal = await world.dave.refused(PAGE, id=id, first=1, last=1)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "last")


async def test_marking_read_answers_with_what_is_so_now(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    mention = {"mentionedUserIds": [world.dave.id]}
    said = [await world.carol.say(id, "You", **mention) for _ in range(3)][-1]
    before = await channel(world.dave, id, COUNTS)
    assert before == {"unreadCount": 3, "mentionCount": 3, "membership": {"lastReadAt": None}}
    answer = await do(world.dave, "markRead", "{ channel " + COUNTS + " }", channelId=id.upper())
    found = answer["channel"]
    sent = await message(world.dave, said, "{ createdAt }")
    assert found["membership"]["lastReadAt"] > sent["createdAt"]
    assert (found["unreadCount"], found["mentionCount"]) == (0, 0)
    assert await channel(world.dave, id, COUNTS) == found


async def test_the_marker_never_moves_back(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = [await world.carol.say(id) for _ in range(4)]

    async def unread_after(message_id: str | None) -> int:
        await do(world.dave, "markRead", channelId=id, messageId=message_id)
        found: int = (await channel(world.dave, id, "{ unreadCount }"))["unreadCount"]
        return found

    assert await unread_after(said[1].upper()) == 2
    async with nothing_happens(world, id, world.carol):
        assert await unread_after(said[0]) == 2
        assert await unread_after(said[1]) == 2
    # What was said to prove that nothing happened is unread, too.
    assert await unread_after(said[2]) == 2
    calls = [do(world.dave, "markRead", channelId=id, messageId=m) for m in (None, *said)]
    await asyncio.gather(*calls)
    assert await unread_after(said[0]) == 0


async def test_reading_a_reply_reads_what_was_said_before_it(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id)
    reply = await world.carol.say(id, "Reply", parentId=root)
    await world.carol.say(id)
    await do(world.dave, "markRead", channelId=id, messageId=reply)
    assert (await channel(world.dave, id, "{ unreadCount }"))["unreadCount"] == 1


async def test_reading_is_the_viewers_own_and_no_event_of_the_log(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    await world.carol.say(id)
    cursor = await world.erin.cursor(id)
    await do(world.dave, "markRead", channelId=id)
    assert (await channel(world.erin, id, "{ unreadCount }"))["unreadCount"] == 1
    assert await world.erin.cursor(id) == cursor


@pytest.mark.parametrize("which", ["elsewhere", "secret", UNKNOWN_ID, "", "not an id"])
async def test_what_is_no_message_of_the_channel_is_not_read(world: World, which: str) -> None:
    id = await world.carol.create_channel(world.dave)
    await world.carol.say(id)
    secret = await world.carol.create_channel()
    elsewhere = await world.carol.create_channel(world.dave)
    known = {"elsewhere": await world.carol.say(elsewhere), "secret": await world.carol.say(secret)}
    async with nothing_happens(world, id, world.carol):
        wrong = known.get(which, which)
        refusal = await denied(world.dave, "markRead", channelId=id, messageId=wrong)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "messageId")
    assert refusal.message == "There is no such message."


async def test_who_only_looks_in_has_no_marker(world: World) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    await world.carol.say(id, "@channel")
    assert await channel(world.dave, id, "{ unreadCount mentionCount }") == {
        "unreadCount": 0,
        "mentionCount": 0,
    }
    assert (await denied(world.dave, "markRead", channelId=id)).code == "FORBIDDEN"
