"""A server that goes down tells its clients to come back, and they find everything."""

from contextlib import AsyncExitStack

import httpx
import pytest
from websockets.exceptions import InvalidMessage

from tests.realtime.following import EVENTS, contents
from tests.world import World

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }"


async def test_sockets_are_closed_for_a_restart_and_the_cursor_serves(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with AsyncExitStack() as stack:
        async with world.another_server() as server:
            idle = await stack.enter_async_context(server.bare_socket())
            socket = await stack.enter_async_context(server.dave.socket())
            events = await socket.subscribe(EVENTS, id=channel)
            await server.followed(channel)
            await server.carol.say(channel, "before")
            seen = await events.take(1)
        assert await idle.closed() == 1012
        assert await socket.closed() == 1012
        assert events.is_silent
        assert server.services.live.hub.topics == {}
        with pytest.raises((OSError, InvalidMessage)):
            await stack.enter_async_context(server.bare_socket())
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient() as http:
                await http.get(f"http://127.0.0.1:{server.port}/healthz")
        await world.carol.say(channel, "meanwhile")
        other = await stack.enter_async_context(world.dave.socket())
        after = seen[0]["channelEvents"]["cursor"]
        rest = await other.subscribe(EVENTS, id=channel, after=after)
        assert contents([*seen, await rest.next()]) == ["before", "meanwhile"]


async def test_what_has_begun_ends_and_is_acknowledged(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with AsyncExitStack() as stack:
        async with world.another_server() as server:
            sockets = [await stack.enter_async_context(server.carol.socket()) for _ in range(5)]
            operations = [
                await socket.subscribe(SEND, input={"channelId": channel, "content": str(number)})
                for number in range(80)
                for socket in sockets
            ]
            await operations[0].next()
        assert [await socket.closed() for socket in sockets] == [1012] * 5
    # Besides the first one's result, which was read above. Some may have been
    # refused because too many waited for the database; those must not be there.
    answers = [await each.message() for each in operations if not each.is_silent]
    results = [answer["payload"]["data"] for answer in answers if answer["type"] == "next"]
    acknowledged = {data["sendMessage"]["message"]["id"] for data in results if data}
    rows = await world.database.fetch(
        "select id::text from messages where channel_id = $1", channel
    )
    assert acknowledged <= {row[0] for row in rows}
    assert len(acknowledged) + 1 == len(rows)
