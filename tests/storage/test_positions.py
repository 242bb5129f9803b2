"""Positions: gapless, in the order of commits, whoever writes at the same time."""

import asyncio
import random

from storage import channels, events, ids
from storage.postgres import Database
from storage.records import EventKind
from tests.loaders.crowd import message

WRITERS = 16
ACTOR = "0123456789abcdef01234567"


class GivenUpError(Exception):
    """A writer changes its mind in the middle of it."""


async def test_sixteen_writers_leave_no_gap_and_no_reader_ever_sees_one(
    database: Database,
) -> None:
    channel_id, written, rung = ids.new_id(), 0, 0
    random_ = random.Random(7)
    async with database.transaction() as transaction:
        await channels.insert(
            transaction, channel_id, type="GROUP", created_by=ACTOR, name="Channel"
        )

    def ring(moved: dict[str, int]) -> None:
        nonlocal rung
        rung = max(rung, *moved.values())

    database.on_commit = ring

    async def write_one() -> int:
        count = random_.randint(1, 3)
        try:
            async with database.transaction() as transaction:
                await channels.lock(transaction, channel_id)
                await message(transaction, channel_id, ACTOR, None, [])
                people: list[str | None] = [ACTOR] * count
                await events.append(
                    transaction,
                    channel_id,
                    EventKind.MEMBER_JOINED,
                    actor_id=ACTOR,
                    user_ids=people,
                )
                if random_.random() < 0.25:
                    raise GivenUpError
        except GivenUpError:
            return 0
        return 1 + count

    async def write() -> None:
        nonlocal written
        for _ in range(12):
            count = await write_one()
            written += count

    async def read() -> int:
        seen = looks = 0
        while not all(task.done() for task in writing):
            found = await events.read_after(database, {channel_id: seen}, 1_000)
            positions = [event.position for event in found]
            assert positions == list(range(seen + 1, seen + 1 + len(positions)))
            seen += len(positions)
            looks += bool(positions)
        return looks

    writing = [asyncio.create_task(write()) for _ in range(WRITERS)]
    looks = await read()
    await asyncio.gather(*writing)
    assert looks > 10, "the reader has not read while others wrote"
    rows = await database.fetch(
        "select position from events where channel_id = $1 order by 1", channel_id
    )
    assert [row[0] for row in rows] == list(range(1, written + 1))
    assert (await events.heads(database, [channel_id]))[channel_id].position == written
    assert rung == written
    ordinals = await database.fetch(
        "select ordinal, sender_ordinal from messages where channel_id = $1 order by position",
        channel_id,
    )
    assert [tuple(row) for row in ordinals] == [(n, n) for n in range(1, len(ordinals) + 1)]
