"""Who loses a channel hears nothing of what comes after, and those who stay hear all of it."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from bson import ObjectId

from storage import channels, events
from tests.realtime.following import (
    ADD,
    EVENTS,
    LEAVE,
    MESSAGES,
    REMOVE,
    TYPING,
    contents,
    positions,
)
from tests.world import Operation, Person, RefusedError, Socket, World

CLOSE = """
mutation ($id: ID!) {
  updateChannel(input: {channelId: $id, isPrivate: true}) { channel { id } }
}
"""
TYPE = "mutation ($id: ID!) { setTyping(channelId: $id) }"


async def forbidden(operation: Operation) -> None:
    """The operation's next message must be its end."""
    with pytest.raises(RefusedError) as refusal:
        await operation.next()
    assert refusal.value.code == "FORBIDDEN"


@pytest.mark.parametrize("query", [MESSAGES, TYPING], ids=["messages", "typing"])
@pytest.mark.parametrize("by_themselves", [True, False], ids=["left", "removed"])
async def test_who_is_out_hears_no_more_and_keeps_the_socket(
    world: World, query: str, by_themselves: bool
) -> None:
    channel = await world.carol.create_channel(world.dave)
    other = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        ends = await socket.subscribe(query, id=channel)
        goes_on = await socket.subscribe(MESSAGES, id=other)
        await world.followed(channel)
        await world.followed(other)
        if by_themselves:
            await world.dave.run(LEAVE, channel=channel)
        else:
            await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        await forbidden(ends)
        await world.carol.run(TYPE, id=channel)
        await world.carol.say(channel, "behind the back")
        await world.carol.say(other, "still here")
        assert contents([await goes_on.next()]) == ["still here"]
        await socket.settled()
        assert ends.is_silent
        assert world.followers(channel) == 0


async def test_the_last_event_is_the_leaving_itself(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel)
        await world.followed(channel)
        await world.carol.say(channel, "before")
        await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        await world.carol.say(channel, "after")
        kinds = [each["channelEvents"]["__typename"] for each in await events.take(2)]
        assert kinds == ["MessageSent", "MemberLeft"]
        await forbidden(events)
        await socket.settled()
        assert events.is_silent


async def test_every_operation_of_who_is_out_ends(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as one, world.dave.socket() as two:
        operations = [
            await socket.subscribe(query, id=channel)
            for socket in (one, two)
            for query in (MESSAGES, TYPING, MESSAGES)
        ]
        await world.followed(channel, len(operations))
        await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        for operation in operations:
            await forbidden(operation)
        await world.followed(channel, 0)


async def test_who_is_out_cannot_come_back_with_a_cursor(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel, "meant for them, unread")
    await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
    async with world.dave.socket() as socket:
        operation = await socket.subscribe(EVENTS, id=channel, after=cursor)
        with pytest.raises(RefusedError) as refusal:
            await operation.next()
        assert refusal.value.code == "NOT_FOUND"
        await socket.settled()
        assert operation.is_silent


async def test_who_is_back_gets_what_happened_while_they_were_in_and_out(world: World) -> None:
    """Their leaving is history by now, and ends nothing."""
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
    await world.carol.say(channel, "without them")
    await world.carol.run(ADD, channel=channel, people=[world.dave.id])
    async with world.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel, after=cursor)
        kinds = [each["channelEvents"]["__typename"] for each in await events.take(5)]
        # Between them what Carol said, and after each the notice that says so.
        assert kinds == ["MemberLeft", *["MessageSent"] * 2, "MemberJoined", "MessageSent"]
        await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        left = (await events.next())["channelEvents"]["__typename"]
        assert left == "MemberLeft"
        await forbidden(events)


async def test_a_guest_loses_a_public_channel_that_becomes_private(world: World) -> None:
    channel = await world.carol.create_channel(world.dave, isPrivate=False)
    async with world.erin.socket() as guests, world.dave.socket() as members:
        guest = await guests.subscribe(EVENTS, id=channel)
        member = await members.subscribe(EVENTS, id=channel)
        await world.followed(channel, 2)
        await world.carol.say(channel, "open")
        await world.carol.run(CLOSE, id=channel)
        await world.carol.say(channel, "closed")
        assert len(await guest.take(2)) == 2
        await forbidden(guest)
        await guests.settled()
        assert guest.is_silent
        opened, _, closed = await member.take(3)
        assert contents([opened, closed]) == ["open", "closed"]


