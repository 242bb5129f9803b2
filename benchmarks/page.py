"""The page: fifty messages with everything on them, and with their senders alone."""

import re
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import orjson

from benchmarks import peers
from benchmarks.company import Channel, Company
from benchmarks.http import answer, ask, graphql, milliseconds, post
from benchmarks.process import Contender
from benchmarks.rows import Effort, Row, Target, Work, in_turns

WHOLE = """query ($channel: ID!) { channel(id: $channel) { messages(last: 50) { edges { node {
    id content createdAt sender { id name }
    reactions { emoji count users { id name } }
    attachments { id fileName fileSize mimeType url }
} } } } }"""

SENDERS = """query ($channel: ID!) { channel(id: $channel) { messages(last: 50) { edges { node {
    id content createdAt sender { id name }
} } } } }"""

REQUESTS = 300
PICTURED = 5
"""Every so manieth message has a picture; every one has a reaction by two people."""


async def rows(company: Company, effort: Effort) -> list[Row]:
    """Of a channel of two hundred messages, asked for by one person after the other."""
    channel = await company.channel(200)
    await adorn(company, channel)
    async with AsyncExitStack() as stack:
        backchannel = await stack.enter_async_context(company.backchannel())
        floor = await stack.enter_async_context(company.contender("floor"))
        whole = {
            "ours": (backchannel, graphql(WHOLE, company.token(), channel=channel.id)),
            "floor": (floor, page(company, channel, whole=True)),
        }
        same = {comparable(await answer(server.port, ask)) for server, ask in whole.values()}
        assert len(same) == 1, "the floor shows another page"
        everything = await _row(
            effort,
            "a page of 50 with sender, reactions and attachments",
            whole,
            [Target("floor", 2)],
        )
        senders = {
            "ours": (backchannel, graphql(SENDERS, company.token(), channel=channel.id)),
            "floor": (floor, page(company, channel, whole=False)),
        }
        missing: dict[str, str] = {}
        for peer in peers.PEERS:
            try:
                server, request = await stack.enter_async_context(peer(company, channel))
            except peers.NotHere as absent:
                missing[peer.__name__] = str(absent)
            else:
                senders[server.name] = (server, request)
        alone = await _row(
            effort,
            "a page of 50 with senders",
            senders,
            [Target(name, 1) for name in ("PostGraphile", "Yoga", "Strawberry")],
            missing,
        )
    return [everything, alone]


def page(company: Company, channel: Channel, *, whole: bool) -> bytes:
    """What the floor is asked."""
    return post("/page", {"channel": channel.id, "whole": whole}, company.token())


async def _row(
    effort: Effort,
    work: str,
    contenders: dict[str, tuple[Contender, bytes]],
    targets: list[Target],
    missing: dict[str, str] | None = None,
) -> Row:
    took: dict[str, list[float]] = {name: [] for name in contenders}

    def round_of(name: str, server: Contender, request: bytes) -> Work:
        count = effort.times(REQUESTS)

        async def work() -> float:
            with server.metered() as usage:
                took[name] += await ask(server.port, [request] * count)
            return usage.cpu / count * 1e6

        return work

    figures = await in_turns(effort, {n: round_of(n, *each) for n, each in contenders.items()})
    ours = figures.pop("ours")
    beside = {name: milliseconds(all) for name, all in took.items()}
    memory = contenders["ours"][0].memory() / 1e6
    beside = {**beside, "memory": f"{memory:.0f} MB", **(missing or {})}
    return Row("page", work, "µs CPU", ours, figures, targets, beside)


def comparable(body: bytes) -> bytes:
    """An answer without what differs by the second."""
    found = orjson.loads(body)
    for edge in found["data"]["channel"]["messages"]["edges"]:
        for file in edge["node"]["attachments"]:
            assert re.search("X-Amz-Signature=[0-9a-f]{64}", file["url"])
            file["url"] = urlsplit(file["url"]).path
    return orjson.dumps(found, option=orjson.OPT_SORT_KEYS)


async def adorn(company: Company, channel: Channel) -> None:
    """Give messages reactions and pictures."""
    people = company.people
    async with company.connection() as connection:
        await connection.copy_records_to_table(
            "reactions",
            columns=["message_id", "emoji", "user_id", "place"],
            records=[
                (id, "👍", people[(at + turn) % len(people)], 1)
                for at, id in enumerate(channel.message_ids)
                for turn in range(2)
            ],
        )
        await connection.execute(
            "insert into attachments (id, channel_id, message_id, uploader_id, object_key,"
            " file_name, file_size, mime_type, width, height, completed_at)"
            " select gen_random_uuid(), channel_id, id, sender_id, 'files/' || id,"
            " 'Picture ' || position || '.png', 123456, 'image/png', 640, 480, now()"
            " from messages where channel_id = $1 and position % $2 = 0",
            channel.id,
            PICTURED,
        )
        await connection.execute("vacuum analyze")
