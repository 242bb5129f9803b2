"""What no client would send over a socket: it is closed as it must be, and the log is silent."""

import asyncio
import os
from collections.abc import AsyncIterator

import orjson
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from server.pieces import MAX_PIECES
from server.settings import Settings
from tests.program import Program
from tests.security.test_wire import TWENTY_MEGABYTES, talk
from tests.world import Person, Socket

pytestmark = pytest.mark.usefixtures("silence")

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
)

HANDSHAKES: dict[str, tuple[bytes, int]] = {
    "many headers": (UPGRADE + b"X: a\r\n" * 200 + b"\r\n", 431),
    "a long header": (UPGRADE + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "a body": (UPGRADE + b"Content-Length: 5\r\n\r\nhello", 400),
    "no key": (UPGRADE.replace(b"Sec-WebSocket-Key", b"X") + b"\r\n", 400),
    "another version": (UPGRADE.replace(b": 13", b": 12") + b"\r\n", 400),
    "another method": (UPGRADE.replace(b"GET", b"POST") + b"\r\n", 405),
    "another path": (UPGRADE.replace(b"/graphql", b"/nowhere") + b"\r\n", 403),
    "an origin that is none": (UPGRADE + b"Origin: http://[\r\n\r\n", 403),
}


@pytest.mark.parametrize("kind", HANDSHAKES)
async def test_a_handshake_that_is_none_is_refused_and_not_waited_for(
    program: Program, kind: str
) -> None:
    raw, status = HANDSHAKES[kind]
    assert (await talk(program, raw))[0] == status


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


@pytest.mark.parametrize("filling", [b"", b" "])
@pytest.mark.parametrize("pieces", [MAX_PIECES, MAX_PIECES + 1])
async def test_a_message_has_so_many_pieces_and_no_more(
    socket: Socket, pieces: int, filling: bytes
) -> None:
    """However small: nothing counts as its size, and yet each takes room and time."""
    between = Frame(Opcode.CONT, filling, fin=False).serialize(mask=True)
    for each in (
        Frame(Opcode.TEXT, b'{"type":"ping"}', fin=False).serialize(mask=True),
        between * (pieces - 2),
        Frame(Opcode.CONT, filling).serialize(mask=True),
    ):
        socket.connection.transport.write(each)
    if pieces <= MAX_PIECES:
        assert await socket.receive() == {"type": "pong"}
    else:
        assert await socket.closed() == 1009


async def test_pings_whose_answers_nobody_reads_are_answered_no_more(program: Program) -> None:
    process = psutil.Process(program.pid)
    reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port, limit=4_096)
    writer.write(UPGRADE + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    payload = {"Authorization": program.world.dave.token}
    init = orjson.dumps({"type": "connection_init", "payload": payload})
    writer.write(Frame(Opcode.TEXT, init).serialize(mask=True))
    await reader.readuntil(b'"connection_ack"}')

    before = process.memory_info().rss
    pings = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 800
    for _ in range(TWENTY_MEGABYTES // len(pings)):
        writer.write(pings)
        await writer.drain()
    writer.write(Frame(Opcode.PING, b"the last one").serialize(mask=True))
    await program.world.carol.run("{ __typename }")
    assert process.memory_info().rss - before < TWENTY_MEGABYTES / 4
    # Whoever reads on is answered again.
    got = b""
    async with asyncio.timeout(10):
        while b"the last one" not in got:
            got = got[-12:] + await reader.read(65_536)
    writer.close()


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
