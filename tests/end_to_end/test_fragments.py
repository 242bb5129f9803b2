"""Fragments used in several places, where each place asks for something more."""

from tests.world import World

DOCUMENT = """
query ($id: ID!) {
  plain: channel(id: $id) { ...Last }
  more: channel(id: $id) { ...Last lastMessage { id sender { name } } }
  other: channel(id: $id) { ...Last lastMessage { replyCount } }
}
fragment Last on Channel { lastMessage { content sender { id } } }
"""


async def test_a_fragment_is_filled_in_for_each_place_it_is_used_in(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.carol.say(channel)
    data = await world.carol.run(DOCUMENT, id=channel)
    carol = world.carol.id
    assert data["plain"]["lastMessage"] == {"content": "Hello", "sender": {"id": carol}}
    assert data["more"]["lastMessage"] == {
        "content": "Hello",
        "sender": {"id": carol, "name": "Carol Clark"},
        "id": message,
    }
    assert data["other"]["lastMessage"] == {
        "content": "Hello",
        "sender": {"id": carol},
        "replyCount": 0,
    }
