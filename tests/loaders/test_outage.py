"""MongoDB dies or falls silent while people read and write."""

from collections.abc import AsyncIterator

import pytest

import storage.directory
from tests.loaders.outage import BACKOFF, OUTAGES, Company, Outage, at_most
from tests.world import World

PAGE = """
query ($id: ID!) {
  viewer { user { name } }
  channel(id: $id) { messages { edges { node { content sender { id name isActive } } } } }
}
"""

CREATE = """
mutation ($people: [ID!]!) {
  createChannel(input: { name: "New", memberIds: $people }) { channel { id } }
}
"""


@pytest.fixture(scope="module")
async def shared_company(world: World) -> AsyncIterator[Company]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage.directory, "BACKOFF_SECONDS", BACKOFF)
        async with Company.beside(world) as company:
            yield company


@pytest.fixture
async def company(shared_company: Company) -> AsyncIterator[Company]:
    """The line works before each test and after it."""
    await shared_company.mend()
    yield shared_company
    await shared_company.mend()


@OUTAGES
async def test_a_page_shows_the_names_it_knows_and_placeholders_for_the_others(
    company: Company, outage: Outage
) -> None:
    carol, known = company.near.carol, await company.near.new_person("Known")
    unknown = await company.near.new_person("Never looked up by the far server")
    channel = await carol.create_channel(known)
    await known.say(channel, "from somebody known")
    page = await company.behind(carol).run(PAGE, id=channel)
    await outage(company.line)
    await carol.run(
        "mutation ($id: ID!, $people: [ID!]!)"
        " { addMembers(channelId: $id, userIds: $people) { channel { id } } }",
        id=channel,
        people=[unknown.id],
    )
    await unknown.say(channel, "from somebody unknown")
    with at_most():
        page = await company.behind(carol).run(PAGE, id=channel)
    assert page["viewer"]["user"]["name"] == "Carol Clark"
    assert [edge["node"] for edge in page["channel"]["messages"]["edges"]] == [
        {
            "content": "from somebody known",
            "sender": {"id": known.id, "name": "Known", "isActive": True},
        },
        *(
            {
                "content": content,
                "sender": {"id": unknown.id, "name": "Unknown person", "isActive": True},
            }
            for content in ("was added to the channel", "from somebody unknown")
        ),
    ]
    await company.mend()
    page = await company.behind(carol).run(PAGE, id=channel)
    last = page["channel"]["messages"]["edges"][-1]["node"]
    assert last["sender"]["name"] == "Never looked up by the far server"


@OUTAGES
async def test_known_people_go_on_sending_and_hearing(company: Company, outage: Outage) -> None:
    carol, dave = company.behind(company.near.carol), company.behind(company.near.dave)
    channel = await carol.create_channel(dave)
    query = "subscription ($id: ID!) { messageAdded(channelId: $id) { content sender { name } } }"
    async with dave.socket() as socket:
        added = await socket.subscribe(query, id=channel)
        await company.far.followed(channel)
        await outage(company.line)
        with at_most():
            await carol.say(channel, "Still here")
            heard = await added.next()
    assert heard == {"messageAdded": {"content": "Still here", "sender": {"name": "Carol Clark"}}}


@OUTAGES
async def test_what_needs_the_directory_s_word_is_refused_and_writes_nothing(
    company: Company, outage: Outage
) -> None:
    carol, dave = company.behind(company.near.carol), company.near.dave
    await carol.run("{ viewer { user { id } } }")
    database = company.near.database
    before = await database.fetchval("select count(*) from channels")
    await outage(company.line)
    with at_most():
        refusal = await carol.refused(CREATE, people=[dave.id])
    assert (refusal.code, refusal.extensions["service"]) == ("UNAVAILABLE", "mongodb")
    with at_most():
        refusal = await carol.refused("{ users { edges { node { name } } } }")
    assert (refusal.code, refusal.extensions["service"]) == ("UNAVAILABLE", "mongodb")
    assert await database.fetchval("select count(*) from channels") == before


@OUTAGES
async def test_somebody_known_signs_in(company: Company, outage: Outage) -> None:
    carol = company.behind(company.near.carol)
    await carol.run("{ viewer { user { id } } }")
    await outage(company.line)
    with at_most():
        data = await carol.run("{ viewer { user { name } } }")
    assert data == {"viewer": {"user": {"name": "Carol Clark"}}}
    with at_most():
        async with carol.socket() as socket:
            assert await socket.run("{ viewer { user { id } } }") == {
                "viewer": {"user": {"id": carol.id}}
            }


@OUTAGES
async def test_nobody_is_let_in_unseen(company: Company, outage: Outage) -> None:
    stranger = company.behind(await company.near.new_person("Never seen by the far server"))
    channel = await company.near.carol.create_channel(stranger)
    before = await company.near.state_of(channel)
    await outage(company.line)
    with at_most():
        refusal = await stranger.refused(
            'mutation ($id: ID!) { sendMessage(input: { channelId: $id, content: "Hello" })'
            " { message { id } } }",
            id=channel,
        )
    assert (refusal.code, refusal.extensions["service"]) == ("UNAVAILABLE", "mongodb")
    with at_most():
        async with company.far.bare_socket() as socket:
            await socket.send(
                {"type": "connection_init", "payload": {"authorization": stranger.token}}
            )
            assert await socket.closed() == 1013
    assert await company.near.state_of(channel) == before


@OUTAGES
async def test_an_outage_lets_nobody_back_in_who_was_turned_away_before(
    company: Company, outage: Outage
) -> None:
    person = company.behind(await company.near.new_person("Dismissed"))
    await person.run("{ viewer { user { id } } }")
    await company.near.mongo.users.update_one(
        {"email": f"{person.id}@example.com"}, {"$set": {"status": "disabled"}}
    )
    assert (await person.refused("{ viewer { user { id } } }")).code == "UNAUTHENTICATED"
    await outage(company.line)
    assert (await person.refused("{ viewer { user { id } } }")).code == "UNAUTHENTICATED"
