"""Limits on how often, as clients meet them: over HTTP and sockets, in every process."""

import asyncio
import time
from math import ceil
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from resolvers.rates import Kind
from schema import graphql_schema
from schema.rationing import KINDS
from server.settings import Settings
from tests.operations import nothing_happens, send
from tests.program import Program
from tests.security.conftest import SENDS
from tests.streams import MULTIPART, SSE, stream
from tests.world import Person, RefusedError, World

EVENTS = "subscription ($id: ID!) { channelEvents(channelId: $id) { cursor } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


async def code_of(call: Any) -> str:
    """OK, or the code of the refusal."""
    try:
        await call
    except RefusedError as refusal:
        is_told_when = 1 <= refusal.extensions.get("retryAfter", 0) <= 60
        assert is_told_when == (refusal.code == "RATE_LIMITED")  # noqa: PT017
        return str(refusal.code)
    return "OK"


async def test_two_processes_keep_one_limit_over_http_and_sockets(
    world: World, program: Program
) -> None:
    writer = await world.new_person("Wild Wanda")
    channel = await world.carol.create_channel(writer, world.dave)
    async with world.another_server(rate_sends=SENDS) as here:
        there = program.world
        branches = [Person(branch, writer.key, writer.id) for branch in (here, there)]
        async with branches[0].socket() as one, branches[1].socket() as two:

            async def over(socket: Any) -> str:
                operation = await socket.subscribe(
                    SEND, input={"channelId": channel, "content": "Again"}
                )
                return await code_of(operation.next())

            began = time.monotonic()
            codes = await asyncio.gather(
                *(code_of(send(person, channel, "Again")) for person in branches * SENDS),
                *(over(socket) for socket in (one, two) for _ in range(SENDS)),
            )
        back = ceil((time.monotonic() - began) * SENDS / 60)
    assert len(codes) == 4 * SENDS
    assert set(codes) == {"OK", "RATE_LIMITED"}
    assert SENDS <= codes.count("OK") <= SENDS + back
    assert len((await world.state_of(channel))[2]) == codes.count("OK")


@pytest.fixture(scope="module")
async def limited(world: World) -> Any:
    """The same company by way of a server that allows next to nothing, behind a proxy."""
    limits = {f"rate_{kind}": 3 for kind in Kind}
    async with world.another_server(**limits, trusted_proxies=("127.0.0.1",)) as server:
        yield server


def by_way_of(server: World, person: Person) -> Person:
    return Person(server, person.key, person.id)


async def test_every_alias_of_a_mutation_counts_and_what_is_refused_does_nothing(
    world: World, limited: World
) -> None:
    writer = await world.new_person("Many Maria")
    channel = await world.carol.create_channel(writer, world.dave)
    query = "mutation ($input: SendMessageInput!) {" + " ".join(
        f"a{number}: sendMessage(input: $input) {{ message {{ id }} }}" for number in range(5)
    )
    result = await by_way_of(limited, writer).post(
        query + "}", {"input": {"channelId": channel, "content": "One of many"}}
    )
    found = [(error["path"], error["extensions"]["code"]) for error in result["errors"]]
    assert found == [(["a3"], "RATE_LIMITED")]
    assert len((await world.state_of(channel))[2]) == 3
    async with nothing_happens(world, channel, world.dave):
        refusal = await by_way_of(limited, writer).refused(
            SEND, input={"channelId": channel, "content": "One more"}
        )
        assert refusal.code == "RATE_LIMITED"
        assert 1 <= refusal.extensions["retryAfter"] <= 20
    # Others are not concerned.
    await send(by_way_of(limited, world.dave), channel, "Still here")


async def test_mutations_and_uploads_are_counted_apart(world: World, limited: World) -> None:
    person = by_way_of(limited, await world.new_person("Busy Bill"))
    channel = await by_way_of(world, person).create_channel()
    typing = "mutation ($id: ID!) { setTyping(channelId: $id, isTyping: true) }"
    codes = [await code_of(person.run(typing, id=channel)) for _ in range(4)]
    assert codes == ["OK"] * 3 + ["RATE_LIMITED"]
    upload = "mutation { completeUpload(attachmentId: 1) { attachment { id } } }"
    codes = [await code_of(person.run(upload)) for _ in range(4)]
    assert codes == ["NOT_FOUND"] * 3 + ["RATE_LIMITED"]
    await send(person, channel, "Hello")


async def test_too_many_subscriptions_are_refused_and_the_socket_goes_on(
    world: World, limited: World
) -> None:
    person = by_way_of(limited, await world.new_person("Following Flora"))
    channel = await by_way_of(world, person).create_channel()
    async with person.socket() as socket:
        operations = [await socket.subscribe(EVENTS, id=channel) for _ in range(4)]
        assert await code_of(operations[3].next()) == "RATE_LIMITED"
        await socket.run("{ __typename }")
        await limited.followed(channel, 3)


