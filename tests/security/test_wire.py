"""What no client would send: each is answered or closed as it must be, and the log stays silent."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import product
from typing import Any

import orjson
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

import server.heads
import server.http
from server.http import MAX_BODY_BYTES
from server.settings import Settings
from tests.program import Program
from tests.world import Person, Socket, World

HEAD = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = b'{"query":"{ __typename }"}'
TWENTY_MEGABYTES = 20_000_000


@pytest.fixture(autouse=True)
def _silence(program: Program) -> Any:
    """Whatever is done, nobody has to be woken: no error, no traceback, no process that died."""
    before = program.log.stat().st_size
    yield
    with program.log.open("rb") as log:
        log.seek(before)
        for line in log:
            told = orjson.loads(line)
            # uvicorn has one line of fixed words for what is no HTTP.
            assert told["level"] == "info" or told["event"].startswith("Invalid HTTP"), line
            assert "stack" not in told
    assert psutil.pid_exists(program.pid)


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
    async with asyncio.timeout(3):
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


@pytest.fixture
async def person(program: Program) -> Person:
    return program.world.dave


@pytest.fixture
async def socket(person: Person) -> AsyncIterator[Socket]:
    async with person.socket() as socket:
        yield socket


FRAMES: dict[str, tuple[bytes, int]] = {
    "a reserved bit": (bytes([0xC1, 0x80]) + bytes(4), 1002),
    "a reserved kind": (bytes([0x83, 0x80]) + bytes(4), 1002),
    "no mask": (b"\x81\x02hi", 1002),
    "a continuation of nothing": (bytes([0x80, 0x80]) + bytes(4), 1002),
    "a long ping": (bytes([0x89, 0xFE, 0, 200]) + bytes(204), 1002),
    "a ping in pieces": (bytes([0x09, 0x80]) + bytes(4), 1002),
    "a goodbye of one byte": (bytes([0x88, 0x81]) + bytes(5), 1002),
    "a goodbye with a code that is none": (bytes([0x88, 0x82]) + bytes(4) + b"\x00\x05", 1002),
    "a length of 2**63": (bytes([0x81, 0xFF]) + b"\xff" * 8 + bytes(4), 1009),
    "a length of a gigabyte": (bytes([0x81, 0xFF]) + (2**30).to_bytes(8, "big") + bytes(4), 1009),
}


@pytest.mark.parametrize("kind", FRAMES)
async def test_what_is_no_frame_closes_with_the_protocols_code(socket: Socket, kind: str) -> None:
    raw, code = FRAMES[kind]
    socket.connection.transport.write(raw)
    with pytest.raises(ConnectionClosed):
        await socket.receive()
    assert await socket.closed() == code


async def test_pieces_without_end_are_closed_when_they_are_too_many(socket: Socket) -> None:
    mask = os.urandom(4)

    def piece(opcode: Opcode) -> bytes:
        return Frame(opcode, b" " * 1_000, fin=False).serialize(mask=bool(mask))

    socket.connection.transport.write(piece(Opcode.TEXT))
    # The last one is the one too many: what nobody reads any more after that would break the
    # line, and with it the goodbye that says why.
    for _ in range(65):
        socket.connection.transport.write(piece(Opcode.CONT))
    assert await socket.closed() == 1009


async def test_empty_pieces_without_end_are_given_up(program: Program, socket: Socket) -> None:
    """They take no room, and must take no time from others."""
    socket.connection.transport.write(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True))
    empty = Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * 1_000
    for _ in range(20):
        socket.connection.transport.write(empty)
    await program.world.carol.run("{ __typename }")


async def test_a_flood_of_pings_is_answered_and_kept_by_nobody(
    program: Program, socket: Socket
) -> None:
    for _ in range(2_000):
        await socket.send({"type": "ping"})
    for _ in range(2_000):
        assert (await socket.receive(10))["type"] == "pong"
    await program.world.carol.run("{ __typename }")


async def test_frames_are_at_most_64_kib_and_an_initialisation_takes_at_most_5_seconds() -> None:
    """Unless the operator says otherwise."""
    assert Settings.model_fields["socket_max_frame_bytes"].default == 64 * 1024
    assert Settings.model_fields["connection_init_seconds"].default == 5
