"""Who may speak on a socket, and until when."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from bson import ObjectId
from websockets.exceptions import ConnectionClosed

from tests.realtime.following import MESSAGES, contents
from tests.world import SECRET, Socket, World

WHO = "{ viewer { user { id } } }"


async def answer(socket: Socket, payload: Any) -> Any:
    """The answer to an initialisation, or the code the connection is closed with."""
    await socket.send({"type": "connection_init", "payload": payload})
    try:
        return await socket.receive()
    except ConnectionClosed:
        return await socket.closed()


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   ", ""])
async def test_the_token_is_in_the_payload_whatever_the_case(
    world: World, name: str, scheme: str
) -> None:
    async with world.bare_socket() as socket:
        assert await answer(socket, {name: scheme + world.dave.token}) == {"type": "connection_ack"}
        assert await socket.run(WHO) == {"viewer": {"user": {"id": world.dave.id}}}


async def test_the_token_may_be_in_the_handshakes_header(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.dave.token}"}
    async with world.bare_socket(additional_headers=headers) as socket:
        assert await answer(socket, None) == {"type": "connection_ack"}
        assert await socket.run(WHO) == {"viewer": {"user": {"id": world.dave.id}}}


async def test_the_payloads_token_goes_before_the_headers(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.dave.token}"}
    async with world.bare_socket(additional_headers=headers) as socket:
        assert await answer(socket, {"Authorization": world.erin.token}) == {
            "type": "connection_ack"
        }
        assert await socket.run(WHO) == {"viewer": {"user": {"id": world.erin.id}}}


WRONG: dict[str, Callable[[World], Any]] = {
    "no payload": lambda world: None,
    "an empty payload": lambda world: {},
    "another name": lambda world: {"token": world.dave.token},
    "a deeper place": lambda world: {"headers": {"Authorization": world.dave.token}},
    "nothing": lambda world: {"Authorization": ""},
    "only the scheme": lambda world: {"Authorization": "Bearer "},
    "another scheme": lambda world: {"Authorization": f"Basic {world.dave.token}"},
    "null": lambda world: {"Authorization": None},
    "a list": lambda world: {"Authorization": [world.dave.token]},
    "nonsense": lambda world: {"Authorization": "Bearer nonsense"},
    "a lone surrogate": lambda world: {"Authorization": "Bearer \ud800"},
    "another secret": lambda world: {
        "Authorization": world.token(world.dave.id, secret="another secret that is long enough")
    },
    "expired": lambda world: {"Authorization": world.token(world.dave.id, lifetime=-60)},
    "no person": lambda world: {"Authorization": world.token("carol")},
    "nobody there": lambda world: {"Authorization": world.token(str(ObjectId()))},
    "disabled": lambda world: {"Authorization": world.zoe.token},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_without_a_valid_token_the_connection_is_closed(world: World, wrong: str) -> None:
    async with world.bare_socket() as socket:
        assert await answer(socket, WRONG[wrong](world)) == 4403
        # Why not is nobody's business who has no token.
        assert socket.connection.close_reason == "Forbidden"


async def test_the_connection_ends_with_its_token_and_not_before(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    expires = math.ceil(time.time()) + 1
    token = jwt.encode({"sub": world.dave.id, "exp": expires}, SECRET, "HS256")
    async with world.bare_socket() as socket, world.dave.socket() as other:
        assert await answer(socket, {"Authorization": token}) == {"type": "connection_ack"}
        added = await socket.subscribe(MESSAGES, id=channel)
        goes_on = await other.subscribe(MESSAGES, id=channel)
        await world.followed(channel, 2)
        await world.carol.say(channel, "before")
        assert contents([await added.next()]) == ["before"]
        assert await socket.closed() == 4403
        assert 0 <= time.time() - expires < 10
        assert socket.connection.close_reason == "The token has expired"
        await world.carol.say(channel, "after")
        assert contents(await goes_on.take(2)) == ["before", "after"]
        assert added.is_silent
    await world.followed(channel, 0)


async def test_a_token_that_is_good_for_thousands_of_years_is_welcome(world: World) -> None:
    token = world.token(world.dave.id, lifetime=200_000_000_000)
    async with world.bare_socket() as socket:
        assert await answer(socket, {"Authorization": token}) == {"type": "connection_ack"}
        await socket.settled()


async def test_who_is_disabled_meanwhile_is_let_in_no_more(world: World) -> None:
    person = await world.new_person("Gone Soon")
    async with person.socket() as socket:
        await world.mongo.users.delete_one({"_id": ObjectId(person.id)})
        assert await socket.closed() == 4403
        assert socket.connection.close_reason == "This person may not sign in any more"
    async with world.bare_socket() as socket:
        assert await answer(socket, {"Authorization": person.token}) == 4403


async def test_those_who_cannot_sign_in_leave_the_others_alone(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        added = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel)

        async def try_in_vain() -> None:
            async with world.bare_socket() as stranger:
                assert await answer(stranger, {"Authorization": "nonsense"}) == 4403

        await asyncio.gather(*(try_in_vain() for _ in range(20)))
        await world.carol.say(channel, "undisturbed")
        assert contents([await added.next()]) == ["undisturbed"]
