"""graphql-transport-ws, sentence by sentence.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from server.sessions import Sessions, SignedIn
from tests.server.conftest import INIT_SECONDS
from tests.world import Socket, World

QUERY = {"query": "{ viewer { user { id } } }"}


def init(world: World, **payload: Any) -> dict[str, Any]:
    return {
        "type": "connection_init",
        "payload": payload or {"Authorization": f"Bearer {world.dave.token}"},
    }


async def closes(socket: Socket, code: int, reason: str | None = None) -> None:
    """The next thing the server does must be to close the connection, so."""
    with pytest.raises(ConnectionClosed):
        await socket.receive()
    assert await socket.closed() == code
    assert reason is None or socket.connection.close_reason == reason


@pytest.mark.parametrize(
    "offered", [[], ["graphql-ws"], ["graphql-ws", "something-else"], ["GRAPHQL-TRANSPORT-WS"]]
)
async def test_without_the_subprotocol_nothing_is_said(world: World, offered: list[str]) -> None:
    subprotocols = [Subprotocol(name) for name in offered] or None
    async with world.bare_socket(subprotocols=subprotocols) as socket:
        assert socket.connection.subprotocol is None
        await closes(socket, 4406, "Subprotocol not acceptable")


async def test_the_subprotocol_is_chosen_wherever_it_stands(world: World) -> None:
    offered = [Subprotocol("graphql-ws"), Subprotocol("graphql-transport-ws")]
    async with world.bare_socket(subprotocols=offered) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"
        await socket.send(init(world))
        assert await socket.receive() == {"type": "connection_ack"}


async def test_who_does_not_initialise_in_time_is_closed(strict: World) -> None:
    began = time.monotonic()
    async with strict.bare_socket() as socket:
        await closes(socket, 4408, "Connection initialisation timeout")
    assert INIT_SECONDS <= time.monotonic() - began < INIT_SECONDS + 3


async def test_who_only_pings_is_closed_as_well(strict: World) -> None:
    async with strict.bare_socket() as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        await closes(socket, 4408)


async def test_who_initialised_in_time_is_let_in_by_a_server_that_was_busy(strict: World) -> None:
    async with strict.bare_socket() as socket:
        await socket.send(init(strict))
        # With thousands who came at the same moment.
        time.sleep(2 * INIT_SECONDS)  # noqa: ASYNC251
        assert await socket.receive() == {"type": "connection_ack"}


async def test_the_time_it_takes_to_find_out_who_somebody_is_is_not_their_delay(
    strict: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Sessions.connect

    async def slowly(*args: Any) -> SignedIn:
        await asyncio.sleep(2 * INIT_SECONDS)
        return await connect(*args)

    monkeypatch.setattr(Sessions, "connect", slowly)
    async with strict.bare_socket() as socket:
        await socket.send(init(strict))
        assert await socket.receive() == {"type": "connection_ack"}


async def test_who_has_initialised_in_time_stays(strict: World) -> None:
    async with strict.dave.socket() as socket:
        began = time.monotonic()
        while time.monotonic() < began + 2 * INIT_SECONDS:
            await socket.settled()


async def test_a_second_initialisation_closes(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.send(init(world))
        await closes(socket, 4429, "Too many initialisation requests")


async def test_a_second_initialisation_before_the_first_is_acknowledged_closes(
    world: World,
) -> None:
    async with world.bare_socket() as socket:
        await socket.send(init(world))
        await socket.send(init(world))
        assert await socket.receive() == {"type": "connection_ack"}
        await closes(socket, 4429)


async def test_nothing_is_done_for_who_is_not_acknowledged(world: World) -> None:
    async with world.bare_socket() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": QUERY})
        await closes(socket, 4401, "Unauthorized")


async def test_who_does_not_wait_for_the_acknowledgement_is_answered_after_it(
    world: World,
) -> None:
    async with world.bare_socket() as socket:
        await socket.send(init(world))
        await socket.send({"type": "subscribe", "id": "1", "payload": QUERY})
        assert [(await socket.receive())["type"] for _ in range(3)] == [
            "connection_ack",
            "next",
            "complete",
        ]


@pytest.mark.parametrize("more", [{}, {"payload": {}}, {"payload": {"any": ["thing"]}}])
@pytest.mark.parametrize("is_initialised", [True, False])
async def test_a_ping_is_answered_with_a_pong_at_any_time(
    world: World, is_initialised: bool, more: dict[str, Any]
) -> None:
    async with world.bare_socket() as socket:
        if is_initialised:
            await socket.send(init(world))
            assert await socket.receive() == {"type": "connection_ack"}
        await socket.send({"type": "ping", **more})
        assert (await socket.receive())["type"] == "pong"


async def test_a_pong_nobody_asked_for_is_welcome(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.send({"type": "pong"})
        await socket.send({"type": "pong", "payload": {"any": "thing"}})
        await socket.settled()


INVALID: dict[str, str | bytes] = {
    "no JSON": "{",
    "nothing": "",
    "words": "hello",
    "not a number": "NaN",
    "a list": "[]",
    "a list of a message": '[{"type":"ping"}]',
    "a number": "1",
    "null": "null",
    "true": "true",
    "a text": '"ping"',
    "a hundred thousand lists": "[" * 60_000,
    "the same with an escape": '["\\u0041",' + "[" * 60_000,
    "binary": b'{"type":"ping"}',
    "no type": "{}",
    "null as type": '{"type":null}',
    "a list as type": '{"type":["ping"]}',
    "an unknown type": '{"type":"hello"}',
    "an old protocol's type": '{"type":"start","id":"1","payload":{"query":"{ __typename }"}}',
    "a server's acknowledgement": '{"type":"connection_ack"}',
    "a server's next": '{"type":"next","id":"1","payload":{}}',
    "a server's error": '{"type":"error","id":"1","payload":[]}',
    "a ping with words": '{"type":"ping","payload":"hello"}',
    "a pong with a list": '{"type":"pong","payload":[]}',
    "no id": '{"type":"subscribe","payload":{"query":"{ __typename }"}}',
    "null as id": '{"type":"subscribe","id":null,"payload":{"query":"{ __typename }"}}',
    "a number as id": '{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}',
    "a list as id": '{"type":"subscribe","id":["1"],"payload":{"query":"{ __typename }"}}',
    "an empty id": '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}',
    "an endless id": '{"type":"subscribe","id":"%s","payload":{"query":"{ __typename }"}}'
    % ("1" * 10_000),
    "complete without id": '{"type":"complete"}',
    "complete with a list": '{"type":"complete","id":[]}',
    "no payload": '{"type":"subscribe","id":"1"}',
    "null as payload": '{"type":"subscribe","id":"1","payload":null}',
    "a text as payload": '{"type":"subscribe","id":"1","payload":"{ __typename }"}',
    "a list as payload": '{"type":"subscribe","id":"1","payload":[]}',
    "no query": '{"type":"subscribe","id":"1","payload":{}}',
    "null as query": '{"type":"subscribe","id":"1","payload":{"query":null}}',
    "a list as query": '{"type":"subscribe","id":"1","payload":{"query":["{ __typename }"]}}',
    "variables in a list": '{"type":"subscribe","id":"1","payload":'
    '{"query":"{ __typename }","variables":[]}}',
    "variables in a text": '{"type":"subscribe","id":"1","payload":'
    '{"query":"{ __typename }","variables":"{}"}}',
    "a number as name": '{"type":"subscribe","id":"1","payload":'
    '{"query":"{ __typename }","operationName":1}}',
    "extensions in a list": '{"type":"subscribe","id":"1","payload":'
    '{"query":"{ __typename }","extensions":[]}}',
}


@pytest.mark.parametrize("invalid", INVALID)
async def test_what_is_no_message_closes(world: World, invalid: str) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.send(INVALID[invalid])
        await closes(socket, 4400)


@pytest.mark.parametrize("payload", ["hello", [], 1, True])
async def test_an_initialisation_with_what_is_no_object_closes(world: World, payload: Any) -> None:
    async with world.bare_socket() as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        await closes(socket, 4400)


async def test_what_the_protocol_leaves_open_is_let_through(world: World) -> None:
    payload = {**QUERY, "variables": None, "operationName": None, "extensions": None, "more": 1}
    async with world.dave.socket() as socket:
        await socket.send({"type": "subscribe", "id": "ä" * 100, "payload": payload, "more": [1]})
        answer = await socket.receive()
        assert answer["id"] == "ä" * 100
        assert answer["payload"] == {"data": {"viewer": {"user": {"id": world.dave.id}}}}


async def test_a_client_that_closes_is_let_go(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.close(1000)
        assert await socket.closed() == 1000


async def test_messages_are_text_and_say_no_more_than_the_protocol(world: World) -> None:
    async with world.dave.socket() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": QUERY})
        raw = [await socket.connection.recv() for _ in range(2)]
        assert all(isinstance(text, str) for text in raw)
        result = {"data": {"viewer": {"user": {"id": world.dave.id}}}}
        assert [json.loads(text) for text in raw] == [
            {"id": "1", "type": "next", "payload": result},
            {"id": "1", "type": "complete"},
        ]
