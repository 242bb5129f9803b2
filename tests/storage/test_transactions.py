"""Transactions: all or nothing, and the bell is rung for what is committed and for nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from storage import channels, events, ids
from storage.errors import Refusal, conflict
from storage.postgres import Database, Transaction
from storage.records import EventKind
from tests.proxy import Proxy

ACTOR = "0123456789abcdef01234567"


@pytest.fixture
def rung(database: Database) -> list[dict[str, int]]:
    """What the bell was rung for."""
    rung: list[dict[str, int]] = []
    database.on_commit = rung.append
    return rung


async def new_channel(transaction: Transaction) -> str:
    channel_id = ids.new_id()
    await channels.insert(transaction, channel_id, type="GROUP", created_by=ACTOR, name="New")
    return channel_id


async def append(transaction: Transaction, channel_id: str, count: int = 1) -> None:
    people: list[str | None] = [ACTOR] * count
    await events.append(
        transaction, channel_id, EventKind.MEMBER_JOINED, actor_id=ACTOR, user_ids=people
    )


async def write_and(then: Callable[[Transaction], Awaitable[None]], database: Database) -> None:
    """A transaction that has appended to a new channel's log when ``then`` happens."""
    async with database.transaction() as transaction:
        await append(transaction, await new_channel(transaction))
        await then(transaction)


async def nothing_is_there(database: Database) -> bool:
    tables = await database.fetchrow(
        "select not exists (select from channels) and not exists (select from events)"
    )
    return tables is not None and tables[0]


async def test_what_is_committed_rings_once_with_the_newest_positions(
    database: Database, database_url: str, rung: list[dict[str, int]]
) -> None:
    async with database.transaction() as transaction:
        one, other = await new_channel(transaction), await new_channel(transaction)
        await append(transaction, one, 3)
        await append(transaction, other)
        await append(transaction, one, 2)
        assert rung == []
    assert rung == [{one: 5, other: 1}]


async def test_when_the_bell_rings_others_see_what_it_rings_for(
    database: Database, database_url: str
) -> None:
    looks: list[asyncio.Task[Any]] = []

    async def look(moved: dict[str, int]) -> Any:
        connection = await asyncpg.connect(database_url)
        try:
            return moved, await events.heads(connection, list(moved))
        finally:
            await connection.close()

    database.on_commit = lambda moved: looks.append(asyncio.create_task(look(moved)))
    async with database.transaction() as transaction:
        channel_id = await new_channel(transaction)
        await append(transaction, channel_id)
    (look_at_it,) = looks
    moved, seen = await look_at_it
    assert moved == {channel_id: 1}
    assert seen[channel_id].position == 1


async def test_what_appends_nothing_rings_nothing(
    database: Database, rung: list[dict[str, int]]
) -> None:
    async with database.transaction() as transaction:
        await new_channel(transaction)
        await events.append(
            transaction, ids.new_id(), EventKind.MEMBER_JOINED, actor_id=ACTOR, user_ids=[]
        )
    assert rung == []


@pytest.mark.parametrize(
    "failure", [conflict("No."), ValueError("a bug"), asyncio.CancelledError(), KeyboardInterrupt()]
)
async def test_what_is_rolled_back_leaves_nothing_and_rings_nothing(
    database: Database, rung: list[dict[str, int]], failure: BaseException
) -> None:
    async def fail(_: Transaction) -> None:
        raise failure

    with pytest.raises(type(failure)) as raised:
        await write_and(fail, database)
    assert raised.value is failure
    assert rung == []
    assert await nothing_is_there(database)


async def test_a_commit_that_fails_rings_nothing(
    database: Database, rung: list[dict[str, int]]
) -> None:
    await database.execute("create table ones (one int unique deferrable initially deferred)")

    async def promise_too_much(transaction: Transaction) -> None:
        await transaction.execute("insert into ones values (1), (1)")

    with pytest.raises(asyncpg.UniqueViolationError):
        await write_and(promise_too_much, database)
    assert rung == []
    assert await nothing_is_there(database)


async def test_a_goodbye_between_two_statements_is_an_outage_before_the_line_ends(
    database: Database, database_url: str, rung: list[dict[str, int]]
) -> None:
    url = make_url(database_url)
    async with Proxy.to(url.host or "", url.port or 0) as line:
        url = url.set(host="127.0.0.1", port=line.port)
        over = await Database.connect(url.render_as_string(hide_password=False), min_size=1)
        over.on_commit = rung.append
        hung_up = line.linger()

        async def die(transaction: Transaction) -> None:
            mine = await transaction.fetchval("select pg_backend_pid()")
            await database.fetchval("select pg_terminate_backend($1, 5000)", mine)
            await hung_up.wait()

        with pytest.raises(Refusal) as refused:
            await write_and(die, over)
        await over.close()
    assert isinstance(refused.value.__cause__, asyncpg.InternalClientError)
    assert refused.value.service == "postgres"
    assert rung == []
    assert await nothing_is_there(database)


async def test_a_connection_that_dies_under_a_transaction_rings_nothing(
    database: Database, database_url: str, rung: list[dict[str, int]]
) -> None:
    killer = await asyncpg.connect(database_url)

    async def die(transaction: Transaction) -> None:
        mine = await transaction.fetchval("select pg_backend_pid()")
        await killer.fetchval("select pg_terminate_backend($1, 5000)", mine)

    with pytest.raises(Refusal) as refused:
        await write_and(die, database)
    await killer.close()
    assert refused.value.service == "postgres"
    assert rung == []
    assert await nothing_is_there(database)
