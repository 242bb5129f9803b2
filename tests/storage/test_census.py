"""The census: whether anything has changed of who belongs where costs next to nothing to ask."""

from typing import Any

import pytest
from bson import ObjectId

from storage.census import Census
from storage.directory import Directory, DirectoryNames

CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "disabled": ("users", {"status": "disabled"}),
    "a client": ("users", {"isClient": True}),
    "in another department": ("users", {"departmentId": ObjectId()}),
    "in another team": ("users", {"teamId": ObjectId()}),
    "in another role": ("users", {"role": ObjectId()}),
    "a role that permits less": ("roles", {"permissions": []}),
    "a department with another head": ("departments", {"headId": ObjectId()}),
    "a department with another name": ("departments", {"name": "Service"}),
    "a project with other people": ("projects", {"assignedUserIds": []}),
    "a closed project": ("projects", {"status": "closed"}),
}


@pytest.fixture
async def census(erp: Any) -> Census:
    for name in ("users", "roles", "departments", "projects"):
        await erp[name].insert_many([{"_id": ObjectId(), "name": "One"} for _ in range(3)])
    return Census(Directory(erp, DirectoryNames()))


async def test_another_digest_tells_of_whatever_decides_who_belongs_where(
    erp: Any, census: Census
) -> None:
    seen = [await census.digest()]
    assert await census.digest() == seen[0]
    for collection, change in CHANGES.values():
        one = await erp[collection].find_one({})
        await erp[collection].update_one({"_id": one["_id"]}, {"$set": change})
        seen.append(await census.digest())
    for name in ("users", "roles", "departments", "projects"):
        one = await erp[name].find_one({})
        await erp[name].delete_one({"_id": one["_id"]})
        seen.append(await census.digest())
        await erp[name].insert_one({**one, "_id": ObjectId()})
        seen.append(await census.digest())
    assert len(set(seen)) == len(seen)
    assert await census.digest() == seen[-1]


async def test_what_is_in_another_collection_is_another_digest(erp: Any, census: Census) -> None:
    """A department that becomes a project is not the same, though all the bytes are."""
    before = await census.digest()
    one = await erp.roles.find_one({})
    await erp.roles.delete_one({"_id": one["_id"]})
    await erp.projects.insert_one(one)
    assert await census.digest() != before


async def test_the_digest_is_the_same_whatever_people_look_like(erp: Any, census: Census) -> None:
    before = await census.digest()
    await erp.users.update_many({}, {"$set": {"name": "Else", "avatar": "new", "lastLogin": 7}})
    assert await census.digest() == before
