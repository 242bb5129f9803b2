"""What the tests of the storage may ask for besides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from storage.postgres import Database
from tests.servers import Fresh, Servers
from tests.storage.guarded import MEMBER, OTHER, House, fill


@asynccontextmanager
async def mongo_client(driver: str, url: str, **options: Any) -> AsyncIterator[Any]:
    """A client of one of the two drivers that the directory works on."""
    if driver == "motor":
        motor: Any = AsyncIOMotorClient(url, **options)
        try:
            yield motor
        finally:
            # It waits for its threads, which may wait for a line that this loop serves.
            await asyncio.to_thread(motor.close)
    else:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(url, **options)
        async with client:
            yield client


@pytest.fixture(params=["pymongo", "motor"])
def driver(request: pytest.FixtureRequest) -> str:
    """Each test runs on both drivers."""
    name: str = request.param
    return name


@pytest.fixture
async def erp(driver: str, servers: Servers, mongo_database: str) -> AsyncIterator[Any]:
    """An empty database of the host application, by way of the driver."""
    async with mongo_client(driver, servers.mongo_url) as client:
        yield client[mongo_database]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a migrated database of this test's own."""
    database = await Database.connect(database_url, patience=20)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="module")
async def house(fresh: Fresh) -> AsyncIterator[House]:
    async with fresh.database() as url:
        owner = await asyncpg.connect(url)
        try:
            yield House(url, owner, await fill(owner, MEMBER), await fill(owner, OTHER))
        finally:
            await owner.close()
