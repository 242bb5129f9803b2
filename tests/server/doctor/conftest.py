"""What the tests of the doctor may ask for."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.logins import BACKGROUND, OPERATIONS, login
from tests.server.doctor.asking import staff
from tests.servers import Fresh, Servers


@pytest.fixture(scope="package")
async def sound(servers: Servers, fresh: Fresh) -> AsyncIterator[dict[str, Any]]:
    """Settings with which nothing is wrong, and everything they speak of, which no test changes."""
    async with (
        fresh.database() as database_url,
        fresh.mongo_database() as mongo_database,
        fresh.bucket() as bucket,
        login(database_url, *OPERATIONS) as operations,
        login(database_url, *BACKGROUND) as background,
    ):
        await staff(servers.mongo_url, mongo_database)
        yield {
            "database_url": operations,
            "background_url": background,
            "mongo_url": servers.mongo_url,
            "mongo_database": mongo_database,
            "s3_bucket": bucket,
            "s3_endpoint_url": servers.s3_url,
            "s3_public_url": "https://files.example.com",
            "s3_region": servers.s3_region,
            "s3_access_key_id": servers.s3_access_key_id,
            "s3_secret_access_key": servers.s3_secret_access_key,
            "s3_path_style": True,
            "jwt_secret": "a secret of the tests, long enough",
        }


@pytest.fixture
def good(sound: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The same, and what is there answers, however busy the machine is; tests of what does not
    say how long.
    """
    monkeypatch.setattr("server.doctor.LIMIT", 60.0)
    monkeypatch.setattr("server.doctor.directory.PATIENCE", 30_000)
    monkeypatch.setattr("server.doctor.postgres.ECHO", 30.0)
    return sound
