"""The feed tells what changes in the directory, and says so when it cannot."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure

from storage import directory_feed
from storage.census import Census, Kind
from storage.directory import Directory, DirectoryNames
from storage.directory_feed import Feed
from tests.replica_set import (
    CURSOR_NOT_FOUND,
    DROPPED,
    HISTORY_LOST,
    NO_REPLICA_SET,
    STEPPED_DOWN,
    UNAUTHORIZED,
    Fault,
    ReplicaSet,
    Step,
)
from tests.storage.conftest import mongo_client
from tests.world import until


@asynccontextmanager
async def listening(feed: Feed) -> AsyncIterator[None]:
    """While the block runs the feed hears, if it can; its end ends everything."""
    task = asyncio.create_task(feed.run())
    try:
        async with asyncio.timeout(10):
            await feed.settled()
        yield
    finally:
        async with asyncio.timeout(10):
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.5)


async def told(feed: Feed, count: int) -> dict[Kind, set[Any]] | None:
    """What the feed tells, once that is so much, or anything."""
    found: dict[Kind, set[Any]] = {kind: set() for kind in Kind}
    async with asyncio.timeout(10):
        while sum(map(len, found.values())) < count:
            await feed.something()
            taken = feed.take()
            if taken is None:
                return None
            for kind in Kind:
                found[kind] |= taken[kind]
    return found


async def test_every_change_is_told_by_its_id(erp: Any) -> None:
    ann, ben = ObjectId(), ObjectId()
    await erp.users.insert_one({"_id": ann, "name": "Ann"})
    feed = Feed(Census(Directory(erp, DirectoryNames())))
    async with listening(feed):
        assert feed.is_live
        assert feed.take() is None, "of what was before nobody tells"
        await erp.users.insert_one({"_id": ben, "name": "Ben"})
        await erp.departments.insert_one({"_id": "sales", "name": "Sales"})
        found = await told(feed, 2)
        assert found is not None
        assert (found[Kind.USER], found[Kind.DEPARTMENT]) == ({ben}, {"sales"})
        await erp.users.update_one({"_id": ann}, {"$set": {"name": "Anna"}})
        await erp.users.delete_one({"_id": ben})
        found = await told(feed, 2)
        assert found is not None
        assert found == {**{kind: set() for kind in Kind}, Kind.USER: {ann, ben}}


async def test_an_id_that_is_a_document_may_be_anything(erp: Any) -> None:
    """MongoDB allows it; the embedded one makes text of it."""
    feed = Feed(Census(Directory(erp, DirectoryNames())))
    feed._hear(Kind.DEPARTMENT, {"documentKey": {"_id": {"part": 1}}})
    assert feed.has_something
    assert feed.take() is None


async def test_a_mongodb_without_change_streams_is_no_failure(
    erp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: Any) -> Any:
        raise OperationFailure("The $changeStream stage is only supported on replica sets", 40573)

    monkeypatch.setattr(Directory, "watch", unsupported)
    feed = Feed(Census(Directory(erp, DirectoryNames())))
    async with listening(feed):
        assert not feed.is_live


@pytest.fixture(scope="module")
def member() -> Iterator[ReplicaSet]:
    with TemporaryDirectory() as folder, ReplicaSet.running(Path(folder)) as member:
        yield member


@pytest.fixture
async def replicated(
    driver: str, member: ReplicaSet, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Any]:
    """A database on a replica set, whose feed tries again at once."""
    monkeypatch.setattr(directory_feed, "AGAIN_SECONDS", 0.01)
    member.asked.clear()
    async with mongo_client(driver, member.url) as client:
        yield client[f"erp_{uuid4().hex}"]


async def _told_of(feed: Feed, erp: Any) -> None:
    """Whoever is hired is told of by their id: nothing was missed, and the stream is alive."""
    hired = ObjectId()
    await erp.users.insert_one({"_id": hired})
    assert await told(feed, 1) == {**{kind: set() for kind in Kind}, Kind.USER: {hired}}


async def _begun(feed: Feed, erp: Any) -> None:
    assert feed.is_live
    assert feed.take() is None
    await _told_of(feed, erp)


async def _misses(feed: Feed) -> None:
    """Return when the feed cannot say any more what has changed, and hears again from then on."""
    async with asyncio.timeout(10):
        while True:
            await feed.something()
            if feed.take() is None:
                break
    await until(lambda: feed.is_live)


@pytest.mark.parametrize("fault", [CURSOR_NOT_FOUND, STEPPED_DOWN], ids=["restart", "election"])
async def test_a_stream_that_is_broken_off_goes_on_where_it_was(
    replicated: Any, member: ReplicaSet, fault: Fault
) -> None:
    """The driver resumes it once by itself."""
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        await _begun(feed, replicated)
        member.next("more", "users", fault)
        await _told_of(feed, replicated)
        first, resumed = member.opened("users")
        assert "resumeAfter" not in first
        assert resumed["resumeAfter"]
        assert feed.is_live


async def test_what_happens_while_nobody_leads_is_told_when_somebody_does(
    replicated: Any, member: ReplicaSet
) -> None:
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        await _begun(feed, replicated)
        member.next("open", "users", *[STEPPED_DOWN] * 3)
        member.next("more", "users", STEPPED_DOWN)
        # Who relies on being told is told that nobody tells.
        async with asyncio.timeout(10):
            while feed.is_live:
                await feed.something()
                assert feed.take() is not None
        await _told_of(feed, replicated)
        await until(lambda: feed.is_live)
        *_, last = member.opened("users")
        assert last["resumeAfter"]


async def test_what_the_log_does_not_reach_back_to_may_be_anything(
    replicated: Any, member: ReplicaSet
) -> None:
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        await _begun(feed, replicated)
        member.next("open", "users", HISTORY_LOST)
        member.next("more", "users", CURSOR_NOT_FOUND)
        await _misses(feed)
        *_, refused, last = member.opened("users")
        assert "resumeAfter" in refused
        assert "resumeAfter" not in last
        await _told_of(feed, replicated)


async def test_a_collection_that_is_dropped_is_watched_anew(
    replicated: Any, member: ReplicaSet
) -> None:
    """After ``invalidate`` the stream is over, and nothing resumes after that."""
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        await _begun(feed, replicated)
        member.next("more", "users", DROPPED)
        await _misses(feed)
        await until(lambda: len(member.opened("users")) == 2 and feed.is_live)
        feed.take()
        assert [options for options in member.opened("users") if "resumeAfter" in options] == []
        await _told_of(feed, replicated)


async def test_without_a_replica_set_it_is_not_asked_again_and_again(
    replicated: Any, member: ReplicaSet
) -> None:
    for kind in ("users", "roles", "departments", "projects"):
        member.next("open", kind, NO_REPLICA_SET)
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        assert not feed.is_live
        await asyncio.sleep(0.1)
    assert [step for step, *_ in member.asked] == ["open"] * 4


@pytest.mark.parametrize("when", ["open", "more"])
async def test_whoever_may_not_watch_one_collection_is_not_told_everything(
    replicated: Any, member: ReplicaSet, when: Step
) -> None:
    if when == "open":
        member.next("open", "roles", UNAUTHORIZED)
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        if when == "more":
            await _begun(feed, replicated)
            # The privilege is taken away while it listens.
            member.next("more", "roles", UNAUTHORIZED)
            async with asyncio.timeout(10):
                while feed.is_live:
                    await feed.something()
                    feed.take()
        assert not feed.is_live
        feed.take()
        await _told_of(feed, replicated)


async def test_more_than_can_be_looked_at_one_by_one_may_be_anything(
    replicated: Any, member: ReplicaSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_feed, "MAX_CHANGED", 5)
    feed = Feed(Census(Directory(replicated, DirectoryNames())))
    async with listening(feed):
        await _begun(feed, replicated)
        await replicated.users.insert_many([{"name": "New"} for _ in range(7)])
        await until(lambda: feed._missed)
        assert feed.take() is None
        await _told_of(feed, replicated)


async def test_nonsense_on_the_line_is_survived(erp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver makes of it whatever Python makes of it."""
    monkeypatch.setattr(directory_feed, "AGAIN_SECONDS", 0.01)
    watch, failed = Directory.watch, 0

    def confused(self: Directory, collection: str, token: Any) -> Any:
        nonlocal failed
        if collection == "users" and failed < 3:
            failed += 1
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return watch(self, collection, token)

    monkeypatch.setattr(Directory, "watch", confused)
    feed = Feed(Census(Directory(erp, DirectoryNames())))
    async with listening(feed):
        await until(lambda: feed.is_live)
        feed.take()
        await _told_of(feed, erp)
    assert failed == 3
