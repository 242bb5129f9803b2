"""What is kept of people, for how long, and what stands in for those who cannot be had."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from structlog.testing import capture_logs

import loaders.profiles
from loaders.profiles import Profiles
from storage.directory import Directory, DirectoryNames
from storage.errors import ErrorCode, Refusal
from storage.records import UserRecord
from tests.servers import Servers
from tests.world import World, free_port

SECONDS = 60.0


class Clock:
    """Stands in for the module ``time`` where a minute must pass."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loaders.profiles, "time", clock)
    return clock


@pytest.fixture
async def mongo(servers: Servers, mongo_database: str) -> AsyncIterator[Any]:
    async with AsyncMongoClient[dict[str, Any]](servers.mongo_url) as client:
        yield client[mongo_database]


@pytest.fixture
def profiles(mongo: Any, clock: Clock) -> Profiles:
    return Profiles(Directory(mongo, DirectoryNames()), SECONDS)


@pytest.fixture
async def dead_directory() -> AsyncIterator[Directory]:
    """A directory whose server is not there."""
    url = f"mongodb://127.0.0.1:{free_port()}"
    async with AsyncMongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=50) as client:
        yield Directory(client["nowhere"], DirectoryNames(), 0.05)


async def person(mongo: Any, name: str = "Ada", **document: Any) -> str:
    id = ObjectId()
    await mongo.users.insert_one({"_id": id, "name": name, "status": "active", **document})
    return str(id)


async def test_a_profile_is_kept_for_its_time_and_not_a_moment_longer(
    mongo: Any, profiles: Profiles, clock: Clock
) -> None:
    ada = await person(mongo)
    assert (await profiles.by_ids([ada]))[ada].name == "Ada"
    await mongo.users.update_one({"_id": ObjectId(ada)}, {"$set": {"name": "Ada L."}})
    clock.now += SECONDS
    assert (await profiles.by_ids([ada]))[ada].name == "Ada"
    clock.now += 0.001
    assert (await profiles.by_ids([ada]))[ada].name == "Ada L."


async def test_somebody_removed_is_shown_as_no_longer_active(
    mongo: Any, profiles: Profiles, clock: Clock
) -> None:
    ada, never = await person(mongo), str(ObjectId())
    await profiles.by_ids([ada])
    await mongo.users.delete_one({"_id": ObjectId(ada)})
    clock.now += SECONDS + 1
    found = await profiles.by_ids([ada, never])
    assert [(found[id].name, found[id].is_active) for id in (ada, never)] == [
        ("Former user", False),
        ("Former user", False),
    ]
    assert all(found[id].id == id for id in found)


@pytest.mark.parametrize("document", [{"status": "disabled"}, {"status": None}, {"status": True}])
async def test_somebody_disabled_keeps_their_name_and_is_not_active(
    mongo: Any, profiles: Profiles, document: dict[str, Any]
) -> None:
    ada = await person(mongo, **document)
    found = (await profiles.by_ids([ada]))[ada]
    assert (found.name, found.is_active) == ("Ada", False)


async def test_without_mongodb_what_is_known_serves_at_any_age_and_placeholders_for_the_rest(
    mongo: Any, profiles: Profiles, dead_directory: Directory, clock: Clock
) -> None:
    ada, removed, unknown = await person(mongo), str(ObjectId()), str(ObjectId())
    await profiles.by_ids([ada, removed])
    profiles._directory = dead_directory
    clock.now += 10 * SECONDS
    found = await profiles.by_ids([ada, removed, unknown])
    assert {id: (user.name, user.is_active) for id, user in found.items()} == {
        ada: ("Ada", True),
        removed: ("Former user", False),
        unknown: ("Unknown person", True),
    }


async def test_a_placeholder_is_not_kept(
    mongo: Any, profiles: Profiles, dead_directory: Directory
) -> None:
    ada, live = await person(mongo), profiles._directory
    profiles._directory = dead_directory
    assert (await profiles.by_ids([ada]))[ada].name == "Unknown person"
    assert profiles.is_unknown(ada)
    profiles._directory = live
    assert (await profiles.by_ids([ada]))[ada].name == "Ada"
    assert not profiles.is_unknown(ada)


