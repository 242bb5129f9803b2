"""Documents that clients name: automatic ones and trusted ones, over every transport."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest

from schema.persisted import Persisted
from storage import documents
from tests.realtime.following import EVENTS, contents
from tests.streams import MULTIPART, SSE, stream
from tests.world import Person, World

STRICT = "application/graphql-response+json"
WHO = "query Who { viewer { user { id } } }"
SEND = "mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"
NOT_FOUND = ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")


def hash_of(query: str) -> str:
    return sha256(query.encode()).hexdigest()


def named(query: str, /, **more: Any) -> dict[str, Any]:
    """A request that has nothing of the query but its hash."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(query)}}, **more}


def new(query: str = WHO) -> str:
    """The same, as nobody has sent it yet."""
    new.count = getattr(new, "count", 0) + 1  # type: ignore[attr-defined]
    return f"{query} # {new.count}"  # type: ignore[attr-defined]


async def post(
    person: Person, body: dict[str, Any], accept: str = STRICT, token: str | None = None
) -> httpx.Response:
    headers = {"Accept": accept, "Authorization": person.token if token is None else token}
    return await person.world.http.post("/graphql", json=body, headers=headers)


def error(answer: dict[str, Any]) -> tuple[str, str]:
    assert list(answer) == ["errors"]
    (found,) = answer["errors"]
    return found["message"], found["extensions"]["code"]


def me(person: Person) -> dict[str, Any]:
    return {"data": {"viewer": {"user": {"id": person.id}}}}


async def kept(world: World, query: str) -> int:
    count: int = await world.database.fetchval(
        "select count(*) from documents where hash = $1", bytes.fromhex(hash_of(query))
    )
    return count


async def test_what_was_sent_once_with_its_hash_is_known_by_it(world: World) -> None:
    query = new()
    unknown = await post(world.dave, named(query))
    assert (unknown.status_code, error(unknown.json())) == (400, NOT_FOUND)
    # Apollo and urql expect 200 of everything that is application/json.
    assert (await post(world.dave, named(query), "application/json")).status_code == 200
    assert (await post(world.dave, named(query, query=query))).json() == me(world.dave)
    assert (await post(world.dave, named(query))).json() == me(world.dave)
    # A hash says what is asked and nothing about who may.
    assert (await post(world.carol, named(query))).json() == me(world.carol)


async def test_it_is_known_in_every_process_and_by_get(world: World) -> None:
    query = new()
    await post(world.dave, named(query, query=query))
    async with world.another_server() as server:
        response = await server.http.get(
            "/graphql",
            params={"extensions": json.dumps(named(query)["extensions"])},
            headers={"Authorization": server.dave.token},
        )
        assert response.json() == me(world.dave)


async def test_it_works_on_sockets_and_streams(world: World) -> None:
    query = new(EVENTS)
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel, "Hello")
    variables = {"id": channel, "after": cursor}
    async with world.dave.socket() as socket:
        for payload in (named(query), named(query, query=query), named(query)):
            await socket.send(
                {"type": "subscribe", "id": "a", "payload": {**payload, "variables": variables}}
            )
            message = await socket.receive()
            if "query" not in payload and message["type"] == "error":
                assert error({"errors": message["payload"]}) == NOT_FOUND
                continue
            assert message["payload"]["data"]["channelEvents"]["message"]["content"] == "Hello"
            await socket.send({"type": "complete", "id": "a"})
    for accept in (SSE, MULTIPART):
        async with stream(
            world.dave, None, accept, more=named(query), id=channel, after=cursor
        ) as answer:
            assert contents(await answer.take(1)) == ["Hello"]
        async with stream(world.dave, None, accept, more=named(new())) as answer:
            refused, _ = await answer.rest()
            assert error(refused.data) == NOT_FOUND


async def test_a_mutation_by_its_hash_is_still_no_matter_of_get(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    variables = {"input": {"channelId": channel, "content": "Hello"}}
    sent = await post(world.dave, named(SEND, query=SEND, variables=variables))
    assert "errors" not in sent.json()
    before = await world.state_of(channel)
    parameters = {**named(SEND), "variables": variables}
    response = await world.http.get(
        "/graphql",
        params={name: json.dumps(value) for name, value in parameters.items()},
        headers={"Authorization": world.dave.token},
    )
    assert response.status_code == 405
    assert await world.state_of(channel) == before


async def test_strangers_are_told_of_none_and_leave_none(world: World) -> None:
    query = new("{ __typename }")
    anonymous = await post(world.dave, named(query, query=query), token="")
    assert anonymous.json() == {"data": {"__typename": "Query"}}
    assert await kept(world, query) == 0
    await post(world.dave, named(query, query=query))
    async with world.another_server() as server:
        # Even where it is known, they make nobody look for it.
        assert error((await post(server.dave, named(query), token="")).json()) == NOT_FOUND


@pytest.mark.parametrize("query", ["{ unknown }", "{", "{ viewer { user { id } } } # \x00"])
async def test_what_cannot_be_run_or_kept_is_not_kept(world: World, query: str) -> None:
    await post(world.dave, named(query, query=query))
    assert error((await post(world.dave, named(query))).json()) == NOT_FOUND
    assert await kept(world, query) == 0


async def test_a_hash_of_something_else_is_refused_and_nothing_is_kept(world: World) -> None:
    one, other = new(), new()
    response = await post(world.dave, named(one, query=other))
    assert error(response.json()) == ("provided sha does not match query", "BAD_USER_INPUT")
    assert await kept(world, one) == await kept(world, other) == 0


@pytest.mark.parametrize(
    "asked",
    [
        5,
        {},
        {"version": 2, "sha256Hash": "a" * 64},
        {"version": 1, "sha256Hash": 5},
        {"version": 1, "sha256Hash": "a" * 1_000},
        {"sha256Hash": "a" * 64},
    ],
)
async def test_what_is_no_hash_of_this_kind_names_what_is_wrong(world: World, asked: Any) -> None:
    response = await post(world.dave, {"extensions": {"persistedQuery": asked}})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["field"] == "extensions"


@pytest.mark.parametrize("hash", ["x", "g" * 64, "a" * 63, "' or true --"])
async def test_what_can_be_no_hash_is_not_found(world: World, hash: str) -> None:
    asked = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}
    assert error((await post(world.dave, asked)).json()) == NOT_FOUND