@pytest.mark.parametrize("accept", [SSE, MULTIPART])
async def test_streams_over_http_count_as_the_sockets_they_stand_for(
    limited: World, accept: str
) -> None:
    person = await limited.new_person("Streaming Stella")
    channel = await limited.carol.create_channel(person)
    for _ in range(2):
        async with stream(person, EVENTS, accept, id=channel) as answer:
            assert answer.response.status_code == 200
            await limited.followed(channel)
    async with person.socket():
        pass
    async with stream(person, EVENTS, accept, id=channel) as answer:
        assert answer.response.status_code == 429
        (error,) = orjson.loads(await answer.response.aread())["errors"]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert 1 <= error["extensions"]["retryAfter"] <= 60
        assert answer.response.headers["Retry-After"] == str(error["extensions"]["retryAfter"])
    await limited.followed(channel, 0)


async def test_too_many_sockets_are_closed_with_a_code_on_which_clients_come_back(
    world: World, limited: World
) -> None:
    person = by_way_of(limited, await world.new_person("Opening Otto"))
    for _ in range(3):
        async with person.socket():
            pass
    async with limited.bare_socket() as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": person.token}})
        assert await socket.closed() == 1013
        assert "limit is 3" in (socket.connection.close_reason or "")


def asked_from(address: str, **more: str) -> dict[str, str]:
    """The headers of a request that a proxy passes on."""
    return {"X-Forwarded-For": address, "Content-Type": "application/json", **more}


async def test_strangers_are_counted_by_address_and_nobody_else_is(
    world: World, limited: World
) -> None:
    body = {"query": "{ __typename }"}

    async def status(headers: dict[str, str]) -> Any:
        return await limited.http.post("/graphql", json=body, headers=headers)

    wrong = {"Authorization": "Bearer nonsense"}
    tries = [wrong, {}, wrong]
    for more in tries:
        assert (await status(asked_from("203.0.113.7", **more))).status_code == 200
    refused = await status(asked_from("203.0.113.7", **wrong))
    assert refused.status_code == 429
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert refused.headers["Retry-After"] == str(error["extensions"]["retryAfter"])
    # What stands before the proxy's own word is the client's, and proves nothing.
    forged = asked_from("198.51.100.1, 203.0.113.7")
    assert (await status(forged)).status_code == 429
    assert (await status(asked_from("203.0.113.8"))).status_code == 200
    signed_in = asked_from("203.0.113.7", Authorization=f"Bearer {world.dave.token}")
    assert (await status(signed_in)).json() == {"data": {"__typename": "Query"}}
    with pytest.raises(InvalidStatus) as denied:
        async with limited.bare_socket(additional_headers={"X-Forwarded-For": "203.0.113.7"}):
            raise AssertionError("let in")
    assert denied.value.response.status_code == 429


async def test_a_network_of_ipv6_is_one_address(limited: World) -> None:
    codes = [
        (
            await limited.http.post(
                "/graphql",
                json={"query": "{ __typename }"},
                headers=asked_from(f"2001:db8:1:2::{number}"),
            )
        ).status_code
        for number in range(5)
    ]
    assert codes == [200, 200, 200, 429, 429]


async def test_sockets_that_say_nothing_count_as_strangers(limited: World) -> None:
    headers = {"X-Forwarded-For": "192.0.2.1"}
    for _ in range(4):
        async with limited.bare_socket(additional_headers=headers) as socket:
            await socket.send({"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}})
            assert await socket.closed() == 4401

    async def denied() -> int:
        try:
            async with limited.bare_socket(additional_headers=headers):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    # The last one may still be on its way out.
    async with asyncio.timeout(20):
        while await denied() != 429:
            pass


async def test_without_a_trusted_proxy_nobody_says_where_they_come_from(world: World) -> None:
    await world.database.execute("delete from rates where kind = 'strangers'")
    async with world.another_server(rate_strangers=2) as server:
        codes = [
            (
                await server.http.post(
                    "/graphql",
                    json={"query": "{ __typename }"},
                    headers=asked_from(f"203.0.113.{number}"),
                )
            ).status_code
            for number in range(4)
        ]
    assert codes == [200, 200, 429, 429]


def test_every_mutation_counts() -> None:
    mutation = graphql_schema().mutation_type
    assert mutation is not None
    assert KINDS.keys() <= mutation.fields.keys()
    for name, field in mutation.fields.items():
        assert getattr(field.resolve, "__code__").co_name == "counted", name  # noqa: B009


def test_by_default_there_are_limits_that_no_person_meets() -> None:
    defaults = [Settings.model_fields[f"rate_{kind}"].default for kind in Kind]
    assert min(defaults) >= 10 * 60
