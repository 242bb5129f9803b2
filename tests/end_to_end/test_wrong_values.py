"""Values of the wrong type or size, wherever a client can give one: refused by name."""

from typing import Any

import pytest

from tests.end_to_end.house import House, refused
from tests.operations import nothing_happens
from tests.walk import Place, places
from tests.world import World

EVERYWHERE = [place for place in places() if place.operation != "subscription"]
SIZES = [place for place in EVERYWHERE if place.name in ("first", "last")]

WRONG: dict[str, list[Any]] = {
    "ID": [1.5, True, {"a": 1}],
    "String": [1, {"a": 1}, [["x"]]],
    "Int": ["1", 1.5, 2**31, {}],
    "Boolean": ["true", 1, {}],
    "DateTime": ["yesterday", "2026-11-20", "2026-11-20T09:30:00", 1, {}],
}
"""By type; whatever is not here is an enum."""

NO_NAME: list[Any] = ["NOTHING", "group", 1, {}]


@pytest.mark.parametrize("place", EVERYWHERE, ids=str)
async def test_a_value_of_another_type_is_refused_by_name(
    world: World, house: House, place: Place
) -> None:
    async with nothing_happens(world, house.channel, world.dave):
        for value in WRONG.get(place.type, NO_NAME):
            given = [[value]] if place.is_list and isinstance(value, list) else value
            query, variables = place.by_variable(house.examples, given)
            for extensions in (
                await refused(world.carol, query, variables),
                await refused(world.carol, place.by_literal(house.examples, given)),
            ):
                assert extensions is not None, value
                assert extensions["code"] == "BAD_USER_INPUT"
                assert extensions.get("field") == place.name, value


@pytest.mark.parametrize("place", SIZES, ids=str)
async def test_a_page_has_between_none_and_a_hundred_rows(
    world: World, house: House, place: Place
) -> None:
    for size in (-1, 101, 10_000, -(2**31), 2**31 - 1):
        query, variables = place.by_variable(house.examples, size)
        for extensions in (
            await refused(world.carol, query, variables),
            await refused(world.carol, place.by_literal(house.examples, size)),
        ):
            assert extensions is not None
            assert (extensions["code"], extensions["field"]) == ("BAD_USER_INPUT", place.name)
    for size in (0, 100):
        query, variables = place.by_variable(house.examples, size)
        await world.carol.run(query, **variables)


@pytest.mark.parametrize(
    ("query", "variables", "field"),
    [
        ("mutation { markRead { channel { id } } }", {}, "channelId"),
        ("{ users(nonsense: 1) { edges { cursor } } }", {}, "nonsense"),
        ("{ viewer { channels(filter: {nonsense: 1}) { edges { cursor } } } }", {}, "nonsense"),
        ("{ viewer { channels(filter: 1) { edges { cursor } } } }", {}, "filter"),
        (
            "query ($my: ChannelFilter) { viewer { channels(filter: $my) { __typename } } }",
            {"my": {"nonsense": 1}},
            "nonsense",
        ),
        (
            "query ($my: ChannelFilter) { viewer { channels(filter: $my) { __typename } } }",
            {"my": "' at .nonsense: x"},
            "filter",
        ),
        (
            "query ($my: String) { viewer { channels(filter: {search: $my}) { __typename } } }",
            {"my": ["' to include required field 'id'"]},
            "search",
        ),
        (
            "mutation ($new: CreateChannelInput!) { createChannel(input: $new) { __typename } }",
            {"new": {}},
            "name",
        ),
        (
            "mutation ($new: CreateChannelInput!) { createChannel(input: $new) { __typename } }",
            {},
            "input",
        ),
        (
            "mutation ($id: ID!, $on: Boolean = true) { setTyping(channelId: $id, isTyping: $on) }",
            {"id": "x", "on": None},
            "isTyping",
        ),
        ("query ($on: Boolean!) { viewer @skip(if: $on) { __typename } }", {"on": 1}, "if"),
    ],
)
async def test_what_is_missing_or_unknown_is_named(
    world: World, query: str, variables: dict[str, Any], field: str
) -> None:
    extensions = await refused(world.carol, query, variables)
    assert extensions is not None
    assert (extensions["code"], extensions["field"]) == ("BAD_USER_INPUT", field)
