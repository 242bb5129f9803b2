"""A pooler before PostgreSQL that lends sessions: it is noticed, and nobody is seen as another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from server.probes import explain
from storage import lines
from storage.errors import Refusal
from storage.lines import SHARED
from storage.poolers import lends_sessions
from storage.postgres import Database
from storage.sight import Role, Sight, Standing
from tests.logins import login
from tests.pgbouncer import PROGRAM, pgbouncer
from tests.pooler import Pooler
from tests.servers import Fresh

NEEDS_ONE = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")

STARTUP = "role, jit, idle_in_transaction_session_timeout"
"""What PgBouncer has to be told to pass over."""


@pytest.fixture(scope="module")
async def url(fresh: Fresh) -> AsyncIterator[str]:
    """The login of operations, which is that role from the start, as behind a pooler it must be."""
    async with fresh.database() as owner, login(owner, Role.APP) as url:
        connection = await asyncpg.connect(owner)
        name = url.partition("//")[2].partition(":")[0]
        await connection.execute(f"alter role {name} set role = {Role.APP}")
        await connection.close()
        yield url


@asynccontextmanager
async def behind(pooler: str, url: str) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        if pooler == "ours":
            yield await stack.enter_async_context(Pooler.to(url))
        else:
            [there] = await stack.enter_async_context(pgbouncer(url, mode=pooler, ignores=STARTUP))
            yield there


LENDING = ["ours", *(pytest.param(mode, marks=NEEDS_ONE) for mode in ("transaction", "statement"))]


@pytest.mark.parametrize("pooler", LENDING)
async def test_a_pooler_that_lends_sessions_is_noticed_when_a_pool_is_opened(
    url: str, pooler: str
) -> None:
    async with behind(pooler, url) as there:
        with pytest.raises(Refusal) as refused:
            await Database.connect(there, role=Role.APP, min_size=1)
        assert explain(refused.value) == SHARED


@pytest.mark.parametrize("pooler", LENDING)
async def test_it_is_noticed_beside_others_who_use_it(url: str, pooler: str) -> None:
    """Whatever they come in between with."""
    async with behind(pooler, url) as there:
        others = [await asyncpg.connect(there, statement_cache_size=0) for _ in range(3)]

        async def busy(line: asyncpg.Connection) -> None:
            while True:
                await line.execute("select 1")

        working = [asyncio.create_task(busy(line)) for line in others]
        try:
            for _ in range(5):
                line = await asyncpg.connect(there)
                assert await lends_sessions(line, lambda: asyncpg.connect(there))
                line.terminate()
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            for other in others:
                other.terminate()


async def test_where_it_is_not_noticed_nobody_is_seen_as_another_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The viewer is told to a transaction and ends with it, whoever has the session next."""

    async def looks_well(*_: object) -> bool:
        return False

    monkeypatch.setattr(lines, "lends_sessions", looks_well)
    people = [Sight(f"{number:024}", "", Standing.INTERNAL) for number in range(4)]
    who = "select viewer_id()"
    sessions = set()

    async def live(database: Database, person: Sight | None) -> None:
        wanted = person and person.viewer_id
        for number in range(10):
            own = database if person is None else database.seen_by(person)
            assert await own.fetchval(who) == wanted
            assert await own.fetchval(who) == wanted
            if number % 2:
                async with own.transaction() as transaction:
                    assert await transaction.fetchval(who) == wanted
                    sessions.add(await transaction.fetchval("select pg_backend_pid()"))
            assert await own.fetchval(who) == wanted

    async with behind("ours", url) as there:
        pools = [
            await Database.connect(there, role=Role.APP, max_size=2, patience=20) for _ in range(2)
        ]
        await asyncio.gather(
            *(live(database, person) for database in pools for person in (*people, None))
        )
        for database in pools:
            await database.close()
    assert len(sessions) == 1


@NEEDS_ONE
async def test_in_session_mode_a_pooler_is_as_good_as_none(url: str) -> None:
    async with behind("session", url) as there:
        database = await Database.connect(there, role=Role.APP, min_size=1)
        assert await database.fetchval("select current_user") == Role.APP
        await database.close()


@NEEDS_ONE
async def test_one_that_refuses_what_we_say_at_the_start_is_told_from_a_broken_one(
    url: str,
) -> None:
    async with pgbouncer(url, mode="session") as [there]:
        with pytest.raises(Refusal) as refused:
            await Database.connect(there, role=Role.APP, min_size=1)
        assert explain(refused.value).startswith(
            "is behind a pooler that refuses the startup parameters application_name, jit"
        )


async def test_straight_to_postgres_a_session_is_ours(url: str) -> None:
    line = await asyncpg.connect(url)

    async def nobody() -> asyncpg.Connection:
        raise AssertionError("there is nothing to compare with")

    assert not await lends_sessions(line, nobody)
    await line.close()
