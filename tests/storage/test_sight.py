"""For whom a connection is borrowed: told at once, forgotten with it, never another's."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from storage import ids, reading
from storage.errors import Refusal
from storage.postgres import Database
from storage.sight import Role, Sight, Standing
from tests.servers import Fresh

PEOPLE = [Sight(f"{number:024}", "", Standing.INTERNAL) for number in range(3)]

WHO = "select viewer_id()"
MINE = "select count(*) from channels"


@pytest.fixture(scope="module")
async def url(fresh: Fresh) -> AsyncIterator[str]:
    """A database in which the first person is in one private channel, the second in two…"""
    async with fresh.database() as url:
        owner = await asyncpg.connect(url)
        try:
            for number, person in enumerate(PEOPLE, 1):
                for _ in range(number):
                    await owner.execute(
                        "with made as (insert into channels (id, type, name, is_private)"
                        " values ($1, 'GROUP', 'x', true) returning id)"
                        " insert into members (channel_id, user_id, seat, joined_position,"
                        " joined_ordinal, read_position, read_ordinal)"
                        " select id, $2, 0, 0, 0, 0, 0 from made",
                        ids.new_id(),
                        person.viewer_id,
                    )
        finally:
            await owner.close()
        yield url


@asynccontextmanager
async def pool_of_one(url: str, timeout: float = 10.0) -> AsyncIterator[Database]:
    database = await Database.connect(
        url, role=Role.APP, min_size=1, max_size=1, patience=5.0, timeout=timeout
    )
    try:
        yield database
    finally:
        await database.close()


async def sees(database: Database, person: Sight | None) -> None:
    """They see what is theirs, and nobody nothing."""
    seen_by = database if person is None else database.seen_by(person)
    assert await seen_by.fetchval(WHO) == (person.viewer_id if person else None)
    assert await seen_by.fetchval(MINE) == (PEOPLE.index(person) + 1 if person else 0)


async def test_one_connection_shows_each_in_turn_what_is_theirs(url: str) -> None:
    async with pool_of_one(url) as database:
        backend = await database.fetchval("select pg_backend_pid()")
        for person in (PEOPLE[0], None, PEOPLE[1], PEOPLE[2], None, None, PEOPLE[0]):
            await sees(database, person)
        assert await database.fetchval("select pg_backend_pid()") == backend


async def test_whatever_ends_a_loan_nothing_of_it_is_left_to_the_next(url: str) -> None:
    """Cancelled at any moment, refused, too late, failed: the next one is who they are."""
    chance = random.Random(8)

    async def slow(database: Database) -> None:
        async with database.transaction() as transaction:
            await transaction.fetchval("select pg_sleep(0.02)")

    async def wrong(database: Database) -> None:
        async with database.transaction() as transaction:
            await transaction.execute("select 1 / 0")

    async def impolite(database: Database) -> None:
        # What an injected statement might try to leave behind.
        await database.execute(f"set backchannel.viewer = '{PEOPLE[2].viewer_id}'")

    async with pool_of_one(url) as database:
        for _ in range(60):
            person = chance.choice([*PEOPLE, None])
            borrowed = database if person is None else database.seen_by(person)
            loan = asyncio.create_task(chance.choice([slow, wrong, impolite])(borrowed))
            if chance.random() < 0.6:
                await asyncio.sleep(chance.random() * 0.01)
                loan.cancel()
            with suppress(asyncio.CancelledError, asyncpg.DivisionByZeroError):
                await loan
            await sees(database, chance.choice([*PEOPLE, None]))


async def test_a_statement_that_takes_too_long_leaves_nothing_either(url: str) -> None:
    async with pool_of_one(url, timeout=0.2) as database:
        with pytest.raises(Refusal):
            await database.seen_by(PEOPLE[2]).fetchval("select pg_sleep(30)")
        await sees(database, None)
        await sees(database, PEOPLE[0])


async def test_many_at_once_see_what_is_their_own(url: str) -> None:
    database = await Database.connect(url, role=Role.APP, min_size=1, max_size=3, patience=10.0)
    try:
        crowd = [*PEOPLE, None] * 10
        random.Random(8).shuffle(crowd)
        await asyncio.gather(*(sees(database, person) for person in crowd))
    finally:
        await database.close()


@pytest.mark.parametrize("escape", ["set role none", "set role backchannel_live"])
async def test_a_role_that_was_changed_is_the_pool_s_again_for_the_next(
    url: str, escape: str
) -> None:
    async with pool_of_one(url) as database:
        async with database.seen_by(PEOPLE[0]).reading() as connection:
            await connection.execute(escape)
            assert await connection.fetchval("select current_user") != Role.APP
            await connection.execute("reset role")
            assert await connection.fetchval("select current_user") == Role.APP
            await connection.execute(escape)
        assert await database.fetchval("select current_user") == Role.APP
        await sees(database, PEOPLE[0])


async def test_what_a_person_asks_for_is_planned_for_everybody(url: str) -> None:
    person = PEOPLE[1]
    async with pool_of_one(url) as database:
        for _ in range(8):
            await database.seen_by(person).fetch(reading.UNREAD, person.viewer_id, None)
        plans = await database.fetchrow(
            "select custom_plans, generic_plans from pg_prepared_statements where statement = $1",
            reading.UNREAD,
        )
        assert plans is not None
        assert tuple(plans) == (0, 8)
        # Whoever takes the connection next, of whatever pooler, plans as they are used to.
        assert await database.fetchval("show plan_cache_mode") == "auto"
