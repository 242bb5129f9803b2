"""Which pages may ask, and what an installation does not tell unless told to."""

import httpx
import pytest

from tests.server.conftest import ORIGIN
from tests.server.test_http import STRICT, WHO, post, the_error
from tests.world import World

ELSEWHERE = "https://evil.example.com"
NONE = ["null", "", "http://", "http://[", "http://[::1", "://", "127.0.0.1", "http://a:b:c@[%"]
"""What browsers do not send, but for the first."""


async def preflight(world: World, origin: str) -> httpx.Response:
    """What a browser asks before it sends JSON and a token to another origin."""
    return await world.http.options(
        "/graphql",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )


async def test_an_allowed_page_may_ask_and_read_the_answer(strict: World) -> None:
    asked = await preflight(strict, ORIGIN)
    assert asked.status_code == 200
    assert asked.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    allowed = asked.headers["Access-Control-Allow-Headers"].lower()
    assert {"authorization", "content-type"} <= set(allowed.replace(" ", "").split(","))
    response = await post(strict, {"query": WHO}, Origin=ORIGIN)
    assert response.json() == {"data": {"viewer": {"user": {"id": strict.dave.id}}}}
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = response.headers["Access-Control-Expose-Headers"].lower()
    assert exposed == "x-request-id, retry-after"
    assert "Origin" in response.headers["Vary"]
    # There are no cookies, so there is nothing to be sent along unasked.
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origin", [ELSEWHERE, *NONE, f"{ORIGIN}.evil.com", "http://app.example.com"]
)
async def test_another_page_may_neither_ask_nor_read(strict: World, origin: str) -> None:
    asked = await preflight(strict, origin)
    assert asked.status_code == 400
    assert "Access-Control-Allow-Origin" not in asked.headers
    channel = await strict.carol.create_channel(strict.dave)
    before = await strict.state_of(channel)
    send = {
        "query": "mutation ($input: SendMessageInput!)"
        " { sendMessage(input: $input) { message { id } } }",
        "variables": {"input": {"channelId": channel, "content": "Hello"}},
    }
    response = await post(strict, send, Origin=origin)
    assert response.status_code == 403
    assert the_error(response) == {"code": "FORBIDDEN"}
    assert "Access-Control-Allow-Origin" not in response.headers
    assert await strict.state_of(channel) == before


async def test_by_default_only_our_own_pages_may_ask(world: World) -> None:
    own = f"http://127.0.0.1:{world.port}"
    assert (await post(world, {"query": WHO}, Origin=own)).status_code == 200
    response = await post(world, {"query": WHO}, Origin=ORIGIN)
    assert response.status_code == 403
    assert (await preflight(world, ORIGIN)).status_code == 405


async def test_with_a_star_every_page_may_ask(world: World) -> None:
    async with world.another_server(allowed_origins=("*",)) as server:
        response = await post(server, {"query": WHO}, Origin=ELSEWHERE)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await preflight(server, ELSEWHERE)).status_code == 200


async def test_programs_that_are_no_browsers_may_always_ask(strict: World) -> None:
    assert (await post(strict, {"query": WHO})).status_code == 200


INTROSPECTION = [
    "{ __schema { types { name } } }",
    '{ __type(name: "Query") { fields { name } } }',
    "query { a: __schema { queryType { name } } }",
    "{ ...q } fragment q on Query { __schema { types { name } } }",
]


@pytest.mark.parametrize("query", INTROSPECTION)
async def test_the_schema_is_told_only_where_that_is_switched_on(
    world: World, strict: World, query: str
) -> None:
    told = await post(world, {"query": query}, accept=STRICT)
    assert told.status_code == 200
    assert "errors" not in told.json()
    hidden = await post(strict, {"query": query}, accept=STRICT)
    assert hidden.status_code == 400
    answer = hidden.json()
    assert list(answer) == ["errors"]
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"BAD_USER_INPUT"}
    # On a socket just as little.
    async with strict.dave.socket() as socket:
        operation = await socket.subscribe(query)
        assert (await operation.message())["type"] == "error"


