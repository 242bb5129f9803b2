"""Threads: replies under their root, and how many."""

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.operations import (
    UNKNOWN_ID,
    channel,
    denied,
    do,
    message,
    nothing_happens,
    patiently,
    send,
)
from tests.world import World

PAGE = """{ replies(first: %d, after: %s) {
  edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} }"""


async def count(world: World, root: str) -> int:
    """The root's reply count, which must be that of the replies that can be read, the last of
    which must be its last reply.
    """
    found = await message(
        world.carol,
        root,
        "{ replyCount lastReply { id } replies(first: 100) { edges { node { id isDeleted } } } }",
    )
    there = [edge["node"] for edge in found["replies"]["edges"] if not edge["node"]["isDeleted"]]
    assert found["replyCount"] == len(there)
    assert found["lastReply"] == ({"id": there[-1]["id"]} if there else None)
    replies: int = found["replyCount"]
    return replies


async def test_a_reply_is_under_its_root_and_not_in_the_channel(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id, "Root")
    before = await channel(world.dave, id, "{ lastMessageAt }")
    reply = await send(
        world.dave,
        id,
        "Reply",
        "{ message { id replyCount parent { id replyCount content } } messageEdge { cursor } }",
        parentId=root.upper(),
    )
    assert reply["message"]["parent"] == {"id": root, "replyCount": 1, "content": "Root"}
    assert reply["message"]["replyCount"] == 0
    found = await channel(
        world.dave, id, "{ lastMessageAt lastMessage { id } messages { edges { node { id } } } }"
    )
    assert found["messages"]["edges"] == [{"node": {"id": root}}]
    assert found["lastMessage"] == {"id": root}
    assert found["lastMessageAt"] == before["lastMessageAt"]
    after = await message(world.dave, root, PAGE % (5, "null"))
    edge = {"cursor": reply["messageEdge"]["cursor"], "node": {"id": reply["message"]["id"]}}
    assert after["replies"]["edges"] == [edge]


async def test_replies_are_paged_oldest_first(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id)
    other = await world.carol.say(id)
    replies = []
    for number in range(5):
        replies.append(await world.dave.say(id, f"Reply {number}", parentId=root))
        await world.dave.say(id, "Elsewhere", parentId=other)
    found: list[str] = []
    after = "null"
    for number in range(3):
        page = (await message(world.carol, root, PAGE % (2, after)))["replies"]
        info = page["pageInfo"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        assert info["hasNextPage"] == (number < 2)
        assert info["hasPreviousPage"] == (number > 0)
        after = f'"{info["endCursor"]}"'
    assert found == replies
    assert (await message(world.carol, root, PAGE % (2, after)))["replies"]["edges"] == []


async def test_the_count_is_exact_under_replies_and_deletes_at_once(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    root = await world.carol.say(id)
    doomed = [await world.dave.say(id, "Doomed", parentId=root) for _ in range(6)]
    people = (world.carol, world.dave, world.erin)
    replies = [
        partial(person.say, id, "Reply", parentId=root, clientMessageId=f"{root} {number}")
        for person in people
        for number in range(5)
    ]
    # Twice each: by the sender and by the owner.
    deletes = [
        partial(do, person, "deleteMessage", messageId=reply)
        for person in (world.dave, world.carol)
        for reply in doomed
    ]
    await asyncio.gather(*map(patiently, replies), *map(patiently, deletes))
    assert await count(world, root) == 15


async def test_the_last_reply_is_the_newest_that_is_not_deleted(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root, other = [await world.carol.say(id) for _ in range(2)]
    assert (await message(world.carol, root, "{ lastReply { id } }"))["lastReply"] is None
    one, two, three = [await world.dave.say(id, "Reply", parentId=root) for _ in range(3)]
    elsewhere = await world.dave.say(id, "Reply", parentId=other)
    page = "{ messages { edges { node { lastReply { id sender { id } parent { id } } } } } }"
    for gone, last in ((two, three), (three, one), (one, None)):
        await do(world.dave, "deleteMessage", messageId=gone)
        edges = (await channel(world.carol, id, page))["messages"]["edges"]
        sender = {"id": world.dave.id}
        assert [edge["node"]["lastReply"] for edge in edges] == [
            last and {"id": last, "sender": sender, "parent": {"id": root}},
            {"id": elsewhere, "sender": sender, "parent": {"id": other}},
        ]
        assert await count(world, root) == (1 if last == one else 2 if last else 0)


async def test_who_took_part_in_a_thread_is_told_of_it_only_when_mentioned(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    root = await world.dave.say(id)
    await world.erin.say(id, "I took part", parentId=root)
    for person in (world.dave, world.erin):
        await do(person, "markRead", channelId=id)
    await world.carol.say(id, "A reply", parentId=root)
    await world.carol.say(id, "You", parentId=root, mentionedUserIds=[world.erin.id])
    counts = "{ unreadCount mentionCount }"
    assert await channel(world.dave, id, counts) == {"unreadCount": 0, "mentionCount": 0}
    assert await channel(world.erin, id, counts) == {"unreadCount": 0, "mentionCount": 1}


async def test_a_deleted_root_keeps_its_replies_and_a_deleted_reply_its_place(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id, "Root")
    one = await world.dave.say(id, "One", parentId=root)
    two = await world.dave.say(id, "Two", parentId=root)
    await do(world.dave, "deleteMessage", messageId=one)
    assert await count(world, root) == 1
    await do(world.carol, "deleteMessage", messageId=root)
    selection = "{ isDeleted content replyCount replies { edges { node { id content } } } }"
    assert await message(world.dave, root, selection) == {
        "isDeleted": True,
        "content": "",
        "replyCount": 1,
        "replies": {
            "edges": [{"node": {"id": one, "content": ""}}, {"node": {"id": two, "content": "Two"}}]
        },
    }


@pytest.mark.parametrize("parent", ["reply", "elsewhere", "secret", UNKNOWN_ID, "", "not an id"])
async def test_what_is_no_root_of_this_channel_is_not_replied_to(world: World, parent: str) -> None:
    id = await world.carol.create_channel(world.dave)
    elsewhere = await world.carol.create_channel(world.dave)
    secret = await world.carol.create_channel()
    root = await world.carol.say(id)
    known: dict[str, str] = {
        "reply": await world.carol.say(id, parentId=root),
        "elsewhere": await world.carol.say(elsewhere),
        "secret": await world.carol.say(secret),
    }
    states: list[Any] = [await world.state_of(elsewhere), await world.state_of(secret)]
    async with nothing_happens(world, id, world.carol):
        input = {"channelId": id, "content": "Hm", "parentId": known.get(parent, parent)}
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "parentId")
    if parent != "reply":
        assert refusal.message == "There is no such message in this channel."
    assert states == [await world.state_of(elsewhere), await world.state_of(secret)]
