"""Fifty callers at once, on two servers: whatever they do to the same channel, it stays sound."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from tests.operations import channel, do, kinds_of_events, patiently
from tests.world import Person, RefusedError, World

CALLERS = 50

Call = Callable[[], Awaitable[Any]]


@pytest.fixture(scope="module")
async def second(world: World) -> AsyncIterator[World]:
    """The same company by way of another server."""
    async with world.another_server() as server:
        yield server


def by_turns(person: Person, second: World, number: int) -> Person:
    """The person at one of the two servers."""
    return Person(second, person.key, person.id) if number % 2 else person


async def outcomes(calls: list[Call]) -> Counter[str]:
    """How often each code came; whatever is no refusal fails the test, deadlocks among it."""

    async def outcome(call: Call) -> str:
        try:
            await patiently(call, tries=30)
        except RefusedError as refusal:
            return str(refusal.code)
        return "OK"

    return Counter(await asyncio.gather(*map(outcome, calls)))


async def assert_sound(world: World, id: str) -> None:
    """Counts are exact, positions without a hole, and the log tells who is in."""
    database = world.database
    stored = await database.fetchrow(
        "select member_count, position, archived_at,"
        " (select count(*) from members where channel_id = c.id) as inside,"
        " (select count(*) from events where channel_id = c.id) as events,"
        " (select max(position) from events where channel_id = c.id) as newest"
        " from channels c where id = $1",
        id,
    )
    assert stored is not None
    assert stored["member_count"] == stored["inside"]
    assert stored["position"] == stored["events"] == stored["newest"]
    kinds = Counter(await kinds_of_events(world, id))
    assert kinds["MemberJoined"] - kinds["MemberLeft"] == stored["inside"]


async def test_nine_people_open_one_direct_message(world: World, second: World) -> None:
    people = [await world.new_person(f"Opener {number}") for number in range(9)]
    ids = [person.id for person in people]

    def opening(number: int) -> Call:
        person = by_turns(people[number % 9], second, number)
        return partial(do, person, "openDirectMessage", userIds=random.sample(ids, 9))

    opened = await asyncio.gather(
        *(patiently(opening(number), tries=30) for number in range(CALLERS))
    )
    (id,) = {answer["channel"]["id"] for answer in opened}
    assert await channel(people[4], id, "{ type memberCount }") == {"type": "DM", "memberCount": 9}
    assert await kinds_of_events(world, id) == ["MemberJoined"] * 9
    count = "select count(*) from channels where dm_key = $1"
    assert await world.database.fetchval(count, ",".join(sorted(ids))) == 1
    await assert_sound(world, id)


async def test_people_come_and_go_and_write_while_the_channel_is_archived_and_restored(
    world: World, second: World
) -> None:
    admins = [world.carol, world.alice]
    people = [await world.new_person(f"Mover {number}") for number in range(6)]
    ids = [person.id for person in people]
    id = await world.carol.create_channel(world.alice, world.dave, isPrivate=False)
    other = await world.carol.create_channel(world.dave, isPrivate=False)

    def call(number: int) -> Call:
        admin = by_turns(admins[number // 6 % 2], second, number)
        person = by_turns(people[number % 6], second, number)
        dave = by_turns(world.dave, second, number)
        # The same two channels in either order: a lock that waits for another would show.
        there = (id, other)[number // 9 % 2]
        said = {"channelId": there, "content": "A word", "clientMessageId": f"{id}{number % 18}"}
        return [
            partial(do, admin, "addMembers", channelId=id, userIds=random.sample(ids, 6)),
            partial(do, admin, "removeMember", channelId=id, userId=person.id),
            partial(do, person, "joinChannel", channelId=id),
            partial(do, person, "leaveChannel", channelId=id),
            partial(do, dave, "sendMessage", input=said),
            partial(do, admin, "updateMemberRole", channelId=id, userId=person.id, role="ADMIN"),
            partial(do, admin, "archiveChannel", channelId=id),
            partial(do, admin, "unarchiveChannel", channelId=id),
            partial(do, person, "openDirectMessage", userIds=ids[:3]),
        ][number % 9]

    codes = await outcomes([call(number) for number in range(CALLERS)])
    assert set(codes) <= {"OK", "NOT_FOUND", "FORBIDDEN", "CONFLICT"}
    # Many come while it is archived.
    assert codes["OK"] >= CALLERS // 4
    await assert_sound(world, id)
    await assert_sound(world, other)


async def test_what_is_sent_while_a_channel_is_archived_is_before_it_or_refused(
    world: World, second: World
) -> None:
    people = [await world.new_person(f"Writer {number}") for number in range(8)]
    id = await world.carol.create_channel(*people)

    def call(number: int) -> Call:
        if number % 5 == 4:
            name = "unarchiveChannel" if number % 2 else "archiveChannel"
            return partial(do, by_turns(world.carol, second, number), name, channelId=id)
        writer = by_turns(people[number % 8], second, number)
        said = {"channelId": id, "content": f"{number}", "clientMessageId": f"{id}{number}"}
        return partial(do, writer, "sendMessage", input=said)

    codes = await outcomes([call(number) for number in range(CALLERS)])
    assert set(codes) <= {"OK", "CONFLICT"}
    await assert_sound(world, id)
    await do(world.carol, "archiveChannel", channelId=id)
    before = await world.state_of(id)
    codes = await outcomes([call(number) for number in range(CALLERS) if number % 5 != 4])
    # What was sent before is still answered with itself; nothing new is written.
    sent = await world.database.fetchval(
        "select count(*) from messages where channel_id = $1 and content_type = 'TEXT'", id
    )
    assert codes == Counter({"OK": sent, "CONFLICT": 40 - sent}) - Counter()
    assert await world.state_of(id) == before


# One by one, as nobody would count in earnest: without ordinals, numbers and indexes of mentions.
UNREAD = """
select count(*) filter (where x.parent_id is null and x.content_type <> 'SYSTEM')::int,
       count(*) filter (where x.mentions_channel)::int
  from members m
  left join messages x
         on x.channel_id = m.channel_id
        and x.position > greatest(m.read_position, m.joined_position)
        and x.sender_id <> m.user_id
        and x.deleted_at is null
 where m.channel_id = $1
   and m.user_id = $2
