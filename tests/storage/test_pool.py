"""Lending: what is said to a connection around a loan, and that none is ever lost."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.ahead import Line
from storage.postgres import Database
from storage.session import BEGIN, READ, ROLLBACK
from storage.sight import FORGET, TELL, Role, Sight, Standing
from tests.servers import Fresh

ANNA = Sight("a" * 24, "", Standing.INTERNAL)
BORIS = Sight("b" * 24, "sales", Standing.CLIENT)

FORGETS = "; ".join(FORGET)

WHO = "select viewer_id()"
TURN = "insert into preferences (user_id, sends_receipts) values ($1, false)"
SETTING = "select current_setting('backchannel.viewer', true)"


@pytest.fixture(scope="module")
async def url(fresh: Fresh) -> AsyncIterator[str]:
    async with fresh.database() as url:
        yield url


@asynccontextmanager
async def pool_of(url: str, size: int = 1, **options: Any) -> AsyncIterator[Database]:
    database = await Database.connect(url, role=Role.APP, min_size=1, max_size=size, **options)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that is said on connections from now on; of a viewer, their id."""
    said: list[str] = []

    def noting(asked: Callable[..., Any]) -> Callable[..., Any]:
        async def note(line: Line, query: str, *args: Any, **options: Any) -> Any:
            said.append(query)
            return await asked(line, query, *args, **options)

        return note

    def say(
        line: Line, ahead: list[tuple[str, ...]], really: Callable[..., None] = Line.say
    ) -> None:
        said.extend(each[1] if each[0] == TELL else each[0] for each in ahead)
        really(line, ahead)

    monkeypatch.setattr(Line, "say", say)
    for name in ("execute", "fetchval"):
        monkeypatch.setattr(Line, name, noting(getattr(Line, name)), raising=False)
    return said


async def test_the_next_viewer_is_told_of_as_the_last_one_is_forgotten(
    url: str, said: list[str]
) -> None:
    async with pool_of(url) as database:
        said.clear()
        for person in (ANNA, BORIS, ANNA):
            seen_by = database.seen_by(person)
            assert await seen_by.fetchval(WHO) == person.viewer_id
            assert await seen_by.fetchval(WHO) == person.viewer_id
            seen_by.let_go()
    assert said[:20] == [
        *(READ, ANNA.viewer_id, WHO, WHO),
        *(ROLLBACK, READ, *FORGET, BORIS.viewer_id, WHO, WHO),
        *(ROLLBACK, READ, *FORGET, ANNA.viewer_id, WHO, WHO),
    ]


async def test_a_transaction_begins_with_its_viewer_and_ends_without(
    url: str, said: list[str]
) -> None:
    async with pool_of(url) as database:
        said.clear()
        async with database.seen_by(ANNA).transaction() as transaction:
            assert await transaction.fetchval(WHO) == ANNA.viewer_id
        assert said == [BEGIN, ANNA.viewer_id, WHO, f"commit; {FORGETS}"]
        said.clear()
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with database.seen_by(BORIS).transaction() as transaction:
                await transaction.fetchval("select 1 / 0")
        assert await database.fetchval(WHO) is None
        assert said[3:] == [f"rollback; {FORGETS}", WHO]


