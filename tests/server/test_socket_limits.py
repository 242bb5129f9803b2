"""What one connection may ask of the server, and one that does not read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.realtime.following import EVENTS, contents, positions, write
from tests.server.conftest import ORIGIN, OUTBOX_BYTES
from tests.server.test_origins import ELSEWHERE, NONE
from tests.world import Person, Socket, World, until

FRAME_BYTES = 65_536


def padded(size: int) -> str:
    """A ping of so many bytes."""
    head, tail = '{"type":"ping","payload":{"x":"', '"}}'
    return head + "x" * (size - len(head) - len(tail)) + tail


async def test_a_message_of_64_kib_is_read(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.send(padded(FRAME_BYTES))
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("size", [FRAME_BYTES + 1, 2 * FRAME_BYTES, 1_000_000])
async def test_a_longer_one_closes(world: World, size: int) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.send(padded(size))
        assert await socket.closed() == 1009


async def test_a_longer_one_in_pieces_closes_as_well(world: World) -> None:
    async with world.dave.socket() as socket:
        text = padded(FRAME_BYTES + 1)
        with suppress(ConnectionClosed):
            await socket.connection.send([text[:40_000], text[40_000:]])
        assert await socket.closed() == 1009


async def test_bytes_that_are_no_utf_8_close(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.send(b'{"type":"\xff"}', text=True)
        assert await socket.closed() == 1007


@pytest.mark.parametrize("origin", [ELSEWHERE, *NONE, f"{ORIGIN}.evil.com"])
async def test_a_page_from_elsewhere_gets_no_connection(strict: World, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with strict.bare_socket(origin=Origin(origin)):
            raise AssertionError("let in")
    assert refused.value.response.status_code == 403
    assert refused.value.response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("origin", [ORIGIN, ORIGIN.upper(), "http://127.0.0.1:PORT", None])
async def test_a_page_from_here_or_from_where_it_is_allowed_gets_one(
    strict: World, origin: str | None
) -> None:
    origin = origin and origin.replace("PORT", str(strict.port))
    async with strict.bare_socket(origin=origin and Origin(origin)) as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}


@asynccontextmanager
async def slow(person: Person) -> AsyncIterator[Socket]:
    """A connection that holds next to nothing for a client that reads one message at a time."""
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.setblocking(False)
    port = person.world.port
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", port))
    async with connect(
        f"ws://127.0.0.1:{port}/graphql",
        sock=narrow,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        max_queue=1,
        max_size=None,
        proxy=None,
    ) as connection:
        reader = Socket(connection)
        await reader.send({"type": "connection_init", "payload": {"Authorization": person.token}})
        assert await reader.receive() == {"type": "connection_ack"}
        yield reader


async def test_who_does_not_read_is_closed_and_finds_everything_with_the_cursor(
    world: World,
) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    # More than the kernel's buffers and the outbox hold together.
    said = [f"{number} {'x' * 20_000}" for number in range(400)]
    async with world.dave.socket() as quick, slow(world.dave) as reader:
        events = await quick.subscribe(EVENTS, id=channel, after=cursor)
        payload = {"query": EVENTS, "variables": {"id": channel, "after": cursor}}
        await reader.send({"type": "subscribe", "id": "1", "payload": payload})
        await world.followed(channel, 2)
        await write(world, channel, world.carol, said[:-1])
        seen = await events.take(399)
        # Given up while it still does not read, and its operation is gone.
        await world.followed(channel, 1)
        await write(world, channel, world.carol, said[-1:])
        seen += await events.take(1)
        assert contents(seen) == said

        got: list[Any] = []
        with suppress(ConnectionClosed):
            while True:
                got.append((await reader.receive())["payload"]["data"])
        assert await reader.closed() == 1013
        assert reader.connection.close_reason == "Too slow to follow"
        assert 0 < len(got) < 400
        after = got[-1]["channelEvents"]["cursor"]
        rest = await quick.subscribe(EVENTS, id=channel, after=after)
        got += await rest.take(400 - len(got))
    assert got == seen
    start = positions(channel, got)[0]
    assert positions(channel, got) == list(range(start, start + 400))


async def test_who_catches_up_slowly_is_not_too_slow(strict: World) -> None:
    """What is in the log already waits there until it is taken."""
    channel = await strict.carol.create_channel(strict.dave)
    cursor = await strict.dave.cursor(channel)
    said = [f"{number} {'x' * 20_000}" for number in range(400)]
    await write(strict, channel, strict.carol, said)
    async with slow(strict.dave) as reader:
        payload = {"query": EVENTS, "variables": {"id": channel, "after": cursor}}
        await reader.send({"type": "subscribe", "id": "1", "payload": payload})
        await until(
            lambda: any(task.get_name() == "connection writer" for task in asyncio.all_tasks())
        )
        got = [(await reader.receive())["payload"]["data"] for _ in said]
        assert contents(got) == said


async def test_answers_longer_than_what_may_wait_arrive(strict: World) -> None:
    """Who asks for much at once and reads it is not too slow."""
    channel = await strict.carol.create_channel(strict.dave)
    await write(strict, channel, strict.carol, ["x" * 40_000] * 50)
    query = (
        "query ($id: ID!)"
        " { channel(id: $id) { messages(first: 50) { edges { node { content } } } } }"
    )
    async with slow(strict.dave) as reader:
        operations = [await reader.subscribe(query, id=channel) for _ in range(3)]
        for operation in operations:
            edges = (await operation.next())["channel"]["messages"]["edges"]
            assert len(edges) * 40_000 == 2_000_000 > OUTBOX_BYTES
            assert (await operation.message())["type"] == "complete"
