"""Operations on a socket: what comes, in which order, under which id, and when it ends."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.realtime.following import MESSAGES
from tests.server.conftest import OPERATIONS
from tests.world import Socket, World

VIEWER = "{ viewer { user { id } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


async def start(socket: Socket, id: str, query: str, /, **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await socket.send({"type": "subscribe", "id": id, "payload": payload})


async def test_one_result_and_its_end(world: World) -> None:
    async with world.dave.socket() as socket:
        await start(socket, "a", VIEWER)
        data = {"viewer": {"user": {"id": world.dave.id}}}
        assert await socket.receive() == {"id": "a", "type": "next", "payload": {"data": data}}
        assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_a_mutation_is_done_once_and_ends(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        await start(socket, "a", SEND, input={"channelId": channel, "content": "Hello"})
        sent = (await socket.receive())["payload"]["data"]["sendMessage"]["message"]["id"]
        assert await socket.receive() == {"id": "a", "type": "complete"}
    count = "select count(*) from messages where channel_id = $1 and id = $2"
    assert await world.database.fetchval(count, channel, sent) == 1


async def test_a_refusal_in_a_field_is_a_result(world: World) -> None:
    async with world.dave.socket() as socket:
        await start(socket, "a", SEND, input={"channelId": "x", "content": "Hello"})
        result = await socket.receive()
        assert (result["type"], result["payload"]["data"]) == ("next", None)
        (error,) = result["payload"]["errors"]
        assert error["extensions"]["code"] == "NOT_FOUND"
        assert await socket.receive() == {"id": "a", "type": "complete"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": ""}, "BAD_USER_INPUT"),
        ({"query": "{"}, "BAD_USER_INPUT"),
        ({"query": "{ unknown }"}, "BAD_USER_INPUT"),
        ({"query": VIEWER, "operationName": "Unknown"}, "BAD_USER_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT"),
        ({"query": MESSAGES}, "BAD_USER_INPUT"),
        ({"query": MESSAGES, "variables": {"id": ["x"]}}, "BAD_USER_INPUT"),
        ({"query": MESSAGES, "variables": {"id": "x"}}, "NOT_FOUND"),
        ({"query": "subscription { __typename }"}, "BAD_USER_INPUT"),
        ({"query": MESSAGES.replace("{ id content }", "{ id unknown }")}, "BAD_USER_INPUT"),
        (
            {
                "query": "subscription ($id: ID!) { messageAdded(channelId: $id) { id }"
                " typing(channelId: $id) { isTyping } }",
                "variables": {"id": "x"},
            },
            "BAD_USER_INPUT",
        ),
        (
            {
                "query": "subscription ($no: Boolean = false) {"
                ' messageAdded(channelId: "x") @include(if: $no) { id } }'
            },
            "BAD_USER_INPUT",
        ),
    ],
)
async def test_what_is_not_begun_is_one_error_and_nothing_after_it(
    world: World, payload: dict[str, Any], code: str
) -> None:
    async with world.dave.socket() as socket:
        await socket.send({"type": "subscribe", "id": "a", "payload": payload})
        answer = await socket.receive()
        assert (answer["id"], answer["type"]) == ("a", "error")
        assert isinstance(answer["payload"], list)
        for error in answer["payload"]:
            assert error["extensions"]["code"] == code
            assert error["extensions"]["requestId"]
            assert error["message"]
        # No complete follows, and the id is free.
        await start(socket, "a", VIEWER)
        assert (await socket.receive())["type"] == "next"


async def test_an_id_in_use_closes(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        await start(socket, "a", MESSAGES, id=channel)
        await start(socket, "a", VIEWER)
        with pytest.raises(ConnectionClosed):
            await socket.receive()
        assert await socket.closed() == 4409
        assert socket.connection.close_reason == "Subscriber for a already exists"
    await world.followed(channel, 0)


@pytest.mark.parametrize("id", ["ä" * 200, "😀" * 100], ids=["long", "wide"])
async def test_a_long_id_in_use_closes_as_well(world: World, id: str) -> None:
    """A closing frame has room for 123 bytes of reason."""
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        await start(socket, id, MESSAGES, id=channel)
        await start(socket, id, VIEWER)
        assert await socket.closed() == 4409


@pytest.mark.parametrize("id", ["\\ud800", "a\\udfff"])
async def test_an_id_that_is_no_text_closes(world: World, id: str) -> None:
    async with world.dave.socket() as socket:
        await socket.connection.send(
            f'{{"type":"subscribe","id":"{id}","payload":{{"query":"{{ __typename }}"}}}}'
        )
        assert await socket.closed() == 4400


async def test_an_id_can_be_used_again_once_its_operation_has_ended(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        for _ in range(3):
            await start(socket, "a", VIEWER)
            assert (await socket.receive())["type"] == "next"
            assert (await socket.receive())["type"] == "complete"
        for _ in range(3):
            await start(socket, "a", MESSAGES, id=channel)
            await world.followed(channel)
            await socket.send({"type": "complete", "id": "a"})
            await start(socket, "b", VIEWER)
            assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
            assert world.followers(channel) == 0


async def test_after_complete_from_the_client_nothing_more_is_sent(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        stopped = await socket.subscribe(MESSAGES, id=channel)
        goes_on = await socket.subscribe(MESSAGES, id=channel)
        await world.followed(channel, 2)
        await stopped.complete()
        await socket.settled()
        await world.carol.say(channel, "Hello")
        assert (await goes_on.next())["messageAdded"]["content"] == "Hello"
        await socket.settled()
        assert stopped.is_silent


async def test_a_complete_for_nothing_is_let_through(world: World) -> None:
    async with world.dave.socket() as socket:
        for _ in range(2):
            await socket.send({"type": "complete", "id": "unknown"})
        await socket.settled()


async def test_operations_do_not_wait_for_each_other(world: World) -> None:
    """Many ids at once; each gets its own answer, whole and in its own order."""
    async with world.dave.socket() as socket:
        people = [world.carol.id, world.dave.id, world.erin.id]
        query = "query ($id: ID!) { user(id: $id) { id } }"
        for number in range(60):
            await start(socket, str(number), query, id=people[number % 3])
        seen: dict[str, list[Any]] = {}
        for _ in range(120):
            message = await socket.receive()
            seen.setdefault(message["id"], []).append(message)
    for number in range(60):
        result, end = seen[str(number)]
        assert result["payload"] == {"data": {"user": {"id": people[number % 3]}}}
        assert end["type"] == "complete"


async def test_one_connection_runs_no_more_operations_than_allowed(strict: World) -> None:
    channel = await strict.carol.create_channel(strict.dave)
    async with strict.dave.socket() as socket:
        for number in range(OPERATIONS):
            await start(socket, str(number), MESSAGES, id=channel)
        await strict.followed(channel, OPERATIONS)
        await socket.send({"type": "complete", "id": "0"})
        await start(socket, "0", VIEWER)
        assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await start(socket, "0", MESSAGES, id=channel)
        await start(socket, "one more", MESSAGES, id=channel)
        assert await socket.closed() == 4400
    await strict.followed(channel, 0)
