"""What a search takes in a million messages, and what its index costs those who write.

    scripts/bench search

Fills a database of the real schema with a million messages by COPY, and runs each kind
of search as the resolver does: the channels the viewer sees, the words, the matches, the
snippets. Channels differ in size as they do in life (the largest has a tenth of everything),
words too (the most common one is in a third of all messages). Times are milliseconds of the
whole, waiting for PostgreSQL included, one search at a time.

"cold" is the first of its kind after PostgreSQL was started anew, with the operating
system's cache emptied where that is permitted (as root on Linux).
"""

import asyncio
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg

from benchmarks.company import Company
from benchmarks.rows import Effort, Row
from resolvers import search
from resolvers.search import Filter
from resolvers.viewer import Viewer
from server.embedded.servers import EmbeddedServers
from server.migrate import migrate
from storage import channels, ids, messages
from storage.postgres import Database
from storage.records import UserRecord
from storage.sight import Role

MESSAGES = 1_000_000
CHANNELS = 1_000
STRIPPED = 100_000
"""Messages of the database without search."""

TIMES = 30
OWN = 50
"""Channels each viewer is in."""

PUBLIC = 0.2
"""Of all channels, how many are public: what an internal viewer may search besides."""

WRITES = 500
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
COMMON, SECOND = "the", "of"

CLIENT = Viewer(UserRecord("c" * 24, "A client", is_client=True))
EMPLOYEE = Viewer(UserRecord("d" * 24, "An employee"))
Kinds = dict[str, tuple[str, Filter]]

RARE_SENDER = f"{499:024x}"


def vocabulary(chance: random.Random) -> list[str]:
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
    words = ("".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(20_000))
    return [COMMON, SECOND, *dict.fromkeys(words)]


def made_up(chance: random.Random, count: int, channel_ids: list[str]) -> Iterator[tuple[Any, ...]]:
    words = vocabulary(chance)
    stream = chance.choices(words, [1 / (n + 3) for n in range(len(words))], k=1_000_000)
    sizes = [1 / (n + 10) for n in range(len(channel_ids))]
    positions = [0] * len(channel_ids)
    for number, channel in enumerate(chance.choices(range(len(channel_ids)), sizes, k=count)):
        positions[channel] += 1
        start, length = chance.randrange(len(stream) - 20), chance.randint(2, 18)
        yield (
            ids.new_id(),
            channel_ids[channel],
            positions[channel],
            positions[channel],
            f"{int(chance.random() ** 2 * 500):024x}",
            " ".join(stream[start : start + length]),
            "TEXT",
            BEGIN + number / count * YEAR,
        )


