import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from pymongo import AsyncMongoClient
from starlette.applications import Starlette
from starlette.routing import Route

from server import health, probes
from server.health import Health
from server.migrate import head
from storage.directory import Directory, DirectoryNames
from storage.errors import unavailable
from storage.objects import ObjectStore, ObjectStoreConfig
from storage.postgres import Database
from tests.servers import Fresh, Servers


@asynccontextmanager
async def asking(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/healthz", health.live), Route("/readyz", health.ready)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
        yield client


@asynccontextmanager
async def using(
    servers: Servers, database_url: str, mongo_url: str, s3_url: str, bucket: str
) -> AsyncIterator[httpx.AsyncClient]:
    """The three checks as the application has them."""
    config = ObjectStoreConfig(
        bucket=bucket,
        region=servers.s3_region,
        endpoint_url=s3_url,
        access_key_id=servers.s3_access_key_id,
        secret_access_key=servers.s3_secret_access_key,
        path_style=True,
    )
    async with (
        AsyncMongoClient[dict[str, Any]](mongo_url, serverSelectionTimeoutMS=1000) as mongo,
        ObjectStore.open(config) as store,
    ):
        database = await Database.connect(database_url, min_size=0)
        directory = Directory(mongo["erp"], DirectoryNames())
        checks: dict[str, Callable[[], Awaitable[object]]] = {
            "postgres": partial(probes.schema, database, head()),
            "mongodb": directory.ping,
            "s3": store.ping,
        }
        try:
            async with asking(Health(checks, optional=["s3"])) as client:
                yield client
        finally:
            await database.close()


async def fine() -> None:
    """A server that can be used."""


async def test_all_is_well(servers: Servers, database_url: str, bucket: str) -> None:
    async with using(servers, database_url, servers.mongo_url, servers.s3_url, bucket) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "ok",
        "checks": {"postgres": "ok", "mongodb": "ok", "s3": "ok"},
    }


async def test_without_s3_we_are_degraded(servers: Servers, database_url: str) -> None:
    nobody = "http://127.0.0.1:1"
    async with using(servers, database_url, servers.mongo_url, nobody, "none") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "checks": {"postgres": "ok", "mongodb": "ok", "s3": "nothing listens at its address"},
    }
    async with using(servers, database_url, servers.mongo_url, servers.s3_url, "none") as client:
        answer = await client.get("/readyz")
    assert answer.json()["checks"]["s3"] == "has no such bucket"


async def test_nothing_is_there(servers: Servers) -> None:
    async with using(
        servers,
        "postgresql://chat:hunter2@127.0.0.1:1/chat",
        "mongodb://erp:hunter2@127.0.0.1:1",
        "http://127.0.0.1:1",
        "none",
    ) as client:
        answer = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {
            "postgres": "nothing listens at its address",
            "mongodb": "nothing listens at its address",
            "s3": "nothing listens at its address",
        },
    }
    assert alive.status_code == 200
    assert alive.json() == {"status": "ok"}


async def test_the_schema(fresh: Fresh) -> None:
    async with fresh.database(migrated=False) as url:
        connection = await asyncpg.connect(url)
        try:
            with pytest.raises(probes.UnfitError, match="has no schema yet"):
                await probes.schema(connection, "0002")
            await connection.execute("create table alembic_version (version_num text)")
            with pytest.raises(probes.UnfitError, match="has no schema yet"):
                await probes.schema(connection, "0002")
            await connection.execute("insert into alembic_version values ('0001')")
            with pytest.raises(probes.UnfitError, match="has the schema 0001 and needs 0002"):
                await probes.schema(connection, "0002")
            assert await probes.schema(connection, "0001") == "0001"
            # The next release has migrated already and replaces us one by one.
            await connection.execute("update alembic_version set version_num = '0003'")
            assert await probes.schema(connection, "0002") == "0003"
        finally:
            await connection.close()


async def test_a_check_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LIMIT", 0.05)
    forever = asyncio.Event()

    async def hangs() -> None:
        await forever.wait()

    async with asking(Health({"postgres": hangs, "s3": hangs}, optional=["s3"])) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == dict.fromkeys(("postgres", "s3"), "gave no answer in time")


async def test_checks_run_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def meets() -> None:
        await both.wait()

    async with asking(Health({"postgres": meets, "mongodb": meets})) as client:
        assert (await client.get("/readyz")).json()["status"] == "ok"


async def test_asking_often_does_not_ask_the_servers_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 1000.0
    monkeypatch.setattr(health, "monotonic", lambda: clock)
    asked = 0

    async def counts() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        if asked == 2:
            raise ConnectionResetError

    async with asking(Health({"postgres": counts})) as client:
        answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert asked == 1
        clock += health.FRESH
        assert (await client.get("/readyz")).json()["checks"] == {
            "postgres": "closed the connection"
        }
        clock += health.FRESH
        assert (await client.get("/readyz")).status_code == 200
        assert asked == 3


async def test_what_is_known_to_be_down_is_not_asked_again() -> None:
    async def known() -> None:
        raise unavailable("mongodb")

    async with asking(Health({"mongodb": known})) as client:
        answer = await client.get("/readyz")
    assert answer.json()["checks"] == {"mongodb": "is out of reach"}


async def test_what_nobody_thought_of_is_told_by_its_name_alone() -> None:
    async def fails() -> None:
        raise LookupError("hunter2")

    async with asking(Health({"postgres": fails, "mongodb": fine})) as client:
        answer = await client.get("/readyz")
    assert answer.json()["checks"] == {"postgres": "cannot be used (LookupError)", "mongodb": "ok"}
