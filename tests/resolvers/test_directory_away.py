"""While MongoDB is away: nothing is decided on a guess."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.operations import UNKNOWN_PERSON, channel, denied, do
from tests.proxy import Proxy
from tests.world import World


@asynccontextmanager
async def behind_a_line(world: World) -> AsyncIterator[tuple[World, Proxy]]:
    """The same company by way of a server that has seen nobody yet, and its line to MongoDB."""
    mongo = urlsplit(world.settings.mongo_url)
    assert mongo.hostname
    async with Proxy.to(mongo.hostname, mongo.port or 27017) as line:
        url = f"mongodb://127.0.0.1:{line.port}/"
        async with world.another_server(mongo_url=url, mongo_timeout=0.5) as server:
            yield server, line


async def test_a_channel_is_not_opened_while_nobody_can_say_who_in_it_is_a_client(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave, world.frank)
    async with behind_a_line(world) as (server, line):
        assert await channel(server.carol, id, "{ isPrivate }") == {"isPrivate": True}
        await line.cut()
        before = await world.state_of(id)
        open_it = {"channelId": id, "isPrivate": False}
        refusal = await denied(server.carol, "updateChannel", input=open_it)
        assert refusal.code == "UNAVAILABLE"
        assert refusal.extensions["service"] == "mongodb"
        assert await world.state_of(id) == before
        await do(server.carol, "updateChannel", input={"channelId": id, "topic": "Else"})
    assert await channel(world.dave, id, "{ isPrivate topic }") == {
        "isPrivate": True,
        "topic": "Else",
    }


async def test_a_client_does_not_learn_from_the_outage_whom_a_server_has_seen(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.frank)
    async with behind_a_line(world) as (server, line):
        assert await do(server.erin, "viewer", "{ user { name } }")
        assert await channel(server.frank, id, "{ id }") == {"id": id}
        await line.cut()
        before = await world.state_of(id)
        for name, more in (("updateMemberRole", {"role": "ADMIN"}), ("removeMember", {})):
            refusals = [
                await denied(server.frank, name, channelId=id, userId=person, **more)
                for person in (world.erin.id, world.grace.id, UNKNOWN_PERSON, "nobody at all")
            ]
            assert {(r.code, r.message) for r in refusals} == {
                ("FORBIDDEN", "Only the channel's owners and admins may do this.")
            }
        assert await world.state_of(id) == before
