"""Texts that mean something to a database mean nothing here, wherever a client can give one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from graphql import get_named_type

from schema import graphql_schema
from tests.end_to_end.house import House, furnished
from tests.operations import do, message, send
from tests.security.grammar import INJECTIONS, everything
from tests.servers import Fresh, Servers
from tests.walk import Place, places
from tests.world import Person, World

EVERYWHERE = [place for place in places() if place.type in ("String", "ID")]
ASKED = [place for place in EVERYWHERE if place.operation == "query"]
DONE = [place for place in EVERYWHERE if place.operation == "mutation"]
FOLLOWED = [place for place in EVERYWHERE if place.operation == "subscription"]
INERT = "qqqqqq"
"""Means nothing to anybody, and is nowhere to be found."""
CATALOGUE = """
select table_name, column_name, data_type
  from information_schema.columns
 where table_schema = 'public'
 order by 1, 2
"""
OBJECTS: list[Any] = [{"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, {"$where": "sleep(30000)"}]


@pytest.fixture(scope="module")
async def own(servers: Servers, fresh: Fresh) -> AsyncIterator[World]:
    """A company in which nobody else does anything."""
    async with World.running(servers, fresh, upload_max_open=1000) as world:
        yield world


@pytest.fixture(scope="module")
async def lived_in(own: World) -> House:
    return await furnished(own)


@pytest.fixture(scope="module", autouse=True)
async def _nothing_else_happens(own: World) -> AsyncIterator[None]:
    """No table, no column and no person is another afterwards."""
    before = await everything_there(own)
    yield
    assert await everything_there(own) == before


@pytest.fixture(autouse=True)
def _nobody_has_to_wait() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 25, "something slept"


async def everything_there(own: World) -> Any:
    collections = {
        name: [document async for document in own.mongo[name].find().sort("_id")]
        for name in await own.mongo.list_collection_names()
    }
    # The MongoDB of the tests makes a collection as soon as somebody looks for it, and the server
    # looks for all of them in its own time.
    filled = {name: documents for name, documents in collections.items() if documents}
    return [tuple(row) for row in await own.database.fetch(CATALOGUE)], filled


def texts(place: Place) -> list[str]:
    """What is tried there: what is no id is told by its form, so a few of them do."""
    return INJECTIONS if place.type == "String" else INJECTIONS[::6]


def request(house: House, place: Place, value: Any) -> tuple[str, dict[str, Any]]:
    """An operation with this value there that asks for all that is found."""
    query, variables = place.by_variable(house.examples, value)
    type = get_named_type(place.steps[-1].field.type)
    before, leaf, after = query.rpartition("{ __typename }")
    return (before + everything(graphql_schema(), type) + after if leaf else query), variables


async def found(person: Person, house: House, place: Place, value: Any) -> tuple[Any, set[str]]:
    """What is answered, and the codes of what is refused."""
    query, variables = request(house, place, value)
    response = await person.respond(query, variables)
    assert response.status_code == 200, response.text
    result = response.json()
    codes = {error["extensions"]["code"] for error in result.get("errors", [])}
    assert codes <= {"BAD_USER_INPUT", "NOT_FOUND", "FORBIDDEN", "CONFLICT"}, (value, result)
    return result.get("data"), codes


@pytest.mark.parametrize("place", ASKED, ids=str)
async def test_nothing_more_is_found_by_it(own: World, lived_in: House, place: Place) -> None:
    inert, refused = await found(own.carol, lived_in, place, INERT)
    results = await asyncio.gather(
        *(found(own.carol, lived_in, place, text) for text in texts(place))
    )
    for text, (data, codes) in zip(texts(place), results, strict=True):
        assert (data, codes) == (inert, refused), text


@pytest.mark.parametrize("place", DONE, ids=str)
async def test_it_is_done_with_the_text_or_not_at_all(
    own: World, lived_in: House, place: Place
) -> None:
    for text in texts(place):
        await found(own.carol, lived_in, place, text)


@pytest.mark.parametrize("place", EVERYWHERE, ids=str)
async def test_an_object_is_no_text(own: World, lived_in: House, place: Place) -> None:
    for value in OBJECTS if place.type == "String" else OBJECTS[:1]:
        query, variables = place.by_variable(lived_in.examples, value)
        response = await own.carol.respond(query, variables)
        errors = response.json()["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}, value


@pytest.mark.parametrize("place", FOLLOWED, ids=str)
async def test_nothing_is_followed_by_it(own: World, lived_in: House, place: Place) -> None:
    async with own.carol.socket() as socket:
        for text in texts(place):
            query, variables = place.by_variable(lived_in.examples, text)
            operation = await socket.subscribe(query, **variables)
            if place.is_list:
                # Among others, whoever is not there is passed over in silence.
                await operation.complete()
                await socket.settled()
                continue
            answer = await operation.message()
            assert answer["type"] == "error", answer
            codes = {error["extensions"]["code"] for error in answer["payload"]}
            assert codes <= {"BAD_USER_INPUT", "NOT_FOUND"}, text


async def test_what_is_written_is_read_as_it_was(own: World) -> None:
    channel = await own.carol.create_channel(own.dave)
    for text in INJECTIONS:
        sent = await send(own.dave, channel, text)
        id = sent["message"]["id"]
        assert (await message(own.carol, id, "{ content }"))["content"] == text
        named = await do(
            own.carol,
            "updateChannel",
            "{ channel { topic } }",
            input={"channelId": channel, "topic": text},
        )
        assert named["channel"]["topic"] == text
