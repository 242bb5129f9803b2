"""What presence costs: nothing for those who stay, and one statement for a page."""

import contextlib
from typing import Any

import orjson
import pytest

from storage import presences
from storage.postgres import Database
from storage.presences import Devices
from tests.loaders.counting import Counted
from tests.realtime.presence import set_presence, until_online, watching
from tests.world import World, until


async def test_nothing_that_is_written_often_is_written_to_the_disk(world: World) -> None:
    """Five thousand people's heartbeats leave nothing in PostgreSQL's own log."""
    database = world.services.live.database
    unlogged = await database.fetch(
        "select relname from pg_class where relpersistence = 'u' and relkind = 'r'"
    )
    assert {row[0] for row in unlogged} >= {"devices", "servers"}
    people = [Devices(f"{n:024x}", True, True, 35.0, 300.0) for n in range(5_000)]
    server = world.services.live.presence.server_id
    written = await wal_of(database, "insert into presences (user_id) values ($1)", "f" * 24)
    assert written > 0
    columns = [list(column) for column in zip(*people, strict=True)]
    assert await wal_of(database, presences.WRITE, server, *columns) == 0
    assert await wal_of(database, presences.LIVE_ON, server, 35.0) == 0


async def test_a_heartbeat_after_the_first_writes_nothing_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the person has chosen how to be shown, or never has."""
    written: list[str] = []
    write = presences.write

    async def noted(connection: Any, server_id: str, people: Any) -> None:
        written.extend(each.user_id for each in people)
        await write(connection, server_id, people)

    # When a server is known, it writes everything anew.
    await until(lambda: world.services.live.presence._alive_at > 0)
    monkeypatch.setattr(presences, "write", noted)
    for choice in ("ONLINE", "BUSY"):
        nina = await world.new_person("Nina")
        await set_presence(nina, choice)
        assert nina.id in written
        written.clear()
        for _ in range(5):
            assert await set_presence(nina, choice) == choice
        assert nina.id not in written
        database = world.services.live.database
        assert await wal_of(database, presences.CHOOSE, nina.id, choice) == 0
        assert await wal_of(database, presences.CHOOSE, nina.id, "AWAY") > 0


class _UndoError(Exception):
    """Nothing of it is to stay."""


async def wal_of(database: Database, statement: str, *args: Any) -> int:
    """Records that a statement writes to the log of the database; then it is undone."""
    plan = "explain (analyze, wal, format json) " + statement
    found: list[Any] = []
    with contextlib.suppress(_UndoError):
        async with database.transaction() as transaction:
            found += orjson.loads(await transaction.fetchval(plan, *args))
            raise _UndoError
    return int(found[0]["Plan"].get("WAL Records", 0))


async def test_somebody_who_stays_costs_no_writing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nina = await world.new_person("Nina")
    written: list[str] = []
    write = presences.write

    async def noted(connection: Any, server_id: str, people: Any) -> None:
        written.extend(each.user_id for each in people)
        await write(connection, server_id, people)

    async with nina.socket() as socket, watching(world.carol, nina):
        await socket.settled()
        await until_online(world.carol, nina)
        monkeypatch.setattr(presences, "write", noted)
        for _ in range(20):
            await socket.settled()
            await nina.run("{ __typename }")
            await world.services.live.presence.write()
        assert nina.id not in written


async def test_a_page_reads_presence_once_and_only_when_it_is_asked_for(world: World) -> None:
    people = [await world.new_person(f"Person {number}") for number in range(5)]
    channel = await world.carol.create_channel(*people)
    for person in people:
        await person.say(channel)
    query = """
        query ($id: ID!) {{
          channel(id: $id) {{
            messages(last: 10) {{ edges {{ node {{ sender {{ name {} }} }} }} }}
          }}
        }}
    """
    async with Counted.beside(world) as counted, people[0].socket():
        await until_online(world.carol, people[0])
        await counted.run(world.carol, query.format(""), id=channel)
        without = list(counted.statements)
        assert presences.READ not in without
        page = await counted.run(world.carol, query.format("presence { status }"), id=channel)
        assert counted.statements.count(presences.READ) == 1
        assert len(counted.statements) == len(without) + 1
        shown = {
            edge["node"]["sender"]["name"]: edge["node"]["sender"]["presence"]["status"]
            for edge in page["channel"]["messages"]["edges"]
        }
        assert shown["Person 0"] == "ONLINE"
        assert shown["Person 1"] == "OFFLINE"
