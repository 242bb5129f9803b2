"""Nothing but latency depends on the bell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from realtime import follower
from realtime.bell import TOGETHER_SECONDS
from storage import events
from storage.events import Echo, Hint, Moved, Typed
from storage.lines import SHARED
from tests.pooler import Pooler
from tests.proxy import Proxy
from tests.realtime.following import EVENTS, MESSAGES, TYPING, contents, positions
from tests.servers import Fresh, Servers
from tests.world import World, until

BELLS = """
select pid
  from pg_stat_activity
 where datname = current_database()
   and application_name = 'backchannel bell'
"""
POLLED = 8.0
"""Seconds in which an event is there although no bell rang: 1.5 and what a busy machine takes."""


@pytest.fixture(scope="module")
async def own(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A company whose database no other server listens on."""
    async with World.running(servers, fresh) as world:
        yield world


@asynccontextmanager
async def deaf(world: World, fresh: Fresh) -> AsyncIterator[World]:
    """A second server, whose bell is fine and hears nobody: it listens on another database."""
    async with fresh.database() as elsewhere:
        async with world.another_server(listen_url=elsewhere) as server:
            yield server


async def notify(world: World, payload: str) -> None:
    """Somebody else who may log in to the database rings."""
    connection = await asyncpg.connect(world.settings.database_url)
    try:
        await connection.execute("select pg_notify($1, $2)", events.NOTIFY_CHANNEL, payload)
    finally:
        await connection.close()


async def heard(world: World) -> None:
    """Return when the server has heard everything that was notified before this."""
    hub = world.services.live.hub
    last = hub.topic("the last")
    await notify(world, '[["M", "the last", 1]]')
    await until(lambda: last.hinted == 1)
    hub.leave(last)


async def test_the_bell_carries_what_the_poll_would_bring_much_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "POLL_SECONDS", 3_600.0)
    async with world.another_server() as one, world.another_server() as other:
        channel = await one.carol.create_channel(one.dave)
        async with one.dave.socket() as socket:
            added = await socket.subscribe(MESSAGES, id=channel)
            await one.followed(channel)
            await until(lambda: one.services.live.bell.is_connected)
            await other.carol.say(channel, "from elsewhere")
            assert contents([await added.next()]) == ["from elsewhere"]


async def test_what_is_rung_in_close_succession_is_told_together(own: World) -> None:
    told: list[float] = []
    clock = asyncio.get_running_loop().time

    def hear(_: object, __: int, ___: str, payload: object) -> None:
        if "the busy one" in str(payload):
            told.append(clock())

    listener = await asyncpg.connect(own.settings.database_url)
    await listener.add_listener(events.NOTIFY_CHANNEL, hear)
    await until(lambda: own.services.live.bell.is_connected)
    began = clock()
    for position in range(1, 101):
        own.services.live.bell.ring(Moved("the busy one", position))
        await asyncio.sleep(0.001)
    took = clock() - began
    await heard(own)
    await listener.close()
    assert 2 <= len(told) <= took / TOGETHER_SECONDS + 2


async def test_a_killed_listener_is_replaced_and_nothing_is_lost(own: World) -> None:
    database = own.database
    channel = await own.carol.create_channel(own.dave)
    async with own.another_server() as other, own.dave.socket() as socket:
        added = await socket.subscribe(EVENTS, id=channel)
        await own.followed(channel)
        bells = (own.services.live.bell, other.services.live.bell)
        await until(lambda: all(bell.is_connected for bell in bells))
        before = {row[0] for row in await database.fetch(BELLS)}
        with capture_logs() as logs:
            for number in range(30):
                if number == 10:
                    await database.fetch(
                        f"select pg_terminate_backend(pid) from ({BELLS}) as bells"
                    )
                await other.carol.say(channel, str(number))
            seen = await added.take(30)
            await until(lambda: [line["event"] for line in logs].count("bell.lost") >= 2)
            await until(lambda: all(bell.is_connected for bell in bells))
        after = {row[0] for row in await database.fetch(BELLS)}
    assert contents(seen) == [str(number) for number in range(30)]
    start = positions(channel, seen)[0]
    assert positions(channel, seen) == list(range(start, start + 30))
    assert len(before) == len(after) == 2
    assert not before & after
    assert {line["event"] for line in logs if line["log_level"] != "info"} == {"bell.lost"}


async def test_who_rings_into_the_goodbye_of_the_line_is_heard_on_the_next(own: World) -> None:
    channel = await own.carol.create_channel(own.dave)
    there = make_url(own.settings.database_url)
    async with Proxy.to(there.host or "", there.port or 0) as line:
        url = there.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
        async with own.another_server(listen_url=url) as other, own.dave.socket() as socket:
            bell = other.services.live.bell
            added = await socket.subscribe(MESSAGES, id=channel)
            await own.followed(channel)
            await until(lambda: bell.is_connected)
            hung_up = line.linger()
            with capture_logs() as logs:
                await own.database.fetch(
                    f"select pg_terminate_backend(pid) from ({BELLS}) as bells"
                )
                await hung_up.wait()
                await other.carol.say(channel, "into the goodbye")
                await until(lambda: not bell.is_connected)
                await until(lambda: bell.is_connected)
            assert contents([await added.next()]) == ["into the goodbye"]
    assert {line["event"] for line in logs if line["log_level"] != "info"} == {"bell.lost"}