async def test_where_none_are_kept_clients_are_told_to_do_without(world: World) -> None:
    query = new()
    async with world.another_server(persisted_queries=0) as server:
        refused = await post(server.dave, named(query))
        assert error(refused.json()) == (
            "PersistedQueryNotSupported",
            "PERSISTED_QUERY_NOT_SUPPORTED",
        )
        assert (await post(server.dave, named(query, query=query))).json() == me(world.dave)
        assert await kept(world, query) == 0


async def test_there_are_never_more_than_may_be_and_the_longest_unused_go(world: World) -> None:
    database = world.database
    await database.execute("delete from documents")
    persisted = Persisted(database, most=10)
    texts = [f"{{ __typename }} # {number}" for number in range(12)]
    for number, text in enumerate(texts):
        await documents.keep(database, bytes.fromhex(hash_of(text)), text, 10)
        await database.execute(
            "update documents set used_at = now() - $1::interval where text = $2",
            timedelta(days=40) if number == 5 else timedelta(hours=20 - number),
            text,
        )
    # The eleventh had no room.
    assert [await kept(world, text) for text in texts] == [1] * 10 + [0] * 2
    # Being looked for counts as being used.
    assert await documents.find(database, bytes.fromhex(hash_of(texts[0]))) == texts[0]
    await persisted.forget()
    assert [await kept(world, text) for text in texts] == [1] * 5 + [0] + [1] * 4 + [0] * 2
    await Persisted(database, most=5).forget()
    left = [number for number, text in enumerate(texts) if await kept(world, text)]
    assert left == [0, 7, 8, 9]


NAME = "query Name { viewer { user { name } } }"
TRUSTED = {"who": WHO, hash_of(EVENTS): EVENTS, f"sha256:{hash_of(NAME)}": NAME}


@pytest.fixture(scope="module")
async def guarded(world: World, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The same company by way of a server that runs only what is trusted."""
    file = tmp_path_factory.mktemp("trusted") / "documents.json"
    file.write_text(json.dumps(TRUSTED))
    async with world.another_server(trusted_documents=file, trusted_documents_only=True) as server:
        yield server


@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": "who"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "who"}}},
        {"query": WHO},
        named(WHO, query=WHO),
        # What a client says of it beside its name does not matter.
        {"documentId": "who", "query": "{ __typename }"},
    ],
    ids=["id", "extension", "text", "both", "another text"],
)
async def test_a_trusted_document_is_run_by_any_of_its_names(
    guarded: World, request_: dict[str, Any]
) -> None:
    assert (await post(guarded.dave, request_)).json() == me(guarded.dave)
    response = await guarded.http.get(
        "/graphql", params={"documentId": "who"}, headers={"Authorization": guarded.dave.token}
    )
    assert response.json() == me(guarded.dave)


@pytest.mark.parametrize("query", [NAME, EVENTS], ids=["with prefix", "without"])
@pytest.mark.parametrize("prefix", ["", "sha256:"])
async def test_a_hash_is_one_with_its_prefix_and_without(
    guarded: World, query: str, prefix: str
) -> None:
    for request_ in ({"documentId": f"{prefix}{hash_of(query)}"}, named(query)):
        answer = (await post(guarded.dave, {**request_, "variables": {"id": "x"}})).json()
        # The subscription is known, and not for answers like these.
        assert answer.get("data") or error(answer)[0].startswith("Subscriptions need")


@pytest.mark.parametrize(
    "request_",
    [
        {"query": "{ __typename }"},
        {"query": f"{WHO} "},
        {"query": "{ __schema { types { name } } }"},
        named("{ __typename }"),
        named("{ __typename }", query="{ __typename }"),
        {"documentId": "unknown"},
        {"documentId": "unknown", "query": "{ __typename }"},
    ],
)
async def test_nothing_else_is_run_nor_kept_where_only_those_are(
    guarded: World, request_: dict[str, Any]
) -> None:
    refused = await post(guarded.dave, request_)
    assert error(refused.json()) == ("Only trusted documents are run here.", "FORBIDDEN")
    async with guarded.dave.socket() as socket:
        await socket.send({"type": "subscribe", "id": "a", "payload": request_})
        assert error({"errors": (await socket.receive())["payload"]})[1] == "FORBIDDEN"
    assert await kept(guarded, "{ __typename }") == 0


async def test_a_trusted_subscription_is_followed_by_its_id(world: World, guarded: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    payload = {"documentId": hash_of(EVENTS), "variables": {"id": channel}}
    async with guarded.dave.socket() as socket:
        await socket.send({"type": "subscribe", "id": "a", "payload": payload})
        await guarded.followed(channel)
        await world.carol.say(channel)
        assert contents([(await socket.receive())["payload"]["data"]]) == ["Hello"]


async def test_an_unknown_id_is_not_found_where_others_are_run(world: World) -> None:
    refused = await post(world.dave, {"documentId": "unknown"})
    extensions = refused.json()["errors"][0]["extensions"]
    assert (extensions["code"], extensions["field"]) == ("NOT_FOUND", "documentId")
