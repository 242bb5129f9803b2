"""A server dies, or is told to go; others take over, and its clients come back to them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import InvalidHandshake

from tests.faults.fleet import Fleet, Server
from tests.faults.followers import EVENTS
from tests.faults.load import SEND, Load
from tests.faults.record import Outcome, Row
from tests.faults.size import SIZE, Size

OTHERS_SECONDS = 2.0 * SIZE.slack
"""How soon others deliver what a server committed and never told of."""
EXIT_SECONDS = 10.0 * SIZE.slack


async def test_killed_between_commit_and_hint_its_message_is_delivered_by_the_others(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    await fleet.odd()
    async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
        for _ in range(size.times):
            dies = await fleet.odd()
            load.follow("on the one that dies", dies)
            load.follow_over_http("on the one that dies, over HTTP", dies)
            await load.settled()
            assert (await load.say(dies)).outcome is Outcome.OK
            fleet.fatal.touch()
            try:
                call = await load.say(dies)
                assert await dies.child.wait() == -9
            finally:
                fleet.fatal.unlink()
            died = time.monotonic()
            # It never said so, and yet it was done.
            assert call.outcome is Outcome.UNKNOWN
            await load.delivered([call], OTHERS_SECONDS)
            assert time.monotonic() - died < OTHERS_SECONDS
        await load.settle()
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("server killed (-9) between commit and hint", size.times, truth))


async def test_told_to_stop_under_load_it_drains_and_nobody_loses_anything(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    goes = await fleet.other()
    async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
        for _ in range(size.times):
            goes = await fleet.other()
            theirs = [
                load.follow(f"{number} on the one that goes", goes)
                for number in range(size.followers)
            ]
            streamed = load.follow_over_http("on the one that goes, over HTTP", goes)
            load.servers.append(goes)
            await load.settled()
            await asyncio.sleep(size.load_seconds)
            began = time.monotonic()
            await drained(fleet, goes)
            assert time.monotonic() - began < EXIT_SECONDS
            load.servers.remove(goes)
            await load.delivered([await load.say(pair[0])], 10)
            assert [follower.closes for follower in theirs] == [[1012]] * len(theirs)
            # The body breaks off, so that a client comes back.
            assert (streamed.closes, streamed.refusals) == ([1006], [])
        await load.settle()
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("SIGTERM", size.times, truth))


async def test_told_to_stop_while_postgresql_is_silent_it_says_goodbye_and_goes_in_time(
    fleet: Fleet, pair: tuple[Server, Server]
) -> None:
    async with fleet.another("goes") as goes:
        carol = fleet.person("carol", goes)
        channel = await carol.create_channel()
        async with carol.socket() as socket:
            await socket.subscribe(EVENTS, id=channel)
            await socket.settled()
            with fleet.silent_postgres():
                idle = await under_way(goes)
                sending = asyncio.create_task(carol.respond(SEND, say_in(channel, "Hello")))
                while await under_way(goes) == idle:
                    pass
                began = time.monotonic()
                goes.terminate()
                assert await socket.closed(EXIT_SECONDS) == 1012
                assert await goes.child.wait() == 0
                assert time.monotonic() - began < EXIT_SECONDS
                # It may have been done, and that is what its sender is told.
                [error] = (await sending).json()["errors"]
                assert error["extensions"]["code"] == "UNAVAILABLE"
    assert await fleet.person("carol", pair[0]).say(channel)


async def under_way(server: Server) -> int:
    """How many requests and sockets it has, this question among them."""
    count: int = (await server.probe())["tasks"]["Task-"]
    return count


def say_in(channel_id: str, content: str) -> dict[str, Any]:
    """The variables of a message."""
    return {"input": {"channelId": channel_id, "content": content}}


async def drained(fleet: Fleet, goes: Server) -> None:
    """Tell it to stop while two messages are under way, and hold it to every promise."""
    carol = fleet.person("carol", goes)
    channel = await carol.create_channel()
    async with carol.socket() as socket, carol.socket() as idle:
        async with held(fleet, channel):
            sending = await socket.subscribe(SEND, **say_in(channel, "socket"))
            over_http = asyncio.create_task(carol.say(channel, "http"))
            await waiting(fleet, 2)
            goes.terminate()
            # Who has nothing under way is sent to another server at once.
            assert await idle.closed() == 1012
            with pytest.raises((OSError, InvalidHandshake)):
                async with carol.socket():
                    pass
            assert sending.is_silent
            assert not over_http.done()
        assert (await sending.next())["sendMessage"]["message"]["id"]
        assert await over_http
        assert await socket.closed() == 1012
    async with asyncio.timeout(EXIT_SECONDS):
        assert await goes.child.wait() == 0
    stored = await fleet.truth(channel)
    assert {said for _, said in stored.messages.values()} == {"socket", "http"}


@asynccontextmanager
async def held(fleet: Fleet, channel_id: str) -> AsyncIterator[None]:
    """The channel's lock is taken: who sends there has to wait."""
    connection = await asyncpg.connect(fleet.backing.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("select 1 from channels where id = $1 for update", channel_id)
            yield
    finally:
        await connection.close()


async def waiting(fleet: Fleet, count: int) -> None:
    """Return when so many wait for a lock."""
    async with asyncio.timeout(5):
        while True:
            [row] = await fleet.ask("select count(*) from pg_locks where not granted")
            if row[0] >= count:
                return
            await asyncio.sleep(0.01)
