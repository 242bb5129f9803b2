"""What is refused is one line in the log: which request, what code and what field, no content."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.end_to_end.house import House
from tests.operations import answered, document
from tests.world import RefusedError, World

SEND = document("sendMessage", ["input"])
WORDS = "Words of mine that are nobody's business"


@pytest.mark.parametrize(
    ("query", "variables", "code", "field"),
    [
        (SEND, {"input": {"channelId": "x", "content": WORDS}}, "NOT_FOUND", "channelId"),
        (SEND, {"input": {"channelId": 1.5, "content": WORDS}}, "BAD_USER_INPUT", "channelId"),
        (SEND, {"input": {"channelId": WORDS}}, "BAD_USER_INPUT", "content"),
        ("mutation { x }", {}, "BAD_USER_INPUT", None),
        (f'{{ users(first: "{WORDS}") {{ __typename }} }}', {}, "BAD_USER_INPUT", "first"),
        (WORDS, {}, "BAD_USER_INPUT", None),
    ],
)
async def test_a_refusal_is_one_line_with_the_requests_id(
    world: World, query: str, variables: dict[str, Any], code: str, field: str | None
) -> None:
    with capture_logs() as logs:
        response, result = await answered(world.carol, query, variables)
    (error,) = result["errors"]
    assert (error["extensions"]["code"], error["extensions"].get("field")) == (code, field)
    (line,) = [line for line in logs if line.get("request_id") == response.headers["X-Request-Id"]]
    assert (line["event"], line["log_level"]) == ("refused", "info")
    assert (line["code"], line.get("field")) == (code, field)
    assert WORDS not in str(logs)


async def test_a_request_that_is_none_is_one_line_too(world: World) -> None:
    with capture_logs() as logs:
        response = await world.http.post(
            "/graphql", content=b"{", headers={"Content-Type": "application/json"}
        )
    assert response.status_code == 400
    (line,) = [line for line in logs if line.get("request_id") == response.headers["X-Request-Id"]]
    assert (line["event"], line["code"], line["field"]) == ("refused", "BAD_USER_INPUT", "body")


async def test_on_a_socket_it_is_one_line_too(world: World) -> None:
    async with world.carol.socket() as socket:
        with capture_logs() as logs:
            with pytest.raises(RefusedError) as refusal:
                await socket.run(SEND, input={"channelId": "x", "content": WORDS})
    id = refusal.value.extensions["requestId"]
    (line,) = [line for line in logs if line.get("request_id") == id]
    assert (line["event"], line["field"]) == ("refused", "channelId")
    assert WORDS not in str(logs)


async def test_what_is_answered_is_no_line(world: World, house: House) -> None:
    with capture_logs() as logs:
        response, result = await answered(
            world.carol, "query ($id: ID!) { channel(id: $id) { id } }", {"id": house.channel}
        )
    assert result == {"data": {"channel": {"id": house.channel}}}
    assert not [x for x in logs if x.get("request_id") == response.headers["X-Request-Id"]]
