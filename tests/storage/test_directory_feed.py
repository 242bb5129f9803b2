"""The feed tells what changes in the directory, and says so when it cannot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure

from storage.census import Census, Kind
from storage.directory import Directory, DirectoryNames
from storage.directory_feed import Feed


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


async def test_a_mongodb_without_change_streams_is_no_failure(
    erp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: Any) -> Any:
        raise OperationFailure("The $changeStream stage is only supported on replica sets", 40573)

    monkeypatch.setattr(Directory, "watch", unsupported)
    feed = Feed(Census(Directory(erp, DirectoryNames())))
    async with listening(feed):
        assert not feed.is_live
