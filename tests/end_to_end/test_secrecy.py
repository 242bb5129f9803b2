"""What somebody may not see does not exist: by no answer can they tell it from nothing."""

from dataclasses import dataclass
from typing import Any

import pytest

from storage.records import ChannelType
from tests.end_to_end.house import EMOJI, House, furnished
from tests.operations import UNKNOWN_ID, UNKNOWN_PERSON
from tests.places import MEMBER, OWNER, place, said
from tests.walk import Place, places
from tests.world import Person, World

IDS = [p for p in places() if p.type == "ID" and p.operation != "subscription"]
STREAMS = [p for p in places() if p.type == "ID" and p.operation == "subscription"]
OF_PEOPLE = [p for p in STREAMS if p.is_list]


@dataclass
class Secrets:
    """Ids of what a client, or a colleague, must not learn of; and in what words it is said."""

    client: Person
    of_ours: list[str]
    people: list[Person]
    words: list[str]


@pytest.fixture(scope="module")
async def secrets(world: World) -> Secrets:
    people = [await world.new_person("Secretary Selma"), world.erin, world.grace, world.zoe]
    selma, erin = people[:2]
    hidden = await selma.create_channel(erin, name="Secret plans", topic="A secret topic")
    message = await selma.say(hidden, "Secret words", mentionedUserIds=[erin.id])
    reply = await erin.say(hidden, "Secret reply", parentId=message)
    dm = await place(world, ChannelType.DM, (selma, MEMBER), (erin, MEMBER))
    support = await place(world, ChannelType.CLIENT_SUPPORT, (selma, OWNER), (world.grace, MEMBER))
    of_ours = [
        *(hidden, message, reply),
        *(dm, await said(world, dm, erin)),
        *(support, await said(world, support, world.grace)),
    ]
    words = ["secret", "selma", "erin", "grace", "zoe", *of_ours, *(p.id for p in people)]
    client = await world.new_person("Client Clara", isClient=True, role=None)
    return Secrets(client, of_ours, people, words)


@pytest.fixture(scope="module")
async def clients_house(world: World, secrets: Secrets) -> House:
    """What the client may see: a private channel with carol and dave in it."""
    house = await furnished(world)
    channel = await world.carol.create_channel(world.dave, world.bob, secrets.client)
    message = await secrets.client.say(channel, "Root", mentionedUserIds=[world.carol.id])
    await world.dave.say(channel, "Reply", parentId=message)
    for name in ("channelId", "channel.id", "ID"):
        house.examples[name] = channel
    for name in ("messageId", "message.id", "parentId"):
        house.examples[name] = message
    house.channel, house.message = channel, message
    return house


async def answer(person: Person, place: Place, house: House, id: str) -> Any:
    """Everything that is said, but for the id itself and that of the request."""
    query, variables = place.by_variable(house.examples, id)
    response = await person.respond(query, variables)
    result = response.json()
    for error in result.get("errors", []):
        assert error["extensions"].pop("requestId") == response.headers["X-Request-Id"]
        assert error["extensions"]["code"] != "INTERNAL"
    return response.status_code, result


@pytest.mark.parametrize("place", IDS, ids=str)
async def test_a_client_cannot_tell_a_secret_from_nothing(
    world: World, secrets: Secrets, clients_house: House, place: Place
) -> None:
    client = secrets.client
    before = await world.state_of(clients_house.channel)
    nothing = await answer(client, place, clients_house, UNKNOWN_ID)
    nobody = await answer(client, place, clients_house, UNKNOWN_PERSON)
    assert await answer(client, place, clients_house, "nothing at all") == nothing == nobody
    for id in secrets.of_ours:
        assert await answer(client, place, clients_house, id) == nothing
    for person in secrets.people:
        assert await answer(client, place, clients_house, person.id) == nobody
    assert await world.state_of(clients_house.channel) == before


