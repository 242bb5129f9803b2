"""Responses that go on: what is said in them."""

import httpx
import pytest

from tests.realtime.following import EVENTS, MESSAGES, TYPING, contents
from tests.server.conftest import ORIGIN
from tests.streams import BOTH, MULTIPART, SSE, codes, stream
from tests.world import PLAIN, World

VIEWER = "{ viewer { user { id } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


@BOTH
async def test_one_result_and_its_end(world: World, accept: str) -> None:
    async with stream(world.dave, VIEWER, accept) as answer:
        assert answer.response.status_code == 200
        assert answer.response.headers["Content-Type"].startswith(accept.partition(";")[0])
        assert answer.response.headers["Cache-Control"] == "no-store"
        assert answer.response.headers["X-Accel-Buffering"] == "no"
        assert answer.response.headers["X-Request-Id"]
        result, end = await answer.rest()
        assert result.data == {"data": {"viewer": {"user": {"id": world.dave.id}}}}
        assert end.kind == "complete"


@BOTH
async def test_a_mutation_is_done_once_and_ends(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    input = {"channelId": channel, "content": "Hello"}
    async with stream(world.dave, SEND, accept, input=input) as answer:
        result, _ = await answer.rest()
    sent = result.data["data"]["sendMessage"]["message"]["id"]
    rows = await world.database.fetch(
        "select id::text from messages where channel_id = $1", channel
    )
    assert [row[0] for row in rows] == [sent]


@BOTH
async def test_a_subscription_is_followed_and_taken_up_at_its_cursor(
    world: World, accept: str
) -> None:
    channel = await world.carol.create_channel(world.dave)
    await world.carol.say(channel, "before")
    cursor = await world.dave.cursor(channel)
    await world.carol.say(channel, "missed")
    async with stream(world.dave, EVENTS, accept, id=channel, after=cursor) as answer:
        seen = await answer.take(1)
        await world.followed(channel)
        await world.carol.say(channel, "live")
        seen += await answer.take(1)
    await world.followed(channel, 0)
    await world.carol.say(channel, "away")
    after = seen[-1]["channelEvents"]["cursor"]
    async with stream(world.dave, EVENTS, accept, id=channel, after=after) as answer:
        seen += await answer.take(1)
    assert contents(seen) == ["missed", "live", "away"]


async def test_the_id_of_an_event_is_its_cursor_and_where_to_go_on(world: World) -> None:
    """Browsers send it by themselves, with the same request; results without a cursor have it."""
    channel = await world.carol.create_channel(world.dave)
    async with stream(world.dave, MESSAGES, id=channel) as answer:
        begun = await answer.event()
        # Nothing happened yet, and yet there is a place to go on from.
        assert (begun.kind, begun.id) == ("id", await world.dave.cursor(channel))
        await world.followed(channel)
        await world.carol.say(channel, "one")
        (one,) = await answer.results(1)
        assert one.id == await world.dave.cursor(channel)
    await world.carol.say(channel, "two")
    for id, expected in ((begun.id, ["one", "two"]), (one.id, ["two"])):
        # It counts for more than where the same request began long ago.
        async with stream(
            world.dave, MESSAGES, last_event_id=id, id=channel, after=begun.id
        ) as answer:
            assert contents(await answer.take(len(expected))) == expected


@pytest.mark.parametrize("id", ["nonsense", "", "ä", "of another channel"])
async def test_an_id_that_is_no_cursor_of_the_channel_is_refused(world: World, id: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    if id == "of another channel":
        id = await world.carol.cursor(await world.carol.create_channel())
    async with stream(world.dave, MESSAGES, last_event_id=id, id=channel) as answer:
        if not id:
            # What a browser has before it was given any.
            assert (await answer.event()).kind == "id"
            return
        error, end = await answer.rest()
        assert error.data["errors"][0]["extensions"]["field"] == "after"
        assert codes(error.data) == ["BAD_USER_INPUT"]
        assert end.kind == "complete"


@BOTH
async def test_everybody_is_sent_the_same_whatever_they_came_by(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with (
        stream(world.dave, EVENTS, accept, id=channel) as answer,
        world.dave.socket() as socket,
    ):
        operation = await socket.subscribe(EVENTS, id=channel)
        await world.followed(channel, 2)
        topic = world.services.live.hub.topics[channel]
        assert len(topic.cohorts) == 1, "rendered once for both"
        await world.carol.say(channel)
        assert await answer.take(1) == await operation.take(1)


@BOTH
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_USER_INPUT"),
        ("{ unknown }", "BAD_USER_INPUT"),
        ('subscription { messageAdded(channelId: "x") { id } }', "NOT_FOUND"),
        ("subscription { messageAdded { id } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_is_not_begun_says_why_in_the_stream(
    world: World, accept: str, query: str, code: str
) -> None:
    """Browsers tell their pages nothing of other statuses."""
    async with stream(world.dave, query, accept) as answer:
        assert answer.response.status_code == 200
        error, end = [event for event in await answer.rest() if event.kind != "id"]
        assert codes(error.data) == [code]
        (extensions,) = [each["extensions"] for each in error.data["errors"]]
        assert extensions["requestId"] == answer.response.headers["X-Request-Id"]
        assert end.kind == "complete"


@BOTH
async def test_without_a_valid_token_nothing_is_followed(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    for token in ("nonsense", world.zoe.token, world.token(world.dave.id, lifetime=-60), ""):
        async with stream(world.dave, EVENTS, accept, token=token, id=channel) as answer:
            error, end = await answer.rest()
            assert codes(error.data) == ["UNAUTHENTICATED"]
            assert end.kind == "complete"
    assert world.followers(channel) == 0


async def test_a_subscription_may_come_by_get_and_a_mutation_may_not(world: World) -> None:
    """A browser's EventSource knows nothing else."""
    channel = await world.carol.create_channel(world.dave)
    before = await world.state_of(channel)
    headers = {"Accept": SSE, "Authorization": world.dave.token}
    query = f'subscription {{ messageAdded(channelId: "{channel}") {{ content }} }}'
    async with world.http.stream(
        "GET", "/graphql", params={"query": query}, headers=headers
    ) as response:
        assert response.headers["Content-Type"] == SSE
        await world.followed(channel)
    query = f'mutation {{ leaveChannel(channelId: "{channel}") {{ channel {{ id }} }} }}'
    refused = await world.http.get("/graphql", params={"query": query}, headers=headers)
    assert refused.status_code == 405
    assert await world.state_of(channel) == before


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "application/graphql-response+json", "text/*", "multipart/mixed"],
)
async def test_nobody_is_sent_a_stream_who_did_not_ask_for_one(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    response = await world.http.post(
        "/graphql",
        json={"query": EVENTS, "variables": {"id": channel}},
        headers={"Accept": accept, "Authorization": world.dave.token},
    )
    assert codes(response.json()) == ["BAD_USER_INPUT"]
    assert world.followers(channel) == 0


@BOTH
async def test_a_page_of_another_origin_follows_if_it_is_named(strict: World, accept: str) -> None:
    channel = await strict.carol.create_channel(strict.dave)
    named, other = {"Origin": ORIGIN}, {"Origin": "https://elsewhere.example.com"}
    async with stream(strict.dave, EVENTS, accept, headers=named, id=channel) as answer:
        assert answer.response.headers["Access-Control-Allow-Origin"] == ORIGIN
        await strict.followed(channel)
        await strict.carol.say(channel)
        assert contents(await answer.take(1)) == ["Hello"]
    await strict.followed(channel, 0)
    async with stream(strict.dave, EVENTS, accept, headers=other, id=channel) as answer:
        assert answer.response.status_code == 403
    assert strict.followers(channel) == 0


async def test_a_page_may_send_the_id_it_was_given(strict: World) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,last-event-id",
    }
    assert (await strict.http.options("/graphql", headers=asked)).status_code == 200


async def test_the_connection_serves_the_next_request(world: World) -> None:
    """A stream that has come to its end leaves the connection as it was."""
    async with httpx.AsyncClient(
        verify=PLAIN,
        base_url=f"http://127.0.0.1:{world.port}",
        limits=httpx.Limits(max_connections=1),
    ) as client:
        lines = set()
        for accept in (SSE, MULTIPART, SSE):
            async with stream(world.dave, VIEWER, accept, client=client) as answer:
                lines.add(answer.response.extensions["network_stream"])
                assert [event.kind for event in await answer.rest()] == ["next", "complete"]
        response = await client.post("/graphql", json={"query": "{ __typename }"})
        assert lines == {response.extensions["network_stream"]}


async def test_typing_is_told_without_an_id(world: World) -> None:
    """It is not in the log: there is no place after it."""
    channel = await world.carol.create_channel(world.dave)
    async with stream(world.dave, TYPING, id=channel) as answer:
        await world.followed(channel)
        await world.carol.run("mutation ($id: ID!) { setTyping(channelId: $id) }", id=channel)
        (typed,) = await answer.results(1)
        assert typed.id is None
        assert typed.data["data"]["typing"]["isTyping"] is True