async def test_an_outage_is_told_once_and_so_is_its_end(
    mongo: Any, profiles: Profiles, dead_directory: Directory
) -> None:
    ada, live = await person(mongo), profiles._directory
    with capture_logs() as logs:
        for _ in range(2):
            profiles._directory = dead_directory
            for _ in range(3):
                await profiles.by_ids([ada])
            profiles._directory = live
            for _ in range(2):
                await profiles.refresh([ada])
            profiles._users.clear()
    assert [entry["event"] for entry in logs] == ["profiles.stale", "profiles.fresh"] * 2


async def test_each_person_is_answered_once_however_often_they_are_named(
    mongo: Any, profiles: Profiles
) -> None:
    ada = await person(mongo)
    assert list(await profiles.by_ids([ada, ada, ada])) == [ada]
    assert await profiles.by_ids([]) == {}


async def test_who_is_to_be_confirmed_is_asked_for_again(
    mongo: Any, profiles: Profiles, dead_directory: Directory, clock: Clock
) -> None:
    ada, removed = await person(mongo), await person(mongo)
    await profiles.by_ids([ada, removed])
    await mongo.users.delete_one({"_id": ObjectId(removed)})
    assert set(await profiles.confirmed([ada, removed], 5.0)) == {ada, removed}
    assert set(await profiles.confirmed([ada, removed])) == {ada}
    profiles._directory = dead_directory
    with pytest.raises(Refusal) as refused:
        await profiles.confirmed([ada])
    assert (refused.value.code, refused.value.service) == (ErrorCode.UNAVAILABLE, "mongodb")


async def test_a_role_is_kept_like_a_profile(
    mongo: Any, profiles: Profiles, dead_directory: Directory, clock: Clock
) -> None:
    role = {"name": "clerk", "permissions": [{"resource": "channels", "actions": ["create"]}]}
    await mongo.roles.insert_one(role)
    found = await profiles.role("clerk")
    assert found is not None
    assert found.permissions == {"channels:create"}
    await mongo.roles.update_one({"name": "clerk"}, {"$set": {"permissions": []}})
    assert await profiles.role("clerk") == found
    clock.now += SECONDS + 1
    changed = await profiles.role("clerk")
    assert changed is not None
    assert changed.permissions == frozenset()
    profiles._directory = dead_directory
    clock.now += SECONDS + 1
    assert await profiles.role("clerk") == changed
    with pytest.raises(Refusal) as refused:
        await profiles.role("never read")
    assert refused.value.code == ErrorCode.UNAVAILABLE


async def test_a_profile_is_at_hand_as_long_as_it_holds(
    mongo: Any, profiles: Profiles, clock: Clock
) -> None:
    ada = await person(mongo)
    assert profiles.at_hand(ada) is None
    known = (await profiles.by_ids([ada]))[ada]
    clock.now += SECONDS
    assert profiles.at_hand(ada) == known
    clock.now += 0.001
    assert profiles.at_hand(ada) is None


async def test_those_who_are_asked_for_at_the_same_time_are_looked_up_in_one_query(
    mongo: Any, profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await person(mongo, str(number)) for number in range(20)]
    asked: list[list[str]] = []
    users = profiles._directory.users

    async def noted(ids: Iterable[str]) -> dict[str, UserRecord]:
        asked.append(list(ids))
        return await users(ids)

    monkeypatch.setattr(profiles._directory, "users", noted)
    found = await asyncio.gather(*(profiles.confirmed([id, people[0]]) for id in people))
    assert [set(each) for each in found] == [{id, people[0]} for id in people]
    assert sorted(asked[0]) == sorted(people)
    assert len(asked) == 1


async def test_who_is_told_of_a_change_looks_again_though_a_reading_is_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been asked before the change."""
    ann = await world.new_person("Ann Before")
    profiles = Profiles(world.services.directory)
    users, has_read, may_answer = Directory.users, asyncio.Event(), asyncio.Event()

    async def slow(self: Directory, ids: Any) -> Any:
        found = await users(self, ids)
        has_read.set()
        await may_answer.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Directory, "users", slow)
        reading = asyncio.create_task(profiles.by_ids([ann.id]))
        await has_read.wait()
    await world.mongo.users.update_one(
        {"_id": ObjectId(ann.id)}, {"$set": {"name": "Ann Afterwards"}}
    )
    looking = asyncio.create_task(profiles.look_again([ann.id]))
    await asyncio.sleep(0)
    may_answer.set()
    await asyncio.gather(reading, looking)
    [found] = (await profiles.by_ids([ann.id])).values()
    assert found.name == "Ann Afterwards"
