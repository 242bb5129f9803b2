"""The line by which servers hear of each other breaks, in every way that lines do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.fleet import Fleet, Server
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import SIZE, Size

REPLACED_SECONDS = 8.0 * SIZE.slack
POLLED_SECONDS = 1.5 * SIZE.slack
"""How soon what one server has acknowledged is delivered by the other, by the poll alone."""

BELLS = """
select pid
  from pg_stat_activity
 where application_name = 'backchannel bell'
"""
TERMINATE = f"select pg_terminate_backend(pid) from ({BELLS}) as bells"
TERMINATE_ALL = """
select pg_terminate_backend(pid)
  from pg_stat_activity
 where datname = current_database()
   and application_name like 'backchannel%'
"""


async def bells(fleet: Fleet) -> set[int]:
    return {row[0] for row in await fleet.ask(BELLS)}


async def cut(fleet: Fleet) -> None:
    await fleet.bell_line.cut()
    await fleet.bell_line.mend()


async def swallow(fleet: Fleet) -> None:
    fleet.bell_line.lose()


async def terminate(fleet: Fleet) -> None:
    await fleet.ask(TERMINATE)


async def replaced(fleet: Fleet, servers: tuple[Server, ...], before: set[int]) -> None:
    """Return when every server listens on a connection that is none of those before."""
    while True:
        probes = await asyncio.gather(*(server.probe() for server in servers))
        now = await bells(fleet)
        if all(probe["bell"] for probe in probes) and len(now - before) >= len(servers):
            return
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("LISTEN connection cut", cut),
        ("LISTEN connection swallowed in silence", swallow),
        ("LISTEN connection terminated", terminate),
    ],
)
async def test_a_lost_bell_is_noticed_and_replaced_and_the_stream_goes_on(
    fleet: Fleet,
    pair: tuple[Server, Server],
    size: Size,
    report: Callable[[Row], None],
    fault: str,
    how: Callable[[Fleet], Awaitable[None]],
) -> None:
    async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
        for _ in range(size.times):
            await asyncio.sleep(size.load_seconds)
            before = await bells(fleet)
            assert len(before) >= len(pair)
            async with asyncio.timeout(REPLACED_SECONDS):
                await how(fleet)
                await replaced(fleet, pair, before)
        await asyncio.sleep(size.load_seconds)
        await load.settle()
        assert load.slowest() < POLLED_SECONDS
        assert load.interruptions() == 0
        truth = await fleet.truth(load.channel_id)
    report(load.record.check(fault, size.times, truth))


@asynccontextmanager
async def without_notify(fleet: Fleet, servers: tuple[Server, ...]) -> AsyncIterator[None]:
    """pg_notify does nothing in this database, on every connection made from here on."""
    before = await bells(fleet)
    await fleet.ask("create function public.pg_notify(text, text) returns void language sql as ''")
    await fleet.ask("alter database backchannel set search_path = public, pg_catalog")
    try:
        await fleet.ask(TERMINATE_ALL)
        async with asyncio.timeout(REPLACED_SECONDS):
            await replaced(fleet, servers, before)
        yield
    finally:
        await fleet.ask("alter database backchannel reset search_path")
        await fleet.ask("drop function public.pg_notify(text, text)")
        await fleet.ask(TERMINATE_ALL)


async def test_without_any_notify_the_poll_delivers_everything_soon(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    async with without_notify(fleet, pair):
        async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
            # Not even an echo comes back: again and again the watchdog finds the line dead, and
            # what is delivered comes by the poll alone.
            for _ in range(size.times):
                before = await bells(fleet)
                async with asyncio.timeout(REPLACED_SECONDS):
                    await replaced(fleet, pair, before)
            await load.settle()
            assert load.slowest() < POLLED_SECONDS
            assert load.interruptions() == 0
            truth = await fleet.truth(load.channel_id)
    report(load.record.check("NOTIFY switched off", size.times, truth))
