"""What the tests of being in step with the directory have in common."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import ObjectId

from storage.postgres import Database
from tests.world import Person, World

SECONDS = 15.0
"""Thrice what is promised of people who are gone, as machines are busy."""


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


async def department(world: World, name: str = "Sales") -> ObjectId:
    id = ObjectId()
    await world.mongo.departments.insert_one({"_id": id, "name": name, "headId": None})
    return id


async def change(world: World, person: Person, **fields: Any) -> None:
    await world.mongo.users.update_one({"_id": ObjectId(person.id)}, {"$set": fields})


async def comes(database: Database, query: str, *args: Any, seconds: float = SECONDS) -> Any:
    """What the query answers, as soon as that is anything but null or false."""
    async with asyncio.timeout(seconds):
        while not (found := await database.fetchval(query, *args)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def channel_of(world: World, id: ObjectId, *people: Person, seconds: float = SECONDS) -> str:
    """The id of the department's channel, as soon as it has these people."""
    found: str = await comes(
        world.database,
        "select c.id::text from channels c where department_id = $1 and member_count ="
        " (select count(*) from members where channel_id = c.id and user_id = any($2))"
        " and member_count = $3",
        str(id),
        [person.id for person in people],
        len(people),
        seconds=seconds,
    )
    return found


async def gone(world: World, channel: str, person: Person) -> None:
    """Return when somebody is no member any more."""
    query = "select not exists (select from members where channel_id = $1 and user_id = $2)"
    await comes(world.database, query, channel, person.id)


async def finds(person: Person, search: str, ids: list[str]) -> None:
    """Return as soon as these are found, in this order."""
    async with asyncio.timeout(SECONDS):
        while await found(person, search) != ids:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def found(person: Person, search: str) -> list[str]:
    query = "query ($search: String) { users(search: $search) { edges { node { id } } } }"
    page = (await person.run(query, search=search))["users"]
    return [edge["node"]["id"] for edge in page["edges"]]
