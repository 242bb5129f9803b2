"""Who loses a channel, or the right to be there at all, while everybody sends."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from bson import ObjectId

from tests.faults.fleet import Fleet, Server
from tests.faults.followers import Follower, SocketFollower
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import Size
from tests.realtime.following import LEAVE, REMOVE
from tests.world import Person, until

CLOSED_SECONDS = 5.0
"""As promised, however busy the machine is."""
VIEWER = "{ viewer { user { id } } }"


async def test_leaving_and_removal_race_with_sending_on_two_servers(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    leavers = [await pair[0].world.new_person(f"Leaver {number}") for number in range(size.leavers)]
    async with Load.on(fleet, pair, followers=size.followers, members=leavers) as load:
        following = [
            load.follow(leaver.key, pair[number % 2], person=leaver, stays=False)
            for number, leaver in enumerate(leavers)
        ]
        await load.settled()
        load.send(size.senders, 0)
        for number, leaver in enumerate(leavers):
            sent = (number + 1) * size.racing_sends // (len(leavers) + 1)
            await until(partial(has_sent, load, sent), 60)
            # Over the other server than the one they listen on, and half of them by themselves.
            await leave(fleet, load, leaver, pair[(number + 1) % 2], by_themselves=number % 4 < 2)
        await until(partial(has_sent, load, size.racing_sends), 60)
        async with asyncio.timeout(10):
            for follower in following:
                await follower.is_over.wait()
        for follower, leaver in zip(following, leavers, strict=True):
            await out_for_good(fleet, follower, leaver)
        await load.settle()
        for follower, leaver in zip(following, leavers, strict=True):
            await nothing_after_leaving(fleet, load, follower, leaver)
        assert load.interruptions() == len(leavers)
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("leaving and removal race with sends", len(leavers), truth))


def has_sent(load: Load, count: int) -> bool:
    return len(load.record.calls) >= count


def were_ended(*followers: Follower) -> bool:
    return all(follower.closes or follower.refusals for follower in followers)


async def leave(
    fleet: Fleet, load: Load, leaver: Person, server: Server, *, by_themselves: bool
) -> None:
    there = Person(server.world, leaver.key, leaver.id)
    if by_themselves:
        await there.run(LEAVE, channel=load.channel_id)
    else:
        carol = fleet.person("carol", server)
        await carol.run(REMOVE, channel=load.channel_id, person=leaver.id)


async def out_for_good(fleet: Fleet, follower: SocketFollower, leaver: Person) -> None:
    """The operation has ended with FORBIDDEN, and the socket goes on."""
    assert follower.refusals == ["FORBIDDEN"]
    answer = await follower.ask(VIEWER)
    assert answer["data"]["viewer"]["user"]["id"] == leaver.id
    assert follower.closes == []


async def nothing_after_leaving(
    fleet: Fleet, load: Load, follower: Follower, leaver: Person
) -> None:
    """The last they were given is the event of their own leaving."""
    [left] = await fleet.ask(
        "select position from events"
        " where channel_id = $1 and kind = 'MemberLeft' and user_id = $2",
        load.channel_id,
        leaver.id,
    )
    last = follower.heard.deliveries[-1]
    assert (last.kind, last.position) == ("MemberLeft", left[0])


async def test_a_disabled_persons_connections_are_ended_soon_and_nobody_elses(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    gone = [await pair[0].world.new_person("Soon Gone") for _ in range(size.times)]
    async with Load.on(fleet, pair, followers=1, senders=size.senders, members=gone) as load:
        for number, person in enumerate(gone):
            theirs = load.follow(person.id, pair[number % 2], person=person, stays=False)
            streamed = load.follow_over_http(
                f"{person.id} over HTTP", pair[number % 2], person=person, stays=False
            )
            await load.settled()
            began = time.monotonic()
            await fleet.mongo.users.update_one(
                {"_id": ObjectId(person.id)}, {"$set": {"status": "disabled"}}
            )
            await until(partial(were_ended, theirs, streamed), CLOSED_SECONDS)
            assert time.monotonic() - began < CLOSED_SECONDS
            heard = [len(each.heard.deliveries) for each in (theirs, streamed)]
            await asyncio.sleep(size.load_seconds)
            # They try to come back all the time, and are not let in.
            assert set(theirs.closes) == {4403}
            assert (set(streamed.refusals), streamed.closes) == ({"UNAUTHENTICATED"}, [])
            assert [len(each.heard.deliveries) for each in (theirs, streamed)] == heard
        await load.settle()
        assert all(not follower.closes for follower in load.followers if follower.heard.stays)
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("person disabled in MongoDB", size.times, truth))