async def test_who_could_not_hear_for_a_while_looks_at_the_directory_again(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may have been disabled, or be in another team: search results are kept for long."""
    told: list[str | None] = []
    live = own.services.live
    await until(lambda: live.bell.is_connected)
    monkeypatch.setattr(live, "on_directory_change", told.append)
    await own.database.execute(f"select pg_terminate_backend(pid) from ({BELLS}) as bells")
    await until(lambda: bool(told))
    assert set(told) == {None}


async def test_an_event_comes_soon_though_nobody_rings(own: World, fresh: Fresh) -> None:
    channel = await own.carol.create_channel(own.dave)
    async with deaf(own, fresh) as server, server.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel)
        await server.followed(channel)
        for number in range(2):
            await own.carol.say(channel, str(number))
            assert contents([await events.next(POLLED)]) == [str(number)]


async def test_a_busy_channel_keeps_no_other_one_from_being_polled(
    own: World, fresh: Fresh
) -> None:
    quiet = await own.carol.create_channel(own.dave)
    busy = await own.carol.create_channel(own.dave)
    async with deaf(own, fresh) as server, server.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=quiet)
        await socket.subscribe(MESSAGES, id=busy)
        await server.followed(quiet)
        await server.followed(busy)

        async def keep_busy() -> None:
            while True:
                await server.carol.say(busy)
                await asyncio.sleep(0.05)

        keeping = asyncio.create_task(keep_busy())
        await own.carol.say(quiet, "not to be forgotten")
        try:
            assert contents([await added.next(POLLED)]) == ["not to be forgotten"]
        finally:
            keeping.cancel()


NO_HINTS = [
    "",
    "nonsense",
    "{}",
    "[",
    "5",
    "null",
    '"M"',
    "[[]]",
    "[5]",
    '[["X", 1]]',
    '[["M"]]',
    '[["M", "CHANNEL"]]',
    '[["M", "CHANNEL", 1, 2]]',
    '[["M", "CHANNEL", "1"]]',
    '[["M", "CHANNEL", null]]',
    '[["M", "CHANNEL", 1e300]]',
    '[["M", "CHANNEL", true]]',
    '[["M", {}, 1]]',
    '[["M", ["CHANNEL"], 1]]',
    '[[["M"], "CHANNEL", 1]]',
    '[["T", "CHANNEL", "PERSON", "perhaps"]]',
    '[["T", "CHANNEL", null, true]]',
    '[["T", "CHANNEL", "nobody", true]]',
    '[["T", "CHANNEL", {}, true]]',
    '[["E", {}]]',
    '[["M", "CHANNEL", 1], ["X"]]',
]


@pytest.mark.parametrize("payload", NO_HINTS)
async def test_what_is_no_hint_is_logged_in_a_line_and_harms_nobody(
    own: World, payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await own.carol.create_channel(own.dave)
    payload = payload.replace("CHANNEL", channel).replace("PERSON", own.carol.id)
    async with own.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        typing = await socket.subscribe(TYPING, id=channel)
        await own.followed(channel, 2)
        await until(lambda: own.services.live.bell.is_connected)
        with capture_logs() as logs:
            await notify(own, payload)
            await heard(own)
        # On a busy machine an echo takes longer than its watchdog waits.
        told = [line["event"] for line in logs if line["event"] != "bell.lost"]
        assert told == ["bell.nonsense"]
        await own.carol.say(channel, "as ever")
        assert contents([await added.next()]) == ["as ever"]
        await socket.settled()
        assert typing.is_silent
    assert caplog.records == []


@pytest.mark.parametrize("position", [-1, 0, 1, 10**6, 2**63 - 1, 2**63, 2**64, 10**40])
async def test_a_hint_of_an_absurd_position_harms_nobody(own: World, position: int) -> None:
    channel = await own.carol.create_channel(own.dave)
    async with own.dave.socket() as socket:
        events = await socket.subscribe(EVENTS, id=channel)
        await own.followed(channel)
        await notify(own, f'[["M", "{channel}", {position}]]')
        await heard(own)
        for number in range(3):
            await own.carol.say(channel, str(number))
        seen = await events.take(3)
        assert contents(seen) == ["0", "1", "2"]
        start = positions(channel, seen)[0]
        assert positions(channel, seen) == [start, start + 1, start + 2]
        await socket.settled()
        assert events.is_silent


async def test_hints_of_channels_nobody_here_follows_are_forgotten(own: World) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    hints: list[Hint] = [
        Moved(unknown, 5),
        Typed(unknown, own.carol.id, True, 2_500),
        Echo("of somebody else"),
    ]
    await events.notify(own.database, hints)
    await heard(own)
    live = own.services.live
    await until(lambda: not live.hub.topics)
    assert live.follower._moved == set()
    # Told to this process by hand: another one might ask it to stop.
    await until(lambda: not live.typing._channels)


async def test_behind_a_pooler_that_lends_sessions_it_says_so_and_events_come_all_the_same(
    own: World,
) -> None:
    channel = await own.carol.create_channel(own.dave)
    async with Pooler.to(own.settings.database_url) as pooled:
        with capture_logs() as logged:
            async with own.another_server(listen_url=pooled) as server:
                await until(lambda: any(each["event"] == "bell.unfit" for each in logged))
                async with server.dave.socket() as socket:
                    operation = await socket.subscribe(MESSAGES, id=channel)
                    await server.followed(channel)
                    await own.carol.say(channel)
                    assert (await operation.next())["messageAdded"]["content"] == "Hello"
    [line] = {each["line"] for each in logged if each["event"] == "bell.unfit"}
    assert line == SHARED
