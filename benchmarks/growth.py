"""Growth: the same questions to a channel of a thousand messages and to one of a million, and
the sidebar of somebody with few channels and with many.
"""

import statistics
from collections.abc import Mapping

import asyncpg

from benchmarks.company import Channel, Company
from benchmarks.http import ask, graphql
from benchmarks.process import Contender
from benchmarks.rows import Effort, Row, Target, Work, in_turns
from benchmarks.send import SEND
from storage import ids

SMALL, LARGE = 1_000, 1_000_000
REQUESTS = 100

PAGE = """query ($channel: ID!) { channel(id: $channel) { messages(last: 50) { edges {
    cursor node { id content sender { id name } reactions { emoji } }
} } } }"""

OLD_PAGE = """query ($channel: ID!) { channel(id: $channel) { messages(first: 50) { edges {
    cursor node { id content sender { id name } reactions { emoji } }
} } } }"""

COUNT = "query ($channel: ID!) { channel(id: $channel) { unreadCount mentionCount } }"

SEARCH = """query ($channel: ID!) {
    searchMessages(query: "tenth", filter: {channelId: $channel}) {
        edges { snippet node { id content sender { id name } } }
    }
}"""

SIDEBAR = """{ viewer { channels(first: 100) { edges { node {
    id name unreadCount mentionCount lastMessage { content }
} } } } }"""

FEW, MANY = 10, 100
OTHERS = 2_000


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Whole requests, from asking to the answer: what PostgreSQL does is the point here."""
    small = await company.channel()
    large = await company.channel()
    await fill(company, small, SMALL)
    count = effort.times(LARGE)
    await fill(company, large, count)
    async with company.backchannel() as backchannel:
        found = [
            await _channels(company, effort, backchannel, what, query, small, large, count)
            for what, query in {
                "the newest page": PAGE,
                "the oldest page": OLD_PAGE,
                "counting what is unread, all of it": COUNT,
                "a search in the channel": SEARCH,
                "sending": SEND,
            }.items()
        ]
        return [*found, *await _sidebars(company, effort, backchannel, small)]


async def _channels(
    company: Company,
    effort: Effort,
    server: Contender,
    what: str,
    query: str,
    small: Channel,
    large: Channel,
    count: int,
) -> Row:
    content = {"content": "Hello."} if query is SEND else {}
    name = f"in {SMALL:,}"
    figures = await _milliseconds(
        effort,
        server,
        {
            "ours": graphql(query, company.token(1), channel=large.id, **content),
            name: graphql(query, company.token(1), channel=small.id, **content),
        },
    )
    ours = figures.pop("ours")
    return Row("growth", f"{what}, in {count:,} messages", "ms", ours, figures, [Target(name, 1.2)])


async def _sidebars(
    company: Company, effort: Effort, server: Contender, channel: Channel
) -> list[Row]:
    few, many = graphql(SIDEBAR, company.token(2)), graphql(SIDEBAR, company.token(3))
    page = graphql(PAGE, company.token(1), channel=channel.id)
    await _channels_of(company, company.people[2], FEW)
    await _channels_of(company, company.people[3], MANY)
    # Both are in the two channels above as well.
    figures = await _milliseconds(effort, server, {"ours": many, "of 12": few, "page": page})
    alone = figures["of 12"]
    await _channels_of(company, company.people[4], OTHERS)
    later = await _milliseconds(effort, server, {"ours": few, "page": page})
    # These are minutes apart, and the machine does other things besides: a page, which has
    # nothing to do with it, says how much slower everything is.
    slower = statistics.median(later["page"]) / statistics.median(figures["page"])
    return [
        Row(
            "growth",
            f"the sidebar of somebody in {MANY + 2} channels (100 are shown)",
            "ms",
            figures["ours"],
            {"of 12": alone},
            [Target("of 12", (MANY + 2) / (FEW + 2))],
        ),
        Row(
            "growth",
            f"the sidebar of 12 channels beside {OTHERS:,} of others', measured by a page",
            "ms",
            [figure / slower for figure in later["ours"]],
            {"before": alone},
            [Target("before", 1.2)],
        ),
    ]


async def _milliseconds(
    effort: Effort, server: Contender, requests: Mapping[str, bytes]
) -> dict[str, list[float]]:
    count = effort.times(REQUESTS)

    def round_of(request: bytes) -> Work:
        async def work() -> float:
            return statistics.median(await ask(server.port, [request] * count)) * 1000

        return work

    return await in_turns(effort, {name: round_of(each) for name, each in requests.items()})


async def fill(company: Company, channel: Channel, count: int) -> None:
    """So many messages, of each person in turn; every tenth says so."""
    async with company.connection() as connection:
        await connection.execute("set session_replication_role = replica")
        indexes = await _dropped(connection) if count > 100_000 else []
        await connection.execute(
            "insert into messages"
            " (id, channel_id, position, ordinal, sender_ordinal, sender_id, content,"
            " content_type, created_at)"
            " select uuidv7(), $1, at, at, 1 + (at - 1) / cardinality($2::text[]),"
            " ($2::text[])[1 + at % cardinality($2::text[])],"
            " 'Message ' || at || case when at % 10 = 0 then ' is the tenth' else '' end"
            " || ': the quick brown fox jumps over the lazy dog.', 'TEXT',"
            " now() - ($3 - at) * interval '10 seconds'"
            " from generate_series(1, $3) as at",
            channel.id,
            company.people,
            count,
            timeout=900,
        )
        await connection.execute("set maintenance_work_mem = '256MB'")
        for definition in indexes:
            await connection.execute(definition, timeout=900)
        await connection.execute(
            "update channels set position = $2, ordinal = $2, last_message_at = now(),"
            " last_message_id ="
            " (select id from messages where channel_id = $1 and position = $2)"
            " where id = $1",
            channel.id,
            count,
        )
        await connection.execute("reset session_replication_role")
        await connection.execute("vacuum analyze messages", timeout=900)


async def _dropped(connection: asyncpg.Connection) -> list[str]:
    """Take the indexes of search away; answers how to make them again."""
    indexes = await connection.fetch(
        "select indexname, indexdef from pg_indexes"
        " where indexname in ('messages_vector', 'messages_newest')"
    )
    for name, _ in indexes:
        await connection.execute(f"drop index {name}")
    return [definition for _, definition in indexes]


async def _channels_of(company: Company, person: str, count: int) -> None:
    """So many channels of their own, with a message in each."""
    made = [(ids.new_id(), ids.new_id()) for _ in range(count)]
    async with company.connection() as connection, connection.transaction():
        await connection.executemany(
            "insert into channels (id, type, name, created_by, is_private, position, ordinal,"
            " member_count, seats, last_message_id, last_message_at)"
            " values ($1, 'GROUP', 'own', $3, true, 1, 1, 1, 1, $2, now())",
            [(*each, person) for each in made],
        )
        await connection.executemany(
            "insert into members (channel_id, user_id, seat, joined_position, joined_ordinal,"
            " read_position, read_ordinal) values ($1, $2, 0, 0, 0, 0, 0)",
            [(channel, person) for channel, _ in made],
        )
        await connection.executemany(
            "insert into messages (id, channel_id, position, ordinal, sender_id, content,"
            " content_type) values ($2, $1, 1, 1, $3, 'Hello.', 'TEXT')",
            [(*each, person) for each in made],
        )
    async with company.connection() as connection:
        await connection.execute("vacuum analyze")
