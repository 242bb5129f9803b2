from collections.abc import AsyncIterator

import asyncpg
import pytest

from server.embedded.postgres import EmbeddedPostgres
from server.embedded.servers import embedded_servers


@pytest.fixture(scope="package")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    folder = tmp_path_factory.mktemp("servers")
    async with embedded_servers(folder, names=["postgres"], durable=False) as servers:
        yield servers.postgres


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> str:
    """A database with nothing in it."""
    connection = await asyncpg.connect(postgres.url)
    try:
        await connection.execute("drop schema public cascade")
        await connection.execute("create schema public")
    finally:
        await connection.close()
    return postgres.url