@pytest.mark.parametrize("place", IDS, ids=str)
async def test_a_colleague_cannot_tell_a_secret_channel_from_nothing(
    world: World, secrets: Secrets, house: House, place: Place
) -> None:
    before = [await world.state_of(id) for id in secrets.of_ours]
    # Open to a super admin: what goes on where clients are helped.
    private = secrets.of_ours[:5]
    looking = ((world.dave, secrets.of_ours), (world.olga, private), (world.alice, private))
    for person, hidden in looking:
        nothing = await answer(person, place, house, UNKNOWN_ID)
        for id in hidden:
            assert await answer(person, place, house, id) == nothing, person.key
    assert [await world.state_of(id) for id in secrets.of_ours] == before


@pytest.mark.parametrize("place", OF_PEOPLE, ids=str)
async def test_a_client_hears_as_little_of_a_secret_person_as_of_nobody(
    world: World, secrets: Secrets, house: House, place: Place
) -> None:
    async with secrets.client.socket() as socket, secrets.people[0].socket():
        for id in (*(person.id for person in secrets.people), UNKNOWN_PERSON, "nobody at all"):
            query, variables = place.by_variable(house.examples, [id])
            operation = await socket.subscribe(query, **variables)
            await socket.settled()
            assert operation.is_silent, id


@pytest.mark.parametrize("place", [p for p in STREAMS if p not in OF_PEOPLE], ids=str)
async def test_nobody_follows_what_they_cannot_see(
    world: World, secrets: Secrets, house: House, place: Place
) -> None:
    for person in (world.dave, secrets.client):
        async with person.socket() as socket:
            for id in (*secrets.of_ours, UNKNOWN_ID, "nothing at all"):
                query, variables = place.by_variable(house.examples, id)
                operation = await socket.subscribe(query, **variables)
                message = await operation.message()
                assert message["type"] == "error"
                (error,) = message["payload"]
                assert error["message"] == "There is no such channel."
                assert error["extensions"]["code"] == "NOT_FOUND"
                assert error["extensions"]["field"] == "channelId"


AROUND = """
query ($search: String!) {
  viewer {
    user { ...Person }
    unread { messages mentions channels }
    channels { edges { node { ...Room } } }
    found: channels(filter: {search: $search}) { edges { node { ...Room } } }
  }
  users { edges { node { ...Person } } }
  searched: users(search: $search) { edges { node { ...Person } } }
}
fragment Person on User { id name email avatarUrl isClient isActive }
fragment Room on Channel { id name topic avatarUrl memberCount lastMessage { content } }
"""

INSIDE = """
query ($id: ID!) {
  channel(id: $id) {
    ...Room
    lastMessage { ...Said }
    members { edges { node { user { ...Person } invitedBy { ...Person } } } }
    messages(last: 10) {
      edges { node { ...Said replies(first: 5) { edges { node { ...Said } } } } }
    }
  }
}
fragment Person on User { id name email avatarUrl isClient isActive }
fragment Room on Channel { id name topic avatarUrl memberCount }
fragment Said on Message {
  id content sender { ...Person } mentions { ...Person } parent { id content }
  reactions { emoji users(first: 2) { ...Person } } channel { ...Room }
}
"""


async def test_nothing_that_a_client_can_read_speaks_of_a_secret(
    world: World, secrets: Secrets, clients_house: House
) -> None:
    client = secrets.client
    await world.carol.run(
        "mutation ($id: ID!, $emoji: String!)"
        " { addReaction(messageId: $id, emoji: $emoji) { message { id } } }",
        id=clients_house.message,
        emoji=EMOJI,
    )
    text = str(await client.run(INSIDE, id=clients_house.channel)).lower()
    for search in ("", *secrets.words[:5], "s", "e"):
        text += str(await client.run(AROUND, search=search)).lower()
    assert "client clara" in text
    assert "carol clark" in text
    for word in secrets.words:
        assert word.lower() not in text, word
