"""The whole server on Motor's client: for an installation that keeps it."""

from tests.world import Person, World


async def test_a_server_on_motor_knows_and_finds_the_same_people(world: World) -> None:
    query = """
        {
          viewer {
            user { name email }
            channels { edges { node { lastMessage { sender { name isActive } } } } }
          }
          users(search: "erin") { edges { node { id name email avatarUrl isClient isActive } } }
        }
    """
    somebody = await world.new_person("Somebody")
    channel = await world.carol.create_channel(somebody)
    await world.carol.say(channel)
    async with world.another_server(mongo_driver="motor") as motor:
        on_motor = await Person(motor, somebody.key, somebody.id).run(query)
        refused = await Person(motor, "zoe", world.zoe.id).refused(query)
    assert on_motor == await somebody.run(query)
    assert on_motor["users"]["edges"]
    assert refused.code == "UNAUTHENTICATED"
