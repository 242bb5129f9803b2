"""What is fresh is fresh, and gone afterwards."""

from typing import Any

import aioboto3
import asyncpg
import pytest
from botocore.config import Config
from pymongo import AsyncMongoClient

from server.migrate import current, head
from tests.servers import Fresh, Servers


async def test_a_database_is_migrated_and_nobody_elses(fresh: Fresh, database_url: str) -> None:
    assert current(database_url) == head()
    async with fresh.database() as other_url:
        assert other_url != database_url
        other = await asyncpg.connect(other_url)
        await other.execute("create table only_here ()")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(other_url)
    other.terminate()
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select to_regclass('only_here')") is None
    await connection.close()


async def test_an_empty_database_is_empty(fresh: Fresh) -> None:
    async with fresh.database(migrated=False) as url:
        assert current(url) is None


async def test_a_mongo_database_is_nobody_elses(servers: Servers, fresh: Fresh) -> None:
    async with AsyncMongoClient[dict[str, Any]](servers.mongo_url) as client:
        async with fresh.mongo_database() as one, fresh.mongo_database() as two:
            await client[one].users.insert_one({"name": "Alice"})
            assert await client[one].users.count_documents({}) == 1
            assert await client[two].users.count_documents({}) == 0
        assert await client[one].users.count_documents({}) == 0


async def test_a_bucket_is_gone_with_its_objects(servers: Servers, fresh: Fresh) -> None:
    session = aioboto3.Session(
        servers.s3_access_key_id, servers.s3_secret_access_key, region_name=servers.s3_region
    )
    path_style = Config(s3={"addressing_style": "path"})
    async with session.client("s3", endpoint_url=servers.s3_url, config=path_style) as s3:
        async with fresh.bucket() as bucket:
            await s3.put_object(Bucket=bucket, Key="a", Body=b"a")
        with pytest.raises(s3.exceptions.ClientError, match="404"):
            await s3.head_bucket(Bucket=bucket)
