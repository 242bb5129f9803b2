"""Pins: which messages, in what order, how many, and who hears of it."""

import asyncio
from functools import partial
from typing import Any

import pytest

from tests.operations import (
    UNKNOWN_ID,
    channel,
    denied,
    do,
    kinds_of_events,
    message,
    nothing_happens,
    patiently,
)
from tests.places import archive
from tests.realtime.following import write
from tests.world import Person, World


async def pinned(person: Person, id: str) -> list[str]:
    found = await channel(person, id, "{ pinnedMessages { id isPinned } }")
    assert all(each["isPinned"] for each in found["pinnedMessages"])
    return [each["id"] for each in found["pinnedMessages"]]


async def test_what_was_pinned_last_comes_first(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id)
    reply = await world.dave.say(id, "Reply", parentId=root)
    other = await world.dave.say(id)
    for each in (other, root, reply):
        answer = await do(
            world.dave, "pinMessage", "{ message { isPinned } }", messageId=each.upper()
        )
        assert answer["message"] == {"isPinned": True}
    assert await pinned(world.carol, id) == [reply, root, other]
    answer = await do(world.carol, "unpinMessage", "{ message { isPinned } }", messageId=root)
    assert answer["message"] == {"isPinned": False}
    assert await pinned(world.dave, id) == [reply, other]
    await do(world.carol, "pinMessage", messageId=root)
    assert await pinned(world.dave, id) == [root, reply, other]


async def test_each_is_an_event_of_the_log(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    selection = """{
      __typename actor { id }
      ... on MessagePinned { message { id isPinned } }
      ... on MessageUnpinned { message { id isPinned } }
    }"""
    async with world.carol.socket() as socket:
        query = f"subscription ($id: ID!) {{ channelEvents(channelId: $id) {selection} }}"
        events = await socket.subscribe(query, id=id)
        await world.followed(id)
        for name, kind in (("pinMessage", "MessagePinned"), ("unpinMessage", "MessageUnpinned")):
            await do(world.dave, name, messageId=said)
            assert (await events.next())["channelEvents"] == {
                "__typename": kind,
                "actor": {"id": world.dave.id},
                "message": {"id": said, "isPinned": kind == "MessagePinned"},
            }


async def test_pinning_what_is_pinned_changes_nothing(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said, other = [await world.carol.say(id) for _ in range(2)]
    calls = [do(person, "pinMessage", messageId=said) for person in (world.carol, world.dave) * 3]
    await asyncio.gather(*calls)
    assert (await kinds_of_events(world, id)).count("MessagePinned") == 1
    async with nothing_happens(world, id, world.carol):
        await do(world.dave, "pinMessage", messageId=said)
        await do(world.dave, "unpinMessage", messageId=other)


async def test_a_deleted_message_is_not_pinned_any_more(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    await do(world.dave, "pinMessage", messageId=said)
    await do(world.carol, "deleteMessage", messageId=said)
    assert await pinned(world.carol, id) == []
    assert (await message(world.carol, said, "{ isPinned }")) == {"isPinned": False}
    async with nothing_happens(world, id, world.carol):
        for name in ("pinMessage", "unpinMessage"):
            refusal = await denied(world.dave, name, messageId=said)
            assert (refusal.code, refusal.field) == ("CONFLICT", "messageId")


async def test_a_channel_has_a_hundred_when_everybody_pins_at_once(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    await write(world, id, world.carol, ["Hello"] * 104)
    found = await channel(world.carol, id, "{ messages(first: 100) { edges { node { id } } } }")
    ids = [edge["node"]["id"] for edge in found["messages"]["edges"]]
    await world.database.execute(
        "update messages set pinned_at = now() where id = any($1::uuid[])", ids[:95]
    )
    last = await channel(world.carol, id, "{ messages(last: 9) { edges { node { id } } } }")
    nine = [edge["node"]["id"] for edge in last["messages"]["edges"]]
    people = (world.carol, world.dave)
    results = await asyncio.gather(
        *(
            patiently(partial(do, people[number % 2], "pinMessage", messageId=each))
            for number, each in enumerate(nine)
        ),
        return_exceptions=True,
    )
    refused = [getattr(each, "code", each) for each in results if isinstance(each, Exception)]
    assert refused == ["CONFLICT"] * 4
    assert len(await pinned(world.carol, id)) == 100
    await do(world.carol, "unpinMessage", messageId=ids[0])
    there = await pinned(world.carol, id)
    free = next(each for each in nine if each not in there)
    await do(world.carol, "pinMessage", messageId=free)
    async with nothing_happens(world, id, world.carol):
        refusal = await denied(world.dave, "pinMessage", messageId=ids[0])
        assert (refusal.code, refusal.field) == ("CONFLICT", "messageId")


@pytest.mark.parametrize("name", ["pinMessage", "unpinMessage"])
async def test_who_may_not_write_may_not_pin(world: World, name: str) -> None:
    secret = await world.carol.create_channel()
    public = await world.carol.create_channel(isPrivate=False)
    closed = await world.carol.create_channel(world.dave)
    refused: list[tuple[str, str]] = [
        (await world.carol.say(secret), "NOT_FOUND"),
        (await world.carol.say(public), "FORBIDDEN"),
        (await world.carol.say(closed), "CONFLICT"),
        (UNKNOWN_ID, "NOT_FOUND"),
    ]
    await archive(world, closed)
    before = [await world.state_of(id) for id in (secret, public, closed)]
    for said, code in refused:
        assert (await denied(world.dave, name, messageId=said)).code == code
    assert [await world.state_of(id) for id in (secret, public, closed)] == before


async def test_pins_of_a_channel_one_has_left_are_not_shown(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    await do(world.carol, "pinMessage", messageId=await world.carol.say(id))
    selection = "{ channel { pinnedMessages { id } } }"
    refusal = await denied(world.dave, "leaveChannel", selection, channelId=id)
    assert refusal.code == "NOT_FOUND"


async def test_pins_of_many_channels_are_one_question(world: World) -> None:
    viewer = await world.new_person("Pins")
    expected: dict[str, Any] = {}
    for _ in range(3):
        id = await viewer.create_channel()
        said = await viewer.say(id)
        await do(viewer, "pinMessage", messageId=said)
        expected[id] = [said]
    found = await do(
        viewer, "viewer", "{ channels { edges { node { id pinnedMessages { id } } } } }"
    )
    nodes = [edge["node"] for edge in found["channels"]["edges"]]
    assert {n["id"]: [m["id"] for m in n["pinnedMessages"]] for n in nodes} == expected
