"""Presence passes with time: of devices that are lost, of people who do nothing, of servers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from realtime import watches
from realtime.presence import PresenceTimes
from server.services import presence_times
from server.settings import Settings
from tests.program import program
from tests.realtime.presence import (
    SHOWN,
    becomes,
    presence,
    set_presence,
    status,
    told,
    watching,
)
from tests.servers import Fresh, Servers
from tests.world import Person, World, until

SLOWEST_POLL = watches.POLL_SECONDS

HEARTBEAT, GRACE, AWAY = 0.8, 1.2, 3.0
"""Seconds, in a company whose people are soon away and soon gone."""
BUSY = 5.0
"""How much later than it should a busy machine does something."""


@pytest.fixture(scope="module")
async def company(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A company whose people are soon away and soon gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watches, "POLL_SECONDS", 0.1)
        async with World.running(
            servers,
            fresh,
            presence_heartbeat_seconds=HEARTBEAT,
            presence_grace_seconds=GRACE,
            presence_away_seconds=AWAY,
        ) as company:
            yield company


async def test_a_device_that_is_lost_may_come_back_unnoticed(company: World) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with nina.socket() as socket:
            assert (await told(operation, nina))["status"] == "ONLINE"
            socket.connection.transport.abort()
        async with nina.socket():
            await asyncio.sleep(1.2 * GRACE)
            assert operation.is_silent
            assert await status(company.carol, nina) == "ONLINE"


async def test_a_device_that_is_lost_and_does_not_come_back_is_gone_after_the_grace(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    loop = asyncio.get_running_loop()
    async with watching(company.carol, nina) as operation:
        async with nina.socket() as socket:
            assert (await told(operation, nina))["status"] == "ONLINE"
            lost = loop.time()
            socket.connection.transport.abort()
        assert (await told(operation, nina))["status"] == "OFFLINE"
        assert loop.time() - lost >= GRACE


async def test_a_device_that_calls_itself_away_is_not_more_present_when_it_is_lost(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    loop = asyncio.get_running_loop()
    lost = 0.0
    async with watching(company.carol, nina) as operation:
        for _ in range(2):
            # Back within the grace, it is a device that does not call itself away.
            async with nina.socket() as pocket:
                assert (await told(operation, nina))["status"] == "ONLINE"
                await pocket.run(f"mutation {{ setPresence(status: AWAY) {SHOWN} }}")
                assert (await told(operation, nina))["status"] == "AWAY"
                lost = loop.time()
                pocket.connection.transport.abort()
        assert (await told(operation, nina))["status"] == "OFFLINE"
        assert loop.time() - lost >= GRACE
        assert operation.is_silent
    await until(lambda: nina.id not in company.services.live.presence._people)


async def test_a_heartbeat_counts_for_its_time_and_the_grace(company: World) -> None:
    nina = await company.new_person("Nina")
    loop = asyncio.get_running_loop()
    async with watching(company.carol, nina) as operation:
        began = loop.time()
        assert await set_presence(nina, "ONLINE") == "ONLINE"
        assert (await told(operation, nina))["status"] == "ONLINE"
        await asyncio.sleep(0.5 * HEARTBEAT)
        renewed = loop.time()
        await set_presence(nina, "ONLINE")
        assert (await told(operation, nina))["status"] == "OFFLINE"
        assert loop.time() - began > 1.5 * HEARTBEAT + GRACE
        assert loop.time() - renewed < HEARTBEAT + GRACE + BUSY
        assert operation.is_silent


async def test_who_asks_for_nothing_is_away_and_back_with_the_next_request(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation, nina.socket() as socket:
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        await socket.settled()
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        # Without a connection too.
        await nina.run("{ __typename }")
        assert (await told(operation, nina))["status"] == "ONLINE"


async def test_busy_is_only_who_is_there(company: World) -> None:
    nina = await company.new_person("Nina")
    assert await set_presence(nina, "BUSY") == "BUSY"
    async with watching(company.carol, nina) as operation:
        assert (await told(operation, nina))["status"] == "OFFLINE"
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "BUSY"


async def test_a_server_that_dies_takes_its_people_with_it(company: World, tmp_path: Path) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with program(company, tmp_path / "log") as other:
            there = Person(other.world, nina.key, nina.id)
            async with there.socket():
                assert (await told(operation, nina))["status"] == "ONLINE"
                os.kill(other.pid, signal.SIGKILL)
                killed = asyncio.get_running_loop().time()
                gone = await told(operation, nina)
        assert gone["status"] == "OFFLINE"
        assert gone["lastSeenAt"] is not None
        assert asyncio.get_running_loop().time() - killed < HEARTBEAT + GRACE + BUSY
        assert operation.is_silent


def test_by_default_that_takes_less_than_forty_seconds() -> None:
    times = PresenceTimes()
    assert times == presence_times(Settings.model_construct())
    assert (times.heartbeat, times.grace, times.away) == (25, 10, 300)
    assert times.alive + SLOWEST_POLL < 40


async def test_what_a_crash_of_the_database_empties_is_written_again(company: World) -> None:
    nina = await company.new_person("Nina")
    database = company.services.live.database
    async with nina.socket():
        # Away or not, that depends on how fast all this is.
        assert await set_presence(nina, "BUSY") == "BUSY"
        await database.execute("delete from devices")
        await database.execute("delete from servers")
        rows = "select count(*) from devices where user_id = $1"
        await becomes(partial(database.fetchval, rows, nina.id), 1)
        await becomes(partial(status, company.carol, nina), "BUSY")


async def test_when_somebody_was_last_seen_outlives_what_it_is_known_from(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with nina.socket():
            await told(operation, nina)
        gone = await told(operation, nina)
    database = company.services.live.database
    rows = "select count(*) from devices where user_id = $1"
    await becomes(partial(database.fetchval, rows, nina.id), 0)
    assert await presence(company.carol, nina) == gone
