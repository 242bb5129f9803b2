"""Presence: who is there, by any of their devices, and who is told of it."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from realtime import watches
from realtime.presence import PresenceTimes
from server.services import presence_times
from server.settings import Settings
from storage import presences
from storage.events import Present
from storage.postgres import Database
from storage.presences import Devices
from tests.loaders.counting import Counted
from tests.operations import denied, do
from tests.program import program
from tests.servers import Fresh, Servers
from tests.world import Operation, Person, World, until

SLOWEST_POLL = watches.POLL_SECONDS

HEARTBEAT, GRACE, AWAY = 0.8, 1.2, 3.0
"""Seconds, in a company whose people are soon away and soon gone."""
BUSY = 5.0
"""How much later than it should a busy machine does something."""

SHOWN = "{ status statusText statusEmoji lastSeenAt }"
WATCH = f"""
subscription ($ids: [ID!]!) {{
  presenceChanged(userIds: $ids) {{ user {{ id }} presence {SHOWN} }}
}}
"""


@pytest.fixture(scope="module")
async def company(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A company whose people are soon away and soon gone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watches, "POLL_SECONDS", 0.1)
        async with World.running(
            servers,
            fresh,
            presence_heartbeat_seconds=HEARTBEAT,
            presence_grace_seconds=GRACE,
            presence_away_seconds=AWAY,
        ) as company:
            yield company


async def presence(viewer: Person, person: Person) -> dict[str, Any]:
    found = await do(viewer, "user", f"{{ presence {SHOWN} }}", id=person.id)
    shown: dict[str, Any] = found["presence"]
    return shown


async def status(viewer: Person, person: Person) -> str:
    found: str = (await presence(viewer, person))["status"]
    return found


async def becomes(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Return when this is so in the database, which tells nobody."""
    async with asyncio.timeout(10):
        while await look() != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def until_online(viewer: Person, person: Person) -> None:
    """Return when the person is shown as online."""
    await becomes(partial(status, viewer, person), "ONLINE")


@asynccontextmanager
async def watching(viewer: Person, *people: Person) -> AsyncIterator[Operation]:
    """The viewer is told of these people's changes."""
    by_person = viewer.world.services.live.watches.by_person
    before = {person.id: len(by_person.get(person.id, ())) for person in people}
    async with viewer.socket() as socket:
        operation = await socket.subscribe(WATCH, ids=[person.id for person in people])
        await until(lambda: all(len(by_person.get(id, ())) > n for id, n in before.items()))
        yield operation


async def told(operation: Operation, person: Person) -> dict[str, Any]:
    """What is told next, which is of this person."""
    event = (await operation.next())["presenceChanged"]
    assert event["user"]["id"] == person.id
    shown: dict[str, Any] = event["presence"]
    return shown


async def set_presence(person: Person, status: str) -> Any:
    return (await do(person, "setPresence", SHOWN, status=status))["status"]


async def test_who_never_was_there_is_offline(world: World) -> None:
    nina = await world.new_person("Nina")
    assert await presence(world.carol, nina) == {
        "status": "OFFLINE",
        "statusText": None,
        "statusEmoji": None,
        "lastSeenAt": None,
    }


async def test_a_connected_device_is_online_until_it_says_goodbye(world: World) -> None:
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation:
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "ONLINE"
            assert await status(world.carol, nina) == "ONLINE"
            assert (await presence(world.carol, nina))["lastSeenAt"] is None
        gone = await told(operation, nina)
        assert gone["status"] == "OFFLINE"
        seen = datetime.fromisoformat(gone["lastSeenAt"])
        assert abs(datetime.now(UTC) - seen) < timedelta(seconds=30)
        assert operation.is_silent


async def test_a_device_that_is_lost_may_come_back_unnoticed(company: World) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with nina.socket() as socket:
            assert (await told(operation, nina))["status"] == "ONLINE"
            socket.connection.transport.abort()
        async with nina.socket():
            await asyncio.sleep(1.2 * GRACE)
            assert operation.is_silent
            assert await status(company.carol, nina) == "ONLINE"


