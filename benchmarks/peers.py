"""Other GraphQL servers that show the same page of messages with their senders."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from benchmarks.company import Channel, Company, free_port
from benchmarks.http import graphql, post
from benchmarks.process import Contender, running

CONTENDERS = Path(__file__).with_name("contenders")

PAGE = """query ($channel: ID!) { channel(id: $channel) { messages(last: 50) { edges { node {
    id content createdAt sender { id name }
} } } } }"""

POSTGRAPHILE_PAGE = """query ($channel: UUID!) { allMessages(
    condition: {channelId: $channel}, last: 50, orderBy: POSITION_ASC
) { edges { node { id content createdAt sender { id name } } } } }"""

Peer = Callable[[Company, Channel], AbstractAsyncContextManager[tuple[Contender, bytes]]]
"""A server, and what to ask it."""


class NotHere(Exception):
    """What the peer needs is not on this machine."""


@asynccontextmanager
async def strawberry(company: Company, channel: Channel) -> AsyncIterator[tuple[Contender, bytes]]:
    """A plain application of Strawberry's, as it comes."""
    async with company.contender("plain_strawberry") as server:
        server.name = "Strawberry"
        yield server, post("/graphql/", {"query": PAGE, "variables": {"channel": channel.id}})


@asynccontextmanager
async def yoga(company: Company, channel: Channel) -> AsyncIterator[tuple[Contender, bytes]]:
    """GraphQL Yoga with resolvers by hand."""
    await _copy(company, channel)
    async with _node(company, "yoga", "Yoga") as server:
        yield server, graphql(PAGE, channel=channel.id)


@asynccontextmanager
async def postgraphile(
    company: Company, channel: Channel
) -> AsyncIterator[tuple[Contender, bytes]]:
    """PostGraphile 5 over tables of its own."""
    await _copy(company, channel)
    async with _node(company, "postgraphile", "PostGraphile") as server:
        yield server, graphql(POSTGRAPHILE_PAGE, channel=channel.id)


PEERS: tuple[Peer, ...] = (strawberry, yoga, postgraphile)


@asynccontextmanager
async def _node(company: Company, folder: str, name: str) -> AsyncIterator[Contender]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHere("needs Node.js")
    home = CONTENDERS / folder
    if not (home / "node_modules").exists():
        done = await asyncio.to_thread(
            subprocess.run,
            [npm, "ci", "--no-audit", "--no-fund", "--silent"],
            cwd=home,
            check=False,
        )
        if done.returncode:
            raise NotHere("npm could not install it")
    port = free_port()
    async with running(
        name,
        [node, str(home / "server.mjs"), str(port)],
        port,
        log=company.folder / f"{folder}.log",
        environment={"DATABASE_URL": company.database_url, "NODE_ENV": "production"},
    ) as server:
        yield server


async def _copy(company: Company, channel: Channel) -> None:
    """The same messages without policies, and people beside them: these servers know one database.

    That spares them row-level security and a directory, not us.
    """
    async with company.connection() as connection:
        await connection.execute("""
            create schema if not exists peers;
            create table if not exists peers.people (id text primary key, name text not null);
            create table if not exists peers.messages (
                id         uuid        primary key,
                channel_id uuid        not null,
                position   bigint      not null,
                sender_id  text        not null references peers.people,
                content    text        not null,
                created_at timestamptz not null,
                unique (channel_id, position)
            );
            comment on constraint messages_sender_id_fkey on peers.messages is
                '@fieldName sender';
        """)
        await connection.executemany(
            "insert into peers.people values ($1, $2) on conflict do nothing",
            [(id, f"Person Number{number}") for number, id in enumerate(company.people)],
        )
        await connection.execute(
            "insert into peers.messages"
            " select id, channel_id, position, sender_id, content, created_at from messages"
            " where channel_id = $1 on conflict do nothing",
            channel.id,
        )
        await connection.execute("analyze")
