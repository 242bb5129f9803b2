"""Everybody in the directory: in order, noticed when they come and go, on either driver."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import ObjectId

import loaders.roster
import storage.directory
from loaders.roster import REFRESH_SECONDS, Roster
from storage.directory import Directory, DirectoryNames
from storage.errors import ErrorCode, Refusal
from tests.loaders.test_profiles import Clock
from tests.servers import Servers
from tests.storage.conftest import mongo_client
from tests.world import free_port

SECONDS = 60.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loaders.roster, "time", clock)
    return clock


@pytest.fixture(params=["pymongo", "motor"])
async def mongo(
    request: pytest.FixtureRequest, servers: Servers, mongo_database: str
) -> AsyncIterator[Any]:
    async with mongo_client(request.param, servers.mongo_url) as client:
        yield client[mongo_database]


@pytest.fixture
def roster(mongo: Any, clock: Clock) -> Roster:
    return Roster(Directory(mongo, DirectoryNames(), timeout=20.0), SECONDS)


async def insert(mongo: Any, *names: str, **more: Any) -> list[str]:
    people = [{"_id": ObjectId(), "name": name, "status": "active", **more} for name in names]
    await mongo.users.insert_many(people)
    return [str(person["_id"]) for person in people]


async def names(roster: Roster) -> list[str]:
    return [entry.person.name for entry in await roster.people()]


async def test_everybody_active_is_on_it_in_the_order_of_their_names(
    mongo: Any, roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.directory, "BATCH", 3)
    assert await names(roster) == []
    await insert(mongo, "cleo", "Ärmel", "Bea", "Arno", "Dora", "bea", "Zoë")
    await insert(mongo, "Gone", status="disabled")
    await insert(mongo, "Unknown", status=None)
    assert await names(roster) == ["Ärmel", "Arno", "Bea", "bea", "cleo", "Dora", "Zoë"]


async def test_who_comes_or_goes_is_noticed_at_once(mongo: Any, roster: Roster) -> None:
    await insert(mongo, "Ada", "Bea")
    assert await names(roster) == ["Ada", "Bea"]
    await insert(mongo, "Cleo")
    assert await names(roster) == ["Ada", "Bea", "Cleo"]
    await mongo.users.delete_one({"name": "Bea"})
    assert await names(roster) == ["Ada", "Cleo"]


async def test_who_has_changed_is_noticed_soon_and_nobody_waits_for_it(
    mongo: Any, roster: Roster, clock: Clock
) -> None:
    await insert(mongo, "Ada", "Bea")
    assert await names(roster) == ["Ada", "Bea"]
    await mongo.users.update_one({"name": "Ada"}, {"$set": {"name": "Zoe"}})
    assert await names(roster) == ["Ada", "Bea"]
    clock.now += REFRESH_SECONDS + 1
    assert await names(roster) == ["Ada", "Bea"]
    await reading()
    assert await names(roster) == ["Bea", "Zoe"]
    await mongo.users.update_one({"name": "Zoe"}, {"$set": {"status": "disabled"}})
    roster.outdate()
    assert await names(roster) == ["Bea"]


async def test_nobody_is_served_with_what_is_older_than_the_limit(
    mongo: Any, roster: Roster, clock: Clock
) -> None:
    await insert(mongo, "Ada")
    assert await names(roster) == ["Ada"]
    await mongo.users.update_one({"name": "Ada"}, {"$set": {"name": "Zoe"}})
    clock.now += SECONDS + 1
    assert await names(roster) == ["Zoe"]


async def test_those_who_ask_at_the_same_time_read_it_together(mongo: Any, roster: Roster) -> None:
    await insert(mongo, "Ada")
    lists = await asyncio.gather(*(roster.people() for _ in range(20)))
    assert all(people is lists[0] for people in lists)


async def test_without_the_directory_there_is_no_roster() -> None:
    url = f"mongodb://127.0.0.1:{free_port()}"
    async with mongo_client("pymongo", url, serverSelectionTimeoutMS=50) as client:
        with pytest.raises(Refusal) as refusal:
            await Roster(Directory(client["erp"], DirectoryNames())).people()
        assert refusal.value.code == ErrorCode.UNAVAILABLE


async def reading() -> None:
    """Return when no roster is being read."""
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "roster"]
    assert tasks
    await asyncio.wait(tasks)
