"""How responses that go on come to their end, and what that tells a client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from bson import ObjectId

from server.sessions import Sessions
from tests.proxy import Proxy
from tests.realtime.following import EVENTS, REMOVE, contents, write
from tests.server.conftest import OUTBOX_BYTES
from tests.streams import BOTH, MULTIPART, SSE, codes, stream
from tests.world import PLAIN, World


@pytest.fixture(scope="module")
async def lively(world: World) -> AsyncIterator[World]:
    """The same company by way of a server that gives signs of life all the time."""
    async with world.another_server(socket_keepalive_seconds=0.05) as server:
        yield server


@BOTH
async def test_both_are_kept_alive_in_silence(lively: World, accept: str) -> None:
    channel = await lively.carol.create_channel(lively.dave)
    async with stream(lively.dave, EVENTS, accept, id=channel) as answer:
        beats = 0
        async for event in answer.events:
            beats += event.kind == "beat"
            if beats == 3:
                break
        await lively.followed(channel)


@BOTH
async def test_who_loses_the_channel_is_told_and_hears_no_more(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with stream(world.dave, EVENTS, accept, id=channel) as answer:
        await world.followed(channel)
        await world.carol.run(REMOVE, channel=channel, person=world.dave.id)
        await world.carol.say(channel, "in confidence")
        left, error, end = await answer.rest()
        assert left.data["data"]["channelEvents"]["__typename"] == "MemberLeft"
        assert codes(error.data) == ["FORBIDDEN"]
        assert end.kind == "complete"


async def test_both_end_with_their_token(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    token = world.token(world.dave.id, lifetime=1)
    async with (
        stream(world.dave, EVENTS, SSE, token=token, id=channel) as one,
        stream(world.dave, EVENTS, MULTIPART, token=token, id=channel) as other,
    ):
        for answer in (one, other):
            error, end = await answer.rest()
            assert codes(error.data) == ["UNAUTHENTICATED"]
            assert end.kind == "complete"
    await world.followed(channel, 0)


async def test_both_end_when_their_person_is_disabled(world: World) -> None:
    person = await world.new_person("Soon Gone")
    channel = await world.carol.create_channel(person)
    async with (
        stream(person, EVENTS, SSE, id=channel) as one,
        stream(person, EVENTS, MULTIPART, id=channel) as other,
    ):
        await world.followed(channel, 2)
        await world.mongo.users.update_one(
            {"_id": ObjectId(person.id)}, {"$set": {"status": "disabled"}}
        )
        for answer in (one, other):
            error, end = await answer.rest()
            assert codes(error.data) == ["UNAUTHENTICATED"]
            assert end.kind == "complete"
    await world.mongo.users.delete_one({"_id": ObjectId(person.id)})
    await world.followed(channel, 0)


@BOTH
async def test_with_the_server_the_body_breaks_off_and_the_cursor_serves(
    world: World, accept: str
) -> None:
    """As if the network had: every client comes back then, and none takes it for the end."""
    channel = await world.carol.create_channel(world.dave)
    async with AsyncExitStack() as stack:
        async with world.another_server() as server:
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", verify=PLAIN)
            )
            answer = await stack.enter_async_context(
                stream(server.dave, EVENTS, accept, client=client, id=channel)
            )
            await server.followed(channel)
            await server.carol.say(channel, "before")
            seen = await answer.take(1)
        assert server.services.live.hub.topics == {}
        with pytest.raises(httpx.RemoteProtocolError):
            await answer.rest()
    await world.carol.say(channel, "meanwhile")
    after = seen[0]["channelEvents"]["cursor"]
    async with stream(world.dave, EVENTS, accept, id=channel, after=after) as answer:
        assert contents(seen + await answer.take(1)) == ["before", "meanwhile"]


async def test_who_was_still_signing_in_when_the_server_was_stopped_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await world.carol.create_channel(world.dave)
    asked, go_on = asyncio.Event(), asyncio.Event()
    admit = Sessions.admit

    async def slow(*given: Any) -> Any:
        asked.set()
        await go_on.wait()
        return await admit(*given)

    monkeypatch.setattr(Sessions, "admit", slow)
    context = world.another_server(shutdown_seconds=30)
    server = await context.__aenter__()
    base_url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(base_url=base_url, verify=PLAIN) as client:

        async def follow() -> None:
            async with stream(server.dave, EVENTS, client=client, id=channel) as answer:
                with pytest.raises(httpx.RemoteProtocolError):
                    await answer.rest()

        following = asyncio.create_task(follow())
        await asked.wait()
        stopping = asyncio.create_task(context.__aexit__(None, None, None))
        async with asyncio.timeout(20):
            while await listens(server.port):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        go_on.set()
        async with asyncio.timeout(20):
            await asyncio.gather(following, stopping)


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@BOTH
async def test_a_reader_who_vanishes_leaves_nothing(world: World, accept: str) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with Proxy.to("127.0.0.1", world.port) as line:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{line.port}", verify=PLAIN
        ) as client:
            async with stream(world.dave, EVENTS, accept, client=client, id=channel) as answer:
                await world.followed(channel)
                await line.cut()
                await world.followed(channel, 0)
                with pytest.raises(httpx.TransportError):
                    await answer.rest()


@BOTH
async def test_who_does_not_read_is_given_up_and_slows_nobody(strict: World, accept: str) -> None:
    channel = await strict.carol.create_channel(strict.dave)
    async with (
        Proxy.to("127.0.0.1", strict.port) as line,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{line.port}", timeout=30, verify=PLAIN
        ) as client,
        stream(strict.dave, EVENTS, accept, client=client, id=channel) as slow,
        strict.dave.socket() as socket,
    ):
        quick = await socket.subscribe(EVENTS, id=channel)
        await strict.followed(channel, 2)
        line.freeze()
        count = 0
        while strict.followers(channel) == 2:
            # Kernels keep megabytes before anything waits here.
            await write(strict, channel, strict.carol, ["x" * OUTBOX_BYTES] * 20)
            strict.services.live.follower.look_everywhere()
            await quick.take(20, seconds=30)
            count += 20
            assert count < 1_000, "it is never given up"
        line._flowing.set()
        with pytest.raises(httpx.TransportError):
            await slow.rest()
        assert strict.followers(channel) == 1