async def test_a_device_that_is_lost_and_does_not_come_back_is_gone_after_the_grace(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with nina.socket() as socket:
            assert (await told(operation, nina))["status"] == "ONLINE"
            socket.connection.transport.abort()
        assert (await told(operation, nina))["status"] == "OFFLINE"


async def test_a_heartbeat_counts_for_its_time_and_the_grace(company: World) -> None:
    nina = await company.new_person("Nina")
    loop = asyncio.get_running_loop()
    async with watching(company.carol, nina) as operation:
        began = loop.time()
        assert await set_presence(nina, "ONLINE") == "ONLINE"
        assert (await told(operation, nina))["status"] == "ONLINE"
        await asyncio.sleep(0.5 * HEARTBEAT)
        renewed = loop.time()
        await set_presence(nina, "ONLINE")
        assert (await told(operation, nina))["status"] == "OFFLINE"
        assert loop.time() - began > 1.5 * HEARTBEAT + GRACE
        assert loop.time() - renewed < HEARTBEAT + GRACE + BUSY
        assert operation.is_silent


async def test_who_asks_for_nothing_is_away_and_back_with_the_next_request(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation, nina.socket() as socket:
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        await socket.settled()
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        # Without a connection too.
        await nina.run("{ __typename }")
        assert (await told(operation, nina))["status"] == "ONLINE"


@pytest.mark.parametrize("choice", ["AWAY", "BUSY", "OFFLINE"])
async def test_a_choice_lasts_until_it_is_taken_back(world: World, choice: str) -> None:
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation, nina.socket():
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert await set_presence(nina, choice) == choice
        shown = await told(operation, nina)
        assert shown["status"] == choice
        assert (shown["lastSeenAt"] is not None) == (choice == "OFFLINE")
        # Said twice, told once.
        await set_presence(nina, choice)
        await nina.run("{ __typename }")
        async with nina.socket():
            assert await status(world.carol, nina) == choice
        assert await set_presence(nina, "ONLINE") == "ONLINE"
        assert (await told(operation, nina))["status"] == "ONLINE"
        assert operation.is_silent


async def test_busy_is_only_who_is_there(company: World) -> None:
    nina = await company.new_person("Nina")
    assert await set_presence(nina, "BUSY") == "BUSY"
    async with watching(company.carol, nina) as operation:
        assert (await told(operation, nina))["status"] == "OFFLINE"
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "BUSY"


async def test_the_most_present_device_wins(world: World) -> None:
    nina = await world.new_person("Nina")
    away = f"mutation {{ setPresence(status: AWAY) {SHOWN} }}"
    async with nina.socket() as desk, watching(world.carol, nina) as operation:
        async with nina.socket() as pocket:
            said = await pocket.run(away)
            assert said["setPresence"]["status"] == "ONLINE"
            said = await desk.run(away)
            assert said["setPresence"]["status"] == "AWAY"
            assert (await told(operation, nina))["status"] == "AWAY"
            await pocket.run(f"mutation {{ setPresence(status: ONLINE) {SHOWN} }}")
            assert (await told(operation, nina))["status"] == "ONLINE"
        assert (await told(operation, nina))["status"] == "AWAY"
        assert operation.is_silent


async def test_of_two_devices_one_may_go(world: World) -> None:
    nina = await world.new_person("Nina")
    async with nina.socket(), watching(world.carol, nina) as operation:
        async with nina.socket() as socket:
            await socket.settled()
        await set_presence(nina, "BUSY")
        assert (await told(operation, nina))["status"] == "BUSY"
        assert operation.is_silent


async def test_devices_on_two_servers_are_taken_together(world: World) -> None:
    nina = await world.new_person("Nina")
    async with world.another_server() as there, watching(world.carol, nina) as operation:
        async with Person(there, nina.key, nina.id).socket():
            assert (await told(operation, nina))["status"] == "ONLINE"
            async with nina.socket() as socket:
                await socket.settled()
            assert await status(there.carol, nina) == "ONLINE"
        assert (await told(operation, nina))["status"] == "OFFLINE"


async def test_a_status_ends_at_its_time_and_is_told_to_end(world: World) -> None:
    nina = await world.new_person("Nina")
    async with nina.socket(), watching(world.carol, nina) as operation:
        ends = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        said = await do(nina, "setStatus", SHOWN, text="At lunch", emoji="🥪", expiresAt=ends)
        assert (said["statusText"], said["statusEmoji"]) == ("At lunch", "🥪")
        assert await told(operation, nina) == said
        shown = await told(operation, nina)
        assert (shown["statusText"], shown["statusEmoji"]) == (None, None)
        await do(nina, "setStatus", SHOWN, text="Back")
        assert (await told(operation, nina))["statusText"] == "Back"
        await do(nina, "setStatus", SHOWN)
        assert (await told(operation, nina))["statusText"] is None


async def test_a_status_may_not_have_ended_already_and_has_its_length(world: World) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    refusal = await denied(world.dave, "setStatus", SHOWN, text="Late", expiresAt=past)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "expiresAt")
    refusal = await denied(world.dave, "setStatus", SHOWN, text="x" * 101)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "text")
    refusal = await denied(world.dave, "setStatus", SHOWN, emoji="not one")
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "emoji")
    assert (await presence(world.carol, world.dave))["statusText"] is None


async def test_a_client_is_told_only_of_those_in_a_channel_with_them(world: World) -> None:
    nina = await world.new_person("Nina")
    met = await world.new_person("Mia")
    client = await world.new_person("Clara", isClient=True)
    channel = await world.carol.create_channel(client, met)
    async with watching(client, nina, met) as operation:
        async with nina.socket() as socket:
            await socket.settled()
        async with met.socket():
            assert (await told(operation, met))["status"] == "ONLINE"
            await do(world.carol, "removeMember", channelId=channel, userId=met.id)
        async with watching(world.carol, met) as other:
            async with met.socket():
                await told(other, met)
        assert operation.is_silent


