"""The pool: who cannot be served is told so in one word, and nobody spoils a connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from storage.errors import ErrorCode, Refusal
from storage.pool import WAITING_PER_CONNECTION
from storage.postgres import Database
from tests.proxy import Proxy
from tests.world import committed, free_port


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """The block is refused, and it is PostgreSQL's fault."""
    with pytest.raises(Refusal) as refused:
        yield
    assert refused.value.code == ErrorCode.UNAVAILABLE
    assert refused.value.service == "postgres"


@contextlib.asynccontextmanager
async def pool_of(url: str, size: int = 1, **options: Any) -> AsyncIterator[Database]:
    database = await Database.connect(url, min_size=1, max_size=size, **options)
    try:
        yield database
    finally:
        await database.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with unavailable():
        await Database.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")


async def test_a_server_that_dies_is_unavailable_until_it_is_back(database_url: str) -> None:
    url = make_url(database_url)
    assert url.host
    async with Proxy.to(url.host, url.port or 5432) as line:
        by_line = url.set(host="127.0.0.1", port=line.port)
        async with pool_of(by_line.render_as_string(hide_password=False), 2) as database:
            assert await database.fetchval("select 1") == 1
            await line.cut()
            for _ in range(3):
                with unavailable():
                    await database.fetchval("select 1")
            with unavailable():
                async with database.transaction():
                    pass
            await line.mend()
            assert await database.fetchval("select 1") == 1


async def test_a_statement_that_takes_too_long_is_given_up_and_its_connection_goes_on(
    database_url: str,
) -> None:
    async with pool_of(database_url, timeout=0.3) as database:
        with unavailable():
            await database.fetchval("select pg_sleep(30)")
        with unavailable():
            async with database.transaction() as transaction:
                await transaction.fetchval("select pg_sleep(30)")
        assert await database.fetchval("select 1") == 1


async def test_who_waits_too_long_for_a_connection_is_refused(database_url: str) -> None:
    async with pool_of(database_url, patience=0.1) as database:
        async with database.reading():
            with unavailable():
                await database.fetchval("select 1")
        assert await database.fetchval("select 1") == 1


async def test_past_a_certain_length_nobody_joins_the_queue(database_url: str) -> None:
    async with pool_of(database_url, patience=30.0) as database:
        async with database.reading():
            waiting = [
                asyncio.create_task(database.fetchval("select $1::int", number))
                for number in range(WAITING_PER_CONNECTION)
            ]
            await asyncio.sleep(0)
            with unavailable():
                async with asyncio.timeout(20):
                    await database.fetchval("select 1")
            assert not any(task.done() for task in waiting)
        assert await asyncio.gather(*waiting) == list(range(WAITING_PER_CONNECTION))


async def test_what_is_wrong_with_a_statement_is_not_the_server_s_fault(
    database: Database,
) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.fetch("select * from nothing")
    with pytest.raises(asyncpg.DataError):
        await database.fetch("select $1::int", "one")
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.transaction() as transaction:
            await transaction.fetch("select 1 / 0")


async def test_a_caller_who_is_cancelled_leaves_a_connection_that_works(
    database_url: str,
) -> None:
    async with pool_of(database_url) as database:
        await database.execute("create table marks (mark int)")

        async def change() -> None:
            async with database.transaction() as transaction:
                await transaction.execute("insert into marks values (1)")
                await transaction.fetchval("select pg_sleep(30)")

        changing = asyncio.create_task(change())
        await sleeping(database_url)
        changing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await changing
        assert await database.fetchval("select count(*) from marks") == 0


async def test_who_holds_a_transaction_and_does_nothing_loses_it(database_url: str) -> None:
    async with pool_of(database_url, timeout=0.3) as database:
        await database.execute("create table marks (mark int)")
        with unavailable():
            async with database.transaction() as transaction:
                await transaction.execute("insert into marks values (1)")
                await ended(database_url)
                await transaction.execute("insert into marks values (2)")
        assert await database.fetchval("select count(*) from marks") == 0


async def test_connections_are_set_up_as_the_statements_expect(database: Database) -> None:
    assert await database.fetchval("show timezone") == "UTC"
    assert await database.fetchval("show jit") == "off"
    assert await database.fetchval("show transaction_isolation") == "read committed"


async def sleeping(database_url: str) -> None:
    """Return when a statement of this database sleeps."""
    await _until(
        database_url,
        "select exists (select from pg_stat_activity"
        " where datname = current_database() and wait_event = 'PgSleep')",
    )


async def ended(database_url: str) -> None:
    """Return when nobody is in a transaction in this database any more."""
    await _until(
        database_url,
        "select not exists (select from pg_stat_activity"
        " where datname = current_database() and state = 'idle in transaction')",
    )


async def _until(database_url: str, question: str) -> None:
    async with asyncio.timeout(20):
        while not await committed(database_url, question):
            pass
