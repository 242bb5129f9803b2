"""Direct messages: one for the same people, and who may open one with whom."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.operations import UNKNOWN_PERSON, channel, denied, do, kinds_of_events, patiently, roles
from tests.servers import Fresh, Servers
from tests.world import Person, World


async def opened(person: Person, *others: Person) -> str:
    ids = [other.id for other in others]
    id: str = (await do(person, "openDirectMessage", userIds=ids))["channel"]["id"]
    return id


async def dms(world: World) -> int:
    count: int = await world.database.fetchval("select count(*) from channels where type = 'DM'")
    return count


async def crowd(world: World, count: int) -> list[Person]:
    return [await world.new_person(f"Crowd {number}") for number in range(count)]


async def test_the_same_people_have_one_whoever_opens_it_in_whatever_order(world: World) -> None:
    one, two, three = await crowd(world, 3)
    pair = await opened(one, two)
    assert await opened(two, one) == pair
    assert await opened(one, one, two, two) == pair
    ids = [two.id.upper(), one.id]
    again = await do(one, "openDirectMessage", userIds=ids)
    assert again["channel"]["id"] == pair
    group = await opened(one, two, three)
    assert group != pair
    assert await opened(three, two, one) == group
    assert await opened(one, three) not in (pair, group)
    assert await roles(two, pair) == {one.id: "MEMBER", two.id: "MEMBER"}


async def test_a_direct_message_is_private_and_has_no_name(world: World) -> None:
    one, two = await crowd(world, 2)
    id = await opened(one, two)
    selection = "{ type name topic isPrivate memberCount }"
    assert await channel(two, id, selection) == {
        "type": "DM",
        "name": None,
        "topic": None,
        "isPrivate": True,
        "memberCount": 2,
    }
    for outsider in (world.alice, world.carol, world.frank):
        assert await channel(outsider, id, "{ id }") is None


async def test_twenty_callers_at_once_open_one(world: World) -> None:
    one, two = await crowd(world, 2)
    before = await dms(world)
    calls = [partial(opened, *pair) for pair in [(one, two), (two, one)] * 10]
    ids = set(await asyncio.gather(*map(patiently, calls)))
    assert len(ids) == 1
    assert await dms(world) == before + 1
    (id,) = ids
    assert await kinds_of_events(world, id) == ["MemberJoined", "MemberJoined"]
    assert (await channel(one, id, "{ memberCount }"))["memberCount"] == 2
    assert await roles(one, id) == {one.id: "MEMBER", two.id: "MEMBER"}


async def test_nine_people_fit_in_and_ten_do_not(world: World) -> None:
    people = await crowd(world, 10)
    nine = await opened(*people[:9])
    assert (await channel(people[8], nine, "{ memberCount }"))["memberCount"] == 9
    before = await dms(world)
    refusal = await denied(people[0], "openDirectMessage", userIds=[p.id for p in people])
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "userIds")
    assert await dms(world) == before


@pytest.mark.parametrize("named", [[], ["dave"], ["dave", "dave"]])
async def test_nobody_writes_to_nobody_but_themselves(world: World, named: list[str]) -> None:
    before = await dms(world)
    ids = [world.ids[key] for key in named]
    refusal = await denied(world.dave, "openDirectMessage", userIds=ids)
    assert (refusal.code, refusal.field) == ("BAD_USER_INPUT", "userIds")
    assert await dms(world) == before


@pytest.mark.parametrize(
    ("who", "whom", "code"),
    [
        ("dave", ["erin"], None),
        ("dave", ["erin", "ivan"], None),
        ("ivan", ["dave"], None),
        ("dave", ["olga"], "FORBIDDEN"),
        ("olga", ["dave"], "FORBIDDEN"),
        ("dave", ["erin", "olga"], "FORBIDDEN"),
        ("carol", ["olga"], None),
        ("alice", ["olga", "frank"], None),
        ("bob", ["frank"], None),
        ("bob", ["frank", "grace"], None),
        ("bob", ["olga"], "FORBIDDEN"),
        ("dave", ["frank"], "FORBIDDEN"),
        ("dave", ["erin", "frank"], "FORBIDDEN"),
        ("alice", ["zoe"], "NOT_FOUND"),
        ("dave", ["erin", "zoe"], "NOT_FOUND"),
        ("dave", [UNKNOWN_PERSON], "NOT_FOUND"),
        ("dave", ["not an id"], "NOT_FOUND"),
    ],
)
async def test_who_may_write_to_whom_when_people_write_to_their_team(
    world: World, who: str, whom: list[str], code: str | None
) -> None:
    person = Person(world, who, world.ids[who])
    ids = [world.ids.get(key, key) for key in whom]
    if code is None:
        answer = await do(person, "openDirectMessage", userIds=ids)
        assert set(await roles(person, answer["channel"]["id"])) == {person.id, *ids}
        return
    before = await dms(world)
    refusal = await denied(person, "openDirectMessage", userIds=ids)
    assert refusal.code == code
    assert refusal.field == ("userIds" if code == "NOT_FOUND" else None)
    assert await dms(world) == before


async def test_a_client_writes_to_a_support_agent_they_share_a_channel_with(world: World) -> None:
    client = await world.new_person("Client Cleo", isClient=True, role=None)
    other = await world.new_person("Client Carl", isClient=True, role=None)
    await world.carol.create_channel(client, other, world.bob, world.dave)
    assert set(await roles(client, await opened(client, world.bob))) == {client.id, world.bob.id}
    for person in (world.dave, world.carol, other):
        refusal = await denied(client, "openDirectMessage", userIds=[person.id])
        assert refusal.code == "FORBIDDEN"


async def test_a_client_cannot_tell_a_stranger_from_nobody(world: World) -> None:
    client = await world.new_person("Client Cora", isClient=True, role=None)
    await world.carol.create_channel(client, world.bob, world.dave)
    before = await dms(world)
    strangers = [
        world.erin.id,
        world.alice.id,
        world.grace.id,
        *[p.id for p in await crowd(world, 9)],
    ]
    nobodies = [f"{number:024x}" for number in range(len(strangers))]
    known = [world.bob.id, world.dave.id]

    async def answer(ids: list[str]) -> tuple[str, str, str]:
        refusal = await denied(client, "openDirectMessage", userIds=ids)
        return refusal.code, refusal.message, refusal.field

    for count in (1, 2, 8, 12):
        for company in ([], known, known[:1], known[1:]):
            for mix in (
                [*strangers[:count], *company],
                [*company, *strangers[:count]],
                [strangers[0], *company, *nobodies[1:count]],
            ):
                nobody = [nobodies[strangers.index(id)] if id in strangers else id for id in mix]
                assert await answer(mix) == await answer(nobody)
    assert await dms(world) == before


@pytest.fixture
async def open_house(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    async with World.running(servers, fresh, direct_messages="everybody") as world:
        yield world


async def test_where_the_operator_says_so_people_write_to_other_teams(open_house: World) -> None:
    dave, olga = open_house.dave, open_house.olga
    assert set(await roles(olga, await opened(dave, olga))) == {dave.id, olga.id}
    found = await do(dave, "users", "{ edges { node { id } } }", search="olga")
    assert [edge["node"]["id"] for edge in found["edges"]] == [olga.id]
    refusal = await denied(dave, "openDirectMessage", userIds=[open_house.frank.id])
    assert refusal.code == "FORBIDDEN"
