from collections.abc import AsyncIterator

import pytest

from server.embedded.servers import EmbeddedServers, embedded_servers


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServers]:
    async with embedded_servers(tmp_path_factory.mktemp("servers"), durable=False) as servers:
        yield servers
