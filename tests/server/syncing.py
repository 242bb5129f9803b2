"""What the tests of being in step with the directory have in common."""

import asyncio
from typing import Any

from bson import ObjectId

from storage.postgres import Database
from tests.world import PATIENCE, Person, World

PROMISED = 5.0
"""Seconds from a write in MongoDB until nobody has what it took from them."""


def in_time() -> asyncio.Timeout:
    """What begins with the write and has come to pass at the end is as fast as promised."""
    return asyncio.timeout(PROMISED)


async def department(world: World, name: str = "Sales") -> ObjectId:
    id = ObjectId()
    await world.mongo.departments.insert_one({"_id": id, "name": name, "headId": None})
    return id


async def change(world: World, person: Person, **fields: Any) -> None:
    await world.mongo.users.update_one({"_id": ObjectId(person.id)}, {"$set": fields})


async def comes(database: Database, query: str, *args: Any, seconds: float = PATIENCE) -> Any:
    """What the query answers, as soon as that is anything but null or false."""
    async with asyncio.timeout(seconds):
        while not (found := await database.fetchval(query, *args)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found


async def channel_of(world: World, id: ObjectId, *people: Person, seconds: float = PATIENCE) -> str:
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


PLACES = """
select array_agg(key order by key)
  from members
  join directory_channels using (channel_id)
 where user_id = $1
"""


async def places(world: World, person: Person) -> list[str]:
    """What the directory's channels that somebody is in are for."""
    return await world.database.fetchval(PLACES, person.id) or []


async def placed(world: World, person: Person, keys: list[str]) -> None:
    """Return when somebody is in these channels of the directory's, and in no other."""
    await comes(world.database, f"select coalesce(({PLACES}), '{{}}') = $2", person.id, keys)


async def finds(person: Person, search: str, ids: list[str]) -> None:
    """Return as soon as these are found, in this order."""
    async with asyncio.timeout(PATIENCE):
        while await found(person, search) != ids:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def found(person: Person, search: str) -> list[str]:
    query = "query ($search: String) { users(search: $search) { edges { node { id } } } }"
    page = (await person.run(query, search=search))["users"]
    return [edge["node"]["id"] for edge in page["edges"]]
