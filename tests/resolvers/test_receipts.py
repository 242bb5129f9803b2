"""Read receipts: who has read a message, and who is told."""

from typing import Any

import pytest

from storage import members
from tests.operations import channel, denied, do, message, nothing_happens
from tests.world import Person, World

READ_BY = """{ readBy(first: 100) {
  totalCount edges { cursor node { readAt user { id name } } }
} }"""


async def readers(person: Person, id: str) -> list[str]:
    found = (await message(person, id, READ_BY))["readBy"]
    assert found["totalCount"] == len(found["edges"])
    return [edge["node"]["user"]["id"] for edge in found["edges"]]


async def read(person: Person, id: str, message_id: str | None = None) -> None:
    await do(person, "markRead", channelId=id, messageId=message_id)


@pytest.fixture
async def quiet(world: World) -> Person:
    """Somebody who has turned their receipts off."""
    person = await world.new_person("Quiet Quinn")
    assert await do(person, "setReadReceipts", "", enabled=False) is False
    return person


async def test_members_who_have_read_so_far_in_the_order_they_joined(world: World) -> None:
    id = await world.carol.create_channel(world.erin, world.dave)
    one, two = [await world.carol.say(id) for _ in range(2)]
    assert await readers(world.carol, one) == []
    await read(world.dave, id, one)
    await read(world.carol, id)
    assert await readers(world.carol, one) == [world.dave.id]
    assert await readers(world.carol, two) == []
    await read(world.erin, id)
    in_order = sorted((world.dave.id, world.erin.id))
    assert await readers(world.dave, one) == in_order
    assert await readers(world.erin, two) == [world.erin.id]
    node = (await message(world.carol, two, READ_BY))["readBy"]["edges"][0]["node"]
    mine = await channel(world.erin, id, "{ membership { lastReadAt } }")
    assert node == {
        "readAt": mine["membership"]["lastReadAt"],
        "user": {"id": world.erin.id, "name": "Erin Evans"},
    }


async def test_pages_put_together_are_all_readers(world: World) -> None:
    people = [world.dave, world.erin, world.ivan, world.olga]
    id = await world.carol.create_channel(*people)
    said = await world.carol.say(id)
    for person in people:
        await read(person, id)
    found: list[str] = []
    after = None
    for number in range(2):
        query = (
            "query ($id: ID!, $after: String) { message(id: $id) { readBy(first: 3, after: $after)"
            " { totalCount edges { node { user { id } } }"
            " pageInfo { hasNextPage hasPreviousPage endCursor } } } }"
        )
        part = (await world.carol.run(query, id=said, after=after))["message"]["readBy"]
        found += [edge["node"]["user"]["id"] for edge in part["edges"]]
        after = part["pageInfo"]["endCursor"]
        assert part["totalCount"] == 4
        assert part["pageInfo"]["hasNextPage"] == (number == 0)
        assert part["pageInfo"]["hasPreviousPage"] == (number == 1)
    assert found == sorted(person.id for person in people)


async def test_to_mark_unread_does_not_unsee(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    first, said = [await world.carol.say(id) for _ in range(2)]
    await read(world.dave, id)
    before = await message(world.carol, said, READ_BY)
    assert before["readBy"]["totalCount"] == 1
    await do(world.dave, "markUnread", messageId=first)
    assert await message(world.carol, said, READ_BY) == before
    for message_id in (first, None):
        await read(world.dave, id, message_id)
        assert await message(world.carol, said, READ_BY) == before


async def test_who_joined_later_has_not_read_what_was_said_before(world: World) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    old = await world.carol.say(id)
    await do(world.dave, "joinChannel", channelId=id)
    new = await world.carol.say(id)
    await read(world.dave, id)
    assert await readers(world.carol, old) == []
    assert await readers(world.carol, new) == [world.dave.id]
    await do(world.dave, "leaveChannel", channelId=id)
    assert await readers(world.carol, new) == []


async def test_who_turns_theirs_off_is_seen_by_nobody_and_sees_nobody(
    world: World, quiet: Person
) -> None:
    id = await world.carol.create_channel(world.dave, quiet)
    said = await world.carol.say(id)
    await read(world.dave, id)
    await read(quiet, id)
    assert await readers(world.carol, said) == [world.dave.id]
    assert await readers(quiet, said) == []
    shown = "{ sendsReadReceipts }"
    assert (await do(quiet, "viewer", shown)) == {"sendsReadReceipts": False}
    assert await do(quiet, "setReadReceipts", "", enabled=True) is True
    assert (await do(quiet, "viewer", shown)) == {"sendsReadReceipts": True}
    both = sorted((world.dave.id, quiet.id))
    assert await readers(world.carol, said) == both
    assert await readers(quiet, said) == both


async def test_when_somebody_read_last_is_told_to_those_who_are_told_of_receipts(
    world: World, quiet: Person
) -> None:
    id = await world.carol.create_channel(world.dave, quiet)
    await world.carol.say(id)
    await read(world.dave, id)
    await read(quiet, id)
    selection = "{ members { edges { node { user { id } lastReadAt } } } }"

    async def shown_to(person: Person) -> set[str]:
        edges = (await channel(person, id, selection))["members"]["edges"]
        return {edge["node"]["user"]["id"] for edge in edges if edge["node"]["lastReadAt"]}

    assert await shown_to(world.carol) == {world.dave.id}
    assert await shown_to(world.dave) == {world.dave.id}
    assert await shown_to(quiet) == {quiet.id}


async def test_who_only_looks_in_is_told_nothing(world: World) -> None:
    id = await world.carol.create_channel(world.dave, isPrivate=False)
    said = await world.carol.say(id)
    await read(world.dave, id)
    assert await readers(world.erin, said) == []
    found = await channel(world.erin, id, "{ members { edges { node { lastReadAt } } } }")
    assert {edge["node"]["lastReadAt"] for edge in found["members"]["edges"]} == {None}


async def test_in_a_channel_of_more_than_a_hundred_nobody_is_told(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    await read(world.dave, id)

    async def fill(number: int) -> None:
        async with world.database.transaction() as transaction:
            await members.add(transaction, id, [f"{number:024x}"])

    for number in range(98):
        await fill(number)
    assert await readers(world.carol, said) == [world.dave.id]
    await fill(98)
    assert await readers(world.carol, said) == []
    found = await channel(
        world.carol, id, "{ members(first: 2) { edges { node { lastReadAt } } } }"
    )
    assert {edge["node"]["lastReadAt"] for edge in found["members"]["edges"]} == {None}


async def test_the_size_of_the_channel_is_a_setting(world: World) -> None:
    async with world.another_server(read_receipt_members=2) as strict:
        small = await world.carol.create_channel(world.dave)
        large = await world.carol.create_channel(world.dave, world.erin)
        told: list[Any] = []
        for id in (small, large):
            said = await world.carol.say(id)
            await read(world.dave, id)
            told.append(await readers(strict.carol, said))
        assert told == [[world.dave.id], []]


@pytest.mark.parametrize("after", ["", "nonsense", "WyJyIiwieCIsMV0"])
async def test_what_is_no_cursor_of_the_list_is_refused(world: World, after: str) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    async with nothing_happens(world, id, world.carol):
        query = f'{{ readBy(after: "{after}") {{ totalCount }} }}'
        refusal = await denied(world.carol, "message", query, id=said)
        assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "after")