async def test_a_guest_who_has_joined_stays_when_the_channel_becomes_private(world: World) -> None:
    channel = await world.carol.create_channel(isPrivate=False)
    async with world.erin.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel)
        await world.carol.run(ADD, channel=channel, people=[world.erin.id])
        await world.carol.run(CLOSE, id=channel)
        await world.carol.say(channel, "for members")
        notice, said = await added.take(2)
        assert contents([notice, said]) == ["was added to the channel", "for members"]


async def test_those_who_stay_miss_nothing_when_many_leave_under_way(world: World) -> None:
    """Two servers, a hundred sends: every leaver hears just what came before their leaving."""
    async with world.another_server() as there, AsyncExitStack() as stack:
        leavers = [await world.new_person(f"Leaver {number}") for number in range(6)]
        channel = await world.carol.create_channel(world.dave, *leavers)

        async def follow(person: Person, on: World) -> Operation:
            own = Person(on, person.key, person.id)
            socket = await stack.enter_async_context(own.socket())
            return await socket.subscribe(EVENTS, id=channel)

        stays = [await follow(world.dave, on) for on in (world, there)]
        ends = [await follow(one, (world, there)[n % 2]) for n, one in enumerate(leavers)]
        await world.followed(channel, 4)
        await there.followed(channel, 4)

        async def send(on: World) -> None:
            for number in range(50):
                await on.carol.say(channel, str(number))

        async def remove() -> None:
            for number, leaver in enumerate(leavers):
                on = (there, world)[number % 2]
                await on.carol.run(REMOVE, channel=channel, person=leaver.id)

        await asyncio.gather(send(world), send(there), remove())
        everything = await stays[0].take(106)
        assert await stays[1].take(106) == everything
        log = positions(channel, everything)
        assert log == list(range(log[0], log[0] + 106))
        left = [
            number
            for number, each in enumerate(everything)
            if each["channelEvents"]["__typename"] == "MemberLeft"
        ]
        for operation, last in zip(ends, left, strict=True):
            assert await operation.take(last + 1) == everything[: last + 1]
            await forbidden(operation)
            await operation.socket.settled()
            assert operation.is_silent


async def test_a_disabled_persons_sockets_are_closed_and_nobody_elses(world: World) -> None:
    person = await world.new_person("Soon Gone")
    channel = await world.carol.create_channel(world.dave, person)
    async with person.socket() as one, person.socket() as two, world.dave.socket() as other:
        added = await other.subscribe(MESSAGES, id=channel)
        theirs = await one.subscribe(MESSAGES, id=channel)
        await world.followed(channel, 2)
        await world.mongo.users.update_one(
            {"_id": ObjectId(person.id)}, {"$set": {"status": "disabled"}}
        )
        assert [await one.closed(5), await two.closed(5)] == [4403, 4403]
        await world.carol.say(channel, "after")
        assert contents([await added.next()]) == ["after"]
        assert theirs.is_silent
        assert world.followers(channel) == 1


ACTORS = """
subscription ($id: ID!) { channelEvents(channelId: $id) { __typename actor { id } } }
"""


@pytest.mark.parametrize("becomes_client", [True, False], ids=["a client", "no client"])
async def test_who_becomes_a_client_or_none_begins_anew(world: World, becomes_client: bool) -> None:
    """What runs for people inside is shared, and names those whom no client may know."""
    person = await world.new_person("Two Faced", isClient=not becomes_client)
    channel = await world.carol.create_channel(person)

    async def actor(socket: Socket) -> object:
        operation = await socket.subscribe(ACTORS, id=channel)
        await world.followed(channel)
        await by_outsider(world, channel)
        heard = (await operation.next())["channelEvents"]
        assert heard["__typename"] == "ChannelUpdated"
        return heard["actor"]

    outsider = {"id": world.erin.id}
    async with person.socket() as socket:
        assert await actor(socket) == (outsider if becomes_client else None)
        await world.mongo.users.update_one(
            {"_id": ObjectId(person.id)}, {"$set": {"isClient": becomes_client}}
        )
        assert await socket.closed() == 1012
    async with person.socket() as socket:
        assert await actor(socket) == (None if becomes_client else outsider)


async def by_outsider(world: World, channel: str) -> None:
    """Somebody who is not in the channel has changed it, and it is told."""
    async with world.database.transaction() as transaction:
        await channels.lock(transaction, channel)
        await events.append(transaction, channel, "ChannelUpdated", actor_id=world.erin.id)