@pytest.mark.parametrize("let_go", [True, False])
async def test_a_connection_that_nobody_asks_for_forgets_by_itself(url: str, let_go: bool) -> None:
    forgot = asyncio.Event()

    async def listen(connection: asyncpg.Connection) -> None:
        forgets = f"rollback; {FORGETS}"
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
    url: str, said: list[str]
) -> None:
    async with pool_of(url) as database:
        said.clear()
        anna = database.seen_by(ANNA)
        assert await anna.fetchval(WHO) == ANNA.viewer_id
        await anna.execute(TURN, ANNA.viewer_id)
        assert await anna.fetchval("select count(*) from preferences") == 1
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await anna.fetch("delete from messages returning id")
        assert await anna.fetchval(WHO) == ANNA.viewer_id
    assert said[:9] == [
        *(READ, ANNA.viewer_id, WHO),
        *(ROLLBACK, BEGIN, *FORGET, ANNA.viewer_id),
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


@pytest.mark.parametrize("writes", [False, True], ids=["reads", "writes"])
async def test_given_up_at_any_moment_nothing_is_left_to_the_next(url: str, writes: bool) -> None:
    """Before anything was said, with what goes ahead of the statement on its way, and after."""
    pause = "select viewer_id() from pg_sleep(0.001)"

    async def use(seen_by: Database) -> None:
        if writes:
            async with seen_by.transaction() as transaction:
                await transaction.fetchval(pause)
        else:
            await seen_by.fetchval(pause)

    async with pool_of(url, patience=10.0) as database:
        anna, boris = database.seen_by(ANNA), database.seen_by(BORIS)
        for turns in range(16):
            using = asyncio.create_task(use(anna))
            for _ in range(turns):
                await asyncio.sleep(0)
            using.cancel()
            await asyncio.gather(using, return_exceptions=True)
            if turns % 2:
                assert await boris.fetchval(WHO) == BORIS.viewer_id
            assert await database.fetchval(WHO) is None


@pytest.mark.parametrize("writes", [False, True], ids=["reads", "writes"])
async def test_a_value_that_cannot_be_sent_leaves_its_viewer_to_nobody(
    url: str, writes: bool
) -> None:
    """What was said of the viewer is then on its way without a statement."""
    count = "select viewer_id() where $1::int is not null"
    async with pool_of(url) as database:
        for person in (ANNA, BORIS, ANNA):
            seen_by = database.seen_by(person)
            assert await seen_by.fetchval(count, 1) == person.viewer_id
            async with seen_by.transaction() if writes else seen_by.reading() as connection:
                with pytest.raises(asyncpg.DataError):
                    await connection.fetchval(count, "one")
            assert await database.fetchval(WHO) is None
            with pytest.raises(asyncpg.DataError):
                async with seen_by.transaction() if writes else seen_by.reading() as connection:
                    await connection.fetchval(count, "one")
            assert await database.seen_by(BORIS).fetchval(WHO) == BORIS.viewer_id


async def test_a_transaction_in_which_nothing_is_asked_is_none(url: str, said: list[str]) -> None:
    async with pool_of(url) as database:
        said.clear()
        async with database.seen_by(ANNA).transaction():
            pass
        assert await database.seen_by(BORIS).fetchval(WHO) == BORIS.viewer_id
    assert said[:3] == [READ, BORIS.viewer_id, WHO]


async def test_what_nothing_can_go_ahead_of_is_told_of_its_viewer_first(url: str) -> None:
    async with pool_of(url) as database:
        for person in (ANNA, BORIS):
            async with database.seen_by(person).transaction() as transaction:
                await transaction.execute(
                    f"insert into preferences (user_id, sends_receipts)"
                    f" values ('{person.viewer_id}', true) on conflict do nothing"
                )
            async with database.seen_by(person).transaction() as transaction:
                await transaction.executemany(
                    "update preferences set sends_receipts = $1 where user_id = $2",
                    [(False, ANNA.viewer_id), (False, BORIS.viewer_id)],
                )
        for person in (ANNA, BORIS):
            asked = "select array_agg(user_id) from preferences where not sends_receipts"
            assert await database.seen_by(person).fetchval(asked) == [person.viewer_id]


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


async def test_a_line_that_was_just_lost_is_lent_to_nobody(url: str) -> None:
    """Not even before the driver has heard of it."""
    mine = "select pg_backend_pid()"
    async with pool_of(url, 3) as database:
        for kept in (False, True):
            seen_by = [database.seen_by(ANNA) for _ in range(3)]
            async with AsyncExitStack() as stack:
                lent = [await stack.enter_async_context(each.reading()) for each in seen_by]
                pids = [await connection.fetchval(mine) for connection in lent]
            for each in seen_by[kept:]:
                each.let_go()
            with psycopg.connect(url) as killer:
                for pid in pids:
                    killer.execute("select pg_terminate_backend(%s, 5000)", [pid])
            # Nothing was awaited since.
            assert await seen_by[0].fetchval(WHO) == ANNA.viewer_id
            async with database.seen_by(BORIS).transaction() as transaction:
                assert await transaction.fetchval(WHO) == BORIS.viewer_id


@pytest.fixture(scope="module")
async def connection(url: str) -> AsyncIterator[Line]:
    connection = await asyncpg.connect(url, connection_class=Line)
    connection.learn([BEGIN, TELL])
    yield connection
    await connection.close()


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)
async def test_whatever_a_department_is_called_it_is_a_value(connection: Line, text: str) -> None:
    connection.say([(BEGIN,), (TELL, *Sight("'", text))])
    told = await connection.fetchrow(
        "select current_setting('backchannel.viewer'), current_setting('backchannel.department')"
    )
    await connection.execute(ROLLBACK)
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
