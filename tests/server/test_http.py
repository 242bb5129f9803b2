"""GraphQL over HTTP: what is asked how, and what comes back with which status."""

from typing import Any

import httpx
import orjson
import pytest

from tests.world import World

JSON = "application/json"
STRICT = "application/graphql-response+json"
WHO = "{ viewer { user { id } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


async def post(
    world: World,
    content: bytes | dict[str, Any],
    *,
    token: str | None = None,
    accept: str | None = None,
    content_type: str | None = JSON,
    **headers: str,
) -> httpx.Response:
    """The answer to a body, sent as dave unless somebody else's token is given."""
    headers["Authorization"] = f"Bearer {world.dave.token}" if token is None else token
    given = {"Accept": accept, "Content-Type": content_type}
    headers |= {name: value for name, value in given.items() if value is not None}
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    request = world.http.build_request("POST", "/graphql", content=body, headers=headers)
    if accept is None:
        del request.headers["Accept"]
    return await world.http.send(request)


def the_error(response: httpx.Response) -> dict[str, Any]:
    """The extensions of the only error, in an answer without data."""
    answer = response.json()
    assert list(answer) == ["errors"]
    (error,) = answer["errors"]
    assert error["message"]
    extensions: dict[str, Any] = error["extensions"]
    assert extensions.pop("requestId") == response.headers["X-Request-Id"]
    return extensions


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (STRICT, STRICT),
        (STRICT.upper(), STRICT),
        (f"{STRICT}; charset=utf-8, {JSON}; charset=utf-8", STRICT),
        (f"{JSON}, {STRICT}", JSON),
        (f"text/html, {STRICT};q=0.9, */*;q=0.1", STRICT),
    ],
)
async def test_the_answer_is_of_the_type_the_client_takes(
    world: World, accept: str | None, media_type: str
) -> None:
    response = await post(world, {"query": WHO}, accept=accept)
    assert response.status_code == 200
    name, _, charset = response.headers["Content-Type"].partition(";")
    assert name == media_type
    assert charset.strip() in ("", "charset=utf-8")
    assert response.json() == {"data": {"viewer": {"user": {"id": world.dave.id}}}}
    assert response.headers["X-Request-Id"]
    assert response.headers["Cache-Control"] == "no-store"


async def test_who_takes_neither_type_is_told_so(world: World) -> None:
    response = await post(world, {"query": WHO}, accept="text/html")
    assert response.status_code == 406
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": "accept"}


@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        ({"query": "{"}, "BAD_USER_INPUT", 400),
        ({"query": "{ unknown }"}, "BAD_USER_INPUT", 400),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_USER_INPUT", 400),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_USER_INPUT", 400),
        ({"query": "query ($a: ID!) { user(id: $a) { id } }"}, "BAD_USER_INPUT", 400),
        (
            {"query": "query ($a: ID!) { user(id: $a) { id } }", "variables": {"a": [1]}},
            "BAD_USER_INPUT",
            400,
        ),
        (
            {"query": 'subscription { messageAdded(channelId: "x") { id } }'},
            "BAD_USER_INPUT",
            400,
        ),
    ],
)
async def test_a_request_that_is_not_run_has_no_data_and_for_the_strict_a_status(
    world: World, request_: dict[str, Any], code: str, status: int
) -> None:
    lenient = await post(world, request_)
    strict = await post(world, request_, accept=STRICT)
    assert (lenient.status_code, strict.status_code) == (200, status)
    for response in (lenient, strict):
        assert the_error(response)["code"] == code


@pytest.mark.parametrize("accept", [JSON, STRICT])
async def test_a_refusal_in_a_field_is_an_answer(world: World, accept: str) -> None:
    refused = {"input": {"channelId": "x", "content": "Hello"}}
    response = await post(world, {"query": SEND, "variables": refused}, accept=accept)
    assert response.status_code == 200
    answer = response.json()
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {
        "code": "NOT_FOUND",
        "field": "channelId",
        "requestId": response.headers["X-Request-Id"],
    }
    assert answer["errors"][0]["path"] == ["sendMessage"]


@pytest.mark.parametrize("name", ["B", "A"])
async def test_the_named_one_of_several_operations_is_run(world: World, name: str) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    response = await post(world, {"query": query, "operationName": name})
    assert response.json() == {"data": {name.lower(): "Query"}}


@pytest.mark.parametrize(
    "more",
    [
        {"variables": None, "operationName": None, "extensions": None},
        {"variables": {}, "operationName": "", "extensions": {"any": ["thing"]}},
        {"id": 5, "more": [1]},
    ],
)
async def test_what_the_specification_leaves_open_is_let_through(
    world: World, more: dict[str, Any]
) -> None:
    response = await post(world, {"query": WHO, **more})
    assert response.json() == {"data": {"viewer": {"user": {"id": world.dave.id}}}}


async def test_queries_may_come_by_get(world: World) -> None:
    parameters = {
        "query": "query A ($id: ID!) { user(id: $id) { id } } query B { __typename }",
        "variables": orjson.dumps({"id": world.carol.id}).decode(),
        "operationName": "A",
        "extensions": "{}",
    }
    headers = {"Authorization": world.dave.token}
    response = await world.http.get("/graphql", params=parameters, headers=headers)
    assert response.status_code == 200
    assert response.json() == {"data": {"user": {"id": world.carol.id}}}


async def test_mutations_do_not_come_by_get(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    before = await world.state_of(channel)
    variables = orjson.dumps({"input": {"channelId": channel, "content": "Hello"}}).decode()
    response = await world.http.get(
        "/graphql",
        params={"query": SEND, "variables": variables},
        headers={"Authorization": world.dave.token},
    )
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": "method"}
    assert await world.state_of(channel) == before


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": WHO, "variables": "{"}, "variables"),
        ({"query": WHO, "variables": "[1]"}, "variables"),
        ({"query": WHO, "variables": "5"}, "variables"),
        ({"query": WHO, "extensions": "nonsense"}, "extensions"),
    ],
)
async def test_a_get_that_is_not_well_formed_names_what_is_wrong(
    world: World, parameters: dict[str, str], field: str
) -> None:
    response = await world.http.get("/graphql", params=parameters)
    assert response.status_code == 400
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": field}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_for_this(world: World, method: str) -> None:
    response = await world.http.request(method, "/graphql", json={"query": WHO})
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, POST"
    assert the_error(response) == {"code": "BAD_USER_INPUT", "field": "method"}


TOKENS = {
    "none": "",
    "nonsense": "Bearer nonsense",
    "another scheme": "Basic TOKEN",
    "disabled": "Bearer ZOE",
    "expired": "Bearer EXPIRED",
}


@pytest.mark.parametrize("kind", TOKENS)
async def test_without_a_valid_token_there_is_no_viewer(world: World, kind: str) -> None:
    token = (
        TOKENS[kind]
        .replace("TOKEN", world.dave.token)
        .replace("ZOE", world.zoe.token)
        .replace("EXPIRED", world.token(world.dave.id, lifetime=-60))
    )
    for accept, status in ((JSON, 200), (STRICT, 200 if kind == "none" else 401)):
        response = await post(world, {"query": WHO}, token=token, accept=accept)
        assert response.status_code == status
        answer = response.json()
        assert answer.get("data") is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_every_answer_has_an_id_of_its_own(world: World) -> None:
    ids = {(await post(world, {"query": WHO})).headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5
