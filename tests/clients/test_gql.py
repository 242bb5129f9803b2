"""Python's own client, gql, does what a frontend does: ask, change, follow, come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

from storage import cursors
from tests.world import Person, World

SIDEBAR = """
query { viewer { user { name } channels(first: 50) { edges { node { id name cursor } } } } }
"""
HISTORY = """
query ($id: ID!) {
  channel(id: $id) {
    cursor
    messages(last: 10) { edges { node { id content sender { name } } } }
  }
}
"""
SEND = """
mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { message { id content } messageEdge { cursor } }
}
"""
FOLLOW = """
subscription ($id: ID!, $after: String) {
  channelEvents(channelId: $id, after: $after) {
    __typename
    cursor
    ... on MessageSent { message { id content sender { name } } }
  }
}
"""


@asynccontextmanager
async def session(person: Person, **options: Any) -> AsyncIterator[AsyncClientSession]:
    """A client as its documentation has it, for this person."""
    transport = WebsocketsTransport(
        url=f"ws://127.0.0.1:{person.world.port}/graphql",
        init_payload={"Authorization": f"Bearer {person.token}"},
        connect_args={"proxy": None},
    )
    async with Client(transport=transport, **options) as session:
        yield session


def request(text: str, **variables: Any) -> GraphQLRequest:
    return GraphQLRequest(text, variable_values=variables)


async def take(stream: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The next events of a subscription, which is then ended."""
    events: list[dict[str, Any]] = []
    async for result in stream:
        events.append(result["channelEvents"])
        if len(events) == count:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return events


def texts(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"]["content"] for event in events]


async def test_it_asks_sends_follows_and_comes_back_with_its_cursor(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "before")
    async with session(world.dave) as client:
        viewer = (await client.execute(request(SIDEBAR)))["viewer"]
        assert viewer["user"]["name"] == "Dave Davis"
        assert channel in [edge["node"]["id"] for edge in viewer["channels"]["edges"]]

        shown = (await client.execute(request(HISTORY, id=channel)))["channel"]
        assert [edge["node"]["content"] for edge in shown["messages"]["edges"]] == ["before"]

        # Sent between the answer and the subscription: neither lost nor doubled.
        await world.carol.say(channel, "between")
        following = client.subscribe(request(FOLLOW, id=channel, after=shown["cursor"]))
        assert texts(await take(following, 1)) == ["between"]

        sent = await client.execute(
            request(SEND, input={"channelId": channel, "content": "from gql"})
        )
        assert sent["sendMessage"]["message"]["content"] == "from gql"
        following = client.subscribe(request(FOLLOW, id=channel, after=shown["cursor"]))
        seen = await take(following, 2)
        assert texts(seen) == ["between", "from gql"]
        assert seen[1]["message"]["id"] == sent["sendMessage"]["message"]["id"]

    for number in range(3):
        await world.carol.say(channel, f"missed {number}")
    async with session(world.dave) as client:
        following = client.subscribe(request(FOLLOW, id=channel, after=seen[-1]["cursor"]))
        seen += await take(following, 3)
    assert texts(seen)[2:] == ["missed 0", "missed 1", "missed 2"]
    places = [cursors.decode_event(channel, each["cursor"], "cursor").position for each in seen]
    assert places == list(range(places[0], places[0] + 5))


async def test_over_http_it_asks_and_changes(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    transport = HTTPXAsyncTransport(
        url=f"http://127.0.0.1:{world.port}/graphql",
        headers={"Authorization": f"Bearer {world.dave.token}"},
    )
    async with Client(transport=transport) as client:
        viewer = (await client.execute(request(SIDEBAR)))["viewer"]
        assert viewer["user"]["name"] == "Dave Davis"
        sent = await client.execute(request(SEND, input={"channelId": channel, "content": "Hello"}))
        assert sent["sendMessage"]["message"]["content"] == "Hello"
        with pytest.raises(TransportQueryError) as refused:
            await client.execute(request(SEND, input={"channelId": "x", "content": "Hello"}))
        assert refused.value.errors is not None
        assert refused.value.errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_two_subscriptions_and_queries_go_side_by_side(world: World) -> None:
    one, two = [await world.carol.create_channel(world.dave) for _ in range(2)]
    async with session(world.dave) as client:
        cursors_ = [await world.dave.cursor(channel) for channel in (one, two)]
        first = client.subscribe(request(FOLLOW, id=one, after=cursors_[0]))
        second = client.subscribe(request(FOLLOW, id=two, after=cursors_[1]))
        for number in range(2):
            await client.execute(
                request(SEND, input={"channelId": two, "content": f"two {number}"})
            )
            await client.execute(
                request(SEND, input={"channelId": one, "content": f"one {number}"})
            )
        assert texts(await take(first, 2)) == ["one 0", "one 1"]
        assert texts(await take(second, 2)) == ["two 0", "two 1"]


async def test_it_learns_the_schema_and_checks_its_documents_by_it(world: World) -> None:
    async with session(world.dave, fetch_schema_from_transport=True) as client:
        assert client.client.schema is not None
        assert "sendMessage" in client.client.schema.mutation_type.fields  # type: ignore[union-attr]
        assert (await client.execute(request(SIDEBAR)))["viewer"]["user"]["name"] == "Dave Davis"


async def test_refusals_reach_it_with_their_codes(world: World) -> None:
    channel = await world.carol.create_channel()
    async with session(world.dave) as client:
        with pytest.raises(TransportQueryError) as refused:
            await client.execute(request(SEND, input={"channelId": channel, "content": "Hello"}))
        assert refused.value.errors is not None
        assert refused.value.errors[0]["extensions"]["code"] == "NOT_FOUND"
        with pytest.raises(TransportQueryError) as refused:
            await take(client.subscribe(request(FOLLOW, id=channel)), 1)
        assert refused.value.errors is not None
        assert refused.value.errors[0]["extensions"]["code"] == "NOT_FOUND"
        # The connection goes on.
        assert (await client.execute(request(SIDEBAR)))["viewer"]["user"]["name"] == "Dave Davis"


async def test_without_a_valid_token_it_is_told_to_stay_out(world: World) -> None:
    transport = WebsocketsTransport(
        url=f"ws://127.0.0.1:{world.port}/graphql",
        init_payload={"Authorization": "Bearer nonsense"},
        connect_args={"proxy": None},
    )
    with pytest.raises(TransportError) as refused:
        async with Client(transport=transport):
            raise AssertionError("let in")
    closed = refused.value.__cause__
    assert isinstance(closed, ConnectionClosed)
    assert closed.rcvd is not None
    assert (closed.rcvd.code, closed.rcvd.reason) == (4403, "Forbidden")


async def test_when_its_server_goes_down_it_goes_on_at_another(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    cursor = await world.dave.cursor(channel)
    seen: list[dict[str, Any]] = []
    async with world.another_server() as server:
        dave = Person(server, "dave", server.ids["dave"])
        context = session(dave)
        client = await context.__aenter__()
        await server.carol.say(channel, "here")
        following = client.subscribe(request(FOLLOW, id=channel, after=cursor))
        seen.append((await anext(following))["channelEvents"])
    with pytest.raises(TransportConnectionFailed):
        await anext(following)
    await context.__aexit__(None, None, None)
    await world.carol.say(channel, "meanwhile")
    async with session(world.dave) as client:
        following = client.subscribe(request(FOLLOW, id=channel, after=seen[-1]["cursor"]))
        seen += await take(following, 1)
    assert texts(seen) == ["here", "meanwhile"]
