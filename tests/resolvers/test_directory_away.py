"""While MongoDB is away: nothing is decided on a guess."""

from urllib.parse import urlsplit

from tests.operations import channel, denied, do
from tests.proxy import Proxy
from tests.world import World


async def test_a_channel_is_not_opened_while_nobody_can_say_who_in_it_is_a_client(
    world: World,
) -> None:
    id = await world.carol.create_channel(world.dave, world.frank)
    mongo = urlsplit(world.settings.mongo_url)
    assert mongo.hostname
    async with Proxy.to(mongo.hostname, mongo.port or 27017) as line:
        url = f"mongodb://127.0.0.1:{line.port}/"
        # A server that has not seen the client yet.
        async with world.another_server(mongo_url=url, mongo_timeout=0.5) as server:
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
