"""What nobody foresaw: an answer that gives nothing away, and one line in the log to find it by.

The servers here are really broken: tables lose their columns.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

import server.app
from server import logs
from server.health import Health
from server.sessions import Sessions
from tests.realtime.following import EVENTS, MESSAGES, contents
from tests.server.test_http import STRICT, post
from tests.servers import Fresh, Servers
from tests.world import RefusedError, World

SECRET = "what was said in confidence"
MESSAGE = "query ($id: ID!) { a: __typename message(id: $id) { content reactions { emoji } } }"
INTERNAL = "Something went wrong on our side."


@pytest.fixture(scope="module")
async def broken(servers: Servers, fresh: Fresh) -> AsyncIterator[tuple[World, str, str]]:
    """A company whose reactions cannot be read, a channel, and a message in it."""
    async with World.running(servers, fresh) as world:
        channel = await world.carol.create_channel(world.dave)
        message = await world.carol.say(channel, SECRET)
        await world.database.execute("alter table reactions rename emoji to smiley")
        yield world, channel, message


@contextmanager
def said() -> Iterator[list[Any]]:
    """What is logged meanwhile, as it is written: with the request's id and the error."""
    steps = [structlog.contextvars.merge_contextvars, logs._tell_error]
    with capture_logs(processors=steps) as lines:
        yield lines


def the_line(lines: list[Any]) -> Any:
    """The one line that says it, with the error; nothing of what people said is in it."""
    (line,) = [line for line in lines if line["log_level"] == "error"]
    assert line["error"] == "asyncpg.exceptions.UndefinedColumnError"
    assert "storage/" in line["stack"]
    assert SECRET not in json.dumps(line, default=repr)
    return line


def gives_nothing_away(text: str) -> bool:
    return not any(word in text for word in ("Undefined", "Traceback", "asyncpg", "smiley", ".py"))


@pytest.mark.parametrize("accept", ["application/json", STRICT])
async def test_an_answer_over_http(broken: tuple[World, str, str], accept: str) -> None:
    world, _, message = broken
    with said() as lines:
        response = await post(
            world, {"query": MESSAGE, "variables": {"id": message}}, accept=accept
        )
    assert response.status_code == 200
    answer = response.json()
    (error,) = answer["errors"]
    assert answer["data"] == {"a": "Query", "message": None}
    request_id = response.headers["X-Request-Id"]
    assert error["message"] == INTERNAL
    assert error["extensions"] == {"code": "INTERNAL", "requestId": request_id}
    assert gives_nothing_away(response.text)
    assert the_line(lines)["request_id"] == request_id


async def test_an_answer_on_a_socket(broken: tuple[World, str, str]) -> None:
    world, _, message = broken
    async with world.dave.socket() as socket:
        with said() as lines:
            operation = await socket.subscribe(MESSAGE, id=message)
            result = (await operation.message())["payload"]
        assert (await operation.message())["type"] == "complete"
        (error,) = result["errors"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert gives_nothing_away(json.dumps(result))
        assert the_line(lines)["request_id"] == error["extensions"]["requestId"]
        await socket.settled()


async def test_what_cannot_be_delivered_ends_only_what_asked_for_it(
    broken: tuple[World, str, str],
) -> None:
    world, channel, _ = broken
    wants_it = MESSAGES.replace("{ id content }", "{ content reactions { emoji } }")
    async with world.dave.socket() as socket:
        ends = [await socket.subscribe(wants_it, id=channel) for _ in range(2)]
        goes_on = await socket.subscribe(EVENTS, id=channel)
        await world.followed(channel, 3)
        with said() as lines:
            for number in range(2):
                await world.carol.say(channel, f"{SECRET} {number}")
            assert contents(await goes_on.take(2)) == [f"{SECRET} {number}" for number in range(2)]
            for operation in ends:
                message = await operation.message()
                assert gives_nothing_away(json.dumps(message))
                errors = (
                    message["payload"]["errors"]
                    if message["type"] == "next"
                    else message["payload"]
                )
                assert errors[0]["extensions"]["code"] in ("INTERNAL", "RESYNC_REQUIRED")
        assert any(line["log_level"] == "error" for line in lines)
        assert SECRET not in json.dumps(lines, default=repr)


async def test_a_subscription_that_cannot_begin(broken: tuple[World, str, str]) -> None:
    world, channel, _ = broken
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel)
    await world.database.execute("alter table events rename detail to more")
    try:
        async with world.dave.socket() as socket:
            with said() as lines:
                operation = await socket.subscribe(MESSAGES, id=channel, after=cursor)
                with pytest.raises(RefusedError) as refusal:
                    await operation.next()
            assert refusal.value.code == "INTERNAL"
            assert refusal.value.message == INTERNAL
            assert the_line(lines)["request_id"] == refusal.value.extensions["requestId"]
            await socket.settled()
        assert world.followers(channel) == 0
    finally:
        await world.database.execute("alter table events rename more to detail")


async def test_what_breaks_before_the_operation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(Sessions, "sign_in", fail)
    with said() as lines:
        response = await post(world, {"query": "{ __typename }"})
    assert response.status_code == 500
    assert response.headers["Content-Type"].startswith("application/json")
    request_id = response.headers["X-Request-Id"]
    extensions = {"code": "INTERNAL", "requestId": request_id}
    assert response.json() == {"errors": [{"message": INTERNAL, "extensions": extensions}]}
    (line,) = lines
    assert (line["error"], line["request_id"]) == ("ZeroDivisionError", request_id)

    async with world.bare_socket() as socket:
        with said() as lines:
            await socket.send({"type": "connection_init", "payload": {"Authorization": "x"}})
            assert await socket.closed() == 1013
        assert socket.connection.close_reason == "Something went wrong on our side"
        (line,) = lines
        assert line["error"] == "ZeroDivisionError"


@pytest.mark.parametrize("path", ["/readyz", "/schema.graphql"])
async def test_what_breaks_in_another_endpoint(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(Health, "ready", fail)
    monkeypatch.setattr(server.app, "printed", fail)
    with said() as lines:
        response = await world.http.get(path)
    assert response.status_code == 500
    request_id = response.headers["X-Request-Id"]
    extensions = {"code": "INTERNAL", "requestId": request_id}
    assert response.json() == {"errors": [{"message": INTERNAL, "extensions": extensions}]}
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    (line,) = lines
    assert (line["error"], line["request_id"]) == ("ZeroDivisionError", request_id)


async def test_paths_that_are_not_there_say_nothing(world: World) -> None:
    response: httpx.Response = await world.http.get("/graphql/../secret")
    assert response.status_code == 404
    assert gives_nothing_away(response.text)
