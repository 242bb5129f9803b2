"""Several operations in one document."""

from tests.world import World


async def test_each_mutation_of_a_document_shows_what_it_did(world: World) -> None:
    channel = await world.carol.create_channel(world.dave)
    message = await world.carol.say(channel)
    data = await world.carol.run(
        """
        mutation ($id: ID!) {
          one: addReaction(messageId: $id, emoji: "👍") { message { reactions { emoji count } } }
          two: addReaction(messageId: $id, emoji: "🎉") { message { reactions { emoji count } } }
          gone: deleteMessage(messageId: $id) { message { content reactions { emoji } } }
        }
        """,
        id=message,
    )
    assert data["one"]["message"]["reactions"] == [{"emoji": "👍", "count": 1}]
    assert [reaction["emoji"] for reaction in data["two"]["message"]["reactions"]] == ["👍", "🎉"]
    assert data["gone"]["message"] == {"content": "", "reactions": []}