"""


async def test_counts_are_right_whatever_is_said_deleted_and_read_at_once(
    world: World, second: World
) -> None:
    people = [world.carol, world.dave, world.erin]
    id = await world.carol.create_channel(*people[1:], isPrivate=False)
    root = await world.carol.say(id)
    chance = random.Random(5)

    async def act(person: Person, number: int) -> None:
        client_id = f"{id} {number}"
        parent = root if chance.random() < 0.2 else None
        text = chance.choice(["@channel", "Hello"])
        said = await patiently(
            partial(person.say, id, text, parentId=parent, clientMessageId=client_id)
        )
        for name, arguments in chance.sample(
            [
                ("deleteMessage", {"messageId": said}),
                ("editMessage", {"messageId": said, "content": "@channel, look"}),
                ("markRead", {"channelId": id}),
                ("markRead", {"channelId": id, "messageId": said}),
                ("markUnread", {"messageId": said}),
                ("markUnread", {"messageId": root}),
            ],
            2,
        ):
            # What is deleted is not edited any more.
            await outcomes([partial(do, person, name, **arguments)])

    actors = [by_turns(person, second, number) for number in range(8) for person in people]
    coming = partial(outcomes, [partial(do, world.olga, "joinChannel", channelId=id)])
    await asyncio.gather(*map(act, actors, range(len(actors))), coming())
    for person in (*people, world.olga):
        found = await channel(person, id, "{ unreadCount mentionCount }")
        counted = await world.database.fetchrow(UNREAD, id, person.id)
        assert counted is not None
        assert tuple(found.values()) == tuple(counted)
    await assert_sound(world, id)
