"""Cursors that cannot be served are refused: never silence, never a hole."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from server.janitor import TRIM_BATCH
from storage import cursors
from tests.faults.fleet import Fleet, Server
from tests.faults.followers import EVENTS
from tests.faults.load import Load
from tests.faults.record import Row
from tests.faults.size import Size
from tests.realtime.following import place, positions
from tests.world import Person, RefusedError


async def refusal(person: Person, channel_id: str, cursor: str) -> str:
    """The code with which a subscription from this cursor on is refused, at once."""
    async with person.socket() as socket:
        operation = await socket.subscribe(EVENTS, id=channel_id, after=cursor)
        with pytest.raises(RefusedError) as refused:
            await operation.next()
        return str(refused.value.code)


async def since(person: Person, channel_id: str, cursor: str, count: int) -> list[int]:
    """The positions of the next events after this cursor."""
    async with person.socket() as socket:
        operation = await socket.subscribe(EVENTS, id=channel_id, after=cursor)
        return positions(channel_id, await operation.take(count))


async def test_cursors_ahead_of_the_head_of_another_channel_and_of_nothing(
    fleet: Fleet, pair: tuple[Server, Server]
) -> None:
    carol = fleet.person("carol", pair[0])
    channel, other = await carol.create_channel(), await carol.create_channel()
    cursor = await carol.cursor(channel)
    here = place(channel, cursor)
    ahead = cursors.encode_event(channel, here.epoch, here.position + 1)
    for server in pair:
        person = fleet.person("carol", server)
        assert await refusal(person, channel, ahead) == "RESYNC_REQUIRED"
        assert await refusal(person, other, cursor) == "BAD_USER_INPUT"
        assert await refusal(person, channel, "nonsense") == "BAD_USER_INPUT"
        assert await refusal(person, channel, cursor[:-2]) == "BAD_USER_INPUT"


async def test_what_is_older_than_the_log_reaches_is_trimmed_beside_the_load(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    carol = fleet.person("carol", pair[0])
    old = await carol.create_channel()
    first = await carol.cursor(old)
    start = place(old, first)
    async with (
        noting_batches(fleet) as batches,
        Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load,
    ):
        await fleet.ask(GROW, old, size.trimmed, carol.id)
        last = await carol.cursor(old)
        for number in range(3):
            await carol.say(old, str(number))
        edge = place(old, last).position
        assert edge == start.position + size.trimmed
        async with asyncio.timeout(30 + size.trimmed / 1_000):
            while (await fleet.ask(LEFT, old, start.position, edge))[0][0]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert max(await batches()) == TRIM_BATCH
        await load.settle()
        assert load.interruptions() == 0
        truth = await fleet.truth(load.channel_id)
    for server in pair:
        person = fleet.person("carol", server)
        assert await refusal(person, old, first) == "RESYNC_REQUIRED"
        before_edge = cursors.encode_event(old, start.epoch, edge - 1)
        assert await refusal(person, old, before_edge) == "RESYNC_REQUIRED"
        assert await since(person, old, last, 3) == [edge + 1, edge + 2, edge + 3]
    report(load.record.check(f"log trimmed by {size.trimmed} events", 1, truth))


GROW = """
with moved as (
    update channels set position = position + $2 where id = $1 returning position
)
insert into events (channel_id, position, kind, actor_id, occurred_at)
select $1, moved.position - $2 + number, 'ChannelUpdated', $3, now() - interval '30 days 1 hour'
  from moved, generate_series(1, $2) as number
"""
LEFT = "select count(*) from events where channel_id = $1 and position > $2 and position <= $3"

NOTE = """
create table noted (events bigint);
create function note() returns trigger language plpgsql security definer as $$
begin
    insert into noted select count(*) from gone;
    return null;
end $$;
create trigger note after delete on events referencing old table as gone
    for each statement execute function note();
"""
FORGET = "drop trigger note on events; drop function note; drop table noted;"


@asynccontextmanager
async def noting_batches(fleet: Fleet) -> AsyncIterator[Callable[[], Awaitable[list[int]]]]:
    """How many events each statement has deleted while the block lasts."""
    connection = await asyncpg.connect(fleet.backing.postgres.url)
    try:
        await connection.execute(NOTE)

        async def batches() -> list[int]:
            return [row[0] for row in await connection.fetch("select events from noted")]

        try:
            yield batches
        finally:
            await connection.execute(FORGET)
    finally:
        await connection.close()


async def test_after_a_restore_every_cursor_of_before_is_refused_and_life_goes_on(
    fleet: Fleet, pair: tuple[Server, Server], size: Size, report: Callable[[Row], None]
) -> None:
    """A real one: PostgreSQL's files of a while ago, recovered to a timeline of their own."""
    carol = fleet.person("carol", pair[0])
    channel = await carol.create_channel()
    await carol.say(channel, "before the backup")
    await backup(fleet)
    kept = await carol.cursor(channel)
    for number in range(5):
        await said(carol, channel, f"lost {number}")
    lost = await carol.cursor(channel)
    async with carol.socket() as socket:
        live = await socket.subscribe(EVENTS, id=channel, after=lost)
        await said(carol, channel, "heard live")
        await live.next()
        await restore(fleet)
        # Who was listening is told so, without doing anything.
        with pytest.raises(RefusedError) as refused:
            await live.next(10)
        assert refused.value.code == "RESYNC_REQUIRED"
        await socket.settled()
    for number in range(10):
        # Positions given out again, to other messages.
        await said(fleet.person("carol", pair[1]), channel, f"new {number}")
    for server in pair:
        person = fleet.person("carol", server)
        for cursor in (kept, lost):
            assert await refusal(person, channel, cursor) == "RESYNC_REQUIRED"
        fresh = await person.cursor(channel)
        assert place(channel, fresh).epoch != place(channel, lost).epoch
    async with Load.on(fleet, pair, followers=size.followers, senders=size.senders) as load:
        await asyncio.sleep(size.load_seconds)
        await load.settle()
        truth = await fleet.truth(load.channel_id)
    report(load.record.check("restored from a backup", 1, truth))


async def said(person: Person, channel: str, text: str) -> None:
    """Say it as soon as it can be said."""
    while True:
        try:
            await person.say(channel, text, clientMessageId=text)
        except RefusedError as refused:
            if refused.code != "UNAVAILABLE":
                raise
            await asyncio.sleep(0.05)
        else:
            return


def data(fleet: Fleet) -> Any:
    return fleet.folder / "postgres" / "data"


async def backup(fleet: Fleet) -> None:
    """A copy of PostgreSQL's files, as they are between two of its lives."""
    await fleet.backing.postgres.stop()
    copy(data(fleet), fleet.folder / "backup")
    await fleet.backing.postgres.restart()


async def restore(fleet: Fleet) -> None:
    """Put the copy back, and let PostgreSQL recover from it as its manual says."""
    await fleet.backing.postgres.stop()
    here = data(fleet)
    here.rename(fleet.folder / "gone")
    copy(fleet.folder / "backup", here)
    owner = here.stat()
    signal = here / "recovery.signal"
    signal.touch()
    os.chown(signal, owner.st_uid, owner.st_gid)
    with (here / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'false'\n")
    await fleet.backing.postgres.restart()
    # It answers before it takes writes.
    async with asyncio.timeout(20):
        while (await fleet.ask("select pg_is_in_recovery()"))[0][0]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def copy(source: Any, target: Any) -> None:
    subprocess.run(["cp", "-a", source, target], check=True)
