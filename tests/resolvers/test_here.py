"""@here calls those who are online when it is sent, and nobody else, ever."""

import asyncio
from collections.abc import AsyncIterator, Collection

import pytest

from storage import channels, members, reading
from tests.loaders.crowd import crowd
from tests.operations import channel, do, send
from tests.realtime import presence
from tests.world import Person, World


@pytest.fixture
def online(world: World, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Who is online."""
    people: set[str] = set()

    async def are_online(user_ids: Collection[str]) -> set[str]:
        return people & set(user_ids)

    monkeypatch.setattr(world.services.live, "online", are_online)
    return people


@pytest.fixture
async def full_house(world: World) -> AsyncIterator[tuple[str, list[str]]]:
    """A channel of 10,000 members."""
    id = await world.carol.create_channel()
    people = [f"{number:024x}" for number in range(10_000)]
    async with world.database.transaction() as transaction:
        await channels.lock(transaction, id)
        await members.add(transaction, id, people)
    yield id, people
    await world.database.execute("delete from channels where id = $1", id)


async def mentions(person: Person, id: str) -> int:
    found: int = (await channel(person, id, "{ mentionCount }"))["mentionCount"]
    return found


async def test_who_is_online_is_mentioned_and_who_comes_online_later_is_not(
    world: World, online: set[str]
) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    online |= {world.carol.id, world.dave.id, world.olga.id}
    await world.carol.say(id, "Is anybody @here?")
    online |= {world.erin.id}
    online -= {world.dave.id}
    assert [await mentions(p, id) for p in (world.carol, world.dave, world.erin)] == [0, 1, 0]


async def test_online_is_who_is_shown_so_on_whatever_server_they_are(world: World) -> None:
    nina, busy, away, gone = [
        await world.new_person(name) for name in ("Nina", "Busy", "Away", "Gone")
    ]
    id = await world.carol.create_channel(nina, busy, away, gone)
    async with world.another_server() as there:
        async with (
            presence.online(Person(there, nina.key, nina.id)),
            presence.online(busy),
            presence.online(away),
        ):
            await presence.set_presence(busy, "BUSY")
            await presence.set_presence(away, "AWAY")
            for number, person in enumerate((world.carol, there.carol), start=1):
                await person.say(id, "@here")
                called = [await mentions(each, id) for each in (nina, busy, away, gone)]
                assert called == [number, 0, 0, 0]


async def test_however_one_is_mentioned_a_message_counts_once(
    world: World, online: set[str]
) -> None:
    id = await world.carol.create_channel(world.dave)
    online |= {world.dave.id}
    await send(world.carol, id, "@here @channel you", mentionedUserIds=[world.dave.id])
    await send(world.carol, id, "@here you", mentionedUserIds=[world.dave.id])
    await send(world.carol, id, "@here @channel")
    assert await mentions(world.dave, id) == 3


async def test_a_reply_calls_too_and_a_deleted_one_no_longer(
    world: World, online: set[str]
) -> None:
    id = await world.carol.create_channel(world.dave)
    online |= {world.dave.id}
    root = await world.carol.say(id)
    reply = await world.carol.say(id, "@here", parentId=root)
    assert await mentions(world.dave, id) == 1
    await do(world.carol, "deleteMessage", messageId=reply)
    assert await mentions(world.dave, id) == 0


async def test_an_edit_calls_those_online_then_unless_they_were_called_before(
    world: World, online: set[str]
) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    said = await world.carol.say(id, "Anybody?")

    async def after(text: str) -> list[int]:
        await do(world.carol, "editMessage", messageId=said, content=text)
        return [await mentions(person, id) for person in (world.dave, world.erin)]

    online |= {world.dave.id}
    assert await after("Anybody @here?") == [1, 0]
    online ^= {world.dave.id, world.erin.id}
    assert await after("Anybody @here now?") == [1, 0]
    assert await after("Anybody?") == [0, 0]
    assert await after("Anybody @here?") == [0, 1]


async def test_who_left_and_came_back_is_not_called_by_what_was_said_before(
    world: World, online: set[str]
) -> None:
    id = await world.carol.create_channel(world.dave, isPrivate=False)
    online |= {world.dave.id, world.erin.id}
    await world.carol.say(id, "@here")
    await do(world.dave, "leaveChannel", channelId=id)
    for person in (world.erin, world.dave):
        await do(person, "joinChannel", channelId=id)
        assert await mentions(person, id) == 0
    await world.carol.say(id, "@here")
    assert [await mentions(p, id) for p in (world.dave, world.erin)] == [1, 1]


async def test_every_member_has_a_seat_of_their_own_however_many_come_at_once(
    world: World,
) -> None:
    id = await world.carol.create_channel(isPrivate=False)
    people = [world.dave, world.erin, world.ivan, world.olga]
    added = await crowd(world, 3)
    await asyncio.gather(
        *(do(person, "joinChannel", channelId=id) for person in people),
        do(world.carol, "addMembers", channelId=id, userIds=[*added, world.dave.id]),
    )
    rows = await world.database.fetch("select seat from members where channel_id = $1", id)
    seats = [row[0] for row in rows]
    assert len(set(seats)) == len(seats) == 8
    await world.mongo.users.delete_many({"isOneOfACrowd": True})


async def test_five_thousand_of_ten_thousand_take_a_bit_each(
    world: World, online: set[str], full_house: tuple[str, list[str]]
) -> None:
    id, people = full_house
    online |= set(people[::2])
    said = await world.carol.say(id, "@here")
    database = world.database
    assert await database.fetchval("select length(here) from messages where id = $1", said) == 1250
    counts = [
        (await reading.unread(database, person, [id]))[0].mention_count for person in people[:200]
    ]
    assert counts == [1, 0] * 100
