"""Where the three servers are: embedded, but for those that the environment names."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.embedded.servers import EmbeddedServers, Name, embedded_servers


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses, and the embedded ones among the servers."""

    embedded: EmbeddedServers
    database_url: str
    mongo_url: str
    s3_url: str
    s3_bucket: str
    s3_region: str
    s3_access_key_id: str
    s3_secret_access_key: str


@asynccontextmanager
async def running(
    folder: Path, prefix: str, *, durable: bool = True, reset: bool = False
) -> AsyncIterator[Places]:
    """The servers, for as long as the block lasts; see ``embedded_servers``.

    With the prefix, these variables give others: DATABASE_URL, MONGO_URL, S3_URL; and beside
    that one S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.
    """

    def given(name: str) -> str:
        return os.environ.get(f"{prefix}{name}", "")

    urls: dict[Name, str] = {
        "postgres": given("DATABASE_URL"),
        "mongo": given("MONGO_URL"),
        "s3": given("S3_URL"),
    }
    missing = [name for name, url in urls.items() if not url]
    async with embedded_servers(folder, names=missing, durable=durable, reset=reset) as embedded:
        s3 = embedded.s3
        yield Places(
            embedded=embedded,
            database_url=urls["postgres"] or embedded.postgres.url,
            mongo_url=urls["mongo"] or embedded.mongo.url,
            s3_url=urls["s3"] or s3.url,
            s3_bucket=given("S3_BUCKET") or s3.bucket,
            s3_region=given("S3_REGION") or s3.region,
            s3_access_key_id=given("S3_ACCESS_KEY_ID") or s3.access_key_id,
            s3_secret_access_key=given("S3_SECRET_ACCESS_KEY") or s3.secret_access_key,
        )
