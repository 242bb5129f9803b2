"""Read markers that move are told to those who follow them, and to nobody who is not told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from storage import members
from storage.records import ChannelType
from tests.operations import do, message
from tests.places import MEMBER, OWNER, place
from tests.resolvers.test_receipts import readers
from tests.world import Operation, Person, RefusedError, World

FOLLOW = """subscription ($id: ID!) { readMarkerMoved(channelId: $id) {
  channelId messageId readAt user { id name }
} }"""

SENT = "{ createdAt sender { id } }"


@asynccontextmanager
async def following(channel: str, *people: Person) -> AsyncIterator[list[Operation]]:
    async with AsyncExitStack() as stack:
        operations = []
        for person in people:
            socket = await stack.enter_async_context(person.socket())
            before = person.world.followers(channel)
            operations.append(await socket.subscribe(FOLLOW, id=channel))
            await person.world.followed(channel, before + 1)
        yield operations


async def read(person: Person, channel: str, message_id: str | None = None) -> None:
    await do(person, "markRead", channelId=channel, messageId=message_id)


async def told(operation: Operation) -> tuple[str, str]:
    """Who has read up to which message."""
    event = (await operation.next())["readMarkerMoved"]
    return event["user"]["id"], event["messageId"]


async def ended(operation: Operation) -> str:
    """Why an operation is over."""
    with pytest.raises(RefusedError) as refusal:
        await operation.next()
    return str(refusal.value.code)


async def test_every_member_hears_how_far_somebody_has_read(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    async with following(id, world.carol, world.dave) as operations:
        await read(world.dave, id)
        first, second = [(await each.next())["readMarkerMoved"] for each in operations]
        receipt = "{ readBy { edges { node { readAt } } } }"
        edges = (await message(world.carol, said, receipt))["readBy"]["edges"]
        assert (
            first
            == second
            == {
                "channelId": id,
                "messageId": said,
                "readAt": edges[0]["node"]["readAt"],
                "user": {"id": world.dave.id, "name": "Dave Davis"},
            }
        )


async def test_a_stale_look_and_the_markers_told_are_a_fresh_look(world: World) -> None:
    people = [world.carol, world.dave, world.erin]
    id = await world.carol.create_channel(*people[1:], isPrivate=False)
    said = [await people[number % 3].say(id) for number in range(6)]
    said.append(await world.dave.say(id, "Reply", parentId=said[0]))
    await read(world.dave, id, said[1])

    async def look() -> dict[str, set[str]]:
        return {each: set(await readers(world.carol, each)) for each in said}

    shown = await look()
    async with following(id, world.carol) as (operation,):
        await do(world.olga, "joinChannel", channelId=id)
        news = await world.carol.say(id)
        said.append(news)
        shown[news] = set()
        for number in (3, 0, 6, 4):
            for person in people:
                await read(person, id, said[number])
        await read(world.dave, id)
        await read(world.olga, id)
        fresh = await look()
        assert fresh[news] == {world.dave.id, world.olga.id}
        sent = {each: await message(world.carol, each, SENT) for each in said}
        while shown != fresh:
            user_id, message_id = await told(operation)
            moved = await message(world.carol, message_id, SENT)
            for each in said:
                is_theirs = sent[each]["sender"]["id"] == user_id
                was_there = user_id != world.olga.id or each == news
                if sent[each]["createdAt"] <= moved["createdAt"] and was_there and not is_theirs:
                    shown[each].add(user_id)
        assert operation.is_silent


async def test_who_came_later_is_not_said_to_have_read_what_was_said_before(world: World) -> None:
    id = await place(world, ChannelType.GENERAL, (world.carol, OWNER), (world.dave, MEMBER))
    old = await world.carol.say(id)
    await do(world.olga, "joinChannel", channelId=id)
    await do(world.dave, "addReaction", messageId=old, emoji="\U0001f44d")
    async with following(id, world.carol) as (operation,):
        await read(world.olga, id)
        await read(world.dave, id)
        assert await told(operation) == (world.dave.id, old)
        new = await world.carol.say(id)
        await read(world.olga, id)
        assert await told(operation) == (world.olga.id, new)
        assert await readers(world.carol, old) == [world.dave.id]


async def test_it_is_told_on_every_server(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    async with world.another_server() as other, following(id, other.carol) as (operation,):
        await read(world.dave, id)
        assert await told(operation) == (world.dave.id, said)


async def test_of_several_moves_at_once_the_last_is_told(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = [await world.carol.say(id) for _ in range(10)]
    async with following(id, world.carol) as (operation,):
        await asyncio.gather(*(read(world.dave, id, each) for each in said))
        heard = await told(operation)
        while heard != (world.dave.id, said[-1]):
            heard = await told(operation)
        assert operation.is_silent


async def test_what_moves_no_marker_further_is_not_told(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    one, two = [await world.carol.say(id) for _ in range(2)]
    await read(world.dave, id, two)
    async with following(id, world.carol) as (operation,):
        await do(world.dave, "markUnread", messageId=one)
        await read(world.dave, id, one)
        await read(world.dave, id)
        await read(world.erin, id, one)
        heard = [await told(operation)]
        if heard[0][0] == world.dave.id:
            heard = [await told(operation)]
        assert heard == [(world.erin.id, one)]


async def test_who_turns_theirs_off_is_not_told_of_and_not_told(world: World) -> None:
    quiet = await world.new_person("Quiet Quincy")
    id = await world.carol.create_channel(world.dave, quiet)
    async with following(id, world.carol, quiet) as (loud, silenced):
        await do(quiet, "setReadReceipts", "", enabled=False)
        one = await world.carol.say(id)
        await read(quiet, id)
        await read(world.dave, id)
        assert await told(loud) == (world.dave.id, one)
        await do(quiet, "setReadReceipts", "", enabled=True)
        two = await world.carol.say(id)
        await read(world.dave, id)
        assert await told(loud) == await told(silenced) == (world.dave.id, two)
        assert loud.is_silent
        assert silenced.is_silent


async def test_nothing_is_told_of_a_channel_that_has_become_too_large(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    one = await world.carol.say(id)
    crowd = [f"{number:024x}" for number in range(98)]
    async with following(id, world.carol) as (operation,):
        async with world.database.transaction() as transaction:
            await members.add(transaction, id, crowd)
        await read(world.dave, id)
        async with world.database.transaction() as transaction:
            await members.remove(transaction, id, crowd[:1])
        await read(world.erin, id)
        assert await told(operation) == (world.erin.id, one)
        assert operation.is_silent


async def test_who_loses_the_channel_hears_nothing_more(world: World) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    async with following(id, world.dave, world.carol) as (gone, stays):
        await do(world.carol, "removeMember", channelId=id, userId=world.dave.id)
        assert await ended(gone) == "FORBIDDEN"
        said = await world.carol.say(id)
        await read(world.erin, id)
        assert await told(stays) == (world.erin.id, said)
        assert gone.is_silent


async def test_who_is_gone_hears_nothing_although_the_log_has_not_told_it_yet(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave, world.erin)
    one = await world.carol.say(id)
    async with following(id, world.dave, world.carol) as (gone, stays):
        async with world.database.transaction() as transaction:
            await members.remove(transaction, id, [world.dave.id])
        await read(world.erin, id)
        assert await told(stays) == (world.erin.id, one)
        assert gone.is_silent


async def test_only_members_follow(world: World) -> None:
    public = await world.carol.create_channel(isPrivate=False)
    secret = await world.carol.create_channel()
    async with world.dave.socket() as socket:
        for channel, code in ((public, "FORBIDDEN"), (secret, "NOT_FOUND")):
            assert await ended(await socket.subscribe(FOLLOW, id=channel)) == code


async def test_what_was_missed_is_told_when_the_bell_is_back(world: World) -> None:
    id = await world.carol.create_channel(world.dave)
    said = await world.carol.say(id)
    async with following(id, world.carol) as (operation,):
        await world.database.execute(
            "update members set seen_position = read_position + 100, last_read_at = now()"
            " where channel_id = $1 and user_id = $2",
            id,
            world.dave.id,
        )
        world.services.live.markers.look_everywhere()
        assert await told(operation) == (world.dave.id, said)
