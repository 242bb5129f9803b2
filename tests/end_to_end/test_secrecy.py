"""What somebody may not see does not exist: by no answer can they tell it from nothing."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from storage import cursors, ids
from storage.cursors import CursorKind
from storage.records import ChannelType
from tests.end_to_end.house import EMOJI, House, furnished
from tests.operations import UNKNOWN_ID, UNKNOWN_PERSON, do
from tests.places import MEMBER, OWNER, place, said
from tests.walk import Examples, Place, places
from tests.world import Person, Socket, World

IDS = [p for p in places() if p.type == "ID" and p.operation != "subscription"]
STREAMS = [p for p in places() if p.type == "ID" and p.operation == "subscription"]
OF_PEOPLE = [p for p in STREAMS if p.is_list]


@dataclass
class Secrets:
    """Ids of what a client, or a colleague, must not learn of; and in what words it is said."""

    client: Person
    private: list[str]
    """Of channels that nobody sees who is not in them."""
    of_support: list[str]
    lost: list[str]
    """Of a channel that the client was in, and wrote in."""
    people: list[Person]
    words: list[str]

    @property
    def of_ours(self) -> list[str]:
        """Whatever kind of thing it is."""
        return [*self.private, *self.of_support, *self.lost]


@pytest.fixture(scope="module")
async def secrets(world: World) -> Secrets:
    people = [await world.new_person("Secretary Selma"), world.erin, world.grace, world.zoe]
    selma, erin = people[:2]
    hidden = await selma.create_channel(erin, name="Secret plans", topic="A secret topic")
    message = await selma.say(hidden, "Secret words", mentionedUserIds=[erin.id])
    reply = await erin.say(hidden, "Secret reply", parentId=message)
    dm = await place(world, ChannelType.DM, (selma, MEMBER), (erin, MEMBER))
    support = await place(world, ChannelType.CLIENT_SUPPORT, (selma, OWNER), (world.grace, MEMBER))
    private = [
        *(hidden, message, reply),
        *await files(world, hidden, message, selma),
        *(dm, await said(world, dm, erin)),
    ]
    of_support = [support, await said(world, support, world.grace)]
    client = await world.new_person("Client Clara", isClient=True, role=None)
    former = await selma.create_channel(client, name="Secret by now")
    own = await client.say(former, "No secret then")
    lost = [
        former,
        own,
        await client.say(former, "Neither"),
        *await files(world, former, own, client),
    ]
    await do(client, "deleteMessage", messageId=lost[2])
    await do(selma, "removeMember", channelId=former, userId=client.id)
    words = ["secret", "selma", "erin", "grace", "zoe", *private, *of_support, *lost]
    words += [person.id for person in people]
    return Secrets(client, private, of_support, lost, people, words)


async def files(world: World, channel: str, message: str, sender: Person) -> list[str]:
    """The ids of one that the message carries, and of one that no message does."""
    made = [ids.new_id(), ids.new_id()]
    for id, carrier in zip(made, (message, None), strict=True):
        await world.database.execute(
            "insert into attachments (id, channel_id, message_id, uploader_id, object_key,"
            " file_name, file_size, mime_type, completed_at)"
            " values ($1, $2, $3, $4, $5, 'secret.pdf', 1, 'application/pdf', now())",
            *(id, channel, carrier, sender.id, f"kept/{id}"),
        )
    return made


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
    private = secrets.private
    looking = ((world.dave, secrets.of_ours), (world.olga, private), (world.alice, private))
    for person, hidden in looking:
        nothing = await answer(person, place, house, UNKNOWN_ID)
        for id in hidden:
            assert await answer(person, place, house, id) == nothing, person.key
    assert [await world.state_of(id) for id in secrets.of_ours] == before


BESIDE: dict[str, list[Any]] = {"String": ["", "x" * 5_000], "Int": [-1], "ID": ["nothing at all"]}
"""Wrong values for what is given besides an id."""


def wrongs(place: Place, examples: Examples) -> list[Examples]:
    """Each good value that goes with this place, made wrong."""
    return [
        {**examples, f"{place.steps[-1].name}.{beside.name}": wrong}
        for beside in places()
        if beside.is_required and beside.steps[-1].field is place.steps[-1].field
        if beside.argument != place.argument
        for wrong in BESIDE.get(beside.type, [])
    ]


@pytest.mark.parametrize("place", [p for p in IDS if wrongs(p, {})], ids=str)
async def test_whatever_else_is_wrong_a_secret_is_like_nothing(
    secrets: Secrets, clients_house: House, place: Place
) -> None:
    for examples in wrongs(place, clients_house.examples):
        house = replace(clients_house, examples=examples)
        nothing = await answer(secrets.client, place, house, UNKNOWN_ID)
        for id in (*secrets.private[:3], *secrets.lost):
            assert await answer(secrets.client, place, house, id) == nothing, examples
        nobody = await answer(secrets.client, place, house, UNKNOWN_PERSON)
        for person in secrets.people:
            assert await answer(secrets.client, place, house, person.id) == nobody, examples


CURSORS = [p for p in places() if p.name in ("after", "before")]


def cursors_into(channel: str, message: str, epoch: int) -> list[str]:
    """What lists of a channel and a thread, and the channel's log, would give as cursors."""
    return [
        cursors.encode_event(channel, epoch, 1),
        cursors.encode_position(CursorKind.MESSAGE, channel, 1),
        cursors.encode_position(CursorKind.REPLY, message, 1),
        cursors.encode(CursorKind.MEMBER, channel, 1, UNKNOWN_PERSON),
        cursors.encode(CursorKind.RECEIPT, message, 1, UNKNOWN_PERSON),
    ]


@pytest.mark.parametrize("place", CURSORS, ids=str)
async def test_a_cursor_into_a_secret_is_like_one_into_nothing(
    world: World, secrets: Secrets, clients_house: House, place: Place
) -> None:
    client, examples = secrets.client, clients_house.examples

    async def told(socket: Socket, cursor: str) -> Any:
        if place.operation == "query":
            return await answer(client, place, clients_house, cursor)
        query, variables = place.by_variable(examples, cursor)
        message = await (await socket.subscribe(query, **variables)).message()
        assert message["type"] == "error"
        (error,) = message["payload"]
        del error["extensions"]["requestId"]
        return error

    epoch = "select epoch from channels where id = $1"
    async with client.socket() as socket:
        nothing = [await told(socket, c) for c in cursors_into(UNKNOWN_ID, UNKNOWN_ID, 1)]
        for channel, message in (secrets.private[:2], secrets.lost[:2]):
            there = await world.database.fetchval(epoch, channel)
            secret = [await told(socket, c) for c in cursors_into(channel, message, there)]
            assert secret == nothing


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
