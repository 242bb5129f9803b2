"""What no client would send over HTTP: each is answered as it must be, and the log stays silent."""

import asyncio
import gzip
import socket
from contextlib import suppress
from itertools import product

import orjson
import psutil
import pytest

import server.heads
import server.http
from server.http import MAX_BODY_BYTES
from tests.program import Program
from tests.world import World, until

HEAD = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = b'{"query":"{ __typename }"}'
TWENTY_MEGABYTES = 20_000_000


pytestmark = pytest.mark.usefixtures("silence")


async def talk(program: Program, *parts: bytes) -> tuple[int, bytes]:
    """The status and the body of what is answered to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
    try:
        for part in parts:
            try:
                writer.write(part)
                await writer.drain()
            except ConnectionError:
                break
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            return int(head.split()[1]), await reader.read()
    finally:
        writer.close()


def refused(answer: tuple[int, bytes], status: int, field: str) -> None:
    """It must be a GraphQL error."""
    assert answer[0] == status
    (error,) = orjson.loads(answer[1])["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == field


def sent(body: bytes, *headers: str, length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    lines = [f"Content-Length: {length}", "Connection: close", *headers]
    return (HEAD + "\r\n".join(lines) + "\r\n\r\n").encode() + body


def chunk(part: bytes) -> bytes:
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


CHUNKED = (HEAD + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode()


async def test_twenty_megabytes_are_refused_and_not_kept(program: Program) -> None:
    process = psutil.Process(program.pid)
    await talk(program, sent(b"x" * (MAX_BODY_BYTES + 1)))
    before = process.memory_info().rss
    for _ in range(3):
        refused(await talk(program, sent(b"x" * TWENTY_MEGABYTES)), 413, "body")
    assert process.memory_info().rss - before < TWENTY_MEGABYTES / 2


async def test_a_body_without_end_is_hung_up_on(program: Program) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
    writer.write(CHUNKED)
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            while True:
                writer.write(chunk(b"x" * 100_000))
                await writer.drain()
    writer.close()


async def test_a_body_in_pieces_is_read(program: Program) -> None:
    status, body = await talk(program, CHUNKED, chunk(BODY[:7]), chunk(BODY[7:]), b"0\r\n\r\n")
    assert status == 200
    assert b"Query" in body


LIES = {
    "a chunk of no size": CHUNKED + b"x\r\n" + BODY,
    "a negative chunk": CHUNKED + b"-5\r\n" + BODY,
    "a length that is none": sent(BODY, length=-1),
    "two lengths": sent(BODY, "Content-Length: 5"),
    "no HTTP": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
    "a long header": (HEAD + "X: " + "x" * 300_000).encode(),
}


@pytest.mark.parametrize("kind", LIES)
async def test_what_is_no_http_is_refused_below_us(program: Program, kind: str) -> None:
    try:
        status, _ = await talk(program, LIES[kind])
    except (asyncio.IncompleteReadError, ConnectionError):
        # Hung up on, without a word.
        return
    assert 400 <= status < 500


async def test_a_body_shorter_than_it_says_is_waited_for_and_no_more(program: Program) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
    writer.write(sent(BODY[:-5], length=len(BODY)))
    await writer.drain()
    await program.world.dave.run("{ __typename }")
    writer.write_eof()
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()


async def test_a_body_longer_than_it_says_is_cut_there(program: Program) -> None:
    refused(await talk(program, sent(BODY, length=len(BODY) - 5)), 400, "body")


async def test_a_head_without_end_is_not_kept(program: Program) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
    writer.write((HEAD + "X: ").encode())
    for _ in range(100):
        writer.write(b"x" * 10_000)
    async with asyncio.timeout(10):
        # Or it has hung up before all of it was sent.
        with suppress(ConnectionError):
            assert (await reader.readline()).split()[1] == b"400"
    writer.close()


AFTER = {
    "fields": (b"0\r\n", b"X: " + b"x" * 1_000 + b"\r\n"),
    "one field": (b"0\r\nX: ", b"x" * 1_000),
    "what is said of a piece": (b"5", b";a=b"),
}
"""What stands around a body in pieces: how it begins, and what follows without end."""


@pytest.mark.parametrize("kind", AFTER)
async def test_what_stands_around_a_body_without_end_is_not_kept(
    program: Program, kind: str
) -> None:
    begins, follows = AFTER[kind]
    _, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
    writer.write(CHUNKED + chunk(BODY) + begins)
    sent = await until_hung_up_on(writer, follows * 100)
    # What is on its way when the line is cut counts as well.
    assert sent < TWENTY_MEGABYTES


async def until_hung_up_on(writer: asyncio.StreamWriter, data: bytes) -> int:
    """How many bytes of the same could be sent."""
    sent = 0
    async with asyncio.timeout(10):
        with suppress(ConnectionError):
            while True:
                writer.write(data)
                await writer.drain()
                sent += len(data)
    writer.close()
    return sent


async def test_who_takes_no_answer_is_hung_up_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.heads, "STALLED_SECONDS", 0.5)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", world.port))
    line = psutil.Process().net_connections
    asks = b"GET /schema.graphql HTTP/1.1\r\nHost: a\r\n\r\n"
    await asyncio.get_running_loop().sock_sendall(narrow, asks * 100)
    ours = narrow.getsockname()

    def is_served() -> bool:
        return any(each.raddr == ours for each in line())

    assert is_served()
    await until(lambda: not is_served(), 10)
    narrow.close()


@pytest.mark.parametrize(
    ("is_first", "said"),
    [(True, b""), *product([True, False], [b"POST /graphql HTTP/1.1\r\nX: ", b"\r\n"])],
)
async def test_a_head_that_does_not_come_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, is_first: bool, said: bytes
) -> None:
    monkeypatch.setattr(server.heads, "HEAD_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    async with asyncio.timeout(8):
        if not is_first:
            writer.write(sent(BODY).replace(b"close", b"keep-alive"))
            await reader.readuntil(b"}}")
        writer.write(said)
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.http, "BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(sent(BODY[:-5], length=len(BODY)))
    async with asyncio.timeout(10):
        head, body = (await reader.read()).split(b"\r\n\r\n")
    refused((int(head.split()[1]), body), 408, "body")
    writer.close()


async def test_a_slow_body_is_read_as_long_as_it_comes(program: Program) -> None:
    status, _ = await talk(program, sent(BODY)[:-20], sent(BODY)[-20:])
    assert status == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_no_body_is_unpacked(program: Program, encoding: str) -> None:
    """A kilobyte would become a megabyte."""
    bomb = gzip.compress(b"[" * 1_000_000)
    answer = await talk(program, sent(bomb, f"Content-Encoding: {encoding}"))
    refused(answer, 415, "content-encoding")


async def test_what_says_that_it_is_not_packed_is_read(program: Program) -> None:
    status, _ = await talk(program, sent(BODY, "Content-Encoding: identity"))
    assert status == 200


async def test_a_stream_is_not_begun_for_who_has_gone_meanwhile(program: Program) -> None:
    token = program.world.dave.token
    asks = sent(BODY, "Accept: text/event-stream", f"Authorization: {token}")
    for _ in range(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
        writer.write(asks)
        writer.write_eof()
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()
    await program.world.dave.run("{ __typename }")
