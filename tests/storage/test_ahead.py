"""What is said ahead of a statement, and what of asyncpg that stands on.

Whoever comes here because a new asyncpg fails: ``storage/ahead.py`` may not be used with it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy.engine import make_url

from storage.ahead import Line
from storage.session import BEGIN, READ, ROLLBACK
from storage.sight import TELL, Sight, Standing
from tests.servers import Fresh

ANNA = Sight("a" * 24, "söuth", Standing.INTERNAL)
NEVER = Sight("\0")
"""PostgreSQL refuses to be told of this one."""

INSERT = "insert into marks values ($1) returning mark"

FIRST_OR_KNOWN = pytest.mark.parametrize("is_known", [False, True], ids=["first", "known"])


@pytest.fixture(scope="module")
async def url(fresh: Fresh) -> AsyncIterator[str]:
    async with fresh.database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute("create table marks (mark int)")
        await connection.close()
        yield url


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Any]:
    line: Any = await asyncpg.connect(url, connection_class=Line)
    try:
        line.learn([BEGIN, READ, ROLLBACK, TELL])
        yield line
    finally:
        line.terminate()


@pytest.fixture
async def line(url: str) -> AsyncIterator[Any]:
    async with line_to(url) as line:
        yield line


async def count(url: str) -> int:
    """Marks that somebody else finds."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select count(*) from marks"))
    finally:
        await connection.close()


ASKED: dict[str, Callable[[Any], Any]] = {
    "fetch": lambda line: line.fetch(INSERT, 7),
    "fetchrow": lambda line: line.fetchrow(INSERT, 7),
    "fetchval": lambda line: line.fetchval(INSERT, 7),
    "execute": lambda line: line.execute(INSERT, 7),
}
ANSWERED = {"fetch": [(7,)], "fetchrow": (7,), "fetchval": 7, "execute": "INSERT 0 1"}


@FIRST_OR_KNOWN
@pytest.mark.parametrize("how", ASKED)
async def test_a_statement_is_answered_as_if_nothing_had_been_said_ahead(
    line: Any, url: str, how: str, is_known: bool
) -> None:
    if is_known:
        await line.fetch(INSERT, 0)
    before = await count(url)
    line.say([(BEGIN,), (TELL, *ANNA)])
    assert await ASKED[how](line) == ANSWERED[how]
    assert line.is_in_transaction()
    assert await line.fetchval("select viewer_id()") == ANNA.viewer_id
    assert await line.fetchval("select current_setting('backchannel.department')") == "söuth"
    assert await count(url) == before
    line.say([(ROLLBACK,), (READ,)])
    assert await line.fetchval("select viewer_id()") is None
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await ASKED[how](line)
    await line.execute("rollback")
    assert not line.is_in_transaction()
    assert await count(url) == before


@FIRST_OR_KNOWN
@pytest.mark.parametrize("how", ASKED)
async def test_where_what_is_ahead_fails_the_statement_is_not_executed(
    line: Any, url: str, how: str, is_known: bool
) -> None:
    if is_known:
        await line.fetch(INSERT, 0)
    before = await count(url)
    # Outside of a transaction what was executed would be there to stay.
    line.say([(TELL, *NEVER)])
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        await ASKED[how](line)
    assert await count(url) == before
    assert await line.fetchval(INSERT, 8) == 8
    assert await count(url) == before + 1


async def test_types_that_asyncpg_has_to_ask_about_are_no_hindrance(line: Any) -> None:
    await line.execute("create type mood as enum ('fine')")
    await line.execute("create type pair as (one mood, other int)")
    line.say([(BEGIN,), (TELL, *ANNA)])
    assert tuple(await line.fetchval("select row('fine', 1)::pair")) == ("fine", 1)
    assert await line.fetchval("select viewer_id()") == ANNA.viewer_id


async def test_a_value_that_asyncpg_cannot_send_leaves_a_line_that_works(
    line: Any, url: str
) -> None:
    """What was said ahead is then on its way without the statement."""
    await line.fetchval(INSERT, 0)
    before = await count(url)
    for ends in ("rollback", "commit"):
        line.say([(BEGIN,), (TELL, *ANNA)])
        with pytest.raises(asyncpg.DataError):
            await line.fetchval(INSERT, "seven")
        await line.execute(ends)
        assert not line.is_in_transaction()
        assert await line.fetchval("select viewer_id()") is None
    line.say([(BEGIN,)])
    with pytest.raises(asyncpg.DataError):
        await line.fetchval(INSERT, "seven")
    assert await line.fetchval(INSERT, 7) == 7
    await line.execute("rollback")
    assert await count(url) == before


@FIRST_OR_KNOWN
@pytest.mark.parametrize("gives_up", ["cancelled", "too late"])
async def test_a_statement_given_up_leaves_a_line_that_works(
    line: Any, url: str, is_known: bool, gives_up: str
) -> None:
    slow = "select pg_sleep($1)"
    if is_known:
        await line.fetchval(slow, 0)
    line.say([(BEGIN,), (TELL, *ANNA)])
    timeout = 0.05 if gives_up == "too late" else None
    asked = asyncio.create_task(line.fetchval(slow, 30, timeout=timeout))
    await asyncio.sleep(0)
    if timeout is None:
        asked.cancel()
    with pytest.raises((asyncio.CancelledError, TimeoutError)):
        await asked
    await line.execute("rollback")
    assert not line.is_in_transaction()
    assert await line.fetchval("select viewer_id()") is None


async def test_it_costs_no_round_trip(url: str) -> None:
    async with relay_to(url) as (there, carried), line_to(there) as line:
        await line.fetchval("select 1")
        carried.clear()
        line.say([(BEGIN,), (TELL, *ANNA)])
        assert await line.fetchval("select 1") == 1
        # Bind and Execute of each, and one Sync; one answer to all.
        assert types(b"".join(bytes(each) for each in carried[:-1])) == "BEBEBES"
        assert [each[:1] for each in carried[-1:]] == [b"2"]


async def test_goodbye_is_news_before_asyncpg_has_heard_it(line: Any, url: str) -> None:
    pid = await line.fetchval("select pg_backend_pid()")
    assert not line.has_news()
    with psycopg.connect(url) as killer:
        killer.execute("select pg_terminate_backend(%s, 5000)", [pid])
    # Nothing was awaited meanwhile.
    assert not line.is_closed()
    assert line.has_news()


@asynccontextmanager
async def relay_to(url: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The same URL by way of a relay, and what it has carried in either direction."""
    there = make_url(url)
    carried: list[bytes] = []
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            carried.append(data)
            writer.write(data)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(there.host, there.port)
        writers.extend((questions, writer))
        tasks.append(asyncio.create_task(carry(reader, questions)))
        tasks.append(asyncio.create_task(carry(answers, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield there.set(host="127.0.0.1", port=port).render_as_string(hide_password=False), carried
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()


def types(messages: bytes) -> str:
    """Of each message of the protocol, its type."""
    found = ""
    while messages:
        found += chr(messages[0])
        messages = messages[1 + int.from_bytes(messages[1:5]) :]
    return found
