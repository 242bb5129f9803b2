"""People: who the viewer is, knows and finds."""

from typing import Any

import pytest
from bson import ObjectId

from tests.operations import UNKNOWN_PERSON, do
from tests.world import TEAMS, Person, World

ALL = "{ id name email avatarUrl isClient isActive }"
FOUND = "{ edges { cursor node { id name } } pageInfo { hasNextPage hasPreviousPage endCursor } }"


async def found(person: Person, search: str | None = None, first: int = 100) -> list[str]:
    page = await do(person, "users", FOUND, search=search, first=first)
    return [edge["node"]["id"] for edge in page["edges"]]


async def known(person: Person, id: str) -> Any:
    return await do(person, "user", ALL, id=id)


async def test_the_viewer_is_the_person_of_the_token(world: World) -> None:
    answer = await do(world.frank, "viewer", "{ user " + ALL + " }")
    assert answer["user"] == {
        "id": world.frank.id,
        "name": "Frank Foster",
        "email": "frank@example.com",
        "avatarUrl": "https://pictures.example.com/frank.png",
        "isClient": True,
        "isActive": True,
    }
    assert await known(world.frank, world.frank.id.upper()) == answer["user"]


async def test_an_internal_person_knows_everybody_the_directory_has(world: World) -> None:
    for key in ("alice", "olga", "frank", "ivan"):
        assert (await known(world.dave, world.ids[key]))["id"] == world.ids[key]
    gone = await known(world.dave, world.zoe.id)
    assert (gone["name"], gone["isActive"]) == ("Zoe Gone", False)
    for id in (UNKNOWN_PERSON, "", "nobody", world.erin.id[:-1], f" {world.erin.id}"):
        assert await known(world.dave, id) is None


async def test_a_client_knows_the_people_in_their_channels(world: World) -> None:
    client = await world.new_person("Client Kim", isClient=True, role=None)
    stranger = await world.new_person("Client Kay", isClient=True, role=None)
    assert await found(client) == []
    await world.carol.create_channel(client, world.bob)
    await world.carol.create_channel(stranger, world.bob)
    inside = {world.carol.id, world.bob.id}
    assert set(await found(client)) == inside
    for person in (world.carol, world.bob, client):
        assert (await known(client, person.id))["id"] == person.id
    for id in (world.dave.id, world.alice.id, stranger.id, world.zoe.id, UNKNOWN_PERSON):
        assert await known(client, id) is None
    assert await found(client, "dave") == []
    assert await found(client, "client") == []


async def test_who_has_gone_from_the_directory_is_shown_as_gone(world: World) -> None:
    goner = await world.new_person("Gina Goner")
    id = await world.carol.create_channel(goner)
    said = await goner.say(id, "Farewell")
    await world.mongo.users.delete_one({"email": f"{goner.id}@example.com"})
    await world.services.profiles.refresh([goner.id])
    sender = (await do(world.carol, "message", "{ sender " + ALL + " }", id=said))["sender"]
    assert (sender["id"], sender["isActive"]) == (goner.id, False)
    assert sender["email"] is None
    assert await known(world.carol, goner.id) == sender
    assert await known(world.alice, goner.id) is None


async def test_people_find_their_team_and_those_who_manage_members_everybody(
    world: World,
) -> None:
    own = await world.new_person("Quentin Own")
    other = await world.new_person("Quentin Other", teamId=TEAMS["other"])
    none = await world.new_person("Quentin None", teamId=None)
    client = await world.new_person("Quentin Client", isClient=True, role=None)
    far = await world.new_person("Quentin Far", isClient=True, role=None, teamId=TEAMS["other"])
    await world.new_person("Quentin Gone", status="disabled")
    insiders = {own.id, none.id}
    assert set(await found(world.dave, "quentin")) == insiders
    assert set(await found(world.ivan, "quentin")) == insiders
    assert set(await found(world.olga, "quentin")) == {other.id, none.id}
    # Whom they may write to, of whatever team the client is.
    assert set(await found(world.bob, "quentin")) == {*insiders, client.id, far.id}
    everybody = {*insiders, other.id, client.id, far.id}
    assert set(await found(world.carol, "quentin")) == everybody
    assert set(await found(world.alice, "quentin")) == everybody
    assert own.id not in await found(own, "quentin")


@pytest.mark.parametrize(
    "search", ["xav", "XAVIER", "lopez", "xavier lop", "lo xa", "xavier.l", "x.l"]
)
async def test_words_of_the_name_and_of_the_address_are_found_by_their_beginnings(
    world: World, search: str
) -> None:
    email = "xavier.lopez@example.com"
    if not await world.mongo.users.find_one({"email": email}):
        await world.new_person("Xavier López y Lopez", email=email)
        await world.new_person("Felix Avila", email="felix@example.com")
    names = {
        edge["node"]["name"]
        for edge in (await do(world.dave, "users", FOUND, search=search))["edges"]
    }
    assert names == ({"Xavier López y Lopez"} if search != "x.l" else set())


@pytest.mark.parametrize("search", [".*", "^", "$ne", "(", "[a", "\\", "{", "%", "_", "a|b", "'"])
async def test_what_means_something_to_a_database_means_itself(world: World, search: str) -> None:
    assert await found(world.dave, search) == []
    name = f"Zz {search} Y"
    person = await world.new_person(name)
    assert await found(world.dave, search) == [person.id]
    await world.mongo.users.delete_one({"name": name})


async def test_names_that_begin_with_the_search_come_first(world: World) -> None:
    one = await world.new_person("Anna Wendy")
    two = await world.new_person("Wendy Zander")
    three = await world.new_person("wendy Abel")
    assert await found(world.dave, "wend") == [three.id, two.id, one.id]


async def test_pages_put_together_are_everybody_found(world: World) -> None:
    # A cursor must come back whole, however long the name it stands at.
    names = ["Pam", "Pam", "pam", "Pam " + "\U0001f600" * 2_000, "Pamö"]
    people = {(await world.new_person(name)).id for name in names}
    whole = await found(world.dave, "pam")
    assert set(whole) == people
    paged: list[str] = []
    after = None
    for number in range(5):
        page = await do(world.dave, "users", FOUND, search="pam", first=1, after=after)
        info = page["pageInfo"]
        assert (info["hasPreviousPage"], info["hasNextPage"]) == (number > 0, number < 4)
        paged += [edge["node"]["id"] for edge in page["edges"]]
        after = info["endCursor"]
    assert paged == whole


async def test_everybody_is_found_page_by_page_while_people_come_and_go(world: World) -> None:
    people = [
        {
            "_id": ObjectId(),
            "name": f"Qx {number:03d} Ünïque",
            "status": "active",
            "teamId": TEAMS["first"],
        }
        for number in range(250)
    ]
    await world.mongo.users.insert_many(people)
    paged: list[str] = []
    page: Any = None
    after = None
    for _ in range(3):
        page = await do(world.dave, "users", FOUND, search="unique", first=100, after=after)
        paged += [edge["node"]["name"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        # Where the last page ends, before it and after it.
        await world.mongo.users.delete_one({"name": paged[-1]})
        for name in ("Qx 0000 Ünïque", "Qx 2500 Ünïque"):
            await world.new_person(name)
    assert not page["pageInfo"]["hasNextPage"]
    assert [name for name in paged if len(name) == 13] == [p["name"] for p in people]
    await world.mongo.users.delete_many({"name": {"$regex": "^Qx "}})
