"""Sending again with the same clientMessageId: one message, whatever happened in between."""

import asyncio
from functools import partial
from itertools import count
from typing import Any

import pytest

from tests.operations import channel, denied, do, nothing_happens, patiently, send
from tests.places import archive
from tests.world import Person, RefusedError, World

SELECTION = "{ message { id content isDeleted clientMessageId } messageEdge { cursor } }"

numbers = count()


def key() -> str:
    return f"client id {next(numbers)}"


async def again(person: Person, id: str, content: str, **more: Any) -> Any:
    return await send(person, id, content, SELECTION, **more)


async def test_a_retry_finds_the_first_and_writes_nothing(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    root = await world.carol.say(id)
    people = [world.carol.id, world.erin.id]
    draft: dict[str, Any] = {
        "clientMessageId": key(),
        "parentId": root,
        "mentionedUserIds": people,
    }
    first = await again(world.dave, id, "Once", **draft)
    async with nothing_happens(world, id, world.carol):
        assert await again(world.dave, id, "Once", **draft) == first
        same = {
            "clientMessageId": f" {draft['clientMessageId']} ",
            "parentId": root.upper(),
            "mentionedUserIds": [*people[::-1], people[0].upper()],
        }
        assert await again(world.dave, id.upper(), " Once\n", **same) == first


async def test_twenty_retries_at_once_make_one_message(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    before = await world.state_of(id)
    client = key()
    call = partial(again, world.dave, id, "Once", clientMessageId=client)
    answers = await asyncio.gather(*(patiently(call) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    after = await world.state_of(id)
    assert len(after[2]) == len(before[2]) + 1
    assert len(after[3]) == len(before[3]) + 1


@pytest.mark.parametrize(
    "change",
    [
        {"content": "Something else"},
        {"content": "once"},
        {"mentionedUserIds": ["carol"]},
        {"parentId": "root"},
        {"channelId": "other"},
    ],
)
async def test_other_content_under_the_same_id_is_a_conflict(
    world: World, change: dict[str, Any]
) -> None:
    id = await world.carol.create_channel(world.dave)
    other = await world.carol.create_channel(world.dave)
    root = await world.carol.say(id)
    names = {"carol": world.carol.id, "root": root, "other": other}
    change = {
        field: [names[v] for v in value] if isinstance(value, list) else names.get(value, value)
        for field, value in change.items()
    }
    client = key()
    await again(world.dave, id, "Once", clientMessageId=client)
    elsewhere = await world.state_of(other)
    async with nothing_happens(world, id, world.carol):
        input = {"channelId": id, "content": "Once", "clientMessageId": client, **change}
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("CONFLICT", "clientMessageId")
    assert await world.state_of(other) == elsewhere


async def test_the_same_id_in_two_channels_at_the_same_moment_is_one_message(
    world: World,
) -> None:
    for _ in range(5):
        ids = [await world.carol.create_channel(world.dave) for _ in range(2)]
        client = key()
        answers = await asyncio.gather(
            *(
                patiently(partial(again, world.dave, id, "Once", clientMessageId=client))
                for id in ids * 5
            ),
            return_exceptions=True,
        )
        sent = [answer for answer in answers if not isinstance(answer, BaseException)]
        refused = [answer for answer in answers if isinstance(answer, RefusedError)]
        assert len(sent) == len(refused) == 5
        assert all(answer == sent[0] for answer in sent)
        assert {(refusal.code, refusal.field) for refusal in refused} == {
            ("CONFLICT", "clientMessageId")
        }
        states = [await world.state_of(id) for id in ids]
        assert sorted(len(state[2]) for state in states) == [0, 1]
        # What was rolled back left no gap.
        assert [state[0]["position"] for state in states] == [len(state[3]) for state in states]


async def test_an_id_is_the_senders_own(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    client = key()
    one = await again(world.carol, id, "Mine", clientMessageId=client)
    two = await again(world.dave, id, "Yours", clientMessageId=client)
    assert one["message"]["id"] != two["message"]["id"]


async def test_after_an_edit_a_retry_finds_the_message_as_it_is_now(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    client = key()
    first = await again(world.dave, id, "Once", clientMessageId=client)
    await do(world.dave, "editMessage", messageId=first["message"]["id"], content="Edited")
    async with nothing_happens(world, id, world.carol):
        found = await again(world.dave, id, "Once", clientMessageId=client)
        assert found["message"] == {**first["message"], "content": "Edited"}
        input = {"channelId": id, "content": "Edited", "clientMessageId": client}
        assert (await denied(world.dave, "sendMessage", input=input)).code == "CONFLICT"


async def test_after_a_delete_a_retry_does_not_bring_the_message_back(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    client = key()
    first = await again(world.dave, id, "Once", clientMessageId=client)
    await do(world.carol, "deleteMessage", messageId=first["message"]["id"])
    async with nothing_happens(world, id, world.carol):
        found = await again(world.dave, id, "Once", clientMessageId=client)
        input = {"channelId": id, "content": "Twice", "clientMessageId": client}
        refusal = await denied(world.dave, "sendMessage", input=input)
        assert (refusal.code, refusal.field) == ("CONFLICT", "clientMessageId")
    assert found["message"] == {**first["message"], "content": "", "isDeleted": True}


async def test_a_deleted_message_does_not_answer_in_another_channel(world: World) -> None:
    """Or whoever has left its channel would go on seeing it, and the thread below it."""
    secret = await world.carol.create_channel(world.dave, name="A secret room")
    open_to_dave = await world.carol.create_channel(world.dave)
    client = key()
    sent = await again(world.dave, secret, "Once", clientMessageId=client)
    await world.carol.say(secret, "A secret reply", parentId=sent["message"]["id"])
    await do(world.dave, "deleteMessage", messageId=sent["message"]["id"])
    await do(world.dave, "leaveChannel", channelId=secret)
    before = await world.state_of(secret)
    async with nothing_happens(world, open_to_dave, world.carol):
        input = {"channelId": open_to_dave, "content": "Once", "clientMessageId": client}
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("CONFLICT", "clientMessageId")
    assert await world.state_of(secret) == before


async def test_a_retry_is_answered_in_an_archived_channel_but_not_to_one_who_left(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave)
    client = key()
    first = await again(world.dave, id, "Once", clientMessageId=client)
    await archive(world, id)
    assert await again(world.dave, id, "Once", clientMessageId=client) == first
    await do(world.dave, "leaveChannel", channelId=id)
    input = {"channelId": id, "content": "Once", "clientMessageId": client}
    refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("NOT_FOUND", "channelId")


@pytest.mark.parametrize("client", ["", "  ", "x" * 101, "a\x00b", "\ud800"])
async def test_an_id_that_is_none_is_refused(world: World, client: str) -> None:
    id = await world.carol.create_channel(world.dave)
    async with nothing_happens(world, id, world.carol):
        input = {"channelId": id, "content": "Once", "clientMessageId": client}
        refusal = await denied(world.dave, "sendMessage", input=input)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "clientMessageId")


async def test_without_an_id_every_sending_is_a_message(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    for _ in range(2):
        await send(world.dave, id, "Again", clientMessageId=None)
    found = await channel(world.carol, id, "{ messages { edges { node { content } } } }")
    assert [edge["node"]["content"] for edge in found["messages"]["edges"]] == ["Again"] * 2
