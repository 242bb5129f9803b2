"""Bodies that are none: each is answered 4xx with a GraphQL error, and the log stays silent."""

from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from server.http import MAX_BODY_BYTES
from tests.server.test_http import JSON, STRICT, WHO, post, the_error
from tests.world import World


def said_once(logs: list[Any], response: httpx.Response) -> None:
    """The log has one line for it, by which it is found, and no traceback."""
    assert [(line["event"], line["log_level"], line["request_id"]) for line in logs] == [
        ("refused", "info", response.headers["X-Request-Id"])
    ]


BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "body"),
    "blanks": (b"  \n", "body"),
    "a number": (b"5", "body"),
    "null": (b"null", "body"),
    "true": (b"true", "body"),
    "a text": (b'"x"', "body"),
    "a list": (b"[]", "body"),
    "a batch": (b'[{"query":"{ __typename }"}]', "body"),
    "words": (b"hello", "body"),
    "half an object": (b'{"query":', "body"),
    "two objects": (b"{}{}", "body"),
    "NaN": (b'{"query":NaN}', "body"),
    "NaN beside an escape": (b'{"query":"\\u0041","variables":NaN}', "body"),
    "no UTF-8": (b'{"query":"\xff\xfe"}', "body"),
    "no UTF-8 beside an escape": (b'{"query":"\\u0041\xff"}', "body"),
    "half a character": (b'{"query":"\xc3"}', "body"),
    "UTF-16": ('{"query":"{ __typename }"}'.encode("utf-16"), "body"),
    "a hundred thousand lists": (b"[" * 100_000, "body"),
    "closed ones": (b"[" * 100_000 + b"]" * 100_000, "body"),
    "objects": (b'{"a":' * 100_000, "body"),
    "with an escape": (b'["\\u0041",' + b"[" * 100_000, "body"),
    "closed, with an escape": (b'["\\u0041",' + b"[" * 99_999 + b"]" * 100_000, "body"),
    "no query": (b"{}", "query"),
    "null as query": (b'{"query":null}', "query"),
    "a number as query": (b'{"query":5}', "query"),
    "a list as query": (b'{"query":["{ __typename }"]}', "query"),
    "an empty query": (b'{"query":""}', "query"),
    "a blank query": (b'{"query":" \\n "}', "query"),
    "variables in a list": (b'{"query":"{ __typename }","variables":[]}', "variables"),
    "variables in a text": (b'{"query":"{ __typename }","variables":"{}"}', "variables"),
    "variables in a number": (b'{"query":"{ __typename }","variables":0}', "variables"),
    "a number as name": (b'{"query":"{ __typename }","operationName":5}', "operationName"),
    "a list as name": (b'{"query":"{ __typename }","operationName":["A"]}', "operationName"),
    "extensions in a list": (b'{"query":"{ __typename }","extensions":[]}', "extensions"),
}


@pytest.mark.parametrize("accept", [JSON, STRICT])
@pytest.mark.parametrize("kind", BODIES)
async def test_what_is_no_request_is_told_so(world: World, kind: str, accept: str) -> None:
    body, field = BODIES[kind]
    with capture_logs() as logs:
        response = await post(world, body, accept=accept)
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith(accept)
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": field}
    said_once(logs, response)


DEEP: dict[str, Any] = {
    "variables": lambda: (
        b'{"query":"query ($x: ID) { user(id: $x) { id } }","variables":{"x":'
        + b"[" * 500
        + b"]" * 500
        + b"}}"
    ),
    "variables nobody declared": lambda: (
        b'{"query":"{ __typename }","variables":{"x":' + b"[" * 500 + b"]" * 500 + b"}}"
    ),
    "an input object": lambda: orjson.dumps(
        {"query": "{ users(first: " + "[" * 400 + "]" * 400 + ") { pageInfo { hasNextPage } } }"}
    ),
    "selections": lambda: orjson.dumps({"query": "{ viewer " * 600 + "}" * 600}),
}


@pytest.mark.parametrize("kind", DEEP)
async def test_what_is_nested_deeply_is_answered(world: World, kind: str) -> None:
    with capture_logs() as logs:
        response = await post(world, DEEP[kind](), accept=STRICT)
    assert response.status_code in (200, 400)
    for error in response.json().get("errors", ()):
        assert error["extensions"]["code"] in ("BAD_USER_INPUT", "QUERY_TOO_COMPLEX")
        assert len(error["message"]) < 1_000
    if response.status_code == 400:
        said_once(logs, response)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 2_000_000])
async def test_a_body_that_is_too_long_is_not_read_to_its_end(world: World, size: int) -> None:
    response = await post(world, b'{"query":"' + b"x" * (size - 12) + b'"}')
    assert response.status_code == 413
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": "body"}


async def test_the_longest_body_is_read(world: World) -> None:
    head, tail = b'{"query":"{ __typename }","more":"', b'"}'
    body = head + b"x" * (MAX_BODY_BYTES - len(head) - len(tail)) + tail
    assert len(body) == MAX_BODY_BYTES
    response = await post(world, body)
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/jsonp",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
    ],
)
async def test_what_a_page_may_send_without_being_asked_is_not_read(
    world: World, content_type: str | None
) -> None:
    """Browsers send plain texts and forms to other origins without a preflight."""
    response = await post(world, {"query": WHO}, content_type=content_type)
    assert response.status_code == 415
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": "content-type"}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json ; charset=utf-8",
    ],
)
async def test_json_in_utf_8_is_read_however_it_is_written(world: World, content_type: str) -> None:
    body = orjson.dumps({"query": "query ($x: String) { users(search: $x) { __typename } }"})
    response = await post(world, body, content_type=content_type)
    assert response.json() == {"data": {"users": {"__typename": "UserConnection"}}}


async def test_who_goes_away_in_the_middle_leaves_no_line_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def half() -> Any:
        yield b'{"query":'
        raise ConnectionAbortedError

    with capture_logs() as logs:
        with pytest.raises((ConnectionAbortedError, httpx.HTTPError)):
            await world.http.post("/graphql", content=half(), headers={"Content-Type": JSON})
        await post(world, {"query": WHO})
    # On a busy machine an echo takes longer than the watchdog of the bell waits.
    assert [line for line in logs if line["event"] != "bell.lost"] == []
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []
