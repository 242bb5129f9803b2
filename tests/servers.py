"""The three servers the tests run on, and what is new and empty on them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import aioboto3
import asyncpg
from botocore.config import Config
from pymongo import AsyncMongoClient
from sqlalchemy.engine import make_url

from server.embedded.servers import Name, embedded_servers
from server.migrate import migrate


@dataclass(frozen=True)
class Servers:
    """Where the servers are.

    PostgreSQL's role may make databases; the database in its URL is only connected to.
    """

    database_url: str
    mongo_url: str
    s3_url: str
    s3_region: str
    s3_access_key_id: str
    s3_secret_access_key: str


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Servers]:
    """Embedded servers in ``folder``, but for those that the environment names.

    BACKCHANNEL_TEST_DATABASE_URL, _MONGO_URL and _S3_URL (with _S3_REGION, _S3_ACCESS_KEY_ID and
    _S3_SECRET_ACCESS_KEY): the same tests on another PostgreSQL, a real MongoDB, a real S3.
    """

    def given(name: str) -> str:
        return os.environ.get(f"BACKCHANNEL_TEST_{name}", "")

    urls: dict[Name, str] = {
        "postgres": given("DATABASE_URL"),
        "mongo": given("MONGO_URL"),
        "s3": given("S3_URL"),
    }
    missing = [name for name, url in urls.items() if not url]
    async with embedded_servers(folder, names=missing, durable=False) as embedded:
        yield Servers(
            database_url=urls["postgres"] or embedded.postgres.url,
            mongo_url=urls["mongo"] or embedded.mongo.url,
            s3_url=urls["s3"] or embedded.s3.url,
            s3_region=given("S3_REGION") or embedded.s3.region,
            s3_access_key_id=given("S3_ACCESS_KEY_ID") or embedded.s3.access_key_id,
            s3_secret_access_key=given("S3_SECRET_ACCESS_KEY") or embedded.s3.secret_access_key,
        )


class Fresh:
    """Databases and buckets that nobody else uses, on the servers everybody shares.

    Each is gone when its context ends, whoever is still connected.
    """

    def __init__(self, servers: Servers, template: str) -> None:
        """``template`` is the migrated database that others are copied from; nobody uses it."""
        self._servers = servers
        self._template = template
        # One for all: each reads what it knows of S3 from files.
        self._aws = aioboto3.Session(
            aws_access_key_id=servers.s3_access_key_id,
            aws_secret_access_key=servers.s3_secret_access_key,
            region_name=servers.s3_region,
        )

    @classmethod
    @asynccontextmanager
    async def on(cls, servers: Servers) -> AsyncIterator[Self]:
        """Migrate once, for all."""
        async with cls(servers, "template0").database() as url:
            await asyncio.to_thread(migrate, url)
            yield cls(servers, make_url(url).database or "")

    @asynccontextmanager
    async def database(self, *, migrated: bool = True) -> AsyncIterator[str]:
        """A PostgreSQL database at the newest revision, or with nothing in it; its URL."""
        name = _name()
        template = self._template if migrated else "template0"
        connection = await asyncpg.connect(self._servers.database_url)
        try:
            # Copied as files, not by way of the log: with nothing to be synced, half the work.
            await connection.execute(
                f'create database "{name}" template "{template}" strategy file_copy'
            )
            try:
                url = make_url(self._servers.database_url).set(database=name)
                yield url.render_as_string(hide_password=False)
            finally:
                await connection.execute(f'drop database "{name}" with (force)')
        finally:
            await connection.close()

    @asynccontextmanager
    async def mongo_database(self) -> AsyncIterator[str]:
        """A MongoDB database with nothing in it; its name."""
        name = _name()
        try:
            yield name
        finally:
            async with AsyncMongoClient[dict[str, Any]](self._servers.mongo_url) as client:
                await client.drop_database(name)

    @asynccontextmanager
    async def bucket(self) -> AsyncIterator[str]:
        """An S3 bucket with nothing in it; its name."""
        path_style = Config(s3={"addressing_style": "path"})
        url = self._servers.s3_url
        async with self._aws.resource("s3", endpoint_url=url, config=path_style) as s3:
            bucket = await s3.create_bucket(Bucket=_name().replace("_", "-"))
            try:
                yield bucket.name
            finally:
                await bucket.objects.all().delete()
                await bucket.delete()


def _name() -> str:
    return f"backchannel_test_{uuid4().hex[:12]}"
