"""What the tests of the transports may ask for."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World

ORIGIN = "https://app.example.com"
INIT_SECONDS = 0.2
OPERATIONS = 3
OUTBOX_BYTES = 65_536


@pytest.fixture(scope="package")
async def strict(world: World) -> AsyncIterator[World]:
    """The same company by way of a server that allows little."""
    async with world.another_server(
        allowed_origins=(ORIGIN,),
        connection_init_seconds=INIT_SECONDS,
        introspection=False,
        socket_max_operations=OPERATIONS,
        socket_outbox_bytes=OUTBOX_BYTES,
    ) as server:
        yield server