async def test_a_client_sees_no_presence_of_a_former_companion(world: World) -> None:
    """They still see the name, on what was said; not whether the person is there."""
    nina = await world.new_person("Nina")
    client = await world.new_person("Clara", isClient=True)
    channel = await world.carol.create_channel(client, nina)
    await nina.say(channel)
    query = f"""
        query ($id: ID!) {{
          channel(id: $id) {{ lastMessage {{ sender {{ name presence {SHOWN} }} }} }}
        }}
    """
    events = f"""
        subscription ($id: ID!) {{
          channelEvents(channelId: $id) {{
            ... on MemberLeft {{ user {{ name presence {SHOWN} }} }}
          }}
        }}
    """
    async with nina.socket(), client.socket() as socket:
        shown = await client.run(query, id=channel)
        assert shown["channel"]["lastMessage"]["sender"]["presence"]["status"] == "ONLINE"
        operation = await socket.subscribe(events, id=channel)
        await world.followed(channel)
        await do(world.carol, "removeMember", channelId=channel, userId=nina.id)
        left = (await operation.next())["channelEvents"]["user"]
        assert (left["name"], left["presence"]["status"]) == ("Nina", "OFFLINE")
        shown = await client.run(query, id=channel)
        message = shown["channel"]["lastMessage"]
        if message["sender"]["name"] == "Nina":
            assert message["sender"]["presence"]["status"] == "OFFLINE"
        assert await status(world.carol, nina) == "ONLINE"


async def test_nobody_hears_of_strangers_or_too_many(world: World) -> None:
    async with world.carol.socket() as socket:
        operation = await socket.subscribe(WATCH, ids=[world.dave.id] * 1_001)
        message = await operation.message()
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        nobody = await socket.subscribe(WATCH, ids=["nobody", "0123456789abcdef01234567"])
        await socket.settled()
        assert nobody.is_silent


async def test_without_the_bell_changes_are_told_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.services.live.watches, "hear", lambda hint: None)
    nina = await world.new_person("Nina")
    async with watching(world.carol, nina) as operation:
        async with nina.socket():
            assert (await told(operation, nina))["status"] == "ONLINE"


async def test_what_the_bell_says_too_much_is_told_to_nobody(world: World) -> None:
    nina = await world.new_person("Nina")
    async with nina.socket(), watching(world.carol, nina) as operation:
        for _ in range(5):
            world.services.live.bell.ring(Present(nina.id))
        await set_presence(nina, "BUSY")
        assert (await told(operation, nina))["status"] == "BUSY"
        assert operation.is_silent


async def test_a_server_that_dies_takes_its_people_with_it(company: World, tmp_path: Path) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with program(company, tmp_path / "log") as other:
            there = Person(other.world, nina.key, nina.id)
            async with there.socket():
                assert (await told(operation, nina))["status"] == "ONLINE"
                os.kill(other.pid, signal.SIGKILL)
                killed = asyncio.get_running_loop().time()
                gone = await told(operation, nina)
        assert gone["status"] == "OFFLINE"
        assert gone["lastSeenAt"] is not None
        assert asyncio.get_running_loop().time() - killed < HEARTBEAT + GRACE + BUSY
        assert operation.is_silent


def test_by_default_that_takes_less_than_forty_seconds() -> None:
    times = PresenceTimes()
    assert times == presence_times(Settings.model_construct())
    assert (times.heartbeat, times.grace, times.away) == (25, 10, 300)
    assert times.alive + SLOWEST_POLL < 40


async def test_what_a_crash_of_the_database_empties_is_written_again(company: World) -> None:
    nina = await company.new_person("Nina")
    database = company.services.live.database
    async with nina.socket():
        # Away or not, that depends on how fast all this is.
        assert await set_presence(nina, "BUSY") == "BUSY"
        await database.execute("delete from devices")
        await database.execute("delete from servers")
        rows = "select count(*) from devices where user_id = $1"
        await becomes(partial(database.fetchval, rows, nina.id), 1)
        await becomes(partial(status, company.carol, nina), "BUSY")


async def test_when_somebody_was_last_seen_outlives_what_it_is_known_from(
    company: World,
) -> None:
    nina = await company.new_person("Nina")
    async with watching(company.carol, nina) as operation:
        async with nina.socket():
            await told(operation, nina)
        gone = await told(operation, nina)
    database = company.services.live.database
    rows = "select count(*) from devices where user_id = $1"
    await becomes(partial(database.fetchval, rows, nina.id), 0)
    assert await presence(company.carol, nina) == gone


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