GUESSES: list[tuple[str, dict[str, object]]] = [
    ("{ viewr { user { id } } }", {}),
    ("{ user(ident: 1, i: 1) { id } }", {}),
    ("{ viewer { ... on Viewr { __typename } } }", {}),
    ("query ($a: ChannelFiltr) { __typename }", {}),
    ("{ viewer { channels(orderBy: RECENT) { __typename } } }", {}),
    ("{ viewer { channels(filter: {serch: 1}) { __typename } } }", {}),
    ("query ($a: ChannelOrder) { viewer { channels(orderBy: $a) { __typename } } }", {"a": "NAM"}),
    (
        "query ($a: ChannelFilter) { viewer { channels(filter: $a) { __typename } } }",
        {"a": {"serch": "x"}},
    ),
]


async def test_no_guess_is_put_right_where_the_schema_is_not_told(
    world: World, strict: World
) -> None:
    told = 0
    for query, variables in GUESSES:
        body = {"query": query, "variables": variables}
        told += "Did you mean" in (await post(world, body)).text
        hidden = await post(strict, body)
        assert hidden.json()["errors"]
        assert "Did you mean" not in hidden.text
    assert told >= len(GUESSES) - 1


async def test_the_name_of_a_type_is_no_secret(strict: World) -> None:
    """Every client asks for it; it gives away only what was asked for."""
    response = await post(strict, {"query": "{ __typename viewer { __typename } }"})
    assert response.json() == {"data": {"__typename": "Query", "viewer": {"__typename": "Viewer"}}}


async def test_the_printed_schema_is_served_only_where_introspection_is_on(
    world: World, strict: World
) -> None:
    shown = await world.http.get("/schema.graphql")
    assert shown.status_code == 200
    assert "type Mutation {" in shown.text
    assert shown.headers["Content-Type"].startswith("application/graphql")
    assert (await strict.http.get("/schema.graphql")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/graphiql", "/graphiql/", "/graphiql/start.js"])
async def test_graphiql_is_not_there_unless_switched_on(strict: World, path: str) -> None:
    assert strict.settings.graphiql is False
    assert (await strict.http.get(path)).status_code == 404


async def test_graphiql_is_there_when_switched_on(world: World) -> None:
    async with world.another_server(graphiql=True) as server:
        page = await server.http.get("/graphiql", follow_redirects=True)
        assert page.status_code == 200
        assert page.headers["Content-Type"].startswith("text/html")
        assert "default-src" in page.headers["Content-Security-Policy"]
        assert (await server.http.get("/")).is_redirect


async def test_every_answer_tells_browsers_to_make_nothing_else_of_it(
    world: World, strict: World
) -> None:
    await world.database.execute("delete from rates where kind = 'strangers'")
    async with world.another_server(graphiql=True, rate_strangers=1) as server:
        pages = [
            await server.http.get("/graphiql", follow_redirects=True),
            await server.http.get("/"),
            *[await server.http.post("/graphql", json={"query": WHO}) for _ in range(2)],
            *[await server.http.get(path) for path in ("/graphiql/start.js", "/schema.graphql")],
        ]
    pages += [
        await strict.http.get("/healthz"),
        await strict.http.get("/readyz"),
        await strict.http.get("/nowhere"),
        await strict.http.put("/graphql"),
        await preflight(strict, ORIGIN),
        await preflight(strict, ELSEWHERE),
        await post(strict, {"query": WHO}),
        await post(strict, {"query": WHO}, Origin=ELSEWHERE),
        await post(strict, b"{"),
    ]
    statuses = [page.status_code for page in pages]
    assert set(statuses) >= {200, 307, 400, 403, 404, 405, 429}
    for page in pages:
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        policy = page.headers["Content-Security-Policy"]
        assert (
            policy.startswith("default-src 'none'") or "text/html" in page.headers["Content-Type"]
        )
        assert "frame-ancestors 'none'" in policy


async def test_there_are_no_cookies_and_none_is_read(strict: World) -> None:
    """So a page that makes a browser send something sends nothing that proves anything."""
    cookie = {"Cookie": f"Authorization={strict.dave.token}; token={strict.dave.token}"}
    response = await post(strict, {"query": WHO}, token="", **cookie)
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert "Set-Cookie" not in response.headers
    async with strict.bare_socket(additional_headers=cookie) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.closed() == 4403


async def test_no_answer_says_what_it_runs_on(strict: World) -> None:
    for response in (await post(strict, {"query": WHO}), await strict.http.get("/healthz")):
        assert "Server" not in response.headers
        assert "X-Powered-By" not in response.headers
