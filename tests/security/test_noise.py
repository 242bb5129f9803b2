"""Requests with a few bytes wrong, and messages out of nowhere: none wakes anybody.

A few hundred of them here; ``scripts/fuzz`` asks for more, from another seed each time.
"""

import asyncio
import os
from collections import Counter
from random import Random
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from server.connection import Close
from tests.program import Program
from tests.security.conftest import NOTES
from tests.security.test_frames import UPGRADE

OPERATIONS = int(os.environ.get("BACKCHANNEL_TEST_FUZZ_OPERATIONS", "15"))
SEED = os.environ.get("BACKCHANNEL_TEST_FUZZ_SEED", "1")
REQUESTS = 20 * OPERATIONS
SOCKETS = 4 * OPERATIONS
AT_ONCE = 8

pytestmark = [
    pytest.mark.usefixtures("silence"),
    pytest.mark.timeout(60 + OPERATIONS),
]

BODY = orjson.dumps(
    {
        "query": "query A($a: ID!) { user(id: $a) { id name } }",
        "variables": {"a": "x"},
        "operationName": "A",
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a" * 64}},
    }
)
POST = b"POST /graphql HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json"
REQUESTS_OF_CLIENTS = [
    POST
    + b"; charset=utf-8\r\nAccept: text/event-stream, application/json;q=0.5\r\n"
    + b"Authorization: Bearer TOKEN\r\nOrigin: http://a\r\nLast-Event-ID: WyJlIiwi\r\n"
    + b"Content-Length: %d\r\n\r\n" % len(BODY)
    + BODY,
    POST
    + b"\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
    + BODY[:16]
    + b"\r\n%x\r\n" % (len(BODY) - 16)
    + BODY[16:]
    + b"\r\n0\r\nX: y\r\n\r\n",
    (
        b"GET /graphql?query=%7B__typename%7D&variables=%7B%22a%22%3A1%7D HTTP/1.1\r\nHost: a\r\n"
        b"Accept: multipart/mixed;subscriptionSpec=1.0\r\nConnection: close\r\n\r\n"
    ),
    UPGRADE + b"Origin: http://a\r\n\r\n\x81\xa2aaaa" + bytes(40),
    (
        b"OPTIONS /graphql HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n"
        b"Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
    ),
    b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
]
NOISE = [b"\r\n", b"\0", b"%", b"[", b'"', b"\\ud800", b";", b"q=", b",", b"\xff\xfe", b" " * 9]
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 2**63, "", "1", "\u202e", "a" * 300),
    *([], {}, [[]], {"a": {}}, ["1"]),
]
QUERIES = [
    "{ __typename }",
    "subscription { inbox { __typename } }",
    "subscription($c: ID!, $a: String) { channelEvents(channelId: $c, after: $a) { cursor } }",
    "mutation($c: ID!) { setTyping(channelId: $c) }",
    "mutation($c: String!) { renewSession(token: $c) }",
    "{",
]


def spoiled(random: Random, request: bytes) -> bytes:
    """The request with some bytes changed, lost, doubled or in between."""
    bytes_ = bytearray(request)
    for _ in range(random.choice([1, 1, 2, 3, 8])):
        place = random.randrange(len(bytes_))
        match random.randrange(4):
            case 0:
                bytes_[place] = random.randrange(256)
            case 1:
                del bytes_[place : place + random.randint(1, 9)]
            case 2:
                other = random.randrange(len(bytes_))
                bytes_[place:place] = bytes_[other : other + random.randint(1, 60)]
            case _:
                bytes_[place:place] = random.choice(NOISE)
    return bytes(bytes_)


async def test_a_request_with_a_few_bytes_wrong_is_refused_or_answered(program: Program) -> None:
    random, statuses = Random(SEED), Counter[str]()
    token = program.world.dave.token.encode()
    requests = [each.replace(b"TOKEN", token) for each in REQUESTS_OF_CLIENTS]

    async def send(request: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", program.world.port)
        try:
            writer.write(request)
            # Whoever waits for more than was sent hears that there is no more.
            writer.write_eof()
            async with asyncio.timeout(20):
                head = await reader.read(12)
            statuses[head[9:12].decode() or "hung up"] += 1
        except ConnectionError:
            statuses["hung up"] += 1
        finally:
            writer.close()

    for _ in range(0, REQUESTS, AT_ONCE):
        await asyncio.gather(
            *(send(spoiled(random, random.choice(requests))) for _ in range(AT_ONCE))
        )
    NOTES.append(f"Requests with a few bytes wrong: {dict(statuses.most_common())}.")
    assert {status for status in statuses if status.startswith("5")} == set()
    assert {"400", "200"} <= statuses.keys()


def message(random: Random, channel: str) -> dict[str, Any]:
    """Something like a message, with some of it wrong."""

    def perhaps(share: float, value: Any) -> Any:
        return random.choice(VALUES) if random.random() < share else value

    kinds = ["subscribe"] * 6 + ["complete", "ping", "pong"]
    found = {
        "type": perhaps(0.02, random.choice(kinds)),
        "id": perhaps(0.03, str(random.randrange(5))),
        "payload": perhaps(0.03, {}),
    }
    if found["type"] == "subscribe" and isinstance(found["payload"], dict):
        found["payload"] = {
            "query": perhaps(0.02, random.choice(QUERIES)),
            "variables": perhaps(0.03, {"c": perhaps(0.2, channel), "a": perhaps(0.2, None)}),
            "operationName": perhaps(0.05, None),
            "extensions": perhaps(0.05, None),
        }
    return found


async def test_messages_out_of_nowhere_close_with_the_protocols_codes(program: Program) -> None:
    random, codes = Random(SEED), Counter[int]()
    channel = await program.world.carol.create_channel(program.world.dave)

    async def talk() -> None:
        async with program.world.dave.socket() as socket:
            try:
                for _ in range(random.randint(1, 40)):
                    await socket.send(message(random, channel))
                # Whoever is still there is closed by a second initialisation.
                await socket.send({"type": "connection_init"})
                while True:
                    await socket.receive(20)
            except ConnectionClosed:
                codes[await socket.closed()] += 1

    for _ in range(0, SOCKETS, AT_ONCE):
        await asyncio.gather(*(talk() for _ in range(AT_ONCE)))
    NOTES.append(f"Sockets with messages out of nowhere: {dict(codes.most_common())}.")
    assert codes.keys() <= {Close.BAD_REQUEST, Close.ID_IN_USE, Close.TOO_MANY_INITS}
    assert codes.keys() >= {Close.BAD_REQUEST, Close.ID_IN_USE}