async def fill(url: str, count: int, channel_count: int) -> str:
    """The id of the largest channel."""
    chance = random.Random(1)
    channel_ids = [ids.new_id() for _ in range(channel_count)]
    connection = await asyncpg.connect(url)
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes"
        " where indexname in ('messages_vector', 'messages_newest')"
    )
    await connection.execute("set session_replication_role = replica")
    for name, _ in indexes:
        await connection.execute(f"drop index {name}")
    every = round(1 / PUBLIC)
    await connection.copy_records_to_table(
        "channels",
        records=[(id, "GROUP", f"{n}", n % every != 0) for n, id in enumerate(channel_ids)],
        columns=["id", "type", "name", "is_private"],
    )
    columns = ["id", "channel_id", "position", "ordinal", "sender_id", "content", "content_type"]
    await connection.copy_records_to_table(
        "messages", records=made_up(chance, count, channel_ids), columns=[*columns, "created_at"]
    )
    await connection.execute("update messages set has_attachment = true where position % 50 = 3")
    await connection.execute(
        "update channels c set position = coalesce("
        "(select max(position) from messages where channel_id = c.id), 0)"
    )
    await connection.execute("set maintenance_work_mem = '512MB'")
    for _, definition in indexes:
        await connection.execute(definition)
    await connection.execute("reset session_replication_role")
    # Private channels of every size, the second largest among them.
    own = channel_ids[1 :: channel_count // OWN][:OWN]
    for seat, viewer in enumerate((CLIENT, EMPLOYEE)):
        await connection.executemany(
            "insert into members (channel_id, user_id, seat, joined_position, joined_ordinal,"
            " read_position, read_ordinal) values ($1, $2, $3, 0, 0, 0, 0)",
            [(id, viewer.id, seat) for id in own],
        )
    await connection.execute(
        "insert into mentions (message_id, user_id, channel_id, position)"
        " select id, $1, channel_id, position from messages where position % 100 = 7",
        RARE_SENDER,
    )
    await connection.execute("vacuum analyze")
    sizes = await connection.fetch(
        "select relname, pg_size_pretty(pg_relation_size(oid)) from pg_class"
        " where relname in ('messages', 'messages_vector', 'messages_newest', 'messages_page')"
    )
    print(", ".join(f"{name} {size}" for name, size in sizes), flush=True)
    await connection.close()
    return channel_ids[0]


async def kinds(url: str) -> Kinds:
    """Searches by what is special about them."""
    connection = await asyncpg.connect(url)
    sample = await connection.fetchval(
        "select string_agg(content, ' ') from messages tablesample system (2)"
    )
    await connection.close()
    found: dict[str, int] = {}
    for word in sample.split():
        found[word] = found.get(word, 0) + 1
    ranked = sorted(found, key=lambda word: -found[word])
    usual, seldom, rare = ranked[100], ranked[1000], ranked[-1]
    common = f'"{COMMON}"'
    spring = BEGIN + YEAR / 4
    return {
        "the most common word": (common, Filter()),
        "a usual word": (f'"{usual}"', Filter()),
        "a seldom word": (f'"{seldom}"', Filter()),
        "a rare word": (f'"{rare}"', Filter()),
        "no such word": ('"xyzzyx"', Filter()),
        "two common words": (f"{COMMON} {SECOND} ", Filter()),
        "a common and a rare word": (f"{COMMON} {rare}", Filter()),
        "a dozen words, or others": (" or ".join(ranked[300:312]), Filter()),
        "ten common words": (" ".join(ranked[:10]), Filter()),
        "a phrase of common words": (f'"{COMMON} {SECOND}"', Filter()),
        "a phrase that is nowhere": (f'"{COMMON} {rare} {SECOND}"', Filter()),
        "usual without common": (f"{usual} -{COMMON}", Filter()),
        "prefix of one letter": ("b", Filter()),
        "prefix of two letters": ("zu", Filter()),
        "prefix of a rare word": (rare[:-1], Filter()),
        "common, a sender": (common, Filter(sender_id=RARE_SENDER)),
        "common, a sender of nothing": (common, Filter(sender_id="e" * 24)),
        "one letter, a sender of nothing": ("b", Filter(sender_id="e" * 24)),
        "common, a mention": (common, Filter(mentions_user_id=RARE_SENDER)),
        "common, mentions nobody": (common, Filter(mentions_user_id="e" * 24)),
        "common, with a file": (common, Filter(has_attachment=True)),
        "seldom, with a file": (f'"{seldom}"', Filter(has_attachment=True)),
        "common, without a file": (common, Filter(has_attachment=False)),
        "common, before spring": (common, Filter(sent_before=spring)),
        "seldom, before spring": (f'"{seldom}"', Filter(sent_before=spring)),
        "common, a day in spring": (
            common,
            Filter(sent_after=spring, sent_before=spring + timedelta(days=1)),
        ),
        "seldom, since the last week": (
            f'"{seldom}"',
            Filter(sent_after=BEGIN + YEAR - timedelta(days=7)),
        ),
    }


async def one(
    database: Database, viewer: Viewer, query: str, filter: Filter, by_relevance: bool
) -> tuple[float, int]:
    """The milliseconds it takes, and how many it finds."""
    services: Any = SimpleNamespace(database=database.seen_by(viewer.sight))
    begin = time.perf_counter()
    found = await search.messages(
        services,
        viewer,
        query,
        filter=filter,
        by_relevance=by_relevance,
        first=20,
        after=None,
    )
    for edge in found.edges:
        assert edge.snippet
    return (time.perf_counter() - begin) * 1000, len(found.edges)


async def warm(database: Database, times: int, every: Kinds) -> list[Row]:
    rows = []
    for by_relevance in (False, True):
        order = "best first" if by_relevance else "newest first"
        for name, (query, filter) in every.items():
            all: dict[Viewer, list[float]] = {}
            count = 0
            for viewer in (CLIENT, EMPLOYEE):
                _, count = await one(database, viewer, query, filter, by_relevance)
                all[viewer] = [
                    (await one(database, viewer, query, filter, by_relevance))[0]
                    for _ in range(times)
                ]
            theirs = all[EMPLOYEE]
            beside = {
                "p99": f"{late(all[CLIENT]):.0f} ms",
                "employee": f"{statistics.median(theirs):.0f} ms, p99 {late(theirs):.0f}"
                f", finds {count}",
            }
            rows.append(Row("search", f"{name}, {order}", "ms", all[CLIENT], beside=beside))
    return rows


def late(took: list[float]) -> float:
    """The 99th of a hundred."""
    return sorted(took)[min(len(took) - 1, round(len(took) * 0.99))]


async def cold(embedded: EmbeddedServers) -> list[Row]:
    rows = []
    every = await kinds(embedded.postgres.url)
    for name, (query, filter) in every.items():
        await embedded.postgres.stop()
        forgotten = forget()
        await embedded.postgres.restart()
        database = await Database.connect(embedded.postgres.url, role=Role.APP)
        # Whoever connects reads the catalog; that is not the search's.
        await one(database, CLIENT, "xyzzyx", Filter(sent_before=BEGIN), by_relevance=False)
        ms, count = await one(database, CLIENT, query, filter, by_relevance=False)
        await database.close()
        beside = {"finds": str(count)}
        if not forgotten:
            beside["but"] = "the operating system remembers"
        rows.append(Row("search", f"{name}, cold", "ms", [ms], beside=beside))
    return rows


def forget() -> bool:
    """Empty the operating system's cache; False where that is not permitted."""
    subprocess.run(["sync"], check=True)
    with suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("1")
        return True
    return False


async def writing(embedded: EmbeddedServers, url: str, channel_id: str) -> Row:
    """The same writes into the big database and one without search, in turns."""
    stripped = await Database.connect(url)
    whole = await Database.connect(embedded.postgres.url)
    took: dict[str, list[float]] = {"with": [], "without": []}
    without_channel = await stripped.fetchval("select id::text from channels where name = '0'")
    chance = random.Random(2)
    words = vocabulary(chance)
    for _ in range(WRITES):
        content = " ".join(chance.choices(words, k=10))
        for name, database, channel in (
            ("with", whole, channel_id),
            ("without", stripped, without_channel),
        ):
            begin = time.perf_counter()
            async with database.transaction() as transaction:
                await channels.lock(transaction, channel)
                await messages.insert(
                    transaction,
                    ids.new_id(),
                    channel_id=channel,
                    sender_id="d" * 24,
                    content=content,
                    content_type="TEXT",
                    parent_id=None,
                    mentioned_user_ids=[],
                    mentions_channel=False,
                    here=None,
                    client_message_id=None,
                    client_digest=None,
                )
            took[name].append((time.perf_counter() - begin) * 1000)
    await whole.close()
    await stripped.close()
    return Row(
        "search",
        "writing a message of ten words, the whole transaction",
        "ms",
        took["with"],
        {"without search": took["without"]},
        beside={"p99": f"{late(took['with']):.1f} ms, without search {late(took['without']):.1f}"},
    )


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Searches warm, then writing, then searches cold."""
    embedded, url = company.backing, company.database_url
    messages_count = effort.times(MESSAGES)
    channel_id = await fill(url, messages_count, CHANNELS)
    database = await Database.connect(url, role=Role.APP)
    found = await warm(database, effort.times(TIMES), await kinds(url))
    await database.close()
    async with company.connection() as connection:
        await connection.execute("create database stripped")
    other = url.rpartition("/")[0] + "/stripped"
    await asyncio.to_thread(migrate, other)
    await fill(other, min(messages_count, STRIPPED), CHANNELS)
    stripped = await asyncpg.connect(other)
    await stripped.execute("drop index messages_newest; alter table messages drop column vector")
    await stripped.close()
    return [*found, await writing(embedded, other, channel_id), *await cold(embedded)]
