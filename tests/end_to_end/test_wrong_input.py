"""Too much of something, wherever a client can give any, and twenty thousand people at once."""

from typing import Any

import pytest

from tests.end_to_end.house import House, refused
from tests.operations import UNKNOWN_ID, answered, do, document, nothing_happens
from tests.walk import Place, places
from tests.world import World

EVERYWHERE = [place for place in places() if place.operation != "subscription"]
TEXTS = [place for place in EVERYWHERE if place.type in ("String", "ID")]
LISTS = [place for place in TEXTS if place.is_list]

TWENTY_THOUSAND = [f"{number:024x}" for number in range(20_000)]
LONG = "x" * 100_000


@pytest.mark.parametrize("place", TEXTS, ids=str)
async def test_a_hundred_thousand_characters_are_refused_by_name(
    world: World, house: House, place: Place
) -> None:
    async with nothing_happens(world, house.channel, world.dave):
        for text in (LONG, "\U0001f600" * 50_000):
            query, variables = place.by_variable(house.examples, text)
            extensions = await refused(world.carol, query, variables)
            if extensions is None:
                assert place.operation == "query"
                assert place.type == "ID"
            else:
                assert extensions["field"] == place.name


@pytest.mark.parametrize("place", LISTS, ids=str)
async def test_twenty_thousand_ids_are_too_many(world: World, house: House, place: Place) -> None:
    channels = "select count(*) from channels"
    before = await world.database.fetchval(channels)
    async with nothing_happens(world, house.channel, world.dave):
        for ids in (TWENTY_THOUSAND, [world.dave.id] * 20_000, [1.5] * 20_000):
            query, variables = place.by_variable(house.examples, ids)
            response, result = await answered(world.carol, query, variables)
            assert response.status_code == 200
            assert len(response.content) < 10_000
            for error in result["errors"]:
                extensions = error["extensions"]
                assert (extensions["code"], extensions["field"]) == ("BAD_USER_INPUT", place.name)
    assert await world.database.fetchval(channels) == before


MALFORMED = [
    "",
    " ",
    "nobody",
    "0",
    "-1",
    UNKNOWN_ID.replace("-", ""),
    "{" + UNKNOWN_ID + "}",
    "urn:uuid:" + UNKNOWN_ID,
    UNKNOWN_ID + " ",
    "\uff10" * 24,
    "0" * 23,
    "0" * 25,
    "'; drop table messages; --",
    "\U0001f600",
]
"""Ids of nothing, each of another shape."""

ALONE = [
    ("channelId", "There is no such channel."),
    ("messageId", "There is no such message."),
    ("userId", "There is no such member."),
    ("userIds", "There is no such person."),
    ("memberIds", "There is no such person."),
]


@pytest.mark.parametrize(("name", "message"), ALONE)
async def test_what_cannot_be_an_id_is_answered_as_what_is_not_there(
    world: World, house: House, name: str, message: str
) -> None:
    tried = [place for place in EVERYWHERE if place.name == name]
    assert tried
    async with nothing_happens(world, house.channel, world.dave):
        for place in tried:
            for id in MALFORMED:
                query, variables = place.by_variable(house.examples, id)
                result = await world.carol.post(query, variables)
                (error,) = result["errors"]
                assert error["message"] == message, (str(place), id)
                assert error["extensions"]["code"] == "NOT_FOUND"
                assert error["extensions"]["field"] == name


@pytest.mark.parametrize("name", ["channel", "message", "user"])
async def test_a_query_for_what_cannot_be_an_id_is_null(world: World, name: str) -> None:
    for id in [*MALFORMED, UNKNOWN_ID, "0" * 24]:
        assert await do(world.carol, name, "{ id }", id=id) is None


async def test_ids_are_the_same_in_capitals_and_nowhere_else_alike(
    world: World, house: House
) -> None:
    for name, id in (
        ("channel", house.channel),
        ("message", house.message),
        ("user", world.dave.id),
    ):
        assert await do(world.carol, name, "{ id }", id=id.upper()) == {"id": id}
        wide = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in id)
        for other in (f" {id}", f"{id}\n", wide, id[:-1], id + "0"):
            assert await do(world.carol, name, "{ id }", id=other) is None


async def test_what_is_refused_in_one_mutation_leaves_those_before_it_done(
    world: World, house: House
) -> None:
    """And says of which it is, with the id of the one request."""
    query = (
        "mutation ($id: ID!) { one: markRead(channelId: $id) { channel { id } }"
        ' two: markRead(channelId: "x") { channel { id } } }'
    )
    response, result = await answered(world.carol, query, {"id": house.channel})
    (error,) = result["errors"]
    assert error["path"] == ["two"]
    assert error["extensions"] == {
        "code": "NOT_FOUND",
        "field": "channelId",
        "requestId": response.headers["X-Request-Id"],
    }


@pytest.mark.parametrize(
    ("variables", "fields"),
    [
        ({"channelId": None, "isTyping": True}, ["channelId"]),
        ({"channelId": "x", "isTyping": None}, ["isTyping"]),
        ({}, ["channelId", "isTyping"]),
    ],
)
async def test_null_where_something_must_be_is_refused(
    world: World, variables: dict[str, Any], fields: list[str]
) -> None:
    query = document("setTyping", ["channelId", "isTyping"])
    _, result = await answered(world.carol, query, variables)
    found = [(e["extensions"]["code"], e["extensions"]["field"]) for e in result["errors"]]
    assert found == [("BAD_USER_INPUT", field) for field in fields]
