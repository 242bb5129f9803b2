"""Lending: what is said to a connection around a loan, and that none is ever lost."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.postgres import Database
from storage.sight import FORGET, Role, Sight, Standing, see
from tests.servers import Fresh

ANNA = Sight("a" * 24, "", Standing.INTERNAL)
BORIS = Sight("b" * 24, "sales", Standing.CLIENT)

WHO = "select viewer_id()"
TURN = "insert into preferences (user_id, sends_receipts) values ($1, false)"
SETTING = "select current_setting('backchannel.viewer', true)"


@pytest.fixture(scope="module")
async def url(fresh: Fresh) -> AsyncIterator[str]:
    async with fresh.database() as url:
        yield url


@asynccontextmanager
async def pool_of(
    url: str, size: int = 1, said: list[str] | None = None, **options: Any
) -> AsyncIterator[Database]:
    """A pool, and everything that is said on its connections."""

    async def listen(connection: asyncpg.Connection) -> None:
        if said is not None:
            connection.add_query_logger(lambda query: said.append(query.query))

    options = {"init": listen, **options}
    database = await Database.connect(url, role=Role.APP, min_size=1, max_size=size, **options)
    try:
        yield database
    finally:
        await database.close()


async def noted() -> None:
    """asyncpg takes its notes of a statement in the turn of the loop after its answer."""
    await asyncio.sleep(0)


async def test_the_next_viewer_is_told_of_as_the_last_one_is_forgotten(url: str) -> None:
    said: list[str] = []
    async with pool_of(url, said=said) as database:
        for person in (ANNA, BORIS, ANNA):
            seen_by = database.seen_by(person)
            assert await seen_by.fetchval(WHO) == person.viewer_id
            assert await seen_by.fetchval(WHO) == person.viewer_id
            seen_by.let_go()
        await noted()
    assert said[:8] == [
        *(f"begin read only; {see(ANNA)}", WHO, WHO),
        *(f"rollback; {FORGET}; begin read only; {see(BORIS)}", WHO, WHO),
        *(f"rollback; {FORGET}; begin read only; {see(ANNA)}", WHO),
    ]


async def test_a_transaction_begins_with_its_viewer_and_ends_without(url: str) -> None:
    said: list[str] = []
    async with pool_of(url, said=said) as database:
        async with database.seen_by(ANNA).transaction() as transaction:
            assert await transaction.fetchval(WHO) == ANNA.viewer_id
        await noted()
        assert said == [f"begin; {see(ANNA)}", WHO, f"commit; {FORGET}"]
        said.clear()
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with database.seen_by(BORIS).transaction() as transaction:
                await transaction.execute("select 1 / 0")
        assert await database.fetchval(WHO) is None
        await noted()
        assert said[2:] == [f"rollback; {FORGET}", WHO]


@pytest.mark.parametrize("let_go", [True, False])
async def test_a_connection_that_nobody_asks_for_forgets_by_itself(url: str, let_go: bool) -> None:
    forgot = asyncio.Event()

    async def listen(connection: asyncpg.Connection) -> None:
        forgets = f"rollback; {FORGET}"
        connection.add_query_logger(lambda query: forgot.set() if query.query == forgets else None)

    async with pool_of(url, init=listen) as database:
        seen_by = database.seen_by(ANNA)
        async with seen_by.reading() as connection:
            lent = connection
            assert await lent.fetchval(SETTING) == ANNA.viewer_id
        if let_go:
            seen_by.let_go()
        async with asyncio.timeout(5):
            await forgot.wait()
        # As whoever has it by mistake would find it.
        assert await lent.fetchval(SETTING) == ""


async def test_what_somebody_reads_and_then_writes_is_one_viewer_s_and_committed(
    url: str,
) -> None:
    said: list[str] = []
    async with pool_of(url, said=said) as database:
        anna = database.seen_by(ANNA)
        assert await anna.fetchval(WHO) == ANNA.viewer_id
        await anna.execute(TURN, ANNA.viewer_id)
        assert await anna.fetchval("select count(*) from preferences") == 1
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await anna.fetch("delete from messages returning id")
        assert await anna.fetchval(WHO) == ANNA.viewer_id
        await noted()
    assert said[:4] == [
        *(f"begin read only; {see(ANNA)}", WHO),
        *(f"commit; begin; {see(ANNA)}", TURN),
    ]


async def test_what_somebody_keeps_is_another_s_who_needs_it(url: str) -> None:
    async with pool_of(url) as database:
        anna, boris = database.seen_by(ANNA), database.seen_by(BORIS)
        for _ in range(3):
            assert await anna.fetchval(WHO) == ANNA.viewer_id
            assert await boris.fetchval(WHO) == BORIS.viewer_id
            async with anna.transaction() as transaction:
                assert await transaction.fetchval(WHO) == ANNA.viewer_id


async def test_whoever_gives_up_takes_no_connection_along(url: str) -> None:
    chance = random.Random(9)

    async def use(database: Database, person: Sight) -> None:
        if chance.random() < 0.5:
            async with database.seen_by(person).transaction() as transaction:
                assert await transaction.fetchval(WHO) == person.viewer_id
        else:
            assert await database.seen_by(person).fetchval(WHO) == person.viewer_id

    async with pool_of(url, 2, patience=10.0) as database:
        for _ in range(40):
            loans = [
                asyncio.create_task(use(database, chance.choice([ANNA, BORIS]))) for _ in range(8)
            ]
            for _ in range(chance.randrange(12)):
                await asyncio.sleep(0)
            for loan in chance.sample(loans, 4):
                loan.cancel()
            for ended in await asyncio.gather(*loans, return_exceptions=True):
                assert ended is None or isinstance(ended, asyncio.CancelledError)
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(database.seen_by(ANNA).reading())


async def test_who_is_cancelled_as_a_connection_comes_passes_it_on(url: str) -> None:
    async with pool_of(url) as database:
        async with database.seen_by(ANNA).reading():
            waiting = asyncio.create_task(database.seen_by(BORIS).fetchval(WHO))
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await database.fetchval(WHO) is None


async def test_who_waits_is_served_when_a_connection_is_lost(url: str, fresh: Fresh) -> None:
    async with pool_of(url, patience=5.0) as database:
        killer = await asyncpg.connect(url)
        async with database.seen_by(ANNA).reading() as connection:
            mine = await connection.fetchval("select pg_backend_pid()")
            waiting = asyncio.create_task(database.seen_by(BORIS).fetchval(WHO))
            await asyncio.sleep(0)
            await killer.fetchval("select pg_terminate_backend($1, 5000)", mine)
        assert await waiting == BORIS.viewer_id
        await killer.close()


@pytest.fixture(scope="module")
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    conforming=st.booleans(),
)
async def test_whatever_a_department_is_called_it_is_a_value(
    connection: asyncpg.Connection, text: str, conforming: bool
) -> None:
    await connection.execute(f"set standard_conforming_strings = {'on' if conforming else 'off'}")
    async with connection.transaction():
        await connection.execute(see(Sight("'", text)))
        told = await connection.fetchrow(
            "select current_setting('backchannel.viewer'),"
            " current_setting('backchannel.department')"
        )
    assert told is not None
    assert tuple(told) == ("'", text)


async def test_a_document_that_needs_hundreds_of_statements_crowds_nobody_out(url: str) -> None:
    async with pool_of(url, size=2, patience=5.0) as database:
        seen_by = database.seen_by(ANNA)
        many = asyncio.gather(*[seen_by.fetchval(WHO) for _ in range(300)])
        others = [database.seen_by(BORIS).fetchval(WHO) for _ in range(10)]
        assert set(await asyncio.gather(*others)) == {BORIS.viewer_id}
        assert not many.done()
        assert set(await many) == {ANNA.viewer_id}
