import asyncio
import stat
import time
from collections.abc import AsyncIterator
from typing import Any

import aioboto3
import asyncpg
import pytest
from botocore.config import Config
from bson import ObjectId
from pymongo import AsyncMongoClient

from server.embedded.processes import EmbeddedError
from server.embedded.servers import EmbeddedServers


@pytest.fixture
async def s3(servers: EmbeddedServers) -> AsyncIterator[Any]:
    async with aioboto3.Session().client(
        "s3",
        endpoint_url=servers.s3.url,
        region_name=servers.s3.region,
        aws_access_key_id=servers.s3.access_key_id,
        aws_secret_access_key=servers.s3.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    ) as client:
        yield client


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_postgres_comes_back_at_the_same_url_with_what_was_committed(
    servers: EmbeddedServers, end: str
) -> None:
    url = servers.postgres.url
    connection = await asyncpg.connect(url)
    assert connection.get_server_version().major == 18
    await connection.execute(f"create table kept_after_{end} as select 7 as number")

    await getattr(servers.postgres, end)()
    with pytest.raises(OSError):
        await asyncpg.connect(url)
    await servers.postgres.restart()

    assert servers.postgres.url == url
    connection = await asyncpg.connect(url)
    assert await connection.fetchval(f"select number from kept_after_{end}") == 7
    await connection.close()


async def test_postgres_lets_nobody_in_without_the_password(servers: EmbeddedServers) -> None:
    url = servers.postgres.url
    password = url.split(":")[2].split("@")[0]
    kept = servers.folder / "postgres" / "password"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == password
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(password, "another"))


async def test_postgres_sorts_the_same_on_every_machine(servers: EmbeddedServers) -> None:
    connection = await asyncpg.connect(servers.postgres.url)
    assert await connection.fetchval("show server_encoding") == "UTF8"
    assert await connection.fetchval("select upper('ñandú')") == "ÑANDÚ"
    letters = (
        "select string_agg(letter, '' order by letter) from unnest('{é,b,B,a}'::text[]) letter"
    )
    assert await connection.fetchval(letters) == "Babé"
    await connection.close()


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_mongo_comes_back_at_the_same_url_with_what_was_written(
    servers: EmbeddedServers, end: str
) -> None:
    url = servers.mongo.url
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client[servers.mongo.database][end].insert_one({"_id": ObjectId(), "name": "kept"})
    await getattr(servers.mongo, end)()
    await servers.mongo.restart()
    assert servers.mongo.url == url
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        found = await client[servers.mongo.database][end].find_one()
    assert found is not None
    assert found["name"] == "kept"


async def test_mongos_change_streams_wait_for_more_and_are_told_of_it_at_once(
    servers: EmbeddedServers,
) -> None:
    async with AsyncMongoClient[dict[str, Any]](servers.mongo.url) as client:
        watched = client[servers.mongo.database]["watched"]
        async with await watched.watch(max_await_time_ms=300) as stream:
            began = time.monotonic()
            assert await stream.try_next() is None
            assert time.monotonic() - began >= 0.25
        async with await watched.watch(max_await_time_ms=10_000) as stream:
            began, id = time.monotonic(), ObjectId()
            waiting = asyncio.create_task(stream.next())
            for write in (
                watched.insert_one({"_id": id}),
                watched.update_one({"_id": id}, {"$set": {"name": "Carol"}}),
                watched.delete_one({"_id": id}),
            ):
                await write
                change = await waiting
                assert change["documentKey"] == {"_id": id}
                waiting = asyncio.create_task(stream.next())
            assert time.monotonic() - began < 5
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_mongo_finds_by_object_ids(servers: EmbeddedServers) -> None:
    mine, other = ObjectId(), ObjectId()
    async with AsyncMongoClient[dict[str, Any]](servers.mongo.url) as client:
        people = client[servers.mongo.database]["people"]
        await people.insert_many([{"_id": mine, "friends": [other]}, {"_id": other, "friends": []}])
        for query, found in [({"_id": mine}, 1), ({"_id": {"$in": [mine, other]}}, 2)]:
            assert len(await people.find(query).to_list()) == found
        assert await people.find({"friends": other}).to_list() == [
            {"_id": mine, "friends": [other]}
        ]


async def test_s3_comes_back_at_the_same_url_with_what_was_left_in_it(
    servers: EmbeddedServers, s3: Any
) -> None:
    url, bucket, key = servers.s3.url, servers.s3.bucket, f"a key/ü n {'x' * 300}"
    content = b"\x00binary\n\nwith lines" * 1000
    await s3.put_object(
        Bucket=bucket, Key=key, Body=content, ContentType="image/png", Metadata={"by": "dave"}
    )
    for number in (1, 2, 3):
        await s3.put_object(Bucket=bucket, Key=f"key {number}", Body=b"")
    await s3.put_object(Bucket=bucket, Key="key 1", Body=b"again")
    await s3.delete_object(Bucket=bucket, Key="key 2")
    await s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "key 3"}]})
    before = await s3.head_object(Bucket=bucket, Key=key)

    await servers.s3.kill()
    await servers.s3.restart()

    assert servers.s3.url == url
    after = await s3.get_object(Bucket=bucket, Key=key)
    assert await after["Body"].read() == content
    for field in ("ContentType", "Metadata", "ETag", "LastModified"):
        assert after[field] == before[field]
    listed = await s3.list_objects_v2(Bucket=bucket, Prefix="key")
    assert [(found["Key"], found["Size"]) for found in listed["Contents"]] == [("key 1", 5)]


async def test_a_broken_start_says_which_server_and_why(servers: EmbeddedServers) -> None:
    broken = servers.folder / "s3" / "broken.object"
    broken.write_bytes(b"not json\n")
    await servers.s3.stop()
    try:
        with pytest.raises(EmbeddedError, match=r"S3 cannot be started: .*JSONDecodeError"):
            await servers.s3.restart()
    finally:
        broken.unlink()
        await servers.s3.restart()
