"""The demo's company on a PostgreSQL of somebody else's, where we are no superuser."""

import asyncio
from typing import Any

import asyncpg
from pymongo import AsyncMongoClient

from server.demo import cast
from server.demo.history import HISTORY
from server.demo.seed import seed
from server.migrate import migrate
from storage.objects import ObjectStore, ObjectStoreConfig
from storage.postgres import Database
from storage.sight import Role
from tests.logins import owned
from tests.servers import Fresh, Servers

COUNTED = ("channels", "members", "messages", "events", "reactions", "placements", "sidebars")


async def test_an_owner_who_is_no_superuser_seeds_once_and_leaves_rows_guarded(
    servers: Servers, fresh: Fresh
) -> None:
    async with (
        fresh.database(migrated=False) as empty,
        fresh.mongo_database() as mongo_database,
        fresh.bucket() as bucket,
        owned(servers, empty, may_make_roles=True) as url,
        ObjectStore.open(
            ObjectStoreConfig(
                bucket=bucket,
                region=servers.s3_region,
                endpoint_url=servers.s3_url,
                access_key_id=servers.s3_access_key_id,
                secret_access_key=servers.s3_secret_access_key,
                path_style=True,
            )
        ) as objects,
    ):
        await asyncio.to_thread(migrate, url)
        superuser = await asyncpg.connect(empty)

        async def counts() -> dict[str, int]:
            return {
                table: await superuser.fetchval(f"select count(*) from {table}")
                for table in COUNTED
            }

        owner = await Database.connect(url)
        in_step = await Database.connect(url, role=Role.SYNC)
        await seed(owner, in_step, servers.mongo_url, mongo_database, objects)
        seeded = await counts()
        assert seeded["channels"] == len(cast.CHANNELS)
        assert seeded["messages"] >= sum(map(len, HISTORY.values()))
        assert min(seeded.values()) > 0
        await seed(owner, in_step, servers.mongo_url, mongo_database, objects)
        assert await counts() == seeded
        assert await owner.fetchval("select count(*) from messages") == 0
        assert (
            await superuser.fetch(
                "select relname from pg_class where relnamespace = 'public'::regnamespace"
                " and relrowsecurity and not relforcerowsecurity"
            )
            == []
        )
        async with AsyncMongoClient[dict[str, Any]](servers.mongo_url) as client:
            people = await client[mongo_database].users.count_documents({})
        assert people == len(cast.PEOPLE)
        for each in (owner, in_step, superuser):
            await each.close()
