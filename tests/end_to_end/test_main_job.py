"""A message sent is a message seen."""

from tests.world import World


async def test_what_one_sends_the_other_sees_live(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    async with world.dave.socket() as socket:
        added = await socket.subscribe(
            "subscription ($id: ID!) { messageAdded(channelId: $id)"
            " { id channelId content createdAt sender { id name } } }",
            id=channel,
        )
        await world.followed(channel)
        message = await world.carol.say(channel, "Are you there?")
        seen = (await added.next())["messageAdded"]
    assert seen["id"] == message
    assert seen["channelId"] == channel
    assert seen["content"] == "Are you there?"
    assert seen["sender"] == {"id": world.carol.id, "name": "Carol Clark"}
