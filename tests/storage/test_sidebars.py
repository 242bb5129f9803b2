"""Sidebars: each change of what is a person's own is counted and told once it is committed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage import sidebars
from storage.errors import Refusal, conflict
from storage.postgres import Database
from storage.records import Own
from storage.sight import Role

ANN = "0123456789abcdef01234567"
BEN = "0123456789abcdef01234568"
HERE = "01900000-0000-7000-8000-000000000000"
THERE = "01900000-0000-7000-8000-000000000001"


@pytest.fixture
async def syncing(database_url: str) -> AsyncIterator[Database]:
    """As those work who keep channels in step, for nobody in particular."""
    database = await Database.connect(database_url, role=Role.SYNC, patience=20)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
def told(syncing: Database) -> list[list[Own]]:
    told: list[list[Own]] = []
    syncing.on_touch = told.append
    return told


async def test_a_transaction_counts_once_for_each_person(
    database: Database, syncing: Database, told: list[list[Own]]
) -> None:
    async with syncing.transaction() as transaction:
        sidebars.touch(transaction, THERE, [BEN])
        sidebars.touch(transaction, HERE, [ANN, BEN])
        assert told == []
    assert [sorted(each) for each in told] == [
        [Own(ANN, 1, [HERE]), Own(BEN, 1, [HERE, THERE])],
    ]
    assert await sidebars.revisions(database, [ANN, BEN]) == {ANN: 1, BEN: 1}


async def test_what_is_rolled_back_never_was(
    database: Database, syncing: Database, told: list[list[Own]]
) -> None:
    async def touch_and_fail() -> None:
        async with syncing.transaction() as transaction:
            sidebars.touch(transaction, HERE, [ANN])
            raise conflict("Not today")

    with pytest.raises(Refusal):
        await touch_and_fail()
    assert told == []
    assert await sidebars.revisions(database, [ANN]) == {}


async def test_those_who_change_the_same_people_in_another_order_do_not_lock_each_other_out(
    database: Database, syncing: Database, told: list[list[Own]]
) -> None:
    both = asyncio.Barrier(2)

    async def touch(first: str, second: str) -> None:
        async with syncing.transaction() as transaction:
            sidebars.touch(transaction, HERE, [first])
            await both.wait()
            sidebars.touch(transaction, HERE, [second])

    async with asyncio.timeout(20):
        for _ in range(20):
            await asyncio.gather(touch(ANN, BEN), touch(BEN, ANN))
    assert await sidebars.revisions(database, [ANN, BEN]) == {ANN: 40, BEN: 40}
    assert sorted(each.revision for own in told for each in own if each.user_id == ANN) == list(
        range(1, 41)
    )
